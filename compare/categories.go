package compare

import (
	"fmt"
	"maps"
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

// strangers are the text columns with values on the last side that no other side has: a CHECK, an ENUM or a lookup that was tried
// elsewhere has not met them.
func (p *profiles) strangers(c *comparison) []*difference {
	if len(c.sides) < 2 {
		return nil
	}
	var out []*difference
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		column, ok := strings.CutSuffix(key, "#categories")
		if !ok || p.rows[column+"#lengths"] == nil || p.rows[column+"#null_share"] == nil {
			continue
		}
		if d := p.strangersIn(c, column); d != nil {
			out = append(out, d)
		}
	}
	return out
}

func (p *profiles) strangersIn(c *comparison, column string) *difference {
	table := column[:max(strings.LastIndexByte(column, '.'), 0)]
	last := len(c.sides) - 1
	familiar := map[string]bool{}
	var sides []int
	for i := range c.sides {
		on, ok := p.columnOn(i, table, column)
		if !ok || on.rows == 0 {
			continue
		}
		if len(on.categories) == 0 {
			return nil // too many to know, or not to be seen
		}
		sides = append(sides, i)
		for v := range on.categories {
			familiar[v] = familiar[v] || i != last
		}
	}
	if len(sides) < 2 || sides[len(sides)-1] != last {
		return nil
	}
	on, _ := p.columnOn(last, table, column)
	var strange []string
	for v, known := range familiar {
		if !known {
			strange = append(strange, v)
		}
	}
	if len(strange) == 0 || len(familiar)-len(strange) > maxFamiliar {
		return nil
	}
	slices.SortFunc(strange, func(a, b string) int {
		if on.categories[a] != on.categories[b] {
			return int(on.categories[b] - on.categories[a])
		}
		return strings.Compare(a, b)
	})
	var named []string
	for _, v := range strange[:min(len(strange), maxStrange)] {
		named = append(named, fmt.Sprintf("%q in %s rows", v, snapshot.Float(on.categories[v]).Display()))
	}
	if more := len(strange) - maxStrange; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	d := p.about(c, column, sides...)
	d.remark = &remark{rule: "data-one-sided", share: -1, text: fmt.Sprintf("has values in %s that %s has none of (%s): would break a CHECK, an ENUM or a lookup",
		c.sides[last].Name, c.nameList(sides[:len(sides)-1]), strings.Join(named, ", "))}
	if c.opt.Pending != nil && c.opt.Pending(d.node.addr.Scope, strings.TrimPrefix(column[strings.IndexByte(column, '/'):], "/")) {
		d.remark.rule = "data-one-sided-pending"
	}
	return d
}
