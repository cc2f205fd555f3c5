package sanitize

import (
	"slices"

	"github.com/envdiff/envdiff/internal/schema"
)

// settleDomains gives all columns of a domain the same variant of the mask: what one of them needs, all get, or equal
// values would have different pseudonyms.
func (b *planner) settleDomains() {
	type family struct {
		opts  maskOptions
		mask  string
		first place
	}
	domains := map[string]*family{}
	b.eachMasked(func(p place, c *ColumnPlan, entry *ColumnPolicy) {
		d := domains[c.Domain]
		if d == nil {
			d = &family{opts: maskOptions{faithful: b.plan.Use == Rehearsal}, mask: c.Mask, first: p}
			domains[c.Domain] = d
		}
		if d.mask != c.Mask {
			b.fail(entry.Line, entry.Col, "%s: the domain %s is masked as %s here and as %s in %s; a domain has one mask", p, c.Domain, c.Mask, d.mask, d.first)
			return
		}
		n := b.need(p)
		if t, ok := b.sch.Table(p.table); ok {
			for _, check := range t.Checks {
				n.max = tighter(n.max, maxLength(check.Expr, p.column))
			}
		}
		d.opts.unique = d.opts.unique || len(n.unique) > 0
		d.opts.limits = d.opts.tighter(limits{chars: n.max})
		if def := b.definition(p); def != nil {
			d.opts.limits = d.opts.tighter(limitsOf(b.sch.Engine, def, c.family))
		}
		if elem := c.family.element(); elem.kind == familyInteger {
			limit := elem.maxInteger()
			if d.opts.maxInteger == "" || exceeds([]byte(d.opts.maxInteger), limit) {
				d.opts.maxInteger = limit
			}
		}
	})
	b.eachMasked(func(p place, c *ColumnPlan, _ *ColumnPolicy) {
		c.opts = domains[c.Domain].opts
		c.Kept = masks[c.Mask].kept(c.opts)
		c.Why = slices.Compact(slices.Sorted(slices.Values(b.need(p).unique)))
	})
}

// definition is a column as the schema has it.
func (b *planner) definition(p place) *schema.Column {
	t, ok := b.sch.Table(p.table)
	if !ok {
		return nil
	}
	c, _ := t.Column(p.column)
	return c
}

func (b *planner) eachMasked(fn func(place, *ColumnPlan, *ColumnPolicy)) {
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		for j := range t.Columns {
			if c := &t.Columns[j]; c.Action == Mask {
				if _, ok := masks[c.Mask]; !ok {
					continue // the reader said so
				}
				p := place{t.Table, c.Column}
				_, entry := b.column(p)
				fn(p, c, entry)
			}
		}
	}
}
