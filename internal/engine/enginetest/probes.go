package enginetest

import (
	"strconv"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// probeRows are the rows that the probes are asked about: every kind of violation is planted and counted by hand.
func probeRows(t *testing.T, h Harness) string {
	// The planted rows tell texts apart by case; MySQL's default collations do not.
	text := dialects{"": "VARCHAR(50)", "mysql": "VARCHAR(50) COLLATE utf8mb4_bin"}.of(t, h)
	return `
CREATE TABLE parents (id INTEGER PRIMARY KEY, region INTEGER, code INTEGER);
INSERT INTO parents VALUES (1, 1, 10), (2, 1, 20), (3, 2, NULL);
CREATE TABLE people (id INTEGER PRIMARY KEY, email ` + text + `, parent_id INTEGER, region INTEGER, age INTEGER, up INTEGER, gone INTEGER);
INSERT INTO people VALUES
 (1, 'a@x.example', 1, 1, 30, NULL, NULL),
 (2, 'A@X.example', 9, 1, -1, 1, NULL),
 (3, 'b@x.example', NULL, 2, NULL, 2, NULL),
 (4, 'b@x.example', 2, NULL, 50, 77, NULL),
 (5, 'b@x.example', 8, 1, -5, 5, 1),
 (6, NULL, 2, 2, 7, NULL, NULL),
 (7, NULL, 3, 1, 8, 1, NULL)`
}

var (
	people  = schema.Name{Name: "people"}
	parents = schema.Name{Name: "parents"}
)

var probeCases = []struct {
	name                string
	o                   schema.Obligation
	rel                 schema.Relation
	violations, checked int64
}{
	{"not null", schema.Obligation{Kind: schema.NotNull, Columns: []string{"email"}}, schema.Relation{Table: people}, 2, 7},
	{"not null, none violates", schema.Obligation{Kind: schema.NotNull, Columns: []string{"id"}}, schema.Relation{Table: people}, 0, 7},
	{"not null in what a query brings", schema.Obligation{Kind: schema.NotNull, Columns: []string{"e"}},
		schema.Relation{Query: "SELECT id, email FROM people WHERE id <> 6", Columns: []string{"i", "e"}}, 1, 6},
	{"not null in a query that begins with WITH and ends with a comment", schema.Obligation{Kind: schema.NotNull, Columns: []string{"e"}},
		schema.Relation{Query: "WITH x AS (SELECT email FROM people) SELECT email FROM x -- all", Columns: []string{"e"}}, 2, 7},

	{"unique", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}}, schema.Relation{Table: people}, 3, 7},
	{"unique over an expression", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, Exprs: []string{"lower(email)"}}, schema.Relation{Table: people}, 5, 7},
	{"unique in part of the rows", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, Where: "gone IS NULL"}, schema.Relation{Table: people}, 2, 6},
	{"unique over an expression in part of the rows, with a comment", schema.Obligation{Kind: schema.UniqueKey, Exprs: []string{"lower(email)", "region"}, Where: "gone IS NULL -- alive"}, schema.Relation{Table: people}, 2, 6},
	{"unique where nulls are equal", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"email"}, NullsNotDistinct: true}, schema.Relation{Table: people}, 5, 7},
	{"unique over two columns, one null", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"parent_id", "region"}}, schema.Relation{Table: people}, 0, 7},
	{"unique over two columns", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"region", "gone"}, NullsNotDistinct: true}, schema.Relation{Table: people}, 5, 7},
	{"unique in what a query brings", schema.Obligation{Kind: schema.UniqueKey, Columns: []string{"k"}},
		schema.Relation{Query: "SELECT (age - age % 10) / 10 FROM people WHERE age > 0", Columns: []string{"k"}}, 2, 4},

	{"foreign key", schema.Obligation{Kind: schema.Reference, Columns: []string{"parent_id"}, RefTable: parents, RefColumns: []string{"id"}}, schema.Relation{Table: people}, 2, 7},
	{"foreign key over two columns: a null passes", schema.Obligation{Kind: schema.Reference, Columns: []string{"parent_id", "region"}, RefTable: parents, RefColumns: []string{"id", "region"}, Match: "simple"},
		schema.Relation{Table: people}, 4, 7},
	{"foreign key to itself", schema.Obligation{Kind: schema.Reference, Table: people, Columns: []string{"up"}, RefTable: people, RefColumns: []string{"id"}}, schema.Relation{Table: people}, 1, 7},
	{"foreign key to itself in what a query brings", schema.Obligation{Kind: schema.Reference, Table: schema.Name{Name: "people_new"}, Columns: []string{"up"}, RefTable: schema.Name{Name: "people_new"}, RefColumns: []string{"id"}},
		schema.Relation{Query: "SELECT id, up FROM people WHERE id <> 1", Columns: []string{"id", "up"}}, 3, 6},

	{"check", schema.Obligation{Kind: schema.CheckExpr, Expr: "age >= 0"}, schema.Relation{Table: people}, 2, 7},
	{"check that ends in a comment", schema.Obligation{Kind: schema.CheckExpr, Expr: "age >= 0 -- adults"}, schema.Relation{Table: people}, 2, 7},
	{"check that is never false", schema.Obligation{Kind: schema.CheckExpr, Expr: "age IS NULL OR age > -100"}, schema.Relation{Table: people}, 0, 7},
	{"check over two columns", schema.Obligation{Kind: schema.CheckExpr, Expr: "age > region OR age < 0"}, schema.Relation{Table: people}, 0, 7},
	{"check in what a query brings", schema.Obligation{Kind: schema.CheckExpr, Expr: "a < 40"},
		schema.Relation{Query: "SELECT age FROM people WHERE gone IS NULL", Columns: []string{"a"}}, 1, 6},
}

// probes counts planted violations.
func (h Harness) probes(t *testing.T) {
	db := h.open(t, h.with(t, probeRows(t, h)), engine.ReadOnly)
	for _, c := range probeCases {
		t.Run(c.name, func(t *testing.T) { h.probe(t, db, c.o, c.rel, c.violations, c.checked) })
	}
	t.Run("an empty table has no violations", func(t *testing.T) {
		db := h.open(t, h.with(t, `CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE people (id INTEGER, email VARCHAR(9))`), engine.ReadOnly)
		rel := schema.Relation{Table: people}
		for _, o := range []schema.Obligation{
			{Kind: schema.NotNull, Columns: []string{"email"}},
			{Kind: schema.UniqueKey, Columns: []string{"email"}},
			{Kind: schema.Reference, Columns: []string{"id"}, RefTable: parents, RefColumns: []string{"id"}},
			{Kind: schema.CheckExpr, Expr: "id > 0"},
		} {
			h.probe(t, db, o, rel, 0, 0)
		}
	})
	t.Run("an obligation without what it needs is an error", func(t *testing.T) {
		rel := schema.Relation{Table: people}
		for _, o := range []schema.Obligation{
			{Kind: schema.NotNull},
			{Kind: schema.UniqueKey},
			{Kind: schema.Reference, Columns: []string{"a", "b"}, RefTable: parents, RefColumns: []string{"id"}},
			{Kind: schema.CheckExpr},
			{Kind: "something else", Columns: []string{"a"}},
		} {
			if sql, err := h.Engine.Probe(o, rel); err == nil {
				t.Errorf("%+v: got %s", o, sql)
			}
		}
	})
}

// probe asks one question and wants two counts.
func (h Harness) probe(t *testing.T, db querier, o schema.Obligation, rel schema.Relation, violations, checked int64) {
	t.Helper()
	sql, err := h.Engine.Probe(o, rel)
	if err != nil {
		t.Fatalf("probe: %v", err)
	}
	rows := h.query(t, db, sql)
	if len(rows) != 1 || len(rows[0]) != 2 {
		t.Fatalf("%s: want one row of two counts, got %d rows", sql, len(rows))
	}
	var got [2]int64
	for i, c := range rows[0] {
		if got[i], err = strconv.ParseInt(string(c.Data), 10, 64); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if got[0] != violations || got[1] != checked {
		t.Errorf("%d of %d rows violate it, want %d of %d\n%s", got[0], got[1], violations, checked, sql)
	}
}
