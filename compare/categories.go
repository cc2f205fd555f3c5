package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

const (
	// maxFamiliar is how many values a text column may have on the other sides for a new one to be news.
	maxFamiliar = 12
	// maxStrange is how many of the new ones are named.
	maxStrange = 3
)

// strangers are the values of a text column on the last side that no other side has: a CHECK, an ENUM or a lookup that was tried
// elsewhere has not met them.
func (p *profiles) strangers(c *comparison, column string) (suspect, bool) {
	if p.rows[column+"#lengths"] == nil || p.rows[column+"#nulls"] == nil {
		return suspect{}, false
	}
	last := len(c.sides) - 1
	familiar := map[string]bool{}
	var sides []int
	var others float64 // rows
	for i := range c.sides {
		on, ok := p.columnOn(i, tableOf(column), column)
		if !ok || i != last && on.undated {
			continue
		}
		if len(on.categories) == 0 {
			return suspect{}, false // too many to know, or not to be seen
		}
		sides = append(sides, i)
		if i != last {
			others += on.rows * (1 - on.outdated)
		}
		for v := range on.categories {
			familiar[v] = familiar[v] || i != last
		}
	}
	if len(sides) < 2 || sides[len(sides)-1] != last {
		return suspect{}, false
	}
	on, _ := p.columnOn(last, tableOf(column), column)
	s := suspect{p: untestable, pending: p.pending(c, column) && !on.undated}
	var strange []string
	for v, n := range on.categories {
		with := evidence{rows: others}
		if familiar[v] {
			with.with = 1
		} else {
			strange = append(strange, v)
		}
		// Which value is rare was not known before: each of them was a test.
		if one, ok := test(evidence{max(0, n-on.outdated*on.rows), on.rows}, with); ok {
			s.p = min(s.p, min(1, one*float64(len(on.categories))))
		}
	}
	if len(strange) > 0 && len(familiar)-len(strange) <= maxFamiliar {
		s.d = p.strangersOf(c, column, sides, strange, on)
	}
	return s, true
}

// strangersOf says it.
func (p *profiles) strangersOf(c *comparison, column string, sides []int, strange []string, on columnOn) *difference {
	last := len(c.sides) - 1
	slices.SortFunc(strange, func(a, b string) int {
		if on.categories[a] != on.categories[b] {
			return int(on.categories[b] - on.categories[a])
		}
		return strings.Compare(a, b)
	})
	var named []string
	for _, v := range strange[:min(len(strange), maxStrange)] {
		named = append(named, fmt.Sprintf("%q in %s rows", v, amountOf(on.categories[v], on.tableOn)))
	}
	if more := len(strange) - maxStrange; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	d := p.about(c, column, sides...)
	d.remark = &remark{rule: on.oneSidedRule(), share: -1, text: fmt.Sprintf("has values in %s that %s has none of (%s): would break a CHECK, an ENUM or a lookup",
		c.sides[last].Name, c.nameList(sides[:len(sides)-1]), strings.Join(named, ", ")) + p.grades(c, tableOf(column), sides)}
	return d
}

// amountOf is how many rows: of all a count, else a share.
func amountOf(n float64, on tableOn) string {
	if on.grade == planner || on.grade == sample {
		return "about " + percent(n/on.rows) + " of the"
	}
	return snapshot.Float(n).Display()
}
