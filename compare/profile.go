package compare

import (
	"slices"
	"strings"
)

// profiles remembers the rows of profiles as the merge passes over them.
type profiles struct{ rows map[string]*row }

func (p *profiles) note(r *row) {
	if !strings.HasPrefix(r.key[strings.IndexByte(r.key, ':')+1:], "profile/") {
		return
	}
	if p.rows == nil {
		p.rows = map[string]*row{}
	}
	p.rows[r.key] = r
}

// differences are the one-sided traits, one per column and trait, and columns that are distributed differently.
func (p *profiles) differences(c *comparison) []*difference {
	if len(c.sides) < 2 {
		return nil
	}
	out := p.oneSided(c)
	told := map[string]bool{}
	for _, d := range out {
		told[d.node.key] = true
	}
	for _, d := range p.driftOf(c) {
		if !told[d.node.key] { // its values are news already
			out = append(out, d)
		}
	}
	return out
}

// number is the largest number of an attribute on a side, over its instances.
func (p *profiles) number(side int, key string) (float64, bool) {
	r := p.rows[key]
	if r == nil {
		return 0, false
	}
	return largest(&r.cells[side])
}

// list is an attribute's list on a side; nil where instances differ: shards have no distribution in common.
func (p *profiles) list(side int, key string) []string {
	r := p.rows[key]
	if r == nil || len(r.cells[side].groups) != 1 {
		return nil
	}
	var items []string
	for _, v := range r.cells[side].groups[0].value.Items() {
		text, _ := v.Text()
		items = append(items, text)
	}
	return items
}

// keeps reports whether a side's policy leaves a property of a column to be compared.
func (p *profiles) keeps(side int, column, property string) bool {
	return slices.Contains(p.list(side, column+"#@kept"), property)
}

// tableOf is the object of a column's table.
func tableOf(column string) string { return column[:max(strings.LastIndexByte(column, '.'), 0)] }

// largest is the largest number of a cell, over its instances.
func largest(c *cell) (float64, bool) {
	var most float64
	found := false
	for _, g := range c.groups {
		if f, ok := g.value.Number(); ok && (!found || f > most) {
			most, found = f, true
		}
	}
	return most, found
}
