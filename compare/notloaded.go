package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// written are the values of the files of a side's roles under the keys that an endpoint reports.
type written struct {
	byPath map[string][]*snapshot.Line // the key path in lower case → the lines of files that have it
	byLeaf map[string][]*snapshot.Line // its last segment
}

// notLoaded finds values that an application reports otherwise than every file does that has the same key. So that another program's
// file is no alarm, a key counts only if it has several words; a file of which most keys differ is taken for another program's; and a
// value that any file of the hosts holds under the last segment of the key (an override, a file of another layout) is explained.
func (c *comparison) notLoaded(side int, values []*reported) []finding.Finding {
	files := c.writtenFor(side, values)
	foreign := foreignFiles(files, values)
	found := map[snapshot.Address]*finding.Finding{}
	for _, v := range values {
		if v.line == nil || !telling(v.at.Name) {
			continue
		}
		path := strings.ToLower(v.at.Name)
		for _, held := range v.line.Values {
			for _, instance := range held.On {
				line, said := contradicted(files, foreign, path, instance, held.Value)
				if line == nil {
					continue
				}
				f := found[line.Address]
				if f == nil {
					f = &finding.Finding{Rule: "not-loaded", Area: finding.AreaConfig, Address: line.Address.String(), Change: finding.Odd, Related: []string{v.at.String()}}
					f.Message = fmt.Sprintf("%s%s reports %s for %s where the file says %s", v.at.Scope, c.inSide(side), held.Value.Display(), snapshot.Unescape(v.at.Name), said.Value.Display())
					if p, ok := place(c.sides[side].Name, said.Origin); ok {
						f.Origin = []finding.Place{p}
					}
					f.Values = []finding.Side{{Environment: c.sides[side].Name, State: finding.Present, Value: json.RawMessage(said.Value.JSON()), Instances: said.On}}
					found[line.Address] = f
				}
			}
		}
	}
	var out []finding.Finding
	for _, a := range slices.SortedFunc(maps.Keys(found), func(a, b snapshot.Address) int { return strings.Compare(a.String(), b.String()) }) {
		f := found[a]
		f.Seal([]string{c.sides[side].Name})
		out = append(out, *f)
	}
	return out
}

// telling reports a key that says by itself what it is about: db.host and DB_HOST, not host.
func telling(name string) bool {
	return strings.ContainsAny(name, "._-") && !strings.Contains(name, "@") && !strings.Contains(name, "{")
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func (c *comparison) writtenFor(side int, values []*reported) written {
	leaves := map[string]bool{}
	for _, v := range values {
		leaves[lastSegment(strings.ToLower(v.at.Name))] = true
	}
	w := written{map[string][]*snapshot.Line{}, map[string][]*snapshot.Line{}}
	snap := c.sides[side].Snapshot
	for i := range snap.Lines {
		l := &snap.Lines[i]
		if l.Address.Kind != "config" || l.Address.Attribute == "" {
			continue
		}
		path := strings.ToLower(l.Address.Attribute)
		if leaf := lastSegment(path); leaves[leaf] {
			w.byPath[path] = append(w.byPath[path], l)
			w.byLeaf[leaf] = append(w.byLeaf[leaf], l)
		}
	}
	return w
}

// foreignFiles are the files of which most keys that an endpoint reports too have other values.
func foreignFiles(w written, values []*reported) map[snapshot.Address]bool {
	shared, other := map[snapshot.Address]int{}, map[snapshot.Address]int{}
	for _, v := range values {
		if v.line == nil {
			continue
		}
		for _, l := range w.byPath[strings.ToLower(v.at.Name)] {
			file := l.Address.Whole()
			shared[file]++
			if !slices.ContainsFunc(v.line.Values, func(h snapshot.Held) bool { return holds(l, "", h.Value) }) {
				other[file]++
			}
		}
	}
	foreign := map[snapshot.Address]bool{}
	for file, n := range shared {
		foreign[file] = other[file] > 2 && 2*other[file] > n
	}
	return foreign
}

// contradicted is the first line of a file on the instance's host that has the key with another value, if no file there explains the value.
func contradicted(w written, foreign map[snapshot.Address]bool, path, instance string, v snapshot.Value) (*snapshot.Line, snapshot.Held) {
	for _, l := range w.byLeaf[lastSegment(path)] {
		if holds(l, instance, v) {
			return nil, snapshot.Held{}
		}
	}
	for _, l := range w.byPath[path] {
		if foreign[l.Address.Whole()] {
			continue
		}
		for _, h := range l.Values {
			if slices.Contains(h.On, instance) || !onInstance(l, instance) {
				if weighable(h.Value, v) {
					return l, h
				}
			}
		}
	}
	return nil, snapshot.Held{}
}

// holds reports whether a line has the value, on the instance where it is one of the line's.
func holds(l *snapshot.Line, instance string, v snapshot.Value) bool {
	for _, h := range l.Values {
		if sameText(h.Value, v) && (slices.Contains(h.On, instance) || !onInstance(l, instance)) {
			return true
		}
	}
	return false
}

func onInstance(l *snapshot.Line, instance string) bool {
	return slices.ContainsFunc(l.Values, func(h snapshot.Held) bool { return slices.Contains(h.On, instance) })
}

// sameText reports values that are written alike, whatever type their notation gives them: 5432 and "5432", On and true.
func sameText(a, b snapshot.Value) bool {
	return a == b || !a.IsSecret() && !b.IsSecret() && plainText(a) == plainText(b)
}

func plainText(v snapshot.Value) string {
	text := strings.TrimSpace(v.Display())
	switch strings.ToLower(text) {
	case "on", "yes", "true":
		return "true"
	case "off", "no", "false":
		return "false"
	}
	return text
}

// weighable reports values of which neither is hidden from the other: a secret beside a plain text, or beside one that stands for a
// variable, says nothing.
func weighable(a, b snapshot.Value) bool {
	return a.IsSecret() == b.IsSecret() && a.IsList() == b.IsList() && !strings.Contains(a.Display(), "$") && !strings.Contains(a.Display(), "{{") && !strings.Contains(a.Display(), "<%")
}
