package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func TestProbesOfWhatOnlyPostgresHas(t *testing.T) {
	server, at := arrange(t, `CREATE SCHEMA app; CREATE TABLE app.p (a int, b int, UNIQUE (a, b)); INSERT INTO app.p VALUES (1, 1), (2, NULL);
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE c (id int, a int, b int, s text, f text COLLATE nocase);
INSERT INTO c VALUES (1, 1, 1, 'short', 'Same'), (2, 1, NULL, 'rather long', 'same'), (3, NULL, NULL, 'padded     ', 'x'), (4, 9, 9, '12', NULL);
CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); CREATE TABLE parts_2 PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1), (1), (NULL)`)
	db := openRead(t, at)
	c := schema.Relation{Table: schema.Name{Name: "c"}}
	p := schema.Name{Schema: "app", Name: "p"}
	for _, k := range []struct {
		name string
		o    schema.Obligation
		rel  schema.Relation
		want string
	}{
		{"match full refuses half a key", schema.Obligation{Kind: schema.Reference, Columns: []string{"a", "b"}, RefTable: p, RefColumns: []string{"a", "b"}, Match: "full"}, c, "2 4"},
		{"match simple takes it", schema.Obligation{Kind: schema.Reference, Columns: []string{"a", "b"}, RefTable: p, RefColumns: []string{"a", "b"}, Match: "simple"}, c, "1 4"},
		{"a collation that ignores case", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"f"}}, c, "2 4"},
		{"an expression with a predicate and nulls that are equal", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"(b % 2)", "lower(f COLLATE \"C\")"}, Where: "id > 2", NullsNotDistinct: true}, c, "0 2"},
		{"text that becomes too long", schema.Obligation{Kind: schema.Convertible, Columns: []string{"s"}, Type: "character varying(6)"}, c, "1 4"},
		{"all partitions", schema.Obligation{Kind: schema.NotNull, Columns: []string{"id"}}, schema.Relation{Table: schema.Name{Name: "parts"}}, "1 3"},
		{"duplicates in a partition", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"id"}}, schema.Relation{Table: schema.Name{Name: "parts"}}, "2 3"},
	} {
		sql, err := New().Probe(k.o, k.rel)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		got := ""
		err = db.Query(context.Background(), sql, func(r engine.Row) error {
			got = string(r[0].Data) + " " + string(r[1].Data)
			return nil
		})
		if err != nil || got != k.want {
			t.Errorf("%s: got %s, %v, want %s\n%s", k.name, got, err, k.want, sql)
		}
	}

	sql, err := New().Probe(schema.Obligation{Kind: schema.Convertible, Columns: []string{"s"}, Type: "integer"}, c)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	err = db.Query(context.Background(), sql, func(r engine.Row) error {
		got = string(r[0].Data) + " " + string(r[1].Data)
		return nil
	})
	var refusal *engine.Error
	if server.Major < 16 && (!errors.As(err, &refusal) || refusal.Code != "42883") || server.Major >= 16 && got != "3 4" {
		t.Errorf("conversion to integer on %d: %s, %v", server.Major, got, err)
	}
}

func TestProbesCannotLeaveTheirPlace(t *testing.T) {
	c := schema.Relation{Table: schema.Name{Name: "c"}}
	for _, k := range []struct {
		o   schema.Obligation
		rel schema.Relation
	}{
		{schema.Obligation{Kind: schema.CheckExpr, Expr: "true), 0; DROP TABLE c; --"}, c},
		{schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"a)"}}, c},
		{schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"a"}, Where: "a) --"}, c},
		{schema.Obligation{Kind: schema.NotNull, Columns: []string{"a"}}, schema.Relation{Query: "SELECT 1; DELETE FROM c"}},
		{schema.Obligation{Kind: schema.NotNull, Columns: []string{"a"}}, schema.Relation{}},
		{schema.Obligation{Kind: schema.Convertible, Columns: []string{"a"}}, c},
	} {
		if sql, err := New().Probe(k.o, k.rel); err == nil {
			t.Errorf("%+v: %s", k.o, sql)
		}
	}
}
