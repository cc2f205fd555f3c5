package sanitize

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/keys"
)

// jsonMask masks the strings and numbers inside JSON; keys, structure, white space, booleans, nulls and escaping style
// stay. Strings are masked as what they look like. Keys stay unless they look like values: an address, a UUID, a
// number. What is not JSON is masked by shape and stays so.
type jsonMask struct {
	in              *inside
	number          *number
	decoded, masked []byte
	key             []byte // of the value that comes
}

func newJSON(key keys.Key, o maskOptions) cellMasker {
	return fit(o, func(o maskOptions) documentMask {
		return &jsonMask{in: newInside(key, o), number: newNumber(key, o).(*number)}
	})
}

func (m *jsonMask) append(dst, v []byte) []byte {
	if !json.Valid(v) {
		start := len(dst)
		dst = append(dst, v...)
		m.in.kinds[insideText].(*text).s.maskClosed(dst[start:], json.Valid)
		return dst
	}
	var open []byte // the brackets around the place
	key := false    // the next string is a key
	m.key = nil
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c == '"':
			end := stringEnd(v, i)
			s := v[i+1 : end-1]
			switch {
			case !key:
				dst = append(m.appendString(append(dst, '"'), m.key, s), '"')
			case dataLike(s):
				dst = append(m.appendString(append(dst, '"'), nil, s), '"')
			default:
				dst = append(dst, v[i:end]...)
			}
			if key {
				m.key = s
			}
			key = false
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i
			for end < len(v) && bytes.IndexByte([]byte("+-.eE0123456789"), v[end]) >= 0 {
				end++
			}
			dst = m.number.append(dst, v[i:end])
			i = end
		default:
			switch c {
			case '{', '[':
				open = append(open, c)
				key = c == '{'
			case '}', ']':
				open = open[:len(open)-1]
				key = false
			case ',':
				key = len(open) > 0 && open[len(open)-1] == '{'
			}
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

// plain reports documents: one that is its own mask has nothing but keys, booleans, nulls and zeros.
func (m *jsonMask) plain(v []byte) bool { return json.Valid(v) }

// stringEnd returns the offset behind the closing quote of the string that starts at i; v is valid JSON.
func stringEnd(v []byte, i int) int {
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// appendString masks the inside of a JSON string under a key.
func (m *jsonMask) appendString(dst, key, s []byte) []byte {
	if blank(s) {
		return append(dst, s...)
	}
	if bytes.IndexByte(s, '\\') < 0 {
		return m.in.append(dst, key, s)
	}
	plain, ok := unescape(m.decoded[:0], s)
	m.decoded = plain
	if !ok || blank(plain) {
		// Half of a surrogate pair: no text in any charset. The escapes stay, the rest is masked.
		return m.appendAround(dst, s)
	}
	m.masked = m.in.append(m.masked[:0], key, plain)
	return appendEscaped(dst, m.masked, bytes.Contains(s, []byte(`\u`)), bytes.Contains(s, []byte(`\/`)))
}

// appendAround masks what stands between the escapes.
func (m *jsonMask) appendAround(dst, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			dst = m.in.kinds[insideText].append(dst, s[:i])
			s = s[i:]
			continue
		}
		n := 2
		if s[1] == 'u' {
			n = 6
		}
		dst = append(dst, s[:n]...)
		s = s[n:]
	}
	return dst
}

// unescape decodes the inside of a JSON string; false for an unpaired surrogate.
func unescape(dst, s []byte) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s[i+1:])
			i += 4
			if r >= 0xd800 && r < 0xe000 {
				if r >= 0xdc00 || i+6 >= len(s) || s[i+1] != '\\' || s[i+2] != 'u' {
					return dst, false
				}
				low := hex4(s[i+3:])
				if low < 0xdc00 || low >= 0xe000 {
					return dst, false
				}
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[i])
		}
	}
	return dst, true
}

func hex4(s []byte) rune {
	var r rune
	for _, c := range s[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		default:
			r |= rune(c|0x20-'a') + 10
		}
	}
	return r
}

// appendEscaped encodes text as the inside of a JSON string: characters beyond ASCII as \u
// and slashes as \/ where the source did.
func appendEscaped(dst, s []byte, ascii, slash bool) []byte {
	const hexDigits = "0123456789abcdef"
	unit := func(r rune) {
		dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		switch {
		case r == '"' || r == '\\' || r == '/' && slash:
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r < 0x20:
			unit(r)
		case r < utf8.RuneSelf || !ascii || r == utf8.RuneError && size == 1:
			dst = append(dst, s[i:i+size]...)
		case r >= 0x10000:
			unit(0xd800 + (r-0x10000)>>10)
			unit(0xdc00 + (r-0x10000)&0x3ff)
		default:
			unit(r)
		}
		i += size
	}
	return dst
}
