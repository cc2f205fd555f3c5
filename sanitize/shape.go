package sanitize

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/keys"
)

// shape is the construction that most masks share. A value is split into a canonical form (its letters in
// lower case, its digits) and a residue (case, blanks, separators, everything else). The canonical form is
// permuted by a keyed Feistel network over its positions, each within the alphabet of the character that stood
// there, and the residue is put back. Hence:
//
//   - injective: two values are masked alike only if they are equal, also when compared in lower case or trimmed;
//   - mask(lower(x)) = lower(mask(x)) and mask(trim(x)) = trim(mask(x)), for ASCII and for Unicode rules;
//   - length in characters and bytes, character classes and separators stay;
//   - no value is its own mask (derange), as long as it has one character that can be replaced.
//
// With oneWay set the canonical form is replaced by a pseudorandom one: the same properties but injectivity, and
// no way back. Not safe for concurrent use.
type shape struct {
	f       *feistel
	oneWay  bool
	members *[utf8.RuneSelf]member
	pages   map[rune]*page

	sym   []byte
	radix []uint16
	slots []slot
	saved []byte
}

// slot is where a symbol came from.
type slot struct {
	alphabet *alphabet
	at       uint32 // cells are below 4 GiB on every engine
	size     uint8
	upper    bool
}

func newShape(key keys.Key, oneWay bool) *shape {
	return &shape{f: newFeistel(key), oneWay: oneWay, members: asciiMembers, pages: map[rune]*page{}}
}

// in runs mask with another table of ASCII members.
func (s *shape) in(members *[utf8.RuneSelf]member, v []byte) {
	old := s.members
	s.members = members
	s.mask(v)
	s.members = old
}

// maxPiece is how many bytes are permuted as one. Longer values are masked piece by piece, so that what they need beside themselves is bounded.
const maxPiece = 64 << 10

// mask replaces v in place.
func (s *shape) mask(v []byte) {
	if len(v) > maxPiece {
		s.maskPieces(v)
		return
	}
	s.reset()
	s.load(v)
	if len(s.sym) == 0 {
		s.loadPunctuation(v)
	}
	if len(s.sym) == 0 {
		return
	}
	s.derange()
	s.store(v)
}

// maskPieces masks a long value. It is cut between characters: where is told by what the mask keeps, so the whole stays injective.
func (s *shape) maskPieces(v []byte) {
	for len(v) > 0 {
		end := min(len(v), maxPiece)
		for back := 0; end < len(v) && back < utf8.UTFMax && !utf8.RuneStart(v[end]); back++ {
			end--
		}
		s.reset()
		if s.load(v[:end]); len(s.sym) > 0 {
			s.derange()
			s.store(v[:end])
		}
		v = v[end:]
	}
}

func (s *shape) reset() { s.sym, s.radix, s.slots = s.sym[:0], s.radix[:0], s.slots[:0] }

func (s *shape) add(m member, at, size int) {
	s.sym = append(s.sym, m.sym)
	s.radix = append(s.radix, uint16(len(m.alphabet.lower)))
	s.slots = append(s.slots, slot{at: uint32(at), size: uint8(size), upper: m.upper, alphabet: m.alphabet})
}

// load finds the characters that can be replaced.
func (s *shape) load(v []byte) {
	s.sym, s.radix, s.slots = slices.Grow(s.sym, len(v)), slices.Grow(s.radix, len(v)), slices.Grow(s.slots, len(v))
	for i := 0; i < len(v); {
		if v[i] < utf8.RuneSelf {
			i = s.loadASCII(v, i)
			continue
		}
		r, size := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && size == 1 {
			s.loadBad(v, i)
		} else if m := s.page(r)[r&0xff]; m.alphabet != nil {
			s.add(m, i, size)
		}
		i += size
	}
}

// loadASCII is load for a run of ASCII, for which there is room; it returns where that ends.
func (s *shape) loadASCII(v []byte, i int) int {
	n := len(s.sym)
	sym, radix, slots := s.sym[:cap(s.sym)], s.radix[:cap(s.radix)], s.slots[:cap(s.slots)]
	for ; i < len(v) && v[i] < utf8.RuneSelf; i++ {
		m := &s.members[v[i]]
		if m.alphabet == nil {
			continue
		}
		sym[n], radix[n] = m.sym, uint16(len(m.alphabet.lower))
		slots[n] = slot{at: uint32(i), size: 1, upper: m.upper, alphabet: m.alphabet}
		n++
	}
	s.sym, s.radix, s.slots = sym[:n], radix[:n], slots[:n]
	return i
}

// loadIn is load with another table of ASCII members.
func (s *shape) loadIn(members *[utf8.RuneSelf]member, v []byte) {
	old := s.members
	s.members = members
	s.load(v)
	s.members = old
}

// loadBad takes a byte that is not UTF-8: text of another charset in a UTF-8 column. A start byte without a
// continuation after it may become any other start byte, and stays just as invalid; every other stray byte is kept,
// since replacing it could make the neighbourhood valid and two values alike.
func (s *shape) loadBad(v []byte, i int) {
	c := v[i]
	if c < 0xc2 || c > 0xf4 || i+1 < len(v) && v[i+1]&0xc0 == 0x80 {
		return
	}
	s.add(member{alphabet: badBytes, sym: c - 0xc2}, i, 1)
}

// loadPunctuation is for values without a letter or digit, so that "?!-- ?!--" does not survive either. Such values
// stay such values, so the mask as a whole stays injective.
func (s *shape) loadPunctuation(v []byte) {
	for i, c := range v {
		if c < utf8.RuneSelf {
			if m := punctuationMembers[c]; m.alphabet != nil {
				s.add(m, i, 1)
			}
		}
	}
}

func (s *shape) page(r rune) *page {
	first := r &^ 0xff
	p := s.pages[first]
	if p == nil {
		p = newPage(first)
		s.pages[first] = p
	}
	return p
}

// store writes the symbols back in their places.
func (s *shape) store(v []byte) {
	for i := range s.slots {
		sl := &s.slots[i]
		set := sl.alphabet.lower
		if sl.upper {
			set = sl.alphabet.upper
		}
		r := set[s.sym[i]]
		if sl.size == 1 {
			v[sl.at] = byte(r)
		} else {
			utf8.EncodeRune(v[sl.at:sl.at+uint32(sl.size)], r)
		}
	}
}

// derange applies the keyed map so that no value is mapped to itself, and so that a masked
// value hardly ever equals another raw value.
//
// Let side be a bit of the canonical form that two things know: natural values have mostly the same side (most of their
// characters are in the first, frequent half of the alphabets), and flip, which moves every character to the other
// half, always changes it. Walking the permutation until it returns to the side it came from is a permutation of each
// side; flip then takes one side to the other. The whole is a bijection that changes the side of every value: it has no
// fixed point, and what real values look like is what masked values do not.
//
// In domains of 2^48 values and more both hold but for one value in as many, without a walk.
func (s *shape) derange() {
	if s.large() {
		if s.oneWay {
			s.f.oneWay(s.sym, s.radix)
		} else {
			s.f.permute(s.sym, s.radix)
		}
		return
	}
	side, ok := s.side()
	if s.oneWay {
		s.saved = append(s.saved[:0], s.sym...)
		s.f.oneWay(s.sym, s.radix)
		if now, _ := s.side(); ok && now == side {
			s.flip()
		} else if !ok && bytes.Equal(s.saved, s.sym) {
			s.sym[0] = byte((uint16(s.sym[0]) + 1) % s.radix[0])
		}
		return
	}
	if !ok {
		// Only alphabets of odd size: conjugate a shift of the first symbol, which
		// has no fixed point, by the permutation.
		s.f.permute(s.sym, s.radix)
		s.sym[0] = byte((uint16(s.sym[0]) + 1) % s.radix[0])
		s.f.invert(s.sym, s.radix)
		return
	}
	for {
		s.f.permute(s.sym, s.radix)
		if now, _ := s.side(); now == side {
			break
		}
	}
	s.flip()
}

// large reports whether there are 2^48 values or more of these radices.
func (s *shape) large() bool {
	product := uint64(1)
	for _, r := range s.radix {
		if product *= uint64(r); product >= 1<<48 {
			return true
		}
	}
	return false
}

// side tells on which side of the domain the symbols are: where most of them are in their alphabets' first half, or if
// that is even, the first one. Alphabets of odd size have no say; ok is false when there is no other.
func (s *shape) side() (first, ok bool) {
	score := 0
	var lead bool
	for i, r := range s.radix {
		if r%2 != 0 {
			continue
		}
		low := uint16(s.sym[i]) < r/2
		if !ok {
			lead, ok = low, true
		}
		if low {
			score++
		} else {
			score--
		}
	}
	if score == 0 {
		return lead, ok
	}
	return score > 0, ok
}

// flip moves every symbol of an even alphabet to the other half.
func (s *shape) flip() {
	for i, r := range s.radix {
		if r%2 == 0 {
			s.sym[i] = byte((uint16(s.sym[i]) + r/2) % r)
		}
	}
}

// closed applies a bijection in place until the result is in the class that the source was in: a bijection of each
// class, which ends since the walk comes round to the source.
func closed(v []byte, class func([]byte) bool, bijection func([]byte)) {
	was := class(v)
	for {
		bijection(v)
		if class(v) == was {
			return
		}
	}
}

// maskClosed masks v and stays in its class. A one-way map need not come round, so after a few tries
// the bijection of the same key takes over.
func (s *shape) maskClosed(v []byte, class func([]byte) bool) {
	if !s.oneWay {
		closed(v, class, s.mask)
		return
	}
	was := class(v)
	source := append([]byte(nil), v...)
	for range 8 {
		if s.mask(v); class(v) == was {
			return
		}
	}
	copy(v, source)
	s.oneWay = false
	closed(v, class, s.mask)
	s.oneWay = true
}
