package sanitize

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// reference is a foreign key, declared, in the policy or pending.
type reference struct {
	from, to               schema.Name
	fromColumns, toColumns []string
	when                   string
	what                   string // for messages
	declared               bool
	full                   bool // MATCH FULL
	checked                bool // it has to hold in the copy
	entry                  Reference
}

// holds reports a foreign key that has to hold in the copy: PostgreSQL looks at every row when it makes one, and in a copy that stays, rows that refer to
// nothing would break whatever relies on the key. Elsewhere a rehearsal's rows may be orphans, and what that decides is a probe's.
func (b *planner) holds(fk schema.ForeignKey) bool {
	return !fk.NotValid && !fk.NotEnforced && (b.sch.Engine == "postgres" || b.plan.Use == Keepable)
}

// resolveReferences gathers the declared foreign keys and the policy's.
func (b *planner) resolveReferences() {
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		for _, fk := range t.ForeignKeys {
			to := fk.RefColumns
			if parent, ok := b.sch.Table(fk.RefTable); ok && len(to) == 0 && parent.PrimaryKey != nil {
				to = parent.PrimaryKey.Columns
			}
			if len(to) != len(fk.Columns) {
				continue // the parent is gone; the rows are orphans and stay so
			}
			b.plan.references = append(b.plan.references, reference{from: t.Name, to: fk.RefTable, fromColumns: fk.Columns, toColumns: to, declared: true, full: strings.EqualFold(fk.Match, "full"), checked: b.holds(fk),
				what: "the foreign key " + place{t.Name, strings.Join(fk.Columns, ",")}.String()})
		}
	}
	for _, r := range b.policy.References {
		from, okFrom := b.resolve(r, r.From)
		to, okTo := b.resolve(r, r.To)
		if okFrom && okTo {
			b.plan.references = append(b.plan.references, reference{from: from.table, to: to.table, fromColumns: []string{from.column}, toColumns: []string{to.column},
				when: r.When, what: "the reference " + r.From.String(), entry: r})
		}
	}
}

func (b *planner) resolve(r Reference, c ColumnRef) (place, bool) {
	var keys []string
	for i := range b.sch.Tables {
		t := &b.sch.Tables[i]
		if key := TableKey(t.Name); key != c.Table {
			keys = append(keys, key)
			continue
		}
		if _, ok := t.Column(c.Column); ok {
			return place{t.Name, c.Column}, true
		}
		var names []string
		for _, col := range t.Columns {
			names = append(names, col.Name)
		}
		b.fail(r.Line, r.Col, "references: %s has no column %s%s", c.Table, c.Column, didYouMean(c.Column, names))
		return place{}, false
	}
	b.fail(r.Line, r.Col, "references: there is no table %s%s", c.Table, didYouMean(c.Table, keys))
	return place{}, false
}

// checkReferences demands one mask and one domain at both ends of every foreign key, and the rows that it refers to where the engine looks for them.
func (b *planner) checkReferences() {
	for _, r := range b.plan.references {
		if t, ok := b.plan.Table(r.to); ok && t.Exclude && r.checked && !b.unnamed(r.to) {
			b.checkExcluded(r)
			continue
		}
		for i := range r.fromColumns {
			from, to := place{r.from, r.fromColumns[i]}, place{r.to, r.toColumns[i]}
			child, childEntry := b.column(from)
			parent, _ := b.column(to)
			if child == nil {
				continue
			}
			if parent == nil {
				if t, ok := b.plan.Table(r.to); ok && t.Exclude && !b.unnamed(r.to) {
					b.warn("%s references %s, which is excluded: its rows will be orphans in the copy", from, TableKey(r.to))
				}
				continue
			}
			sameMask := child.Action == Mask && parent.Action == Mask && child.Mask == parent.Mask && child.Domain == parent.Domain
			nulled := child.Action == Set && child.Value == nil || child.Action == Drop
			if !(child.Action == Keep && parent.Action == Keep || sameMask || nulled) {
				b.fail(childEntry.Line, childEntry.Col, "%s: %s refers to %s, so both need the same mask and domain, or both keep", from, r.what, to)
			}
		}
	}
}

// checkExcluded refuses a foreign key that would not hold in the copy: its rows refer to a table that stays empty there. One null column is enough
// for a row to refer to nothing, unless the key is MATCH FULL.
func (b *planner) checkExcluded(r reference) {
	child, ok := b.plan.Table(r.from)
	if !ok || len(child.Columns) == 0 {
		return // it stays empty, too
	}
	nulls := 0
	var at *ColumnPolicy
	for _, name := range r.fromColumns {
		column, entry := b.column(place{r.from, name})
		if column == nil {
			return // a generated column: only the rows know
		}
		if at == nil {
			at = entry
		}
		if column.Action == Set && column.Value == nil || column.Action == Drop {
			nulls++
		}
	}
	if nulls == len(r.fromColumns) || nulls > 0 && !r.full {
		return
	}
	b.fail(at.Line, at.Col, "%s would not hold in the copy: it refers to %s, which has no rows there; copy that table (columns that nobody may see can be set), set %s to null, or exclude %s, too",
		r.what, TableKey(r.to), strings.Join(r.fromColumns, ", "), TableKey(r.from))
}

// unnamed reports a table that the policy does not speak of, which is an error of its own.
func (b *planner) unnamed(table schema.Name) bool {
	_, named := b.policy.Table(TableKey(table))
	return !named
}
