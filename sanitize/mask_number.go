package sanitize

import (
	"bytes"

	"github.com/envdiff/envdiff/internal/keys"
)

// number permutes the digits of a number: sign, zero, the number of digits before and behind the point and an exponent
// stay, and no first digit becomes zero, so the text stays in canonical form. Integers stay within the type's range.
type number struct {
	s   *shape
	max string // largest absolute value of an integer, as digits
}

func newNumber(key keys.Key, o maskOptions) cellMasker {
	limit := o.maxInteger
	if limit == "" {
		limit = family{}.maxInteger()
	}
	return &number{s: newShape(key.Derive("number"), false), max: limit}
}

func (m *number) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	n, ok := parseNumber(out)
	if !ok {
		m.s.maskClosed(out, func(b []byte) bool { _, ok := parseNumber(b); return ok })
		return dst
	}
	if n.keep {
		return dst
	}
	if m.marker(out) {
		return dst
	}
	integer := out[n.from:n.point]
	closed(out, func([]byte) bool { return !exceeds(integer, m.max) && !m.marker(out) }, func([]byte) { m.permute(out, n) })
	return dst
}

// marker reports the largest and the smallest value of the type: programs use them
// for "none" and "unlimited", so they stay.
func (m *number) marker(v []byte) bool {
	if len(v) > 0 && v[0] == '-' {
		last := len(m.max) - 1
		return len(v) == last+2 && string(v[1:last+1]) == m.max[:last] && v[last+1] == m.max[last]+1
	}
	return string(v) == m.max
}

// plain reports zeros, infinities and the limits of the type.
func (m *number) plain(v []byte) bool {
	n, ok := parseNumber(v)
	return ok && (n.keep || m.marker(v) || len(bytes.Trim(v[n.from:n.end], "0.")) == 0)
}

// parsedNumber is where the parts of a number are: digits in [from, point), and behind the point in (point, end).
type parsedNumber struct {
	from, point, end int
	keep             bool // NaN, Infinity
}

func parseNumber(v []byte) (n parsedNumber, ok bool) {
	i := 0
	if i < len(v) && (v[i] == '-' || v[i] == '+') {
		i++
	}
	if word := v[i:]; bytes.EqualFold(word, []byte("nan")) || bytes.EqualFold(word, []byte("infinity")) || bytes.EqualFold(word, []byte("inf")) {
		return parsedNumber{keep: true}, true
	}
	n.from = i
	i = skipDigits(v, i)
	n.point, n.end = i, i
	if i < len(v) && v[i] == '.' {
		i = skipDigits(v, i+1)
		n.end = i
	}
	if n.end-n.from < 1 || n.end == n.from+1 && v[n.from] == '.' {
		return n, false
	}
	if i < len(v) && (v[i] == 'e' || v[i] == 'E') {
		j := i + 1
		if j < len(v) && (v[j] == '-' || v[j] == '+') {
			j++
		}
		if end := skipDigits(v, j); end > j {
			i = end
		}
	}
	return n, i == len(v)
}

func skipDigits(v []byte, i int) int {
	for i < len(v) && v[i] >= '0' && v[i] <= '9' {
		i++
	}
	return i
}

// permute masks the digits. Zeros that carry the magnitude are kept: a lone 0, those in
// front, and those at the end of a fraction.
func (m *number) permute(v []byte, n parsedNumber) {
	m.s.reset()
	last := n.end
	if n.end > n.point {
		for last > n.point+1 && v[last-1] == '0' {
			last--
		}
	}
	first := true
	for i := n.from; i < last; i++ {
		c := v[i]
		switch {
		case i == n.point:
			continue
		case first && c == '0':
			continue
		case first, i == last-1 && i > n.point:
			m.s.add(member{alphabet: firstDigits, sym: c - '1'}, i, 1)
		default:
			m.s.add(member{alphabet: digits, sym: c - '0'}, i, 1)
		}
		first = false
	}
	if len(m.s.sym) > 0 {
		m.s.derange()
		m.s.store(v)
	}
}

// exceeds reports whether the digits are a larger number than limit.
func exceeds(v []byte, limit string) bool {
	for len(v) > 0 && v[0] == '0' {
		v = v[1:]
	}
	if len(v) != len(limit) {
		return len(v) > len(limit) && len(limit) < 19
	}
	return string(v) > limit
}

// geo masks coordinates, alone or inside text: the sign and the tens of degrees stay (so a latitude stays below 90 and
// a longitude below 180), every further digit is permuted. Zero, which stands for no place, stays zero, and nothing else becomes it.
type geo struct {
	s      *shape
	number cellMasker
}

func newGeo(key keys.Key, o maskOptions) cellMasker {
	return &geo{newShape(key, false), newNumber(key, o)}
}

func (m *geo) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	if nowhere(v) {
		return dst
	}
	closed(dst[start:], nowhere, m.move)
	return dst
}

// nowhere is a coordinate of zeros.
func nowhere(v []byte) bool {
	n, ok := parseNumber(v)
	return ok && n.end == len(v) && bytes.IndexByte(v, '0') >= 0 && !bytes.ContainsAny(v, "123456789")
}

// plain is what append leaves as it is.
func (m *geo) plain(v []byte) bool { return nowhere(v) }

func (m *geo) move(out []byte) {
	m.s.reset()
	found := false
	for i := 0; i < len(out); {
		if out[i] < '0' || out[i] > '9' {
			i++
			continue
		}
		point := skipDigits(out, i)
		if point == len(out) || out[point] != '.' || point-i > 3 {
			i = point
			continue
		}
		end := skipDigits(out, point+1)
		found = true
		m.load(out, i, point, end)
		i = end
	}
	if !found {
		m.s.mask(out)
		return
	}
	if len(m.s.sym) > 0 {
		m.s.derange()
		m.s.store(out)
	}
}

// appendNumber leaves integers and exponents to number.
func (m *geo) appendNumber(dst, v []byte) []byte {
	if n, ok := parseNumber(v); !ok || n.point == n.end || n.end < len(v) || n.point-n.from > 3 {
		return m.number.append(dst, v)
	}
	return m.append(dst, v)
}

// load adds the digits of one coordinate: the last one before the point and those behind it, but for zeros at the end.
// 0, 90 and 180 are kept as they are, and what is not such a number does not become one.
func (m *geo) load(v []byte, from, point, end int) {
	unit := point - 1
	switch whole := string(v[from:point]); {
	case whole == "0", whole == "90", whole == "180":
		if whole == "180" {
			return
		}
	case point-from == 1, v[from] == '9' && point-from == 2:
		m.s.add(member{alphabet: firstDigits, sym: v[unit] - '1'}, unit, 1)
	default:
		m.s.add(member{alphabet: digits, sym: v[unit] - '0'}, unit, 1)
	}
	last := end
	for last > point+1 && v[last-1] == '0' {
		last--
	}
	for i := point + 1; i < last; i++ {
		if i == last-1 {
			m.s.add(member{alphabet: firstDigits, sym: v[i] - '1'}, i, 1)
		} else {
			m.s.add(member{alphabet: digits, sym: v[i] - '0'}, i, 1)
		}
	}
}
