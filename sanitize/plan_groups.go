package sanitize

import "slices"

// checkGroups refuses groups that could not be made coarser: everything that is kept of them has to be free of keys and able to be empty. A rehearsal's copy
// has none: it is dropped after minutes, and its rows have to be what production's are.
func (b *planner) checkGroups() {
	for i := range b.plan.Tables {
		t := &b.plan.Tables[i]
		entry, ok := b.policy.Table(TableKey(t.Table))
		if !ok || entry.Groups == nil || t.Exclude || t.Preserve {
			continue
		}
		kept := false
		for _, name := range entry.Groups.By {
			j := slices.IndexFunc(t.Columns, func(c ColumnPlan) bool { return c.Column == name })
			p := place{t.Table, name}
			if j < 0 {
				b.fail(entry.Line, entry.Col, "groups: %s is no column that is copied", p)
				continue
			}
			c := &t.Columns[j]
			switch {
			case c.Action == Set || c.Action == Drop:
				b.fail(entry.Line, entry.Col, "groups: %s has no values in the copy", p)
			case c.Action != Keep:
			case len(b.need(p).unique) > 0:
				b.fail(entry.Line, entry.Col, "groups: %s cannot be made coarser, since %s needs its values; mask it", p, b.need(p).unique[0])
			case !c.nullable && c.family.kind != familyText && c.family.kind != familyDate && !c.family.numeric():
				b.fail(entry.Line, entry.Col, "groups: %s is NOT NULL, and nothing of the type %s stands for no value; mask or set it", p, c.family.typ)
			default:
				kept = true
			}
		}
		if !kept && len(b.problems) == 0 {
			b.warn("groups of %s: no column of them is kept, so there is nothing to make coarser", TableKey(t.Table))
		}
		if b.plan.Use == Keepable && kept {
			t.Groups = entry.Groups
		}
	}
}
