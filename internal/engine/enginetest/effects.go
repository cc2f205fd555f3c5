package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

const effectsTables = `CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER, s VARCHAR(20)); CREATE TABLE b (id INTEGER PRIMARY KEY, n INTEGER, s VARCHAR(20));
CREATE INDEX a_n ON a (n); CREATE VIEW va AS SELECT id, n FROM a; INSERT INTO a VALUES (1, 2, 'x')`

var effectsCases = []struct {
	name          string
	sql           dialects
	reads, writes string // space-separated
	insert        *engine.InsertSelect
}{
	{name: "select", sql: every("SELECT n FROM a"), reads: "a"},
	{name: "select through a view", sql: every("SELECT n FROM va"), reads: "a"},
	{name: "insert of values", sql: every("INSERT INTO a VALUES (2, 3, 'y')"), writes: "a"},
	{name: "insert of a query", sql: every("INSERT INTO b (n, id) SELECT n, id FROM a WHERE n > 0"), reads: "a", writes: "b",
		insert: &engine.InsertSelect{Table: tableName("b"), Columns: []string{"n", "id"}, Query: "SELECT n, id FROM a WHERE n > 0"}},
	{name: "insert of a query into all columns", sql: every("INSERT INTO b SELECT * FROM a"), reads: "a", writes: "b",
		insert: &engine.InsertSelect{Table: tableName("b"), Columns: []string{"id", "n", "s"}, Query: "SELECT * FROM a"}},
	{name: "insert of a query that begins with WITH", sql: dialects{
		"": "insert into \"b\" with q as (select id, n, s from a) select id, n, s from q", "mysql": "insert into `b` with q as (select id, n, s from a) select id, n, s from q"}, reads: "a", writes: "b",
		insert: &engine.InsertSelect{Table: tableName("b"), Columns: []string{"id", "n", "s"}, Query: "with q as (select id, n, s from a) select id, n, s from q"}},
	{name: "insert that skips what conflicts demands nothing", sql: dialects{
		"": "INSERT INTO b SELECT * FROM a WHERE true ON CONFLICT DO NOTHING", "mysql": "INSERT IGNORE INTO b SELECT * FROM a"}, reads: "a", writes: "b"},
	{name: "update", sql: every("UPDATE a SET n = 5"), reads: "a", writes: "a"},
	{name: "delete", sql: every("DELETE FROM a WHERE n = 2"), reads: "a", writes: "a"},
	{name: "delete of all rows", sql: every("DELETE FROM b"), writes: "b"},
	{name: "create table", sql: every("CREATE TABLE c (id INTEGER)")},
	{name: "drop table", sql: every("DROP TABLE b")},
	{name: "add a column", sql: every("ALTER TABLE a ADD COLUMN z INTEGER")},
	{name: "rename a table", sql: every("ALTER TABLE b RENAME TO bb")},
	{name: "begin", sql: every("BEGIN")},
}

// effects asks what a statement would read and write, and that asking does nothing.
func (h Harness) effects(t *testing.T) {
	target := h.with(t, effectsTables)
	before := h.capture(t, target)
	session := h.session(t, h.open(t, target, engine.Scratch))
	for _, c := range effectsCases {
		t.Run(c.name, func(t *testing.T) {
			got, err := session.Effects(h.context(t), c.sql.of(t, h))
			if err != nil {
				t.Fatal(err)
			}
			if writes := joined(got.Writes); writes != c.writes {
				t.Errorf("writes %q, want %q", writes, c.writes)
			}
			// An engine may also name a table that a write looks up; it may not miss one.
			for _, name := range strings.Fields(c.reads) {
				if !slices.Contains(got.Reads, tableName(name)) && !(name == c.writes) {
					t.Errorf("reads %q, want %q", joined(got.Reads), c.reads)
				}
			}
			if c.reads == "" && c.writes == "" && len(got.Reads) > 0 {
				t.Errorf("reads %q, want nothing", joined(got.Reads))
			}
			sameInsert(t, c.insert, got.InsertSelect)
		})
	}
	t.Run("a statement that would fail", func(t *testing.T) {
		_, err := session.Effects(h.context(t), "INSERT INTO nowhere SELECT * FROM a")
		refused(t, "a missing table", err)
	})
	sameModel(t, "the schema after asking", before, h.capture(t, target))
	if got := h.value(t, session, "SELECT count(*) FROM a"); got != "1" {
		t.Errorf("asking changed the rows: %s", got)
	}
}

func sameInsert(t *testing.T, want, got *engine.InsertSelect) {
	t.Helper()
	if want == nil || got == nil {
		if want != nil || got != nil {
			t.Errorf("insert of a query: %+v, want %+v", got, want)
		}
		return
	}
	if got.Table != want.Table || !slices.Equal(got.Columns, want.Columns) || got.Query != want.Query {
		t.Errorf("insert of a query: %+v, want %+v", *got, *want)
	}
}

func joined(names []schema.Name) string {
	var s []string
	for _, n := range names {
		s = append(s, n.String())
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}
