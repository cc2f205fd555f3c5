package sanitize

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// checkColumns compares each column's action with what its type, its constraints and the pending migrations demand.
func (b *planner) checkColumns(demands []schema.Obligation) {
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		table, _ := b.sch.Table(t.Table)
		for j := range t.Columns {
			c := &t.Columns[j]
			def, _ := table.Column(c.Column)
			_, entry := b.column(place{t.Table, c.Column})
			switch c.Action {
			case Keep:
				c.Kept = []string{"all"}
			case Mask:
				b.checkMask(table, c, entry, demands)
			case Review:
				b.fail(entry.Line, entry.Col, "%s waits for somebody to decide (%s): write keep: true if nobody is in it, or set or drop, instead of review", place{t.Table, c.Column}, entry.Reason)
			case Set:
				b.checkSet(table, def, c, entry)
			case Drop:
				if !def.Nullable && def.Default == nil && def.Identity == "" {
					b.fail(entry.Line, entry.Col, "%s cannot be dropped: it is NOT NULL and has no default; use set", describe(t.Table, c.Column))
				}
			}
		}
	}
}

func (b *planner) checkSet(table *schema.Table, def *schema.Column, c *ColumnPlan, entry *ColumnPolicy) {
	p := place{table.Name, c.Column}
	n := b.need(p)
	switch {
	case c.Value == nil && !def.Nullable:
		b.fail(entry.Line, entry.Col, "%s is NOT NULL: set it to a value", p)
	case c.Value != nil && b.aloneInKey(table, c.Column):
		b.fail(entry.Line, entry.Col, "%s: one value for all rows breaks %s; mask it, or set: null", p, n.unique[0])
	case c.Value != nil && c.family.elem == nil && !limitsOf(b.sch.Engine, def, c.family).holds([]byte(*c.Value)):
		b.fail(entry.Line, entry.Col, "%s: the value is longer than %s holds", p, def.Type)
	case c.Value != nil && !spells(def.Collation, *c.Value):
		b.fail(entry.Line, entry.Col, "%s: the value has a character that the column's character set does not have (%s)", p, def.Collation)
	}
	c.Kept = []string{}
}

// aloneInKey reports whether the column is a unique key by itself.
func (b *planner) aloneInKey(t *schema.Table, column string) bool {
	alone := func(columns []string) bool { return len(columns) == 1 && columns[0] == column }
	if t.PrimaryKey != nil && alone(t.PrimaryKey.Columns) {
		return true
	}
	for _, u := range t.Unique {
		if alone(u.Columns) {
			return true
		}
	}
	for _, x := range t.Indexes {
		if x.Unique && len(x.Parts) == 1 && (x.Parts[0].Column == column || alone(columnsIn(t, x.Parts[0].Expr))) && x.Where == "" {
			return true
		}
	}
	return false
}

func (b *planner) checkMask(table *schema.Table, c *ColumnPlan, entry *ColumnPolicy, demands []schema.Obligation) {
	m, ok := masks[c.Mask]
	if !ok {
		return
	}
	p := place{table.Name, c.Column}
	n := b.need(p)
	if b.sch.Engine != "sqlite" && !accepts(m.accepts, c.family) {
		b.fail(entry.Line, entry.Col, "%s has the type %s, which the mask %s cannot hold: %s", p, c.family.typ, c.Mask, fitting(c.family))
		return
	}
	if len(n.unique) > 0 && !m.injective(c.opts) {
		b.fail(entry.Line, entry.Col, "%s: the mask %s does not keep different values different, and %s needs that", p, c.Mask, n.unique[0])
	}
	if len(n.fold) > 0 && !slices.Contains(m.keeps, KeepsFold) {
		b.fail(entry.Line, entry.Col, "%s: the mask %s does not keep what differs in case or blanks only, and %s compares so", p, c.Mask, n.fold[0])
	}
	for _, why := range slices.Compact(slices.Sorted(slices.Values(n.broken))) {
		b.fail(entry.Line, entry.Col, "%s: no mask keeps that %s; keep it, set it, or exclude the table", p, why)
	}
	if c.Mask == "phone" && c.opts.unique {
		b.warn("%s: digits are permuted, since the reserved phone numbers are too few to keep different ones different (%s)", p, strings.Join(c.Why, ", "))
	}
	for _, check := range table.Checks {
		b.checkExpr(table, c, entry, check.Expr, "the check "+schema.AutoName(check.Name, "check", check.Columns, ""), true)
	}
	for _, o := range demands {
		if o.Kind == schema.CheckExpr && o.Table == table.Name {
			b.checkExpr(table, c, entry, o.Expr, "the pending check "+o.Constraint, false)
		}
	}
}

// checkExpr refuses a mask under a check that compares the column with a value; dates move little, so there it is a
// warning. A pending check is a warning too: its read-only probe decides.
func (b *planner) checkExpr(table *schema.Table, c *ColumnPlan, entry *ColumnPolicy, expr, what string, existing bool) {
	if !slices.Contains(columnsIn(table, expr), c.Column) {
		return
	}
	literal := compared(table, expr, c.Column)
	if literal == "" {
		return
	}
	p := place{table.Name, c.Column}
	if existing && c.Mask != "date" && c.Mask != "birth-date" {
		b.fail(entry.Line, entry.Col, "%s: %s compares it with a value, which the mask %s does not keep; keep it or set it", p, what, c.Mask)
		return
	}
	b.warn("%s: %s compares it with a value, which its mask may not keep", p, what)
}

// accepts reports whether a mask of these families can hold a type: an array, if it can hold its elements.
func accepts(list families, f family) bool {
	return slices.Contains(list, f.element().kind)
}

// fitting names the masks for a family of types.
func fitting(f family) string {
	var names []string
	for _, n := range Masks() {
		if accepts(masks[n].accepts, f) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "use keep, set or drop"
	}
	return "use " + strings.Join(names, ", ") + ", keep, set or drop"
}
