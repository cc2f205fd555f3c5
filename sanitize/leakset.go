package sanitize

import (
	"hash/maphash"
	"math"
	"sync"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
)

// DefaultLeakValues is how many source values of less than richBits the leak check remembers at most: in 16 bytes each, and twice the room.
const DefaultLeakValues = 1 << 20

// richShare is how many more of the rich values are remembered. Six full shards' worth are 80 MiB.
const richShare = 6

// minLeak is the length in characters from which a value can identify somebody by itself.
const minLeak = 8

// leakSet remembers keyed digests of masked source values, how often each occurred, and which
// column it came from. No value is stored.
type leakSet struct {
	mutex   sync.Mutex   // for the making; it is only read while the copy is searched
	seed    maphash.Seed // made per run: the digests mean nothing outside of it
	max     int
	used    int
	level   uint // only digests with this many low zero bits are kept: 1 value in 2^level
	table   []leakEntry
	rich    richSet // values of at least richBits, however often they occurred
	filter  prefilter
	columns []leakColumn
	lengths [maxWindow + 1]bool // in bytes, of remembered values
}

type leakEntry struct {
	digest uint64
	column uint16
	many   bool  // occurred more than once, so it identifies nobody
	bits   uint8 // information in the value if its characters were random
	digits bool  // few letters: numbers meet by chance
	words  bool  // letters and blanks only: may be a word of the trade
}

// leakColumn is a masked column of the source.
type leakColumn struct {
	at     place
	plan   *ColumnPlan
	unique int64      // values of less than richBits that identify somebody, of those remembered
	byBits [256]int64 // the same by the information in them
	digits int64      // those of them that are little else than digits
	own    int64      // cells that were masked as themselves
}

// count adds or takes one value.
func (c *leakColumn) count(e *leakEntry, by int64) {
	c.unique += by
	if e.digits {
		c.digits += by
		return
	}
	c.byBits[e.bits] += by
}

func newLeakSet(limit int) *leakSet {
	if limit <= 0 {
		limit = DefaultLeakValues
	}
	return &leakSet{seed: maphash.MakeSeed(), max: limit, table: make([]leakEntry, 1<<10), rich: richSet{max: limit * richShare}}
}

// column registers a masked column.
func (s *leakSet) column(at place, plan *ColumnPlan) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.columns = append(s.columns, leakColumn{at: at, plan: plan})
	return len(s.columns) - 1
}

// share is 1 when every value was remembered, 1/2 when every second was, and so on. It is the lesser one of both sorts.
func (s *leakSet) share() float64 { return math.Ldexp(1, -int(max(s.level, s.rich.level))) }

// leakLane gathers what one goroutine copies, so that the set is locked once for many values.
type leakLane struct {
	set     *leakSet
	own     map[int]int64
	pending []leakEntry
	lengths [maxWindow + 1]bool
}

// leakBatch is how many values a lane gathers.
const leakBatch = 1024

func (s *leakSet) lane() *leakLane { return &leakLane{set: s, own: map[int]int64{}} }

// add compares a cell with its mask and remembers its digest.
func (l *leakLane) add(col *outColumn, cell engine.Cell, masked []byte) {
	v := cell.Data
	if string(v) == string(masked) {
		if !blank(v) && !col.masker.plain(cell) && !(col.plan.Mask == "geo" && len(v) < minLeak) { // no place on earth: 180.5, 0.0
			l.own[col.id]++
		}
		return
	}
	l.remember(col, v)
}

// remember takes a source value in.
func (l *leakLane) remember(col *outColumn, v []byte) {
	if len(v) < minLeak || scattered(col.plan) || len(v) < minLeak*utf8.UTFMax && utf8.RuneCount(v) < minLeak || blank(v) {
		return
	}
	t := trimmed(v)
	e := leakEntry{digest: maphash.Bytes(l.set.seed, t), column: uint16(col.id)}
	e.bits, e.digits, e.words = information(v)
	l.lengths[min(len(t), maxWindow)] = true
	l.pending = append(l.pending, e)
	if len(l.pending) == leakBatch {
		l.flush()
	}
}

// flush brings what was gathered into the set.
func (l *leakLane) flush() {
	s := l.set
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i := range l.pending {
		s.remember(l.pending[i])
	}
	for id, n := range l.own {
		s.columns[id].own += n
	}
	for i, seen := range l.lengths {
		s.lengths[i] = s.lengths[i] || seen
	}
	l.pending = l.pending[:0]
	clear(l.own)
}

// scattered are masks of so few possible values that a mask meets another row's value by chance:
// for them only the own cell is compared.
func scattered(p *ColumnPlan) bool {
	switch p.Mask {
	case "date", "birth-date", "geo":
		return true
	}
	return p.Mask == "ip" && p.opts.unique
}

// remember takes an entry in, under the lock.
func (s *leakSet) remember(n leakEntry) {
	if n.rich() {
		s.rich.add(n.digest, n.column)
		return
	}
	if n.digest&(1<<s.level-1) != 0 {
		return
	}
	if n.digest == 0 {
		n.digest = 1 << 63 // 0 marks a free slot
	}
	e := s.slot(n.digest)
	if e.digest == n.digest {
		if !e.many {
			e.many = true
			s.columns[e.column].count(e, -1)
		}
		return
	}
	*e = n
	s.columns[n.column].count(e, 1)
	s.used++
	if s.used*4 > len(s.table)*3 {
		s.grow()
	}
}

// rich values tell so much that nobody shares them by chance, such as an e-mail address in two tables: they are looked for however often they occur.
// Of the others, one that occurs twice stands for nobody. Repeated words are a phrase.
func (e *leakEntry) rich() bool { return e.bits >= richBits && !e.words }

// richBits is the information from which any occurrence of a value is a leak.
const richBits = 64

// slot finds the entry of a digest, or the free one where it belongs.
func (s *leakSet) slot(digest uint64) *leakEntry {
	mask := uint64(len(s.table) - 1)
	for i := digest >> 7 & mask; ; i = (i + 1) & mask {
		if e := &s.table[i]; e.digest == digest || e.digest == 0 {
			return e
		}
	}
}

// grow doubles the table, or when it would exceed the bound, forgets half of the digests.
func (s *leakSet) grow() {
	old, size := s.table, len(s.table)*2
	if size > s.max*2 {
		size = len(s.table)
		s.level++
	}
	s.table = make([]leakEntry, size)
	s.used = 0
	for _, e := range old {
		if e.digest == 0 {
			continue
		}
		if e.digest&(1<<s.level-1) != 0 {
			if !e.many {
				s.columns[e.column].count(&e, -1)
			}
			continue
		}
		*s.slot(e.digest) = e
		s.used++
	}
}

// seal ends the making: from now on the set is only read.
func (s *leakSet) seal() {
	s.filter = newPrefilter(s.used + s.rich.used)
	for i := range s.table {
		if e := &s.table[i]; e.digest != 0 && !e.many {
			s.filter.add(e.digest)
		}
	}
	s.rich.each(s.filter.add)
}

// empty reports that there is nothing to look for.
func (s *leakSet) empty() bool { return s.used+s.rich.used == 0 }

// digest is what is remembered of a value.
func (s *leakSet) digest(v []byte) uint64 { return maphash.Bytes(s.seed, v) }

// find looks a piece of text up: the column whose value it is, if it identifies somebody.
func (s *leakSet) find(v []byte) (leakEntry, bool) {
	digest := s.digest(v)
	if !s.filter.may(digest) {
		return leakEntry{}, false
	}
	if column, ok := s.rich.find(digest); ok {
		return leakEntry{digest: digest, column: column, bits: math.MaxUint8}, true
	}
	if digest&(1<<s.level-1) != 0 {
		return leakEntry{}, false
	}
	if digest == 0 {
		digest = 1 << 63
	}
	e := s.slot(digest)
	return *e, e.digest == digest && !e.many
}

// information is what a value of these characters could tell at most, in bits; whether it is little else than digits; and whether there is nothing
// but letters and blanks in it.
func information(v []byte) (bits uint8, digits, words bool) {
	var n [5]int
	for _, c := range v {
		n[characters[c]]++
	}
	tenths := n[aDigit]*33 + n[aLetter]*47 + n[highLead]*50
	return uint8(min(tenths/10, 255)), n[aLetter]+n[highLead] < 4, n[aDigit]+n[aSign] == 0
}

// What a byte is to information.
const (
	aSign = iota
	aDigit
	aLetter
	highLead // the first byte of a character beyond ASCII
	silent   // its other bytes, and the blank
)

var characters = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = aDigit
		case c < utf8.RuneSelf && asciiMembers[c].alphabet != nil:
			t[c] = aLetter
		case c >= 0xc0:
			t[c] = highLead
		case c == ' ' || c >= utf8.RuneSelf:
			t[c] = silent
		}
	}
	return t
}()

// trimmed is v without outer white space.
func trimmed(v []byte) []byte {
	for len(v) > 0 && space(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && space(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}
