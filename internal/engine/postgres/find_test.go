package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// TestFindNamesTheRowsThatProbeCounts plants rows of every kind and wants their keys, as many as the probe counts.
func TestFindNamesTheRowsThatProbeCounts(t *testing.T) {
	_, at := arrange(t, `CREATE TABLE parents (id int PRIMARY KEY); INSERT INTO parents VALUES (1), (2);
CREATE TABLE people (id int PRIMARY KEY, email text, age int, parent int);
INSERT INTO people VALUES (1, 'a', 5, 1), (2, 'A', -1, 9), (3, NULL, NULL, NULL), (4, 'b', 7, 2), (5, 'b', 8, NULL), (6, NULL, 9, NULL)`)
	s := newSession(t, at)
	ctx := context.Background()
	ask := func(sql string) string {
		var got []string
		if err := s.Query(ctx, sql, func(r engine.Row) error { got = append(got, string(r[0].Data)); return nil }); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return strings.Join(got, " ")
	}
	parents := schema.Name{Name: "parents"}
	for _, tt := range []struct {
		name string
		o    schema.Obligation
		want string
	}{
		{"not null", schema.Obligation{Kind: schema.NotNull, Columns: []string{"email"}}, "3 6"},
		{"check", schema.Obligation{Kind: schema.CheckExpr, Expr: "age >= 0"}, "2"},
		{"unique", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}}, "4 5"},
		{"unique with equal nulls", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, NullsNotDistinct: true}, "3 4 5 6"},
		{"unique over an expression", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"lower(email)"}}, "1 2 4 5"},
		{"unique over two keys", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"email", "age > 0"}}, "4 5"},
		{"unique in part", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"lower(email)"}, Where: "age > 6"}, "4 5"},
		{"foreign key", schema.Obligation{Kind: schema.Reference, Columns: []string{"parent"}, RefTable: parents, RefColumns: []string{"id"}}, "2"},
		{"length", schema.Obligation{Kind: schema.Convertible, Columns: []string{"email"}, Type: "character varying(0)"}, "1 2 4 5"},
	} {
		rel := schema.Relation{Table: schema.Name{Name: "people"}}
		find, err := New().(engine.Finder).Find(tt.o, rel, []string{"id"})
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if got := ask(find + " ORDER BY 1"); got != tt.want {
			t.Errorf("%s: %s, want %s\n%s", tt.name, got, tt.want, find)
		}
		probe, err := New().Probe(tt.o, rel)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if got := ask("SELECT count(*) FROM (" + find + ") f JOIN (" + probe + ") p (bad, all_rows) ON p.bad > 0 HAVING count(*) = max(p.bad)"); got == "" {
			t.Errorf("%s: the probe counts others than %s", tt.name, tt.want)
		}
	}
	for name, o := range map[string]schema.Obligation{
		"an expression that reaches out": {Kind: schema.CheckExpr, Expr: "true) OR (true"},
		"a predicate with a second one":  {Kind: schema.UniqueKey, Exprs: []string{"id"}, Where: "true; DROP TABLE people"},
		"no columns":                     {Kind: schema.NotNull},
		"several columns of a reference": {Kind: schema.Reference, Columns: []string{"a", "b"}, RefColumns: []string{"a", "b"}, RefTable: parents},
	} {
		if sql, err := New().(engine.Finder).Find(o, schema.Relation{Table: schema.Name{Name: "people"}}, []string{"id"}); err == nil {
			t.Errorf("%s: %s", name, sql)
		}
	}
}
