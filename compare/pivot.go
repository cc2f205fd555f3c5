package compare

import (
	"sort"

	"github.com/envdiff/envdiff/snapshot"
)

// difference is a node that differs: within one side, or across several.
type difference struct {
	node   *node
	within bool
	sides  []int   // concerned: one within, at least two across
	shares []share // every value that those sides hold, by side
	// counterpart and renamed are set by pairSpellings: this difference and another one are one name in two spellings.
	counterpart *difference
	renamed     bool
	remark      *remark
	explains    []string // addresses of differences that this one is the cause of
	alone       bool     // nothing differs; the remark alone is the finding
}

// share is one value on one side and who holds it.
type share struct {
	side   int
	absent bool
	key    string
	groups []group // of this value; empty when absent
	on     members
	odd    bool // a minority below half, within
}

func (s share) count() int { return s.on.count() }

// differences pivots every kept node.
func (c *comparison) differences() []*difference {
	var out []*difference
	for _, n := range c.nodes {
		out = append(out, c.differ(n)...)
	}
	return out
}

// differ says how a node differs: within each side, across them, or not at all but for
// something remarkable in a value itself.
func (c *comparison) differ(n *node) []*difference {
	var out []*difference
	shares := make([][]share, len(n.cells))
	own := make([]bool, len(n.cells))
	for i := range n.cells {
		shares[i] = partition(n.cells[i])
		if n.order {
			shares[i] = withoutAbsent(shares[i])
		}
		for j := range shares[i] {
			shares[i][j].side = i
		}
		own[i] = !n.kind.Alike && everyOwn(shares[i])
		if own[i] || n.kind.Axis == snapshot.Across {
			continue
		}
		if len(shares[i]) > 1 {
			markOdd(shares[i])
			out = append(out, &difference{node: n, within: true, sides: []int{i}, shares: shares[i]})
		}
	}
	if d := c.across(n, shares, own); d != nil {
		out = append(out, d)
	}
	return c.remark(n, shares, out)
}

// partition spreads a cell's groups over shares: by what they are compared by, or by the raw values where that leaves
// fewer: a host that everybody names is one value, although for that host it is its own name.
func partition(cell nodeCell) []share {
	byKey := gather(cell, func(g *group) string { return g.key })
	if byRaw := gather(cell, func(g *group) string { return g.raw }); len(byRaw) < len(byKey) {
		return byRaw
	}
	return byKey
}

func gather(cell nodeCell, key func(*group) string) []share {
	var out []share
	at := map[string]int{}
	for i := range cell.present {
		g := &cell.present[i]
		k := key(g)
		j, ok := at[k]
		if !ok {
			j = len(out)
			at[k] = j
			out = append(out, share{key: k})
		}
		out[j].groups = append(out[j].groups, *g)
		out[j].on = out[j].on.union(g.on)
	}
	if !cell.absent.empty() {
		out = append(out, share{absent: true, on: cell.absent})
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].count() > out[j].count() })
	return out
}

func withoutAbsent(shares []share) []share {
	out := shares[:0]
	for _, s := range shares {
		if !s.absent {
			out = append(out, s)
		}
	}
	return out
}

// everyOwn reports that each of at least three instances has a value of its own: such an address is context.
func everyOwn(shares []share) bool {
	for _, s := range shares {
		if s.absent || s.count() != 1 {
			return false
		}
	}
	return len(shares) >= 3
}

// markOdd marks the minorities below half. Where that is everybody, nobody is odd.
func markOdd(shares []share) {
	total := 0
	for _, s := range shares {
		total += s.count()
	}
	all := true
	for i := range shares {
		shares[i].odd = shares[i].count()*2 < total
		all = all && shares[i].odd
	}
	for i := range shares {
		shares[i].odd = shares[i].odd && !all
	}
}

// across compares the sets of values of the sides that were looked at. What within names as odd takes no
// part, and sides whose sets meet agree: the rest of such a set is a tie that within names. Kinds that are
// only compared across must have equal sets.
func (c *comparison) across(n *node, shares [][]share, own []bool) *difference {
	if n.kind.Axis == snapshot.Within || len(c.sides) < 2 {
		return nil
	}
	d := &difference{node: n}
	for i := range shares {
		if len(shares[i]) == 0 || own[i] {
			continue
		}
		d.sides = append(d.sides, i)
		d.shares = append(d.shares, shares[i]...)
	}
	differ := false
	for i, a := range d.sides {
		for _, b := range d.sides[i+1:] {
			differ = differ || !agree(shares[a], shares[b], n.kind.Axis == snapshot.Across)
		}
	}
	if !differ {
		return nil
	}
	return d
}

func agree(as, bs []share, wholly bool) bool {
	if wholly {
		return subset(as, bs) && subset(bs, as)
	}
	for _, s := range as {
		for _, t := range bs {
			if !s.odd && !t.odd && same(s, t) {
				return true
			}
		}
	}
	return false
}

func subset(as, bs []share) bool {
	for _, s := range as {
		found := false
		for _, t := range bs {
			found = found || same(s, t)
		}
		if !found {
			return false
		}
	}
	return true
}

// same reports that two sides' values are equal: as they stand, after parameters, or but for their secrets.
func same(s, t share) bool {
	if s.absent || t.absent {
		return s.absent && t.absent
	}
	for i := range s.groups {
		for j := range t.groups {
			g, h := &s.groups[i], &t.groups[j]
			switch {
			case g.key == h.key, g.raw == h.raw,
				holdsSecret(g.raw) && holdsSecret(h.raw) && maskedKey(g) == maskedKey(h),
				g.redactKey != h.redactKey && holdsContent(g.raw) && holdsContent(h.raw): // noted as not comparable
				return true
			}
		}
	}
	return false
}

// hasAbsent reports that the difference is about something being there or not.
func (d *difference) hasAbsent() bool {
	for _, s := range d.shares {
		if s.absent && (d.within || !s.odd) {
			return true
		}
	}
	return false
}

// oddOn are the odd instances of a within difference, nil in a tie.
func (d *difference) oddOn() members {
	var m members
	for _, s := range d.shares {
		if s.odd && d.within {
			m = m.union(s.on)
		}
	}
	return m
}

// norm are the shares that speak for a side: all but the odd ones.
func (d *difference) norm(side int) []share {
	var out []share
	for _, s := range d.shares {
		if s.side == side && !s.odd {
			out = append(out, s)
		}
	}
	return out
}

// lacks reports that a side as a whole does not have the node.
func (d *difference) lacks(side int) bool {
	norm := d.norm(side)
	for _, s := range norm {
		if !s.absent {
			return false
		}
	}
	return len(norm) > 0
}
