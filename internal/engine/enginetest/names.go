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

// names takes every kind of identifier through capture, DDL, rows and probes.
func (h Harness) names(t *testing.T) {
	for _, each := range strangeNames {
		name := each.of(t, h)
		t.Run(name, func(t *testing.T) {
			q := h.Engine.Quote
			column, index := name+" c", name+" i"
			target := h.with(t, "")
			session := h.session(t, h.open(t, target, engine.Scratch))
			for _, sql := range []string{
				fmt.Sprintf(`CREATE TABLE %s (id INTEGER PRIMARY KEY, %s INTEGER, CONSTRAINT %s CHECK (%s > 0))`, q(name), q(column), q(name+" k"), q(column)),
				fmt.Sprintf(`CREATE INDEX %s ON %s (%s)`, q(index), q(name), q(column)),
			} {
				if _, err := session.Exec(h.context(t), sql); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			session.Close()

			got := h.capture(t, target)
			tab := table(t, got, name)
			if len(tab.Indexes) != 1 || tab.Indexes[0].Name != index || tab.Indexes[0].Parts[0].Column != column {
				t.Errorf("indexes %+v", tab.Indexes)
			}
			if len(tab.Checks) != 1 || tab.Checks[0].Name != name+" k" || len(tab.Checks[0].Columns) != 1 || tab.Checks[0].Columns[0] != column {
				t.Errorf("checks %+v", tab.Checks)
			}
			sameModel(t, "the schema rebuilt from its DDL", got, h.capture(t, h.rebuild(t, got)))

			h.copyIn(t, target, name, []string{"id", column}, []engine.Row{{h.integer("1"), h.integer("5")}, {h.integer("2"), null()}})
			db := h.open(t, target, engine.ReadOnly)
			rows := h.copyOut(t, db, engine.Read{Table: schema.Name{Name: name}, Columns: []string{column}, OrderBy: []string{"id"}})
			sameText(t, "the rows", showAll([]engine.Row{{h.integer("5")}, {null()}}), showAll(rows))
			h.probe(t, db, schema.Obligation{Kind: schema.NotNull, Columns: []string{column}}, schema.Relation{Table: schema.Name{Name: name}}, 1, 2)
		})
	}
}
