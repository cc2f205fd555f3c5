package enginetest

import (
	"fmt"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var strangeNames = []dialects{
	every("plain"), every("Mixed Case"), every(`quo"ted`), every("it's"), every("back`tick"), every("[brackets]"), every("two\nlines"), every("dots.and/slashes"),
	{"": "emoji 😀", "mysql": "symbol ☃"}, // names of MySQL have no characters beyond U+FFFF
	every("select"), every("100%"), every("a;b"), every("--not a comment"), every(`back\slash`),
}

// names takes every kind of identifier through capture, DDL, rows and probes: all in one database, beside one another.
func (h Harness) names(t *testing.T) {
	var all []strangeName
	for _, each := range strangeNames {
		all = append(all, strangeName(each.of(t, h)))
	}
	target := h.with(t, "")
	session := h.session(t, h.open(t, target, engine.Scratch))
	for _, name := range all {
		for _, sql := range name.tables(h.Engine.Quote) {
			if _, err := session.Exec(h.context(t), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
	session.Close()
	got := h.capture(t, target)
	sameModel(t, "the schema rebuilt from its DDL", got, h.capture(t, h.rebuild(t, got)))

	db := h.open(t, target, engine.Scratch)
	for _, name := range all {
		h.copyInto(t, db, string(name), []string{"id", name.column()}, []engine.Row{{h.integer("1"), h.integer("5")}, {h.integer("2"), null()}})
	}
	db.Close()
	db = h.open(t, target, engine.ReadOnly)
	for _, name := range all {
		t.Run(string(name), func(t *testing.T) { h.named(t, name, got, db) })
	}
}

// strangeName is a table's; its column, index and check are named after it.
type strangeName string

func (n strangeName) column() string { return string(n) + " c" }
func (n strangeName) index() string  { return string(n) + " i" }
func (n strangeName) check() string  { return string(n) + " k" }

func (n strangeName) tables(q func(string) string) []string {
	return []string{
		fmt.Sprintf(`CREATE TABLE %s (id INTEGER PRIMARY KEY, %s INTEGER, CONSTRAINT %s CHECK (%s > 0))`, q(string(n)), q(n.column()), q(n.check()), q(n.column())),
		fmt.Sprintf(`CREATE INDEX %s ON %s (%s)`, q(n.index()), q(string(n)), q(n.column())),
	}
}

// named looks at one table in the captured model, and reads its two rows.
func (h Harness) named(t *testing.T, name strangeName, got *schema.Database, db engine.DB) {
	tab := table(t, got, string(name))
	if len(tab.Indexes) != 1 || tab.Indexes[0].Name != name.index() || tab.Indexes[0].Parts[0].Column != name.column() {
		t.Errorf("indexes %+v", tab.Indexes)
	}
	if len(tab.Checks) != 1 || tab.Checks[0].Name != name.check() || len(tab.Checks[0].Columns) != 1 || tab.Checks[0].Columns[0] != name.column() {
		t.Errorf("checks %+v", tab.Checks)
	}
	rows := h.copyOut(t, db, engine.Read{Table: tableName(string(name)), Columns: []string{name.column()}, OrderBy: []string{"id"}})
	sameText(t, "the rows", showAll([]engine.Row{{h.integer("5")}, {null()}}), showAll(rows))
	h.probe(t, db, schema.Obligation{Kind: schema.NotNull, Columns: []string{name.column()}}, schema.Relation{Table: tableName(string(name))}, 1, 2)
}
