package sanitize

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/keys"
)

// xmlMask masks the text and the attributes' values of XML, each as what it looks like, and comments, CDATA and processing instructions. Names,
// nesting, white space, references to entities and the XML declaration stay. Nothing is expanded or fetched: what declares entities, and what
// is not well-formed, is masked by shape as a whole, so that a column of the type xml refuses it.
type xmlMask struct {
	in      *inside
	text    *shape
	open    [][]byte // names of the elements around the place
	decoded []byte
	masked  []byte
}

func newXML(key keys.Key, o maskOptions) cellMasker {
	return fit(o, func(o maskOptions) documentMask {
		return &xmlMask{in: newInside(key, o), text: newShape(key.Derive("markup"), o.oneWay())}
	})
}

func (m *xmlMask) append(dst, v []byte) []byte {
	start := len(dst)
	dst, ok := m.document(dst, v)
	if !ok {
		dst = append(dst[:start], v...)
		m.text.maskClosed(dst[start:], m.wellFormed)
	}
	return dst
}

// plain reports documents: one that is its own mask has nothing but names.
func (m *xmlMask) plain(v []byte) bool { return m.wellFormed(v) }

func (m *xmlMask) wellFormed(v []byte) bool {
	_, ok := m.document(nil, v)
	return ok && bytes.IndexByte(v, '<') >= 0
}

// document masks XML content: a document or any number of elements with text around them.
func (m *xmlMask) document(dst, v []byte) (_ []byte, ok bool) {
	m.open = m.open[:0]
	for len(v) > 0 {
		if v[0] != '<' {
			end := bytes.IndexByte(v, '<')
			if end < 0 {
				end = len(v)
			}
			if dst, ok = m.run(dst, m.element(), v[:end], false); !ok {
				return dst, false
			}
			v = v[end:]
			continue
		}
		if dst, v, ok = m.markup(dst, v); !ok {
			return dst, false
		}
	}
	return dst, len(m.open) == 0
}

// element is the name of the innermost element.
func (m *xmlMask) element() []byte {
	if n := len(m.open); n > 0 {
		return localName(m.open[n-1])
	}
	return nil
}

// localName is a name without its namespace's prefix.
func localName(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }

// markup masks what starts with < at the start of v.
func (m *xmlMask) markup(dst, v []byte) (_, rest []byte, ok bool) {
	switch {
	case bytes.HasPrefix(v, []byte("<!--")):
		return m.between(dst, v, "<!--", "-->", func(b []byte) { m.text.mask(b) })
	case bytes.HasPrefix(v, []byte("<![CDATA[")):
		end := bytes.Index(v, []byte("]]>"))
		if end < 0 {
			return dst, v, false
		}
		dst = append(dst, v[:9]...)
		if body := v[9:end]; substance(body) {
			dst = m.in.append(dst, m.element(), body)
		} else {
			dst = append(dst, body...)
		}
		return append(dst, "]]>"...), v[end+3:], true
	case bytes.HasPrefix(v, []byte("<?")):
		return m.between(dst, v, "<?", "?>", m.instruction)
	case bytes.HasPrefix(v, []byte("<!")):
		end := bytes.IndexByte(v, '>')
		if end < 0 || bytes.IndexByte(v[:end], '[') >= 0 || !bytes.HasPrefix(v, []byte("<!DOCTYPE")) {
			return dst, v, false
		}
		return append(dst, v[:end+1]...), v[end+1:], true
	}
	return m.tag(dst, v)
}

// between masks what stands between two marks, unless there is nothing to mask.
func (m *xmlMask) between(dst, v []byte, from, to string, mask func([]byte)) (_, rest []byte, ok bool) {
	end := bytes.Index(v[len(from):], []byte(to))
	if end < 0 {
		return dst, v, false
	}
	end += len(from)
	start := len(dst) + len(from)
	dst = append(dst, v[:end+len(to)]...)
	if body := dst[start : start+end-len(from)]; substance(body) {
		mask(body)
	}
	return dst, v[end+len(to):], true
}

// instruction masks a processing instruction behind its target; the XML declaration stays.
func (m *xmlMask) instruction(v []byte) {
	n := nameLength(v)
	if string(v[:n]) != "xml" && substance(v[n:]) {
		m.text.mask(v[n:])
	}
}

// tag masks the attributes of a start tag, and matches end tags.
func (m *xmlMask) tag(dst, v []byte) (_, rest []byte, ok bool) {
	if len(v) > 1 && v[1] == '/' {
		n := nameLength(v[2:])
		i := 2 + n + blanks(v[2+n:])
		last := len(m.open) - 1
		if n == 0 || i >= len(v) || v[i] != '>' || last < 0 || !bytes.Equal(m.open[last], v[2:2+n]) {
			return dst, v, false
		}
		m.open = m.open[:last]
		return append(dst, v[:i+1]...), v[i+1:], true
	}
	n := nameLength(v[1:])
	if n == 0 {
		return dst, v, false
	}
	name := v[1 : 1+n]
	dst, v = append(dst, v[:1+n]...), v[1+n:]
	for {
		space := blanks(v)
		dst, v = append(dst, v[:space]...), v[space:]
		switch {
		case bytes.HasPrefix(v, []byte("/>")):
			return append(dst, "/>"...), v[2:], true
		case bytes.HasPrefix(v, []byte(">")):
			m.open = append(m.open, name)
			return append(dst, '>'), v[1:], true
		case space == 0:
			return dst, v, false
		}
		if dst, v, ok = m.attribute(dst, v); !ok {
			return dst, v, false
		}
	}
}

// attribute masks name="value"; namespaces are names, and stay.
func (m *xmlMask) attribute(dst, v []byte) (_, rest []byte, ok bool) {
	n := nameLength(v)
	i := n + blanks(v[n:])
	if n == 0 || i >= len(v) || v[i] != '=' {
		return dst, v, false
	}
	i++
	i += blanks(v[i:])
	if i >= len(v) || v[i] != '"' && v[i] != '\'' {
		return dst, v, false
	}
	end := bytes.IndexByte(v[i+1:], v[i])
	if end < 0 {
		return dst, v, false
	}
	end += i + 1
	name, value := v[:n], v[i+1:end]
	dst = append(dst, v[:i+1]...)
	if string(name) == "xmlns" || bytes.HasPrefix(name, []byte("xmlns:")) || string(name) == "xml:space" || string(name) == "xml:lang" {
		dst = append(dst, value...)
	} else if dst, ok = m.run(dst, localName(name), value, true); !ok {
		return dst, v, false
	}
	return append(dst, v[end]), v[end+1:], true
}

// run masks character data. References to characters are read and written again as what they were: as names or numbers. Text around the reference to
// an entity is masked piece by piece.
func (m *xmlMask) run(dst, key, v []byte, attribute bool) (_ []byte, ok bool) {
	if bytes.IndexByte(v, '<') >= 0 {
		return dst, false
	}
	numeric := bytes.Contains(v, []byte("&#"))
	m.decoded = m.decoded[:0]
	flush := func() {
		piece := m.decoded
		if substance(piece) {
			m.masked = m.in.append(m.masked[:0], key, piece)
			piece = m.masked
		}
		dst = appendXMLEscaped(dst, piece, numeric, attribute)
		m.decoded = m.decoded[:0]
	}
	for len(v) > 0 {
		next := bytes.IndexByte(v, '&')
		if next < 0 {
			next = len(v)
		}
		m.decoded, v = append(m.decoded, v[:next]...), v[next:]
		if len(v) == 0 {
			break
		}
		end := bytes.IndexByte(v, ';')
		if end < 2 || end > 64 {
			return dst, false
		}
		if r := xmlReference(v[1:end]); r >= 0 {
			m.decoded = utf8.AppendRune(m.decoded, r)
		} else if n := nameLength(v[1:end]); n == end-1 {
			flush()
			dst = append(dst, v[:end+1]...)
		} else {
			return dst, false
		}
		v = v[end+1:]
	}
	flush()
	return dst, true
}

// xmlReference is the character of a reference between & and ;, -1 for an entity's name and what is no reference.
func xmlReference(name []byte) rune {
	switch string(name) {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	if name[0] != '#' {
		return -1
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 21)
	if err != nil || n == 0 || !utf8.ValidRune(rune(n)) {
		return -1
	}
	return rune(n)
}

// appendXMLEscaped writes characters as they may stand in text or in an attribute with quotes of either kind. With numeric set, those beyond ASCII
// and controls are references, as some of the source were.
func appendXMLEscaped(dst, v []byte, numeric, attribute bool) []byte {
	for i := 0; i < len(v); {
		r, size := utf8.DecodeRune(v[i:])
		switch {
		case r == '<':
			dst = append(dst, "&lt;"...)
		case r == '>':
			dst = append(dst, "&gt;"...)
		case r == '&':
			dst = append(dst, "&amp;"...)
		case r == '"' && attribute:
			dst = append(dst, "&quot;"...)
		case r == '\'' && attribute:
			dst = append(dst, "&apos;"...)
		case numeric && !(r == utf8.RuneError && size == 1) && (r >= utf8.RuneSelf || r < ' ' && attribute || r == '\r'):
			dst = append(strconv.AppendInt(append(dst, "&#"...), int64(r), 10), ';')
		default:
			dst = append(dst, v[i:i+size]...)
		}
		i += size
	}
	return dst
}

// nameLength is the length of the XML name at the start of v (W3C XML 1.0 §2.3, taken generously: what no server stores need not be refused here).
func nameLength(v []byte) int {
	i := 0
	for i < len(v) {
		r, size := utf8.DecodeRune(v[i:])
		if r != ':' && r != '_' && !unicode.IsLetter(r) && (i == 0 || r != '-' && r != '.' && r != 0xb7 && !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			break
		}
		i += size
	}
	return i
}

// blanks is the length of the white space at the start of v.
func blanks(v []byte) int {
	i := 0
	for i < len(v) && space(v[i]) {
		i++
	}
	return i
}
