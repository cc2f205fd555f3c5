package database

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
)

// maxJSONDepth is where engines stop to nest.
const maxJSONDepth = 10_000

// canonicalJSON writes a document with sorted members and without white space, and numbers in the canonical form of numbers. Of members
// of one name the last counts, as in jsonb and MySQL.
func canonicalJSON(text []byte, scratch *[]byte) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	w := jsonWriter{out: (*scratch)[:0]}
	w.value(v, 0)
	*scratch = w.out
	// Half of a surrogate pair, which no text can hold, is read as a replacement: two such documents are not equal for that.
	replaced := bytes.Contains(w.out, replacement) && !bytes.Contains(text, replacement)
	return w.out, !w.deep && !replaced
}

var replacement = []byte("\uFFFD")

type jsonWriter struct {
	out     []byte
	scratch []byte
	deep    bool
}

func (w *jsonWriter) value(v any, depth int) {
	if depth > maxJSONDepth {
		w.deep = true
		return
	}
	switch v := v.(type) {
	case map[string]any:
		w.out = append(w.out, '{')
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.text(name)
			w.out = append(w.out, ':')
			w.value(v[name], depth+1)
		}
		w.out = append(w.out, '}')
	case []any:
		w.out = append(w.out, '[')
		for i, item := range v {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.value(item, depth+1)
		}
		w.out = append(w.out, ']')
	case json.Number:
		if n, ok := number([]byte(v), &w.scratch); ok {
			w.out = append(w.out, n...)
		} else {
			w.out = append(w.out, v...)
		}
	case string:
		w.text(v)
	case bool:
		if v {
			w.out = append(w.out, "true"...)
		} else {
			w.out = append(w.out, "false"...)
		}
	default:
		w.out = append(w.out, "null"...)
	}
}

func (w *jsonWriter) text(s string) {
	b, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return
	}
	w.out = append(w.out, b...)
}
