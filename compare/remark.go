package compare

import (
	"slices"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// remark is something that a value says by itself, whatever stands beside it: it
// becomes a finding even where nothing differs.
type remark struct {
	rule  string
	text  string // the message's second half
	share int    // index in the difference's shares that it is about, -1 for all
}

// remarkable reports whether remark would find something in a group; it is asked
// of every value, so it is quick to say no.
func (c *comparison) remarkable(n *node, g *group) bool {
	return c.names.misspelt(n, g.value) != "" || guessablePlaceholder(n, g.value) || waitsForRestart(n, g) || hasFailed(n, g)
}

// hasFailed reports a unit that systemd could not keep running.
func hasFailed(n *node, g *group) bool {
	return n.addr.Kind == "service" && n.addr.Attribute == "active" && g.value == snapshot.String("failed")
}

// onlyFailed reports a unit that is known on some hosts for nothing but having failed there: others have it too, and are asked for no more of it than whether it failed.
func onlyFailed(d *difference) bool {
	n := d.node
	return n.presence && n.addr.Kind == "service" && !slices.ContainsFunc(n.content, func(c string) bool { return c != `active="failed"` })
}

// waitsForRestart reports a setting that the server's file holds otherwise than the server.
func waitsForRestart(n *node, g *group) bool {
	return n.addr.Kind == "setting" && n.addr.Attribute == "pending_restart" && g.value == snapshot.Bool(true)
}

// remark attaches what a node's values say by themselves to the differences that report these values, or makes one.
func (c *comparison) remark(n *node, shares [][]share, ds []*difference) []*difference {
	if n.presence || n.order {
		return ds
	}
	for i := range shares {
		for j := range shares[i] {
			s := &shares[i][j]
			for k := range s.groups {
				if r := c.remarkOn(n, &s.groups[k], i); r != nil {
					ds = c.attach(n, shares, ds, i, *s, r)
				}
			}
		}
	}
	if len(c.sides) < 2 {
		return ds
	}
	if sides := c.sharedSecret(shares); sides != nil {
		ds = c.attachShared(n, shares, ds, sides)
	}
	if holders := secretHolders(shares); len(holders) > 1 {
		c.noteKeys(n.addr, holders)
	}
	return ds
}

func (c *comparison) remarkOn(n *node, g *group, side int) *remark {
	switch {
	case g.foreign != "":
		return &remark{rule: "param-elsewhere", text: "is " + g.foreign + ": " + display(n, g.value)}
	case c.names.misspelt(n, g.value) != "":
		return &remark{rule: "typo", text: "is " + display(n, g.value) + ", which looks like " + c.names.misspelt(n, g.value)}
	case guessablePlaceholder(n, g.value):
		return &remark{rule: "secret-placeholder", text: "is the placeholder " + display(n, g.value)}
	case hasFailed(n, g):
		return &remark{rule: "service-state", text: "has failed"}
	case waitsForRestart(n, g):
		return &remark{rule: "not-loaded", text: "is set otherwise in the file: a restart changes it"}
	}
	return nil
}

// attach adds a remark on one share to the difference that reports the share: the one within its side where it is odd
// or part of a tie, else the one across, else a difference of its own. The strongest remark stays.
func (c *comparison) attach(n *node, shares [][]share, ds []*difference, side int, s share, r *remark) []*difference {
	var across *difference
	for _, d := range ds {
		if d.within && d.sides[0] == side && (s.odd || d.oddOn().empty()) {
			d.addRemark(s, r)
			return ds
		}
		if !d.within {
			across = d
		}
	}
	switch {
	case across == nil:
		across = &difference{node: n, sides: []int{side}, shares: shares[side], alone: true}
		ds = append(ds, across)
	case across.alone && across.sides[len(across.sides)-1] != side:
		across.sides = append(across.sides, side)
		across.shares = append(append([]share(nil), across.shares...), shares[side]...)
	}
	across.addRemark(s, r)
	return ds
}

// addRemark keeps the remark whose rule ranks first.
func (d *difference) addRemark(s share, r *remark) {
	for i := range d.shares {
		if d.shares[i].side == s.side && d.shares[i].key == s.key && !d.shares[i].absent {
			r.share = i
		}
	}
	if d.remark == nil || finding.Rank(r.rule) < finding.Rank(d.remark.rule) {
		d.remark = r
	}
}

// attachShared reports a secret that sides of different environments share.
func (c *comparison) attachShared(n *node, shares [][]share, ds []*difference, sides []int) []*difference {
	r := &remark{rule: "secret-shared", text: "is the same secret in " + c.nameList(sides), share: -1}
	for _, d := range ds {
		if !d.within {
			if d.remark == nil {
				d.remark = r
			}
			return ds
		}
	}
	d := &difference{node: n, sides: sides, remark: r, alone: true}
	for _, i := range sides {
		d.shares = append(d.shares, shares[i]...)
	}
	return append(ds, d)
}

func secretHolders(shares [][]share) []int {
	var out []int
	for i := range shares {
		for _, s := range shares[i] {
			if len(s.groups) > 0 && (holdsSecret(s.groups[0].raw) || holdsContent(s.groups[0].raw)) {
				out = append(out, i)
				break
			}
		}
	}
	return out
}
