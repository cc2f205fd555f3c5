package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// trait is something that the last environment's data has and no other's has: what
// staging never saw breaks in production first.
type trait struct {
	attribute string
	has       func(last, others float64) bool
	text      string // what the values are
	breaks    string // the migrations that would pass elsewhere and fail here
}

// traits are what a profile is searched for, as data.
var traits = []trait{
	{"nulls", onlyLast, "nulls", "NOT NULL"},
	{"blanks", onlyLast, "blank values", "a CHECK on emptiness, or a cast to a number or date"},
	{"non_ascii", onlyLast, "values beyond ASCII", "a change of character set, or a limit in bytes"},
	{"negatives", onlyLast, "negative numbers", "a CHECK (>= 0), or an unsigned type"},
	{"zeros", onlyLast, "zeros", "a CHECK (> 0), or a division"},
	{"max_length", muchLonger, "values of up to %s characters", "a shorter VARCHAR, or an index with a length limit"},
	{"max_digits", moreDigits, "numbers of up to %s digits", "a smaller integer or NUMERIC type"},
}

func onlyLast(last, others float64) bool { return last > 0 && others == 0 }

// limits are lengths that people choose for columns, and the two that engines set: an entry of PostgreSQL's B-tree
// indexes (2,704 bytes) and MySQL's TEXT. Between them nobody draws a line: a longer comment is no risk.
var limits = []float64{50, 64, 100, 128, 191, 255, 2704, 65535}

// muchLonger wants half as much again, and a usual limit between the two: lengths always differ a little.
func muchLonger(last, others float64) bool {
	if last < 1.5*others {
		return false
	}
	for _, l := range limits {
		if others <= l && last > l {
			return true
		}
	}
	return false
}

// moreDigits wants a usual integer size between the two: 9 and 18 digits fit into 4 and 8
// bytes. Below that, more rows have larger ids.
func moreDigits(last, others float64) bool {
	for _, size := range []float64{9, 18} {
		if others <= size && last > size {
			return true
		}
	}
	return false
}

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
	var out []*difference
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		for i := range traits {
			if attributeOf(key) == traits[i].attribute {
				if d := p.oneSided(c, key, &traits[i]); d != nil {
					out = append(out, d)
				}
			}
		}
	}
	strange := p.strangers(c)
	told := map[string]bool{}
	for _, d := range strange {
		told[d.node.key] = true
	}
	out = append(out, strange...)
	for _, d := range p.driftOf(c) {
		if !told[d.node.key] { // its values are news already
			out = append(out, d)
		}
	}
	return out
}

// oneSided compares the last side's trait with the others'. Sides without the column or without rows say nothing.
func (p *profiles) oneSided(c *comparison, key string, t *trait) *difference {
	r := p.rows[key]
	object, _, _ := strings.Cut(key, "#")
	table := object[:max(strings.LastIndexByte(object, '.'), 0)]
	counts := p.rows[table+"#rows"]
	if counts == nil {
		return nil
	}
	last := len(c.sides) - 1
	var others float64
	d := &difference{alone: true, node: &node{key: key, object: object, parent: object, addr: r.address(), kind: r.kind, cells: make([]nodeCell, len(c.sides))}}
	for i := range c.sides {
		value, ok := largest(&r.cells[i])
		if rows, counted := largest(&counts.cells[i]); !ok || !counted || rows == 0 {
			if i == last {
				return nil
			}
			continue
		}
		d.sides = append(d.sides, i)
		d.node.cells[i] = nodeCell{addr: r.cells[i].addr, present: r.cells[i].groups}
		for _, s := range partition(d.node.cells[i]) {
			s.side = i
			d.shares = append(d.shares, s)
		}
		if i != last {
			others = max(others, value)
		}
	}
	value, _ := largest(&r.cells[last])
	if len(d.sides) < 2 || !t.has(value, others) {
		return nil
	}
	d.remark = &remark{rule: "data-one-sided", share: -1, text: t.message(c, d, value, others)}
	column := strings.TrimPrefix(object[strings.IndexByte(object, '/'):], "/")
	if c.opt.Pending != nil && c.opt.Pending(d.node.addr.Scope, column) {
		d.remark.rule = "data-one-sided-pending"
	}
	return d
}

func (t *trait) message(c *comparison, d *difference, value, others float64) string {
	last := c.sides[d.sides[len(d.sides)-1]].Name
	rest := c.nameList(d.sides[:len(d.sides)-1])
	number := snapshot.Float(value).Display()
	if strings.Contains(t.text, "%s") {
		return fmt.Sprintf("has "+t.text+" in %s, %s in %s: would break %s", number, last, snapshot.Float(others).Display(), rest, t.breaks)
	}
	return fmt.Sprintf("has %s %s in %s, none in %s: would break %s", number, t.text, last, rest, t.breaks)
}

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
