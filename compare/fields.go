package compare

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// This file alone calls go-cmp. Its documentation allows it to panic on values it does not like, so it only ever sees
// maps of plain values, keyed by identity (slices are paired by position), and every call recovers.

// change is one difference between two trees of plain values.
type change struct {
	path     string // the map keys, joined by '.'
	from, to string // "" where that side has nothing
	added    bool
	removed  bool
}

// reporter collects the leaves that cmp finds unequal.
type reporter struct {
	path    cmp.Path
	changes []change
}

func (r *reporter) PushStep(s cmp.PathStep) { r.path = append(r.path, s) }
func (r *reporter) PopStep()                { r.path = r.path[:len(r.path)-1] }

func (r *reporter) Report(result cmp.Result) {
	if result.Equal() {
		return
	}
	from, to := r.path.Last().Values()
	r.changes = append(r.changes, change{
		path: r.keys(), from: plain(from), to: plain(to),
		added: !from.IsValid(), removed: !to.IsValid(), // cmp passes an invalid value for a side that lacks a key
	})
}

func (r *reporter) keys() string {
	var keys []string
	for _, s := range r.path {
		if m, ok := s.(cmp.MapIndex); ok {
			keys = append(keys, fmt.Sprint(m.Key()))
		}
	}
	return strings.Join(keys, ".")
}

func plain(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	return fmt.Sprint(v)
}

// structural lists how two trees differ, sorted by path; ok is false if go-cmp would not compare them.
func structural(from, to any) (changes []change, ok bool) {
	defer func() {
		if recover() != nil {
			changes, ok = nil, false
		}
	}()
	var r reporter
	cmp.Equal(from, to, cmpopts.EquateEmpty(), cmp.Reporter(&r))
	sort.Slice(r.changes, func(i, j int) bool { return r.changes[i].path < r.changes[j].path })
	return r.changes, true
}

// maxStructural bounds what is compared structurally: go-cmp takes 0.6 s for a map of 100,000 keys.
const maxStructural = 5000

// contentChanges compares what stands below two nodes, given as "name=value" lines.
func contentChanges(from, to []string) ([]change, bool) {
	if len(from)+len(to) > maxStructural {
		return nil, false
	}
	return structural(tree(from), tree(to))
}

// tree reads "name=value" lines into a map of names.
func tree(lines []string) map[string]string {
	m := make(map[string]string, len(lines))
	for _, l := range lines {
		name, value, _ := strings.Cut(l, "=")
		m[name] = value
	}
	return m
}

// listChanges says which items a list gained and lost, as a multiset; with neither the items are in another order.
func listChanges(from, to []string) (gained, lost []string, ok bool) {
	if len(from)+len(to) > maxStructural {
		return nil, nil, false
	}
	changes, ok := structural(counts(from), counts(to))
	for _, ch := range changes {
		switch {
		case ch.added || len(ch.to) > len(ch.from) || len(ch.to) == len(ch.from) && ch.to > ch.from:
			gained = append(gained, ch.path)
		default:
			lost = append(lost, ch.path)
		}
	}
	return gained, lost, ok
}

func counts(items []string) map[string]int {
	m := make(map[string]int, len(items))
	for _, it := range items {
		m[it]++
	}
	return m
}
