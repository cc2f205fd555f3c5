package compare

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// scopeView is what one side knows about one scope: who its instances are, and which
// addresses were looked at on which of them.
type scopeView struct {
	instances []string // sorted
	index     map[string]int
	all       members
	looked    []reach
	unknown   []reach
}

// reach is a set of addresses on some instances: globs over kind/name#attribute.
type reach struct {
	globs []string
	on    members
}

// newScopeViews reads the manifest's scopes, and the gaps that leave parts of them unknown.
func newScopeViews(s *snapshot.Snapshot) map[string]*scopeView {
	views := make(map[string]*scopeView, len(s.Manifest.Scopes))
	for name, sc := range s.Manifest.Scopes {
		v := &scopeView{instances: append([]string(nil), sc.Instances...)}
		sort.Strings(v.instances)
		v.index = make(map[string]int, len(v.instances))
		for i, in := range v.instances {
			v.index[in] = i
		}
		v.all = allMembers(len(v.instances))
		for glob, on := range sc.Looked {
			v.looked = append(v.looked, reach{[]string{glob}, v.members(on, on == nil)})
		}
		views[name] = v
	}
	for _, g := range s.Gaps {
		if v := views[g.Address.Scope]; v != nil {
			v.unknown = append(v.unknown, reach{gapGlobs(g), v.members([]string{g.Instance}, g.Instance == "")})
		}
	}
	return views
}

// members is the set of the named instances, or of all.
func (v *scopeView) members(names []string, all bool) members {
	if all {
		return v.all
	}
	if len(names) == len(v.instances) {
		return v.all // names are distinct, so they are all of them
	}
	m := newMembers(len(v.instances))
	for _, n := range names {
		if i, ok := v.index[n]; ok {
			m.add(i)
		}
	}
	return m
}

// known is the set of instances on which the absence of an address means that it is not there.
func (v *scopeView) known(a snapshot.Address, taken func(string) bool) members {
	if v == nil || !taken(a.String()) {
		return nil
	}
	body := body(a)
	known := newMembers(len(v.instances))
	for _, r := range v.looked {
		if r.matches(body) {
			known = known.union(r.on)
		}
	}
	if known.empty() {
		return nil
	}
	for _, r := range v.unknown {
		if r.matches(body) {
			known = known.minus(r.on)
		}
	}
	return known
}

func (r reach) matches(body string) bool {
	for _, g := range r.globs {
		// A glob over attributes ("host/memory#*") speaks of their object too.
		if snapshot.MatchGlob(g, body) || !strings.Contains(body, "#") && snapshot.MatchGlob(g, body+"#") {
			return true
		}
	}
	return false
}

// gapGlobs are what a gap leaves unknown: its Covers, with or without a scope, else its address and everything below
// it. A host that could not be reached covers all that would have been read from it.
func gapGlobs(g snapshot.Gap) []string {
	var globs []string
	for _, c := range g.Covers {
		if scope, rest, ok := strings.Cut(c, ":"); ok {
			if !snapshot.MatchGlob(scope, g.Address.Scope) {
				continue
			}
			c = rest
		}
		globs = append(globs, c)
	}
	if len(g.Covers) > 0 {
		return globs
	}
	if g.Address.Name == "reachable" && g.Address.Attribute == "" {
		return []string{"*"}
	}
	b := body(g.Address)
	if g.Address.Attribute == "" {
		return []string{b, b + "#*", b + "/*", b + ".*"}
	}
	return []string{b, b + ".*"}
}

// body is an address without its scope: what kinds, rules and Looked match.
func body(a snapshot.Address) string {
	s := a.String()
	return s[len(a.Scope)+1:]
}
