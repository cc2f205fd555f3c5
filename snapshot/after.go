package snapshot

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// After is the snapshot as it would be once one of its databases had changed as a copy of that database did: where two
// captures of the copy, before and after the change, differ, it holds what the later one holds. What they agree on stays
// as it is, so that nothing of the server that the copy stood on comes in. Rows are taken only where the copy held the
// very rows of s: all of them, and none masked. The result shares what it can with s, and its
// attachments are open as long as those of s and of after are.
func (s *Snapshot) After(scope string, before, after *Snapshot) *Snapshot {
	out := *s
	out.closers = nil
	on := s.instancesSeen(scope)
	var changed []Line
	gone := map[Address]bool{}
	join(before.Lines, after.Lines, func(was, is *Line) {
		switch {
		case is != nil && is.Address.Kind == "rows" && s.digest(is.Address) != before.digest(is.Address):
			return
		case is == nil && was.Address.Scope == scope:
			gone[was.Address] = true
		case is != nil && is.Address.Scope == scope && len(is.Values) > 0 && (was == nil || len(was.Values) == 0 || was.Values[0].Value != is.Values[0].Value):
			changed = append(changed, Line{Address: is.Address, Values: []Held{{Value: is.Values[0].Value, On: on}}})
		}
	})
	out.Lines = make([]Line, 0, len(s.Lines)+len(changed))
	join(s.Lines, changed, func(old, replaced *Line) {
		switch {
		case replaced != nil:
			out.Lines = append(out.Lines, *replaced)
		case !gone[old.Address]:
			out.Lines = append(out.Lines, *old)
		}
	})
	out.Attachments = maps.Clone(s.Attachments)
	if out.Attachments == nil {
		out.Attachments = map[string]Attachment{}
	}
	for _, l := range changed {
		if l.Address.Kind == "rows" {
			out.takeRows(l.Address, on, after)
		}
	}
	return &out
}

// takeRows gives every instance the row digests that the copy has of a table.
func (s *Snapshot) takeRows(a Address, on []string, from *Snapshot) {
	suffix := "/" + pathElement(a.Name) + ".tsv.zst"
	for name, file := range from.Attachments {
		if !strings.HasPrefix(name, "rows/"+a.Scope+"/") || !strings.HasSuffix(name, suffix) {
			continue
		}
		for _, instance := range on {
			s.Attachments["rows/"+a.Scope+"/"+pathElement(instance)+suffix] = file
		}
	}
}

// digest is the digest of all rows of the table that an address is about; null when there is none.
func (s *Snapshot) digest(a Address) Value {
	v, _ := s.Value(a.Attr("digest"))
	return v
}

// Value is what most instances hold at an address.
func (s *Snapshot) Value(want Address) (Value, bool) {
	i := sort.Search(len(s.Lines), func(i int) bool { return compareText(&s.Lines[i].Address, &want) >= 0 })
	if i < len(s.Lines) && s.Lines[i].Address == want && len(s.Lines[i].Values) > 0 {
		return s.Lines[i].Values[0].Value, true
	}
	return Value{}, false
}

// instancesSeen are the instances of a scope that facts are held of.
func (s *Snapshot) instancesSeen(scope string) []string {
	seen := map[string]bool{}
	for i := range s.Lines {
		if s.Lines[i].Address.Scope != scope {
			continue
		}
		for _, h := range s.Lines[i].Values {
			for _, instance := range h.On {
				seen[instance] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// join walks two sorted lists of lines, in order, side by side.
func join(a, b []Line, each func(a, b *Line)) {
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = compareText(&a[0].Address, &b[0].Address)
		}
		switch {
		case order < 0:
			each(&a[0], nil)
			a = a[1:]
		case order > 0:
			each(nil, &b[0])
			b = b[1:]
		default:
			each(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}
