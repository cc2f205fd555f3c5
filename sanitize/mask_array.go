package sanitize

import (
	"bytes"

	"github.com/envdiff/envdiff/internal/engine"
)

// array masks the elements of PostgreSQL's arrays in their text form, each as its type's cell would be: dimensions, nesting and NULL elements
// stay (postgresql.org/docs/current/arrays.html, "Array Input and Output Syntax").
type array struct {
	elem             *column
	element, quoting []byte
}

// append returns ok = false for text that is no array; dst is then as it was.
func (m *array) append(dst, v []byte) (_ []byte, ok bool) {
	start := len(dst)
	ok = m.each(v, func(structure []byte) { dst = append(dst, structure...) }, func(element []byte) {
		m.quoting = m.elem.append(m.quoting[:0], engine.Cell{Type: engine.CellText, Data: element})
		dst = appendElement(dst, m.quoting)
	})
	if !ok {
		return dst[:start], false
	}
	return dst, true
}

// plain reports arrays in which no element holds data.
func (m *array) plain(v []byte) bool {
	plain := true
	ok := m.each(v, func([]byte) {}, func(element []byte) {
		plain = plain && (blank(element) || m.elem.plain(engine.Cell{Type: engine.CellText, Data: element}))
	})
	return ok && plain
}

// each walks over the parts of an array: braces, commas, dimensions and NULLs are structure; elements come without quotes and escapes.
func (m *array) each(v []byte, structure, element func([]byte)) bool {
	i, depth := 0, 0
	if len(v) > 0 && v[0] == '[' {
		i = bytes.IndexByte(v, '=') + 1
		structure(v[:i])
	}
	for ; i < len(v); i++ {
		switch c := v[i]; {
		case c == '{' || c == '}' || c == ',':
			switch c {
			case '{':
				depth++
			case '}':
				depth--
			}
			structure(v[i : i+1])
			if depth == 0 {
				return i == len(v)-1
			}
		case depth == 0:
			return false
		case c == '"':
			m.element = m.element[:0]
			for i++; i < len(v) && v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
				if i < len(v) {
					m.element = append(m.element, v[i])
				}
			}
			if i >= len(v) {
				return false
			}
			element(m.element)
		default:
			end := i
			for end < len(v) && v[end] != ',' && v[end] != '}' {
				end++
			}
			if bytes.EqualFold(v[i:end], []byte("NULL")) {
				structure(v[i:end])
			} else {
				element(v[i:end])
			}
			i = end - 1
		}
	}
	return false
}

// appendElement writes an element with the quotes that it needs.
func appendElement(dst, v []byte) []byte {
	plain := len(v) > 0 && !bytes.EqualFold(v, []byte("NULL"))
	for _, c := range v {
		plain = plain && !space(c) && bytes.IndexByte([]byte(`{}",\`), c) < 0
	}
	if plain {
		return append(dst, v...)
	}
	return append(appendQuoted(append(dst, '"'), v), '"')
}

// appendQuoted writes v as it stands between quotes of arrays and hstores.
func appendQuoted(dst, v []byte) []byte {
	for _, c := range v {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return dst
}
