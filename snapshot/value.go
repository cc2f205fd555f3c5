package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is one scalar, one sorted set or one ordered list of scalars. It holds its canonical JSON, so that == is
// equality and writing is free. The zero Value is null.
type Value struct{ json string }

// maxExact is the largest integer that every JSON reader keeps exact.
const maxExact = 1 << 53

// Null is a value that is there and says nothing (an empty YAML node, SQL NULL as a default).
func Null() Value { return Value{} }

// String makes a text value. Bytes that are not UTF-8 are written as \xNN.
func String(s string) Value { return Value{quote(s)} }

// Bool makes a boolean.
func Bool(b bool) Value { return Value{strconv.FormatBool(b)} }

// Int makes a number; beyond ±2^53 it is written as text, which every reader keeps exact.
func Int(n int64) Value {
	if n > maxExact || n < -maxExact {
		return String(strconv.FormatInt(n, 10))
	}
	return Value{strconv.FormatInt(n, 10)}
}

// Float makes a number in its shortest form; what JSON cannot say (NaN, infinities) is written as text.
func Float(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return String(strconv.FormatFloat(f, 'g', -1, 64))
	}
	if f == math.Trunc(f) && math.Abs(f) <= maxExact {
		return Int(int64(f))
	}
	return Value{strconv.FormatFloat(f, 'g', -1, 64)}
}

// Secret makes the keyed digest of a secret: all that is ever stored of it.
func Secret(digest string) Value { return Value{`{"secret":` + quote(digest) + `}`} }

// List makes an ordered list of scalars.
func List(items ...Value) Value {
	parts := make([]string, len(items))
	for i, it := range items {
		parts[i] = it.JSON()
	}
	return Value{"[" + strings.Join(parts, ",") + "]"}
}

// Set makes a sorted set of scalars: order and repetition say nothing.
func Set(items ...Value) Value {
	sorted := append([]Value(nil), items...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].JSON() < sorted[j].JSON() })
	out := sorted[:0]
	for i, it := range sorted {
		if i == 0 || it != sorted[i-1] {
			out = append(out, it)
		}
	}
	return List(out...)
}

// Strings makes a list or, with Set's rules, a set from texts.
func Strings(set bool, items ...string) Value {
	vs := make([]Value, len(items))
	for i, s := range items {
		vs[i] = String(s)
	}
	if set {
		return Set(vs...)
	}
	return List(vs...)
}

// JSON is the canonical notation of the value in facts.jsonl.
func (v Value) JSON() string {
	if v.json == "" {
		return "null"
	}
	return v.json
}

// MarshalJSON writes JSON.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(v.JSON()), nil }

// UnmarshalJSON reads and canonicalises a value, refusing what the format does not know (nested lists, other objects).
func (v *Value) UnmarshalJSON(b []byte) error {
	parsed, err := ParseValue(b)
	*v = parsed
	return err
}

// ParseValue reads one value in the snapshot's notation.
func ParseValue(b []byte) (Value, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var raw any
	if err := d.Decode(&raw); err != nil {
		return Value{}, fmt.Errorf("value is not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Value{}, errors.New("value is followed by something else")
	}
	return fromJSON(raw, true)
}

func fromJSON(raw any, top bool) (Value, error) {
	switch x := raw.(type) {
	case nil:
		return Null(), nil
	case string:
		return String(x), nil
	case bool:
		return Bool(x), nil
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return Int(n), nil
		}
		f, err := x.Float64()
		if err != nil {
			return Value{}, fmt.Errorf("number %s is out of range", x)
		}
		return Float(f), nil
	case []any:
		if !top {
			return Value{}, fmt.Errorf("a list holds scalars only")
		}
		items := make([]Value, len(x))
		for i, it := range x {
			v, err := fromJSON(it, false)
			if err != nil {
				return Value{}, err
			}
			items[i] = v
		}
		return List(items...), nil
	case map[string]any:
		if s, ok := x["secret"].(string); ok && len(x) == 1 {
			return Secret(s), nil
		}
	}
	return Value{}, fmt.Errorf(`value must be a scalar, a list of scalars or {"secret": digest}`)
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.json == "" || v.json == "null" }

// IsSecret reports whether the value is the digest of a secret.
func (v Value) IsSecret() bool { return strings.HasPrefix(v.json, `{"secret":`) }

// IsList reports whether the value is a list or set.
func (v Value) IsList() bool { return strings.HasPrefix(v.json, "[") }

// Text returns the text of a string value.
func (v Value) Text() (string, bool) {
	if !strings.HasPrefix(v.json, `"`) {
		return "", false
	}
	var s string
	if json.Unmarshal([]byte(v.json), &s) != nil {
		return "", false
	}
	return s, true
}

// Number returns the number of a numeric value.
func (v Value) Number() (float64, bool) {
	if v.json == "" || v.json[0] != '-' && (v.json[0] < '0' || v.json[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.json, 64)
	return f, err == nil
}

// Truth returns the boolean of a boolean value.
func (v Value) Truth() (value, ok bool) {
	return v.json == "true", v.json == "true" || v.json == "false"
}

// Items returns the scalars of a list or set; a scalar is its own only item.
func (v Value) Items() []Value {
	if !v.IsList() {
		return []Value{v}
	}
	var raw []json.RawMessage
	if json.Unmarshal([]byte(v.json), &raw) != nil {
		return nil
	}
	items := make([]Value, len(raw))
	for i, r := range raw {
		items[i] = Value{string(r)}
		if items[i].json == "null" {
			items[i] = Value{}
		}
	}
	return items
}

// Display is the value for people, unescaped and unbounded: sinks escape and
// truncate. Secrets print as ‹secret›, null as ∅.
func (v Value) Display() string {
	switch {
	case v.IsNull():
		return "∅"
	case v.IsSecret():
		return "‹secret›"
	case v.IsList():
		items := v.Items()
		parts := make([]string, len(items))
		for i, it := range items {
			parts[i] = it.Display()
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if s, ok := v.Text(); ok {
		return s
	}
	return v.json
}

// quote writes a JSON string: valid UTF-8, no HTML escaping (the format is for jq
// and git diff), invalid bytes as \xNN text.
func quote(s string) string {
	if plain(s) {
		return `"` + s + `"`
	}
	if !utf8.ValidString(s) {
		var b strings.Builder
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size <= 1 {
				fmt.Fprintf(&b, `\x%02X`, s[i])
			} else {
				b.WriteString(s[i : i+size])
			}
			i += size
		}
		s = b.String()
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(buf.String(), "\n")
}
