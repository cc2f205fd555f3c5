package sanitize

import (
	"bytes"

	"github.com/envdiff/envdiff/internal/keys"
)

// text masks by shape: words stay words of the same length and case, digits digits, punctuation and blanks where they are. In a copy that is kept
// nobody can be reached by what stands in a text: see reach.
type text struct {
	s     *shape
	reach *reach // nil in a rehearsal
}

// newText is for short texts of one kind: a copy that is kept reaches nobody by an e-mail address in them.
func newText(key keys.Key, o maskOptions) cellMasker {
	m := &text{s: newShape(key, o.oneWay())}
	if o.oneWay() {
		m.reach = &reach{}
	}
	return m
}

// newProse is for texts in which telephone, card and account numbers may stand, too.
func newProse(key keys.Key, o maskOptions) cellMasker {
	m := newText(key, o).(*text)
	if m.reach != nil {
		m.reach.phone = newPhone(key.Derive("phone"), o).(*phone)
		m.reach.card = newCard(key.Derive("card"), o)
		m.reach.iban = newIBAN(key.Derive("iban"), o)
	}
	return m
}

func (m *text) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	m.s.mask(dst[start:])
	if m.reach != nil {
		m.reach.in(dst[start:], v)
	}
	return dst
}

// maskClosed is append in place that stays in a class.
func (m *text) maskClosed(v []byte, class func([]byte) bool) {
	if m.reach == nil {
		m.s.maskClosed(v, class)
		return
	}
	source := append([]byte(nil), v...)
	m.s.maskClosed(v, class)
	m.reach.in(v, source)
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// name masks names of people, companies and places. A copy that is kept gets pronounceable invented names; where an
// index needs different names to stay different, or the copy is for a rehearsal, letters are permuted.
type name struct{ s *shape }

func newName(key keys.Key, o maskOptions) cellMasker {
	if o.oneWay() {
		return &name{newShape(key, true)}
	}
	return newText(key, o)
}

// The consonants and vowels of invented names. Invented on purpose: real names from
// a list could be those of real customers.
var (
	consonants = &alphabet{lower: []rune("bdfgklmnprstvz"), upper: []rune("BDFGKLMNPRSTVZ")}
	vowels     = &alphabet{lower: []rune("aeiou"), upper: []rune("AEIOU")}
)

// append draws the letters anew from the one-way function of the canonical form,
// consonants and vowels in turn within each word.
func (m *name) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	s := m.s
	s.reset()
	s.load(out)
	if len(s.sym) == 0 {
		s.mask(out)
		return dst
	}
	s.f.oneWay(s.sym, s.radix)
	inWord, last := 0, -2
	for i := range s.slots {
		sl := &s.slots[i]
		if int(sl.at) != last+1 {
			inWord = 0
		}
		last = int(sl.at) + int(sl.size) - 1
		if sl.alphabet != letters {
			continue
		}
		draw := uint32(s.sym[i])
		// The symbol is uniform in 0..25; the first letter decides whether the word starts with a vowel.
		if sl.alphabet = consonants; inWord%2 == 1 {
			sl.alphabet = vowels
		}
		s.sym[i] = byte(draw * uint32(len(sl.alphabet.lower)) / 26)
		inWord++
	}
	s.store(out)
	if bytes.EqualFold(out, v) { // one in millions for eight letters, and yet it must not be
		s.mask(out)
	}
	return dst
}

// secret masks tokens and their hashes: hexadecimal stays hexadecimal, and the algorithm
// and cost in front of a password hash stay.
type secret struct{ s *shape }

func newToken(key keys.Key, o maskOptions) cellMasker { return &secret{newShape(key, o.oneWay())} }

func (m *secret) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if n := hashPrefix(out); n > 0 {
		m.s.mask(out[n:])
		return dst
	}
	if isHex(out) {
		m.s.in(hexMembers, out)
		return dst
	}
	m.s.maskClosed(out, recognisedToken)
	return dst
}

func recognisedToken(v []byte) bool { return hashPrefix(v) > 0 || isHex(v) }

// isHex reports whether v is a digest or key in hexadecimal: at least 16 digits,
// dashes and colons between them allowed.
func isHex(v []byte) bool {
	n := 0
	for _, c := range v {
		switch {
		case hexMembers[c&0x7f].alphabet != nil && c < 0x80:
			n++
		case c != '-' && c != ':':
			return false
		}
	}
	return n >= 16
}

// hashPrefix is the length of a crypt-style prefix: $id$ and for bcrypt the cost ($2b$12$).
func hashPrefix(v []byte) int {
	if len(v) < 8 || v[0] != '$' {
		return 0
	}
	end := bytes.IndexByte(v[1:], '$')
	if end < 1 || end > 10 {
		return 0
	}
	id := string(bytes.ToLower(v[1 : 1+end])) // folding, as the mask keeps equality under lower()
	switch id {
	case "1", "5", "6", "y", "argon2i", "argon2d", "argon2id", "scrypt":
		return end + 2
	case "2a", "2b", "2x", "2y":
		if n := end + 2; len(v) > n+3 && v[n+2] == '$' {
			return n + 3
		}
	}
	return 0
}

// uuid masks the hexadecimal digits of a UUID but those of its version and variant.
type uuid struct{ s *shape }

func newUUID(key keys.Key, o maskOptions) cellMasker { return &uuid{newShape(key, o.oneWay())} }

func (m *uuid) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if isUUID(out) {
		m.s.reset()
		m.s.loadIn(hexMembers, out)
		m.s.forget(14, 19)
		if len(m.s.sym) > 0 {
			m.s.derange()
			m.s.store(out)
		}
		return dst
	}
	m.s.maskClosed(out, isUUID)
	return dst
}

// forget takes the slots at these offsets out again.
func (s *shape) forget(offsets ...int) {
	n := 0
	for i, sl := range s.slots {
		drop := false
		for _, o := range offsets {
			drop = drop || int(sl.at) == o
		}
		if !drop {
			s.sym[n], s.radix[n], s.slots[n] = s.sym[i], s.radix[i], sl
			n++
		}
	}
	s.sym, s.radix, s.slots = s.sym[:n], s.radix[:n], s.slots[:n]
}

// isUUID accepts the canonical form, 8-4-4-4-12 hexadecimal digits.
func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c >= 0x80 || hexMembers[c].alphabet == nil {
			return false
		}
	}
	return true
}
