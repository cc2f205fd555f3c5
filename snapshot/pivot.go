package snapshot

import (
	"hash/maphash"
	"strings"
	"sync"
	"unicode/utf8"
)

// Builder turns the results of single instances into the pivoted lines of a snapshot. It keeps each address and each
// distinct value once, so that its memory grows with what is different, not with the number of hosts. It may be used
// from many goroutines; the outcome does not depend on the order in which instances add, only on the order of one
// instance's own results where they contradict each other.
type Builder struct {
	sel Selection

	mu      sync.Mutex
	seed    maphash.Seed
	index   map[uint64]int32 // hash of an address → its pivot's number; others of the same hash follow by next
	lines   [][]pivot        // in chunks, so that growing copies nothing
	recent  [1 << 12]string  // texts kept lately, by hash: kinds, attributes and short values come again and again
	gaps    []Gap
	notes   map[Note]int // without count → count
	members map[string]map[string]bool
	types   map[string]Scope
	looked  map[string]map[string]map[string]bool // scope → glob → instances
	follows map[string]map[string]bool            // scope → instances declared as replicas
	names   map[string]uint32
	byName  []string
}

// pivot is one address while it is built. Most have one value of one instance,
// which stands in it; more is what others add.
type pivot struct {
	address Address
	value   Value
	origin  string
	number  uint32 // of the instance that has value first
	next    int32  // the next pivot of the same hash, -1 for none
	more    *pivotMore
}

// pivotMore are the values of an address that several instances have.
type pivotMore struct {
	values []pivotValue
	has    []uint64 // bit set of the instances that have a value
}

type pivotValue struct {
	value  Value
	on     []uint32 // numbers of instances
	first  string   // the instance, smallest by name, that origin is of
	origin string
}

// chunk is how many pivots are allocated at once.
const chunk = 1 << 12

// claim notes that an instance has a value, and reports whether it had none.
func (p *pivotMore) claim(number uint32) bool {
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

// NewBuilder makes a Builder that keeps what sel takes.
func NewBuilder(sel Selection) *Builder {
	return &Builder{
		sel: sel, seed: maphash.MakeSeed(), index: map[uint64]int32{}, notes: map[Note]int{}, members: map[string]map[string]bool{}, types: map[string]Scope{},
		looked: map[string]map[string]map[string]bool{}, follows: map[string]map[string]bool{}, names: map[string]uint32{},
	}
}

// Instance declares that an instance belongs to a scope, whether or not anything can be read
// from it. typ is role, database, endpoint or exec.
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

// Add takes what one collector found on one instance of a declared scope. kinds are the collector's:
// what it looked at unless the result says otherwise. An address that the instance has already keeps its
// first value, and the snapshot notes it.
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
	if len(b.index) == 0 {
		b.index = make(map[uint64]int32, len(r.Facts))
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
	hash := maphash.Comparable(b.seed, f.Address)
	p := b.find(hash, f.Address)
	if p == nil {
		if !wellFormed(f.Address) {
			b.gap(Gap{Address: Address{Scope: f.Address.Scope, Kind: "collector"}, Instance: instance, Reason: "a fact was dropped: its address is malformed"})
			return
		}
		b.insert(hash, f, number)
		return
	}
	if p.more == nil {
		p.more = &pivotMore{values: []pivotValue{{value: p.value, on: []uint32{p.number}, first: b.byName[p.number], origin: p.origin}}}
		p.more.claim(p.number)
	}
	if !p.more.claim(number) {
		b.note(Note{Scope: f.Address.Scope, Kind: f.Address.Kind + " found twice on one instance, the first value was kept"}, 1)
		return
	}
	var mine *pivotValue
	for i := range p.more.values {
		if p.more.values[i].value.JSON() == f.Value.JSON() {
			mine = &p.more.values[i]
			break
		}
	}
	if mine == nil {
		p.more.values = append(p.more.values, pivotValue{value: Value{b.kept(f.Value.json)}, first: instance, origin: cleanText(f.Origin)})
		mine = &p.more.values[len(p.more.values)-1]
	}
	mine.on = append(mine.on, number)
	if instance < mine.first {
		mine.first, mine.origin = instance, cleanText(f.Origin)
	}
}

func (b *Builder) at(i int32) *pivot { return &b.lines[i/chunk][i%chunk] }

func (b *Builder) find(hash uint64, a Address) *pivot {
	i, ok := b.index[hash]
	if !ok {
		return nil
	}
	for ; i >= 0; i = b.at(i).next {
		if p := b.at(i); p.address == a {
			return p
		}
	}
	return nil
}

// insert adds the first value of a new address. It keeps copies, so that a parsed file is not kept alive.
func (b *Builder) insert(hash uint64, f *Fact, number uint32) {
	last := len(b.lines) - 1
	if last < 0 || len(b.lines[last]) == chunk {
		b.lines = append(b.lines, make([]pivot, 0, chunk))
		last++
	}
	next, ok := b.index[hash]
	if !ok {
		next = -1
	}
	b.index[hash] = int32(last*chunk + len(b.lines[last]))
	a := f.Address
	b.lines[last] = append(b.lines[last], pivot{
		address: Address{Scope: b.kept(a.Scope), Kind: b.kept(a.Kind), Name: b.kept(a.Name), Attribute: b.kept(a.Attribute)},
		value:   Value{b.kept(f.Value.json)}, origin: b.kept(strings.ToValidUTF8(f.Origin, "\uFFFD")), number: number, next: next,
	})
}

// kept is a copy of a text, the same one as lately where it can be.
func (b *Builder) kept(text string) string {
	if text == "" {
		return ""
	}
	slot := &b.recent[maphash.String(b.seed, text)%uint64(len(b.recent))]
	if *slot != text {
		*slot = strings.Clone(text)
	}
	return *slot
}

// wellFormed reports that an address reads back as it is written.
func wellFormed(a Address) bool {
	return ValidScope(a.Scope) && a.Kind != "" && !strings.ContainsAny(a.Kind, "/#") && strings.IndexByte(a.Name, '#') < 0 &&
		utf8.ValidString(a.Kind) && utf8.ValidString(a.Name) && utf8.ValidString(a.Attribute)
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
		if !strings.Contains(glob, ":") { // collectors leave their scope out
			glob = g.Address.Scope + ":" + glob
		}
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
