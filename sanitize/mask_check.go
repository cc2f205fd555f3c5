package sanitize

import (
	"github.com/envdiff/envdiff/internal/keys"
)

// card permutes the digits of a payment card number but the last and corrects the last, so that a right check digit
// stays right and a wrong one stays wrong by as much: the map is injective on both.
type card struct {
	s      *shape
	number cellMasker
}

func newCard(key keys.Key, o maskOptions) cellMasker {
	return &card{newShape(key, false), newNumber(key, o)}
}

func (m *card) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if !cardLike(out) {
		m.s.mask(out) // separators and classes stay, so it stays unlike a card number
		return dst
	}
	last := lastDigit(out)
	delta := (out[last] - '0' + 10 - luhnDigit(out[:last])) % 10
	zero := out[0] == '0'
	closed(out, func(b []byte) bool { return (b[0] == '0') == zero }, func(b []byte) { m.s.mask(b[:last]) })
	out[last] = '0' + (luhnDigit(out[:last])+delta)%10
	return dst
}

func (m *card) appendNumber(dst, v []byte) []byte {
	if !cardLike(v) || v[0] == '-' {
		return m.number.append(dst, v)
	}
	return m.append(dst, v)
}

// cardLike accepts 12 to 19 digits in groups.
func cardLike(v []byte) bool {
	n := 0
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			n++
		case c != ' ' && c != '-':
			return false
		}
	}
	return n >= 12 && n <= 19
}

func lastDigit(v []byte) int {
	for i := len(v) - 1; i >= 0; i-- {
		if v[i] >= '0' && v[i] <= '9' {
			return i
		}
	}
	return 0
}

// luhnDigit is the check digit that belongs to a payload (ISO/IEC 7812-1 annex B).
func luhnDigit(payload []byte) byte {
	sum, double := 0, true
	for i := len(payload) - 1; i >= 0; i-- {
		c := payload[i]
		if c < '0' || c > '9' {
			continue
		}
		d := int(c - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return byte((10 - sum%10) % 10)
}

// iban permutes the account part of an IBAN within its classes and corrects the check digits: right ones stay right,
// wrong ones leave the same remainder. Country, case and grouping stay.
type iban struct {
	s  *shape
	at []int // offsets of letters and digits
}

func newIBAN(key keys.Key, o maskOptions) cellMasker { return &iban{s: newShape(key, false)} }

func (m *iban) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	if m.at = ibanPositions(m.at[:0], out); m.at == nil {
		m.s.mask(out)
		return dst
	}
	check := int(out[m.at[2]]-'0')*10 + int(out[m.at[3]]-'0')
	remainder := m.mod97(out)
	m.s.mask(out[m.at[4]:])
	if check < 2 || check > 98 {
		return dst // no IBAN has these; they stay, apart from the images of all others
	}
	out[m.at[2]], out[m.at[3]] = '0', '0'
	c := (remainder - m.mod97(out) + 97) % 97
	if c < 2 {
		c += 97
	}
	out[m.at[2]], out[m.at[3]] = byte('0'+c/10), byte('0'+c%10)
	return dst
}

// mod97 is the remainder of ISO 13616: account, country and check digits read as one number,
// letters as 10 to 35. It is 1 for a valid IBAN.
func (m *iban) mod97(v []byte) int {
	r := 0
	for i := range m.at {
		c := v[m.at[(i+4)%len(m.at)]]
		if c >= '0' && c <= '9' {
			r = (r*10 + int(c-'0')) % 97
		} else {
			r = (r*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	return r
}

// ibanPositions returns the offsets of letters and digits, or nil if v does not have the form of an IBAN: two letters,
// two digits, 11 to 30 letters and digits, blanks or dashes between them.
func ibanPositions(at []int, v []byte) []int {
	for i, c := range v {
		switch {
		case c < 0x80 && asciiMembers[c].alphabet != nil:
			at = append(at, i)
		case c != ' ' && c != '-':
			return nil
		}
	}
	if len(at) < 15 || len(at) > 34 {
		return nil
	}
	for i, want := range []*alphabet{letters, letters, digits, digits} {
		if asciiMembers[v[at[i]]].alphabet != want {
			return nil
		}
	}
	return at
}

// phone keeps the number of digits and the separators. Nobody is ever called: international numbers get the unassigned
// country code 999 (ITU-T E.164 list of assigned codes: "reserved for possible future global service"), others end in
// 555-0100 to 555-0199, which the North American plan keeps for fiction. These ranges are too small to be injective;
// where different numbers must stay different the digits are permuted instead, and the plan says so.
type phone struct {
	s      *shape
	unique bool
	number cellMasker
	digits []byte
}

func newPhone(key keys.Key, o maskOptions) cellMasker {
	return &phone{s: newShape(key, !o.unique), unique: o.unique, number: newNumber(key, o)}
}

func (m *phone) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	m.digits = m.digits[:0]
	plain := true
	for _, c := range out {
		switch {
		case c >= '0' && c <= '9':
			m.digits = append(m.digits, c-'0')
		case c < 0x80 && asciiMembers[c].alphabet == nil:
		default:
			plain = false
		}
	}
	if m.unique || !plain || len(m.digits) < 7 {
		m.s.mask(out)
		return dst
	}
	m.reserve(out)
	return dst
}

func (m *phone) appendNumber(dst, v []byte) []byte {
	if m.unique || len(v) < 7 || skipDigits(v, 0) < len(v) {
		return m.number.append(dst, v)
	}
	return m.append(dst, v)
}

// reserve writes a number of a reserved range over the digits of v, chosen by the one-way function of its digits.
func (m *phone) reserve(v []byte) {
	n := len(m.digits)
	international, zeros := v[0] == '+', 0
	for zeros < n && m.digits[zeros] == 0 {
		zeros++
	}
	if zeros == 2 && n >= 10 {
		international = true
	}
	radix := make([]uint16, 0, 32)
	for range n {
		radix = append(radix, 10)
	}
	before := string(m.digits)
	m.s.f.oneWay(m.digits, radix)
	d := m.digits
	switch {
	case international && zeros == 2:
		copy(d, []byte{0, 0, 9, 9, 9})
	case international:
		copy(d, []byte{9, 9, 9})
	default:
		copy(d[n-7:], []byte{5, 5, 5, 0, 1})
		if n > 7 {
			if d[0] = 2 + d[0]%8; zeros > 0 {
				d[0] = 0
			}
		}
	}
	if string(d) == before {
		d[n-1] = (d[n-1] + 1) % 10
	}
	i := 0
	for at, c := range v {
		if c >= '0' && c <= '9' {
			v[at] = '0' + d[i]
			i++
		}
	}
}
