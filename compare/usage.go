package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// swapShare is the share of memory beyond which used swap is a finding.
const swapShare = 0.2

// usage remembers the memory and the used swap of every host as the merge passes over
// them: swapping is said of one host alone.
type usage struct{ memory, swap map[string]*row }

func (u *usage) note(r *row) {
	switch {
	case strings.HasSuffix(r.key, ":host/memory#total_bytes"):
		keepRow(&u.memory, r)
	case strings.HasSuffix(r.key, ":host/swap#used_bytes"):
		keepRow(&u.swap, r)
	}
}

func keepRow(m *map[string]*row, r *row) {
	if *m == nil {
		*m = map[string]*row{}
	}
	(*m)[scopeOf(r.key)] = r
}

// findings reports the hosts of each side that swap, one finding per role.
func (u *usage) findings(c *comparison) []finding.Finding {
	severity := c.severity("swapping")
	if severity == finding.Off {
		return nil
	}
	var out []finding.Finding
	for _, scope := range slices.Sorted(maps.Keys(u.swap)) {
		swap, memory := u.swap[scope], u.memory[scope]
		if memory == nil {
			continue
		}
		for i := range c.sides {
			if f, ok := c.swapping(scope, i, &swap.cells[i], &memory.cells[i]); ok {
				f.Severity = severity
				out = append(out, f)
			}
		}
	}
	return out
}

func (c *comparison) swapping(scope string, side int, swap, memory *cell) (finding.Finding, bool) {
	view := c.views[side][scope]
	if view == nil {
		return finding.Finding{}, false
	}
	f := finding.Finding{Rule: "swapping", Area: finding.AreaHost, Address: swap.addr.String(), Change: finding.Odd}
	var texts []string
	hosts := 0
	for _, g := range swap.groups {
		used, ok := g.value.Number()
		if !ok {
			continue
		}
		over := newMembers(len(view.instances))
		g.on.each(func(i int) {
			if total, ok := numberOn(memory, i); ok && used > swapShare*total {
				over.add(i)
				texts = append(texts, fmt.Sprintf("%s uses %s of swap beside %s of memory", view.instances[i], bytesText(used), bytesText(total)))
			}
		})
		if over.empty() {
			continue
		}
		hosts += over.count()
		f.Values = append(f.Values, finding.Side{Environment: c.sides[side].Name, State: finding.Present, Value: json.RawMessage(g.value.JSON()), Instances: view.names(over)})
	}
	if hosts == 0 {
		return f, false
	}
	f.Message = scope + ": " + strings.Join(texts[:min(len(texts), maxNames)], ", ")
	if hosts > maxNames {
		f.Message += fmt.Sprintf(", and %d more", hosts-maxNames)
	}
	f.Seal([]string{c.sides[side].Name})
	return f, true
}

func numberOn(c *cell, instance int) (float64, bool) {
	for _, g := range c.groups {
		if g.on.has(instance) {
			return g.value.Number()
		}
	}
	return 0, false
}
