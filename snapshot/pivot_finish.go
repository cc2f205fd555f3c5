package snapshot

import (
	"encoding/binary"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Finish returns the snapshot; the Builder must not be used any more.
func (b *Builder) Finish(m Manifest) *Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.Format, m.Selection, m.Scopes = Format, b.sel, b.scopes()
	s := &Snapshot{Manifest: m, Gaps: b.gaps, Attachments: map[string]Attachment{}}
	s.Lines = b.pivoted()
	sort.SliceStable(s.Gaps, func(i, j int) bool {
		x, y := &s.Gaps[i], &s.Gaps[j]
		if xa, ya := x.Address.String(), y.Address.String(); xa != ya {
			return xa < ya
		}
		if x.Instance != y.Instance {
			return x.Instance < y.Instance
		}
		return x.Reason < y.Reason
	})
	for n, count := range b.notes {
		n.Count = count
		s.Notes = append(s.Notes, n)
	}
	sort.Slice(s.Notes, func(i, j int) bool {
		x, y := s.Notes[i], s.Notes[j]
		if x.Scope != y.Scope {
			return x.Scope < y.Scope
		}
		if x.Kind != y.Kind {
			return x.Kind < y.Kind
		}
		return x.Detail < y.Detail
	})
	return s
}

func (b *Builder) scopes() map[string]Scope {
	scopes := make(map[string]Scope, len(b.types))
	for name, s := range b.types {
		s.Instances = slices.Sorted(maps.Keys(b.members[name]))
		if follows := b.follows[name]; follows != nil {
			s.Replicas = slices.Sorted(maps.Keys(follows))
		}
		s.Looked = make(map[string][]string, len(b.looked[name]))
		for glob, on := range b.looked[name] {
			if len(on) == len(s.Instances) {
				s.Looked[glob] = nil
			} else {
				s.Looked[glob] = slices.Sorted(maps.Keys(on))
			}
		}
		scopes[name] = s
	}
	return scopes
}

// pivoted sorts lines, values and instances, and lets equal lists of instances be one.
func (b *Builder) pivoted() []Line {
	b.index = nil
	rank := make([]uint32, len(b.byName))
	sorted := slices.Clone(b.byName)
	sort.Strings(sorted)
	for i, name := range sorted {
		rank[b.names[name]] = uint32(i)
	}
	total, values := 0, 0
	for _, c := range b.lines {
		total += len(c)
		for i := range c {
			values++
			if c[i].more != nil {
				values += len(c[i].more.values) - 1
			}
		}
	}
	order := b.order(total)
	single := make([][]string, len(sorted))
	for i := range sorted {
		single[i] = sorted[i : i+1 : i+1]
	}
	lists := map[string][]string{}
	held := make([]Held, 0, values)
	lines := make([]Line, total)
	var key []byte
	for i, number := range order {
		p := b.at(number)
		from := len(held)
		if p.more == nil {
			held = append(held, Held{Value: p.value, On: single[rank[p.number]], Origin: p.origin})
		} else {
			for _, v := range p.more.values {
				for j, number := range v.on {
					v.on[j] = rank[number]
				}
				slices.Sort(v.on)
				key = key[:0]
				for _, number := range v.on {
					key = binary.LittleEndian.AppendUint32(key, number)
				}
				on, ok := lists[string(key)]
				if !ok {
					on = make([]string, len(v.on))
					for j, number := range v.on {
						on[j] = sorted[number]
					}
					lists[string(key)] = on
				}
				held = append(held, Held{Value: v.value, On: on, Origin: v.origin})
			}
			list := held[from:]
			sort.Slice(list, func(i, j int) bool { return heldBefore(list[i], list[j]) })
		}
		lines[i] = Line{Address: p.address, Values: held[from:len(held):len(held)]}
	}
	b.lines = nil
	return lines
}

// order are the numbers of all pivots in the order of their texts. Collectors write their facts object by object, so that within
// a kind they are nearly in order: sorting those by insertion is quicker than any sort that knows nothing of it.
func (b *Builder) order(total int) []int32 {
	type kind struct{ scope, kind string }
	kinds := map[kind][]int32{}
	for i := range int32(total) {
		a := &b.at(i).address
		k := kind{a.Scope, a.Kind}
		kinds[k] = append(kinds[k], i)
	}
	compare := func(x, y int32) int { return compareText(&b.at(x).address, &b.at(y).address) }
	sorted := slices.SortedFunc(maps.Keys(kinds), func(x, y kind) int { return compare(kinds[x][0], kinds[y][0]) })
	order := make([]int32, 0, total)
	for _, k := range sorted {
		from := len(order)
		order = append(order, kinds[k]...)
		if part := order[from:]; !insertionSorted(part, compare) {
			slices.SortFunc(part, compare)
		}
	}
	if !slices.IsSortedFunc(order, compare) { // kinds such as a and a-b, of which one has an address without a name
		slices.SortFunc(order, compare)
	}
	return order
}

// insertionSorted sorts by insertion and gives up where that takes more than a few steps per element.
func insertionSorted(list []int32, compare func(x, y int32) int) bool {
	steps := 12 * len(list)
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && compare(list[j-1], list[j]) > 0; j-- {
			list[j-1], list[j] = list[j], list[j-1]
			if steps--; steps < 0 {
				return false
			}
		}
	}
	return true
}

// compareText orders addresses as their texts, mostly without making these.
func compareText(a, b *Address) int {
	if a.Scope != b.Scope || a.Kind != b.Kind || a.Name == "" || b.Name == "" {
		return strings.Compare(a.String(), b.String())
	}
	if a.Name == b.Name {
		return strings.Compare(a.Attribute, b.Attribute)
	}
	n := min(len(a.Name), len(b.Name))
	if c := strings.Compare(a.Name[:n], b.Name[:n]); c != 0 {
		return c
	}
	// One name begins the other: behind it stands its attribute, or nothing.
	if len(a.Name) == n {
		return beforeLonger(a, b.Name[n])
	}
	return -beforeLonger(b, a.Name[n])
}

// beforeLonger compares what follows the name of a shorter address with the next
// byte of a longer name, which is no '#'.
func beforeLonger(shorter *Address, next byte) int {
	if shorter.Attribute == "" || '#' < next {
		return -1
	}
	return 1
}
