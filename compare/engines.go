package compare

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// engines are the database engines of a scope by side, "" where the side does not have it.
func (c *comparison) engines(scope string) []string {
	list := make([]string, len(c.sides))
	for i, s := range c.sides {
		list[i] = s.Snapshot.Manifest.Scopes[scope].Engine
	}
	return list
}

// severalEngines reports a database that is of one engine here and of another there: everything about its schema
// differs, and nothing of that is news. Rows are compared by the logical type of their columns.
func (c *comparison) severalEngines(scope string) bool {
	first := ""
	for _, e := range c.engines(scope) {
		if e != "" && first != "" && e != first {
			return true
		}
		if e != "" {
			first = e
		}
	}
	return false
}

// dropAcrossEngines drops what differs between databases of several engines. Replicas of one
// side are of one engine and stay compared.
func (c *comparison) dropAcrossEngines(ds []*difference) []*difference {
	out := ds[:0]
	for _, d := range ds {
		area := d.node.kind.Area
		if d.within || d.alone || area != finding.AreaSchema || !c.severalEngines(d.node.addr.Scope) {
			out = append(out, d)
		}
	}
	return out
}

// notAcrossEngines are the coverage notes in place of those differences: one for each such database and side.
func (c *comparison) notAcrossEngines() []finding.Coverage {
	scopes := map[string]bool{}
	for _, s := range c.sides {
		for scope := range s.Snapshot.Manifest.Scopes {
			scopes[scope] = scopes[scope] || c.severalEngines(scope)
		}
	}
	var out []finding.Coverage
	for _, scope := range slices.Sorted(maps.Keys(scopes)) {
		if !scopes[scope] {
			continue
		}
		engines := c.engines(scope)
		for i, s := range c.sides {
			if engines[i] == "" {
				continue
			}
			var others []string
			for j, e := range engines {
				if e != "" && e != engines[i] {
					others = append(others, fmt.Sprintf("%s in %s", e, c.sides[j].Name))
				}
			}
			sort.Strings(others)
			out = append(out, finding.Coverage{Environment: s.Name, Kind: fmt.Sprintf("schema of %s: %s here, %s; not compared across engines", scope, engines[i], strings.Join(others, ", ")), Count: 1})
		}
	}
	return out
}
