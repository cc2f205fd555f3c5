package compare

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// dropUnknownSettings drops a setting that only some servers have: a version that lacks it cannot have it otherwise. Where
// those that have it differ among themselves, it stays.
func (c *comparison) dropUnknownSettings(ds []*difference) []*difference {
	out := ds[:0]
	for _, d := range ds {
		if d.node.addr.Kind != "setting" || !c.onlyUnknown(d) {
			out = append(out, d)
		}
	}
	return out
}

func (c *comparison) onlyUnknown(d *difference) bool {
	values, absent := map[string]bool{}, false
	for _, s := range d.shares {
		switch {
		case !s.absent:
			values[s.key] = true
		case c.hasSetting(s.side, d.node.addr):
			return false
		default:
			absent = true
		}
	}
	return absent && len(values) == 1
}

// hasSetting reports whether a side's server has a setting of this name; where the snapshot does not say, it has.
func (c *comparison) hasSetting(side int, a snapshot.Address) bool {
	line := findLine(c.sides[side].Snapshot, snapshot.Address{Scope: a.Scope, Kind: a.Kind, Attribute: "known"})
	name := snapshot.Unescape(a.Name)
	if line == nil || strings.Contains(name, ".") { // an application's or an extension's
		return true
	}
	return !slices.ContainsFunc(line.Values, func(held snapshot.Held) bool { // nodes of several versions
		return !slices.ContainsFunc(held.Value.Items(), func(item snapshot.Value) bool {
			text, _ := item.Text()
			return text == name
		})
	})
}
