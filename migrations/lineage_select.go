package migrations

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// fill gives an empty table the rows of a SELECT, if production can be asked for them.
func (l *lineage) fill(t *table, ins *engine.InsertSelect, after *schema.Database, eff engine.Effects) {
	def, ok := after.Table(ins.Table)
	if !ok {
		t.origin = written
		return
	}
	r, status := l.selection(ins, def, eff)
	switch {
	case status == Decisive:
		t.origin, t.rows = selected, r
	case l.afterWrite(t, eff) == seeded:
		t.origin = seeded
	default:
		t.origin, t.rows = written, r
	}
}

// selection is the rows of an INSERT … SELECT as production can be asked for them, and how much the answer is worth:
// decisive over rows that nothing pending has changed, conditional over ones that were written to, unproved where the
// query would not mean the same in production.
func (l *lineage) selection(ins *engine.InsertSelect, def *schema.Table, eff engine.Effects) (*rows, Status) {
	status := Decisive
	var reads []schema.Name
	moved := map[schema.Name]*rows{}
	for _, name := range eff.Reads {
		if name == ins.Table {
			continue
		}
		t := l.tables[name]
		if t == nil || t.rows == nil {
			return nil, Unproved
		}
		if t.origin == written {
			status = Conditional
		}
		if t.rows.query != "" || !t.rows.unchanged || t.rows.table != name {
			if name.Schema != "" { // a WITH cannot stand for a qualified name
				return nil, Unproved
			}
			moved[name] = t.rows
		}
		reads = append(reads, t.rows.reads...)
	}
	if mentions(ins.Query, l.changedViews) || len(moved) > 0 && (mentions(ins.Query, l.views) || qualified.MatchString(ins.Query)) {
		return nil, Unproved
	}
	return queryRows(def, insertColumns(ins, def), over(ins.Query, moved, l.quote), reads), status
}

// mentions reports whether a query's text holds one of these names, conservatively.
func mentions(query string, names []string) bool {
	lower := strings.ToLower(query)
	for _, n := range names {
		if strings.Contains(lower, strings.ToLower(n)) {
			return true
		}
	}
	return false
}

// insertColumns are the columns that an INSERT fills; without a list, all that can be written.
func insertColumns(ins *engine.InsertSelect, def *schema.Table) []string {
	if len(ins.Columns) > 0 {
		return ins.Columns
	}
	var out []string
	for _, c := range def.Columns {
		if c.Generated == "" && !c.Hidden {
			out = append(out, c.Name)
		}
	}
	return out
}
