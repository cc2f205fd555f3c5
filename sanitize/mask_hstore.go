package sanitize

import (
	"bytes"

	"github.com/envdiff/envdiff/internal/keys"
)

// hstore masks the values of PostgreSQL's hstore in the form in which the server prints it, each as what it looks like. Keys stay unless they look
// like values; NULLs stay.
type hstore struct {
	in         *inside
	key, value []byte
	masked     []byte
	unreadable *shape
}

func newHstore(key keys.Key, o maskOptions) cellMasker {
	return fit(o, func(o maskOptions) documentMask {
		return &hstore{in: newInside(key, o), unreadable: newShape(key.Derive("unreadable"), o.oneWay())}
	})
}

func (m *hstore) append(dst, v []byte) []byte {
	start := len(dst)
	ok := m.each(v, func(key, value []byte, null bool) {
		if len(dst) > start {
			dst = append(dst, ", "...)
		}
		if m.masked = append(m.masked[:0], key...); dataLike(key) {
			m.masked = m.in.append(m.masked[:0], nil, key)
		}
		dst = append(appendQuoted(append(dst, '"'), m.masked), `"=>`...)
		if null {
			dst = append(dst, "NULL"...)
			return
		}
		m.masked = m.in.append(m.masked[:0], key, value)
		dst = append(appendQuoted(append(dst, '"'), m.masked), '"')
	})
	if !ok { // not what a server prints: it is masked as a whole, and the copy's server refuses it
		dst = append(dst[:start], v...)
		m.unreadable.mask(dst[start:])
	}
	return dst
}

// plain reports hstores without a value.
func (m *hstore) plain(v []byte) bool {
	plain := true
	ok := m.each(v, func(key, value []byte, null bool) { plain = plain && !dataLike(key) && !substance(value) })
	return ok && plain
}

// each walks over the pairs of "key"=>"value", "key"=>NULL.
func (m *hstore) each(v []byte, pair func(key, value []byte, null bool)) bool {
	for len(v) > 0 {
		var ok bool
		if m.key, v, ok = quotedString(m.key[:0], v); !ok || !bytes.HasPrefix(v, []byte("=>")) {
			return false
		}
		v = v[2:]
		if bytes.HasPrefix(v, []byte("NULL")) {
			v = v[4:]
			pair(m.key, nil, true)
		} else {
			if m.value, v, ok = quotedString(m.value[:0], v); !ok {
				return false
			}
			pair(m.key, m.value, false)
		}
		if len(v) == 0 {
			return true
		}
		if !bytes.HasPrefix(v, []byte(", ")) {
			return false
		}
		v = v[2:]
	}
	return true
}

// quotedString reads "text" with backslash escapes at the start of v, appending to dst.
func quotedString(dst, v []byte) (text, rest []byte, ok bool) {
	if len(v) == 0 || v[0] != '"' {
		return dst, v, false
	}
	for i := 1; i < len(v); i++ {
		switch v[i] {
		case '"':
			return dst, v[i+1:], true
		case '\\':
			i++
			if i == len(v) {
				return dst, v, false
			}
		}
		dst = append(dst, v[i])
	}
	return dst, v, false
}
