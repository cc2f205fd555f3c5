package migrations

import (
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// origin says what is known of a table's rows at one point of the pending sequence.
type origin int

const (
	// own: production's rows, none changed.
	own origin = iota
	// selected: the rows of one recorded SELECT over production's rows.
	selected
	// empty: created by a pending migration and not filled yet.
	empty
	// written: changed by pending statements that production cannot be asked about.
	// rows, if any, are what they were before.
	written
	// seeded: only rows that the migrations bring themselves; production's data plays no part.
	seeded
)

// table is one table while the pending migrations run. Pointers to it stay valid over renames, so what was learnt of a
// table early can be told under its last name.
type table struct {
	name   schema.Name
	origin origin
	rows   *rows // nil for empty and seeded
}

// lineage follows the rows of every table through the pending sequence.
type lineage struct {
	engine string
	quote  func(string) string
	tables map[schema.Name]*table
	// views are production's, and changedViews those that pending statements made or changed: a SELECT that uses one
	// of these cannot be asked of production.
	views, changedViews []string
}

// newLineage starts with production as it is.
func newLineage(db *schema.Database, quote func(string) string) *lineage {
	l := &lineage{engine: db.Engine, quote: quote, tables: map[schema.Name]*table{}}
	for i := range db.Tables {
		t := &db.Tables[i]
		l.tables[t.Name] = &table{name: t.Name, origin: own, rows: ownRows(t)}
	}
	for _, v := range db.Views {
		l.views = append(l.views, v.Name.Name)
	}
	return l
}

// step takes one statement: its text, the schema before and after it, on an empty clone, and its effects on rows. It
// returns what the statement demands of rows that exist, and moves on. The text only tells whether a type is changed
// by an expression of the statement's own.
func (l *lineage) step(sql string, before, after *schema.Database, eff engine.Effects) []*Demand {
	m := match(before, after)
	var demands []*Demand
	if !m.renames() {
		for i := range after.Tables {
			t := &after.Tables[i]
			if old, ok := before.Table(t.Name); ok {
				demands = append(demands, l.altered(sql, old, t, after)...)
			}
		}
	}
	l.move(m, before, after, eff)
	if ins := eff.InsertSelect; ins != nil {
		demands = append(demands, l.inserted(ins, after, eff)...)
	}
	l.write(after, eff)
	return demands
}

// move applies the statement's structural changes.
func (l *lineage) move(m matched, before, after *schema.Database, eff engine.Effects) {
	for _, name := range m.dropped {
		if _, renamed := m.renamed[name]; !renamed {
			delete(l.tables, name)
		}
	}
	for old, name := range m.renamed {
		t := l.tables[old]
		delete(l.tables, old)
		t.name = name
		l.tables[name] = t
	}
	for _, name := range m.created {
		t := &table{name: name, origin: empty}
		if len(eff.Reads) > 0 && eff.InsertSelect == nil {
			t.origin = written // CREATE TABLE … AS SELECT
		}
		l.tables[name] = t
	}
	for i := range after.Tables {
		a := &after.Tables[i]
		t := l.tables[a.Name]
		if t == nil || t.rows == nil {
			continue
		}
		oldName := a.Name
		for old, name := range m.renamed {
			if name == a.Name {
				oldName = old
			}
		}
		if b, ok := before.Table(oldName); ok {
			t.rows = moveColumns(t.rows, b, a, m.columns[oldName])
		}
	}
	l.changedViews = append(l.changedViews, changedViews(before, after)...)
}

// moveColumns follows the columns of one table over one statement.
func moveColumns(r *rows, before, after *schema.Table, renamed map[string]string) *rows {
	same := len(before.Columns) == len(after.Columns) && renamed == nil
	for i := 0; same && i < len(after.Columns); i++ {
		same = before.Columns[i].Name == after.Columns[i].Name && before.Columns[i].Generated == after.Columns[i].Generated
	}
	if same {
		return r
	}
	back := map[string]string{}
	for old, name := range renamed {
		back[name] = old
	}
	next := r.clone()
	next.columns = nil
	for i := range after.Columns {
		a := &after.Columns[i]
		old := a.Name
		if b, ok := back[a.Name]; ok {
			old = b
		}
		if c, ok := r.find(old); ok {
			c.name = a.Name
			next.columns = append(next.columns, c)
			continue
		}
		next.columns = append(next.columns, r.added(a))
	}
	next.unchanged = false
	return next
}

// write records that the statement changed rows.
func (l *lineage) write(after *schema.Database, eff engine.Effects) {
	for _, name := range eff.Writes {
		t := l.tables[name]
		if t == nil {
			continue
		}
		if ins := eff.InsertSelect; ins != nil && ins.Table == name && t.origin == empty {
			l.fill(t, ins, after, eff)
			continue
		}
		t.origin = l.afterWrite(t, eff)
	}
}

// distrust is for a statement that ran and whose effects are not known: it may have written to every table.
func (l *lineage) distrust() {
	for _, t := range l.tables {
		t.origin = written
	}
}

// afterWrite tells rows that the migrations bring themselves from production's changed ones.
func (l *lineage) afterWrite(t *table, eff engine.Effects) origin {
	if t.origin != empty && t.origin != seeded {
		return written
	}
	for _, r := range eff.Reads {
		if from := l.tables[r]; r != t.name && from != nil && from.origin != empty && from.origin != seeded {
			return written
		}
	}
	return seeded
}

// touched are production's tables whose rows a statement reads or writes, wherever the rows are now.
func (l *lineage) touched(eff engine.Effects) []schema.Name {
	var out []schema.Name
	for _, names := range [][]schema.Name{eff.Writes, eff.Reads} {
		for _, name := range names {
			if t := l.tables[name]; t != nil && t.rows != nil {
				out = append(out, t.rows.reads...)
			}
		}
	}
	return out
}

func changedViews(before, after *schema.Database) []string {
	was := map[schema.Name]string{}
	for _, v := range before.Views {
		was[v.Name] = v.Definition
	}
	var out []string
	for _, v := range after.Views {
		if d, ok := was[v.Name]; !ok || d != v.Definition {
			out = append(out, v.Name.Name)
		}
		delete(was, v.Name)
	}
	for i := range before.Views {
		if _, dropped := was[before.Views[i].Name]; dropped {
			out = append(out, before.Views[i].Name.Name)
		}
	}
	return out
}
