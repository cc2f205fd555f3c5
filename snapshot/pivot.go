package snapshot

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"
	"sort"
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
