package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
)

// lineReader decodes lines and shares what repeats: lists of instances, short values and origins.
type lineReader struct {
	scopes  map[string]map[string]bool // scope → its instances, from the manifest
	lists   map[string]*instanceList
	names   map[string]int
	values  map[string]Value
	origins map[string]string
	seen    []int // instance number → number of the last line that had it
	line    int
	last    string
	slab    []Held
}

// instanceList is one list of instances, shared by all lines that have it.
type instanceList struct {
	names   []string
	numbers []int
	scope   string // the last scope that it was checked against
}

func newLineReader(scopes map[string]Scope) *lineReader {
	r := &lineReader{
		scopes: map[string]map[string]bool{}, lists: map[string]*instanceList{}, names: map[string]int{},
		values: map[string]Value{}, origins: map[string]string{},
	}
	for name, s := range scopes {
		set := make(map[string]bool, len(s.Instances))
		for _, in := range s.Instances {
			set[in] = true
		}
		r.scopes[name] = set
	}
	return r
}

var errShape = errors.New("it is not a line of this format")

// read decodes one line without its newline. b is not kept.
func (r *lineReader) read(b []byte) (Line, error) {
	r.line++
	var l Line
	text, b, err := r.takeString(b, `{"a":`)
	if err != nil {
		return l, err
	}
	if l.Address, err = ParseAddress(text); err != nil {
		return l, err
	}
	if r.line > 1 && text <= r.last {
		return l, fmt.Errorf("address %q is not sorted after the one before it", text)
	}
	r.last = text
	members, ok := r.scopes[l.Address.Scope]
	if !ok {
		return l, fmt.Errorf("scope %q is not in the manifest", l.Address.Scope)
	}
	b, ok = bytes.CutPrefix(b, []byte(`,"v":[`))
	if !ok {
		return l, errShape
	}
	var held [4]Held
	values := held[:0]
	for {
		var h Held
		if h, b, err = r.takeHeld(b, l.Address.Scope, members); err != nil {
			return l, err
		}
		if n := len(values); n > 0 && !heldBefore(values[n-1], h) {
			return l, errors.New("its values are not in order")
		}
		values = append(values, h)
		if bytes.HasPrefix(b, []byte(",")) {
			b = b[1:]
			continue
		}
		if string(b) != "]}" {
			return l, errShape
		}
		if err := distinct(values); err != nil {
			return l, err
		}
		l.Values = r.keep(values)
		return l, nil
	}
}

func (r *lineReader) takeHeld(b []byte, scope string, members map[string]bool) (h Held, rest []byte, err error) {
	b, ok := bytes.CutPrefix(b, []byte(`{"v":`))
	if !ok {
		return h, nil, errShape
	}
	n := valueLength(b)
	if n <= 0 {
		return h, nil, errShape
	}
	if h.Value, err = r.value(b[:n]); err != nil {
		return h, nil, err
	}
	if b, ok = bytes.CutPrefix(b[n:], []byte(`,"on":[`)); !ok {
		return h, nil, errShape
	}
	list, b, err := r.takeList(b)
	if err != nil {
		return h, nil, err
	}
	if list.scope != scope {
		for _, name := range list.names {
			if !members[name] {
				return h, nil, fmt.Errorf("instance %q is not in the manifest's scope %q", name, scope)
			}
		}
		list.scope = scope
	}
	for _, number := range list.numbers {
		if r.seen[number] == r.line {
			return h, nil, errors.New("an instance has two values")
		}
		r.seen[number] = r.line
	}
	h.On = list.names
	if bytes.HasPrefix(b, []byte(`,"at":`)) {
		if h.Origin, b, err = r.takeString(b, `,"at":`); err != nil {
			return h, nil, err
		}
		if h.Origin == "" {
			return h, nil, errShape
		}
		h.Origin = intern(r.origins, h.Origin)
	}
	if b, ok = bytes.CutPrefix(b, []byte("}")); !ok {
		return h, nil, errShape
	}
	return h, b, nil
}

// takeList reads the list whose opening bracket is gone already.
func (r *lineReader) takeList(b []byte) (*instanceList, []byte, error) {
	end := listLength(b)
	if end < 0 {
		return nil, nil, errShape
	}
	text, rest := b[:end], b[end+1:]
	if l, ok := r.lists[string(text)]; ok {
		return l, rest, nil
	}
	l := &instanceList{}
	for t, first := text, true; len(t) > 0; first = false {
		prefix := ","
		if first {
			prefix = ""
		}
		name, more, err := r.takeString(t, prefix)
		if err != nil {
			return nil, nil, err
		}
		if n := len(l.names); n > 0 && name <= l.names[n-1] {
			return nil, nil, errors.New("its instances are not sorted")
		}
		number, ok := r.names[name]
		if !ok {
			number = len(r.names)
			r.names[name] = number
			r.seen = append(r.seen, 0)
		}
		l.names, l.numbers, t = append(l.names, name), append(l.numbers, number), more
	}
	if len(l.names) == 0 {
		return nil, nil, errors.New("a value is held by no instance")
	}
	r.lists[string(text)] = l
	return l, rest, nil
}

// takeString reads a canonical JSON string after prefix.
func (r *lineReader) takeString(b []byte, prefix string) (s string, rest []byte, err error) {
	b, ok := bytes.CutPrefix(b, []byte(prefix))
	if !ok || len(b) < 2 || b[0] != '"' {
		return "", nil, errShape
	}
	n := stringLength(b)
	if n < 0 {
		return "", nil, errShape
	}
	if body := b[1 : n-1]; plain(body) {
		return string(body), b[n:], nil
	}
	v, err := ParseValue(b[:n])
	if err != nil {
		return "", nil, errShape
	}
	if v.json != string(b[:n]) {
		return "", nil, errors.New("a text is not in canonical form")
	}
	s, _ = v.Text()
	return s, b[n:], nil
}

// value reads a canonical value.
func (r *lineReader) value(b []byte) (Value, error) {
	if v, ok := r.values[string(b)]; ok {
		return v, nil
	}
	var v Value
	if len(b) >= 2 && b[0] == '"' && plain(b[1:len(b)-1]) {
		v = Value{string(b)}
	} else {
		var err error
		if v, err = ParseValue(b); err != nil {
			return v, err
		}
		if v.JSON() != string(b) {
			return v, errors.New("a value is not in canonical form")
		}
	}
	if len(b) <= internLength && len(r.values) < internCount {
		r.values[string(b)] = v
	}
	return v, nil
}

// The limits of what is shared: enough for what repeats, bounded for what does not.
const (
	internLength = 64
	internCount  = 1 << 16
)

func intern(m map[string]string, s string) string {
	if t, ok := m[s]; ok {
		return t
	}
	if len(m) < internCount {
		m[s] = s
	}
	return s
}

// keep copies the values into memory that many lines share.
func (r *lineReader) keep(values []Held) []Held {
	if len(r.slab) < len(values) {
		r.slab = make([]Held, max(1024, len(values)))
	}
	kept := r.slab[:len(values):len(values)]
	r.slab = r.slab[len(values):]
	copy(kept, values)
	return kept
}

// heldBefore is the order of Line.Values.
func heldBefore(a, b Held) bool {
	if len(a.On) != len(b.On) {
		return len(a.On) > len(b.On)
	}
	return a.Value.JSON() < b.Value.JSON()
}

func distinct(values []Held) error {
	if len(values) < 2 {
		return nil
	}
	texts := make([]string, len(values))
	for i, h := range values {
		texts[i] = h.Value.JSON()
	}
	sort.Strings(texts)
	for i := 1; i < len(texts); i++ {
		if texts[i] == texts[i-1] {
			return errors.New("a value stands twice")
		}
	}
	return nil
}
