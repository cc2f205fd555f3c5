package sqlite

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// TestFindNamesTheRowsThatProbeCounts plants rows of every kind and wants their keys.
func TestFindNamesTheRowsThatProbeCounts(t *testing.T) {
	ctx := context.Background()
	e := sqliteEngine{}
	target, err := e.CreateScratch(ctx, engine.Target{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.Open(ctx, target, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(ctx, `CREATE TABLE parents (id INTEGER PRIMARY KEY); INSERT INTO parents VALUES (1), (2);
		CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, parent INTEGER, nick TEXT COLLATE NOCASE);
		INSERT INTO people VALUES (1, 'a', 5, 1, 'x'), (2, 'A', -1, 9, 'X'), (3, NULL, NULL, NULL, 'y'), (4, 'b', 7, 2, 'y'), (5, 'b', 8, NULL, '6');
		CREATE TABLE nicks (nick TEXT COLLATE NOCASE, n INTEGER); INSERT INTO nicks VALUES ('A', 5), ('b', 7)`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		o    schema.Obligation
		want string
	}{
		{"not null", schema.Obligation{Kind: schema.NotNull, Columns: []string{"email"}}, "3"},
		{"check", schema.Obligation{Kind: schema.CheckExpr, Expr: "age >= 0"}, "2"},
		{"unique", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}}, "4 5"},
		{"unique over an expression", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"lower(email)"}, Collations: []string{"BINARY"}}, "1 2 4 5"},
		{"unique under a collation", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, Collations: []string{"NOCASE"}}, "1 2 4 5"},
		{"unique over two keys", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"email", "age > 0"}}, "4 5"},
		{"unique in part", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"lower(email)"}, Where: "age > 6"}, "4 5"},
		{"unique byte by byte over a column that is not", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"nick"}, Collations: []string{"BINARY"}}, "3 4"},
		{"unique byte by byte over a function", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"trim(nick)"}, Collations: []string{"BINARY"}}, "3 4"},
		{"unique byte by byte over a function of a collation", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"trim(email COLLATE NOCASE)"}, Collations: []string{"BINARY"}}, "4 5"},
		{"unique byte by byte over two functions", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"trim(nick) || lower(nick)"}, Collations: []string{"BINARY"}}, "3 4"},
		{"type", schema.Obligation{Kind: schema.Convertible, Columns: []string{"nick"}, Type: "INTEGER", Strict: true}, "1 2 3 4"},
		{"foreign key of two columns, under the parent's collation", schema.Obligation{Kind: schema.Reference, Columns: []string{"email", "age"}, RefTable: schema.Name{Name: "nicks"}, RefColumns: []string{"nick", "n"}}, "2 5"},
		{"foreign key to the table itself", schema.Obligation{Kind: schema.Reference, Table: schema.Name{Name: "people"}, Columns: []string{"parent"}, RefTable: schema.Name{Name: "people"}, RefColumns: []string{"id"}}, "2"},
		{"check with a comment", schema.Obligation{Kind: schema.CheckExpr, Expr: "age >= 0 -- grown"}, "2"},
		{"unique in part with a comment", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, Where: "age > 0 OR age < 0 -- some"}, "4 5"},
		{"foreign key", schema.Obligation{Kind: schema.Reference, Columns: []string{"parent"}, RefTable: schema.Name{Name: "parents"}, RefColumns: []string{"id"}}, "2"},
	} {
		for _, rel := range []schema.Relation{{Table: schema.Name{Name: "people"}}, {Query: "SELECT * FROM people -- all", Columns: []string{"id", "email", "age", "parent", "nick"}}} {
			sql, err := e.Find(tt.o, rel, []string{"id"})
			if err != nil {
				t.Fatal(tt.name, err)
			}
			var got []string
			if err := s.Query(ctx, sql+" ORDER BY 1", func(r engine.Row) error { got = append(got, string(r[0].Data)); return nil }); err != nil {
				t.Fatal(tt.name, err)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%s: %v, want %s\n%s", tt.name, got, tt.want, sql)
			}
			probe, err := e.Probe(tt.o, rel)
			if err != nil {
				t.Fatal(tt.name, err)
			}
			count := ""
			if err := s.Query(ctx, probe, func(r engine.Row) error { count = string(r[0].Data); return nil }); err != nil || count != strconv.Itoa(len(got)) {
				t.Errorf("%s: %s rows counted (%v), %d found", tt.name, count, err, len(got))
			}
		}
	}
}
