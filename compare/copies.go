package compare

import (
	"slices"

	"github.com/envdiff/envdiff/snapshot"
)

// dropCopied takes back that two environments share a secret where they are one and the same machine at two places,
// such as a backup of an image or a mounted snapshot: a copy holds the same secrets, and nobody gave them away.
func (c *comparison) dropCopied(ds []*difference) []*difference {
	differs := map[string]bool{} // scopes in which anything but shared secrets was found
	for _, d := range ds {
		if !d.sharesSecret() {
			differs[d.node.addr.Scope] = true
		}
	}
	out := ds[:0]
	for _, d := range ds {
		if !d.sharesSecret() || !c.copies(d.node.addr.Scope, d.sides, differs[d.node.addr.Scope]) {
			out = append(out, d)
		}
	}
	return out
}

// sharesSecret reports a difference that is nothing but the same secret on several sides.
func (d *difference) sharesSecret() bool {
	return d.alone && d.remark != nil && d.remark.rule == "secret-shared"
}

// copies reports whether a scope is the same machines on all these sides. Machine ids decide (machine-id(5)); where
// no side has any, as in images that were never booted, host names do if also nothing else differs: staging's web1
// and production's web1 are two machines.
func (c *comparison) copies(scope string, sides []int, differs bool) bool {
	return c.sameOn(scope, "machine_id", sides) || !differs && !c.anyHas(scope, "machine_id", sides) && c.sameOn(scope, "hostname", sides)
}

func (c *comparison) sameOn(scope, attribute string, sides []int) bool {
	first := c.ofHosts(sides[0], scope, attribute)
	for _, s := range sides[1:] {
		if !slices.Equal(first, c.ofHosts(s, scope, attribute)) {
			return false
		}
	}
	return len(first) > 0
}

func (c *comparison) anyHas(scope, attribute string, sides []int) bool {
	return slices.ContainsFunc(sides, func(s int) bool { return len(c.ofHosts(s, scope, attribute)) > 0 })
}

// ofHosts are the values of host/name#attribute on a side, sorted.
func (c *comparison) ofHosts(side int, scope, attribute string) []string {
	line := findLine(c.sides[side].Snapshot, snapshot.At(scope, "host", "name").Attr(attribute))
	if line == nil {
		return nil
	}
	var out []string
	for _, held := range line.Values {
		out = append(out, held.Value.JSON())
	}
	slices.Sort(out)
	return out
}
