package sanitize

import (
	"hash/maphash"
	"math"
	"sync"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
)

// DefaultLeakValues is how many source values the leak check remembers at most: 16 bytes each.
const DefaultLeakValues = 2 << 20

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
	unique int64 // values that identify somebody, of those remembered
	own    int64 // cells that were masked as themselves
}

func newLeakSet(limit int) *leakSet {
	if limit <= 0 {
		limit = DefaultLeakValues
	}
	return &leakSet{seed: maphash.MakeSeed(), max: limit, table: make([]leakEntry, 1<<10)}
}

// column registers a masked column.
func (s *leakSet) column(at place, plan *ColumnPlan) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.columns = append(s.columns, leakColumn{at: at, plan: plan})
	return len(s.columns) - 1
}

// share is 1 when every value was remembered, 1/2 when every second was, and so on.
func (s *leakSet) share() float64 { return math.Ldexp(1, -int(s.level)) }

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
	if len(v) < minLeak || utf8.RuneCount(v) < minLeak || blank(v) {
		return
	}
	if string(v) == string(masked) {
		if !col.masker.plain(cell) {
			l.own[col.id]++
		}
		return
	}
	if scattered(col.plan) {
		return
	}
	t := trimmed(v)
	bits, digits := information(v)
	l.lengths[min(len(t), maxWindow)] = true
	l.pending = append(l.pending, leakEntry{digest: maphash.Bytes(l.set.seed, t), column: uint16(col.id), bits: bits, digits: digits, words: wordsOnly(v)})
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
	if n.digest&(1<<s.level-1) != 0 {
		return
	}
	if n.digest == 0 {
		n.digest = 1 << 63 // 0 marks a free slot
	}
	e := s.slot(n.digest)
	if e.digest == n.digest {
		if e.identifies() {
			if e.many = true; !e.identifies() {
				s.columns[e.column].unique--
			}
		}
		return
	}
	*e = n
	s.columns[n.column].unique++
	s.used++
	if s.used*4 > len(s.table)*3 {
		s.grow()
	}
}

// identifies reports whether a value can stand for somebody: one that occurs once, and one so rich that nobody shares it by chance, such as an
// e-mail address in two tables. Repeated words are a phrase.
func (e *leakEntry) identifies() bool {
	return !e.many || e.bits >= richBits && !e.words
}

// richBits is the information from which a value is looked for however often it occurs.
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
			if e.identifies() {
				s.columns[e.column].unique--
			}
			continue
		}
		*s.slot(e.digest) = e
		s.used++
	}
}

// find looks a piece of text up: the column whose value it is, if that occurred once.
func (s *leakSet) find(v []byte) (leakEntry, bool) {
	digest := maphash.Bytes(s.seed, v)
	if digest&(1<<s.level-1) != 0 {
		return leakEntry{}, false
	}
	if digest == 0 {
		digest = 1 << 63
	}
	e := s.slot(digest)
	return *e, e.digest == digest && e.identifies()
}

// information is what a value of these characters could tell at most, in bits,
// and whether it is little else than digits.
func information(v []byte) (bits uint8, digits bool) {
	tenths, letters := 0, 0
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			tenths += 33
		case c < utf8.RuneSelf && asciiMembers[c].alphabet != nil:
			tenths += 47
			letters++
		case c >= 0xc0:
			tenths += 50
			letters++
		}
	}
	return uint8(min(tenths/10, 255)), letters < 4
}

// wordsOnly reports whether there is nothing but letters and blanks in v.
func wordsOnly(v []byte) bool {
	for _, c := range v {
		if c != ' ' && c < utf8.RuneSelf && asciiMembers[c].alphabet != letters {
			return false
		}
	}
	return true
}

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
