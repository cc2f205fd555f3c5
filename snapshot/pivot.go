package snapshot

import (
	"encoding/binary"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// Builder turns the results of single instances into the pivoted lines of a snapshot. It keeps each address and each distinct value once, so
// that its memory grows with what is different, not with the number of hosts. It may be used from many goroutines; the outcome
// does not depend on the order in which instances add, only on the order of one instance's own results where they contradict each other.
type Builder struct {
	sel Selection

	mu      sync.Mutex
	lines   map[Address]*pivot
	gaps    []Gap
	notes   map[Note]int // without count → count
	members map[string]map[string]bool
	types   map[string]Scope
	looked  map[string]map[string]map[string]bool // scope → glob → instances
	follows map[string]map[string]bool            // scope → instances declared as replicas
	names   map[string]uint32
	byName  []string
}

// pivot is one address while it is built.
type pivot struct {
	values []pivotValue
	has    []uint64 // bit set of the instances that have a value
}

// claim notes that an instance has a value, and reports whether it had none.
func (p *pivot) claim(number uint32) bool {
	word, bit := int(number/64), uint64(1)<<(number%64)
	for len(p.has) <= word {
		p.has = append(p.has, 0)
	}
	if p.has[word]&bit != 0 {
		return false
	}
	p.has[word] |= bit
	return true
}

type pivotValue struct {
	value  Value
	on     []uint32 // numbers of instances
	first  string   // the instance, smallest by name, that origin is of
	origin string
}

// NewBuilder makes a Builder that keeps what sel takes.
func NewBuilder(sel Selection) *Builder {
	return &Builder{
		sel: sel, lines: map[Address]*pivot{}, notes: map[Note]int{}, members: map[string]map[string]bool{}, types: map[string]Scope{},
		looked: map[string]map[string]map[string]bool{}, follows: map[string]map[string]bool{}, names: map[string]uint32{},
	}
}

// Instance declares that an instance belongs to a scope, whether or not anything can be read from it. typ is role, database or endpoint.
func (b *Builder) Instance(scope, typ, engine, instance string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.types[scope]
	s.Type = typ
	if engine != "" {
		s.Engine = engine
	}
	b.types[scope] = s
	if b.members[scope] == nil {
		b.members[scope], b.looked[scope] = map[string]bool{}, map[string]map[string]bool{}
	}
	b.members[scope][instance] = true
}

// Replica declares that an instance of a scope should replicate from the others, whether or not it does.
func (b *Builder) Replica(scope, instance string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.follows[scope] == nil {
		b.follows[scope] = map[string]bool{}
	}
	b.follows[scope][instance] = true
}

// Add takes what one collector found on one instance of a declared scope. kinds are the collector's: what it looked at unless the result says otherwise.
// An address that the instance has already keeps its first value, and the snapshot notes it.
func (b *Builder) Add(scope, instance string, r Result, kinds []Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	number, ok := b.names[instance]
	if !ok {
		number = uint32(len(b.byName))
		b.names[instance], b.byName = number, append(b.byName, instance)
	}
	if r.Looked == nil {
		for _, k := range kinds {
			b.look(scope, k.Pattern, instance)
		}
	}
	for _, glob := range r.Looked {
		b.look(scope, glob, instance)
	}
	for i := range r.Facts {
		f := &r.Facts[i]
		if f.Address.Scope != scope {
			b.note(Note{Scope: scope, Kind: "fact of another scope", Detail: f.Address.Whole().String()}, 1)
			continue
		}
		if b.restricted() && !b.sel.keeps(f.Address) {
			continue
		}
		b.fact(f, number, instance)
	}
	for _, g := range r.Gaps {
		if g.Instance == "" {
			g.Instance = instance
		}
		b.gap(g)
	}
	for _, n := range r.Notes {
		n.Scope = scope
		b.note(n, n.Count)
	}
}

// Gap adds a gap that is no collector's: an instance that cannot be reached.
func (b *Builder) Gap(g Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gap(g)
}

func (b *Builder) restricted() bool { return len(b.sel.Only) > 0 || len(b.sel.Skip) > 0 }

func (b *Builder) look(scope, glob, instance string) {
	if !b.sel.MayTake(scope + ":" + glob) {
		return
	}
	m := b.looked[scope]
	if m[glob] == nil {
		m[glob] = map[string]bool{}
	}
	m[glob][instance] = true
}

func (b *Builder) fact(f *Fact, number uint32, instance string) {
	p := b.lines[f.Address]
	if p == nil {
		a := f.Address
		if back, err := ParseAddress(a.String()); err != nil || back != a || !utf8.ValidString(a.String()) {
			b.gap(Gap{Address: Address{Scope: a.Scope, Kind: "collector"}, Instance: instance, Reason: "a fact was dropped: its address is malformed"})
			return
		}
		p = &pivot{}
		a.Kind, a.Scope = strings.Clone(a.Kind), strings.Clone(a.Scope)
		a.Name, a.Attribute = strings.Clone(a.Name), strings.Clone(a.Attribute) // do not keep the parsed file alive
		b.lines[a] = p
	}
	if !p.claim(number) {
		b.note(Note{Scope: f.Address.Scope, Kind: f.Address.Kind + " found twice on one instance, the first value was kept"}, 1)
		return
	}
	var mine *pivotValue
	for i := range p.values {
		if p.values[i].value.JSON() == f.Value.JSON() {
			mine = &p.values[i]
			break
		}
	}
	if mine == nil {
		p.values = append(p.values, pivotValue{value: Value{strings.Clone(f.Value.json)}, first: instance, origin: cleanText(f.Origin)})
		mine = &p.values[len(p.values)-1]
	}
	mine.on = append(mine.on, number)
	if instance < mine.first {
		mine.first, mine.origin = instance, cleanText(f.Origin)
	}
}

// cleanText is a text that reads back as it was written.
func cleanText(s string) string { return strings.Clone(strings.ToValidUTF8(s, "\uFFFD")) }

func (b *Builder) gap(g Gap) {
	g.Reason, g.Hint = cleanText(g.Reason), cleanText(g.Hint)
	globs := g.Covers
	if len(globs) == 0 {
		globs = []string{g.Address.String() + "*"}
	}
	for _, glob := range globs {
		if b.sel.MayTake(glob) {
			b.gaps = append(b.gaps, g)
			return
		}
	}
}

func (b *Builder) note(n Note, count int) {
	n.Count, n.Kind, n.Detail = 0, cleanText(n.Kind), cleanText(n.Detail)
	b.notes[n] += max(1, count)
}

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
	rank := make([]uint32, len(b.byName))
	sorted := slices.Clone(b.byName)
	sort.Strings(sorted)
	for i, name := range sorted {
		rank[b.names[name]] = uint32(i)
	}
	lists := map[string][]string{}
	type keyed struct {
		text string
		line Line
	}
	lines := make([]keyed, 0, len(b.lines))
	var key []byte
	for a, p := range b.lines {
		l := Line{Address: a, Values: make([]Held, len(p.values))}
		for i, v := range p.values {
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
			l.Values[i] = Held{Value: v.value, On: on, Origin: v.origin}
		}
		sort.Slice(l.Values, func(i, j int) bool { return heldBefore(l.Values[i], l.Values[j]) })
		lines = append(lines, keyed{a.String(), l})
	}
	b.lines = nil
	sort.Slice(lines, func(i, j int) bool { return lines[i].text < lines[j].text })
	out := make([]Line, len(lines))
	for i := range lines {
		out[i] = lines[i].line
	}
	return out
}
