package snapshot

import ()

// A line of facts.jsonl has one fixed shape, without white space:
//
//	{"a":ADDRESS,"v":[{"v":VALUE,"on":[INSTANCE,…],"at":ORIGIN},…]}
//
// "at" is left out when it says nothing. Values stand in the order of Line.Values, instances are sorted.
// One value in this shape per address keeps a snapshot of a thousand hosts small, and lists of instances
// repeat so often that each is decoded once.

// appendLine appends the line without its newline.
func appendLine(b []byte, l *Line, lists *listWriter) []byte {
	b = append(b, `{"a":`...)
	b = appendQuoted(b, l.Address.String())
	b = append(b, `,"v":[`...)
	for i := range l.Values {
		h := &l.Values[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"v":`...)
		b = append(b, h.Value.JSON()...)
		b = append(b, `,"on":`...)
		b = lists.append(b, h.On)
		if h.Origin != "" {
			b = append(b, `,"at":`...)
			b = appendQuoted(b, h.Origin)
		}
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// listWriter remembers how the last list of instances reads: neighbouring lines mostly share it.
type listWriter struct {
	last []string
	text []byte
}

func (w *listWriter) append(b []byte, on []string) []byte {
	if len(on) == 0 {
		return append(b, "[]"...)
	}
	if len(w.last) != len(on) || &w.last[0] != &on[0] {
		w.last, w.text = on, append(w.text[:0], '[')
		for i, name := range on {
			if i > 0 {
				w.text = append(w.text, ',')
			}
			w.text = appendQuoted(w.text, name)
		}
		w.text = append(w.text, ']')
	}
	return append(b, w.text...)
}

// appendQuoted appends s as the canonical JSON string that quote makes.
func appendQuoted(b []byte, s string) []byte {
	if !plain(s) {
		return append(b, quote(s)...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// plain reports whether s is its own JSON string body: printable ASCII without quote and backslash.
func plain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
