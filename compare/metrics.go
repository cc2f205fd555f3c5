package compare

import (
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// silences remembers the plugins of collectd that are loaded and report nothing, as the merge passes over them.
type silences struct{ rows map[string]*row }

func (s *silences) note(r *row) {
	if strings.HasSuffix(r.key, ":collectd/silent#plugins") {
		keepRow(&s.rows, r)
	}
}

// findings reports them host by host: what all hosts of a role lack is no difference.
func (s *silences) findings(c *comparison) []finding.Finding {
	severity := c.severity("metric-missing")
	if severity == finding.Off {
		return nil
	}
	var out []finding.Finding
	for _, scope := range slices.Sorted(maps.Keys(s.rows)) {
		r := s.rows[scope]
		for side := range c.sides {
			cell := &r.cells[side]
			if len(cell.groups) == 0 {
				continue
			}
			view := c.views[side][scope]
			f := finding.Finding{Rule: "metric-missing", Severity: severity, Area: finding.AreaService, Address: cell.addr.String(), Change: finding.Failed}
			var all []int
			cell.on.each(func(i int) { all = append(all, i) })
			f.Values = valuesOn(c, cell, side, scope, all)
			var parts []string
			for _, g := range cell.groups {
				who := view.names(g.on)
				if len(who) > maxNames {
					who = append(who[:maxNames:maxNames], "…")
				}
				parts = append(parts, enumerate(texts(g.value))+" on "+enumerate(who))
			}
			f.Message = "collectd" + inSide(c, side) + " loads and reports nothing of " + clauses(parts)
			f.Seal([]string{c.sides[side].Name})
			out = append(out, f)
		}
	}
	return out
}
