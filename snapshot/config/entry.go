package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/envdiff/envdiff/snapshot"
)

// entry is one thing that a configuration file says, before redaction.
type entry struct {
	path  []segment
	flat  bool   // the path is one segment whose dots are literal
	key   string // the name that decides whether the value is a secret; "" is the end of the path
	prose bool   // free text such as a command line: secrets are looked for inside it, whatever the key is called
	value snapshot.Value
	order []segment // instead of value: the identities of the children, in file order; the path ends in "@order"
	line  int
}

// segment is one step of a key path: a name, or an item of a list that has no name and is addressed by what it holds.
type segment struct {
	name string
	item *item
	// index is the place of a list's item, whatever it is addressed by; "" for other steps.
	index string
}

// item is a list item without identity. Its name is made of its content with secrets taken out, so that it depends
// neither on its place nor on a secret nor on a key.
type item struct {
	entries  []entry // relative to the item
	siblings []*item // all items of the list, in order; equal ones are numbered
	label    string
}

// orderSuffix marks facts that hold the order of siblings. Compare reports a difference between two such lists only
// where items that are on both sides stand in another order.
const orderSuffix = "@order"

// names makes a path of plain names.
func names(path ...string) []segment {
	segs := make([]segment, len(path))
	for i, p := range path {
		segs[i] = segment{name: p}
	}
	return segs
}

// under puts entries below a path.
func under(prefix []segment, entries []entry) []entry {
	out := make([]entry, len(entries))
	for i, e := range entries {
		path := make([]segment, 0, len(prefix)+len(e.path))
		e.path = append(append(path, prefix...), e.path...)
		out[i] = e
	}
	return out
}

// text makes an entry with a text value.
func text(line int, value string, path ...string) entry {
	return entry{path: names(path...), value: snapshot.String(value), line: line}
}

// order makes the entry that holds the order of the named children of parent, or none if there are none. group says
// which children they are ("location"), or is "" for all.
func order(line int, parent []segment, group string, children []segment) []entry {
	if len(children) == 0 {
		return nil
	}
	path := append(append([]segment{}, parent...), segment{name: group + orderSuffix})
	return []entry{{path: path, order: children, line: line}}
}

// resolver turns entries into facts: it redacts values and names, and names the items that have no name.
type resolver struct {
	redact *snapshot.Redactor
	at     func(flat bool, path []string) snapshot.Address
	file   string // "" is none that an origin could name
}

// attributesOf addresses entries as attributes of an object.
func attributesOf(object snapshot.Address) func(bool, []string) snapshot.Address {
	return func(flat bool, path []string) snapshot.Address {
		if flat {
			return object.Attr(path[0])
		}
		return object.Path(path...)
	}
}

// maxSegment is the longest name that an address shows; the rest of a longer one is a digest.
const maxSegment = 160

func (r resolver) segment(s segment) string {
	if s.item != nil {
		return r.item(s.item)
	}
	if s.name == "" {
		return `""`
	}
	name := snapshot.Masked(r.redact.Text(s.name))
	if len(name) > maxSegment {
		cut := maxSegment
		for cut > 0 && name[cut]&0xC0 == 0x80 {
			cut--
		}
		name = name[:cut] + "…" + shortDigest(name)
	}
	return name
}

func (r resolver) path(segs []segment) []string {
	out := make([]string, len(segs))
	for i, s := range segs {
		out[i] = r.segment(s)
	}
	return out
}

// item names all siblings at once, because equal ones are told apart by number.
func (r resolver) item(it *item) string {
	if it.label == "" {
		seen := map[string]int{}
		for _, sib := range it.siblings {
			label := "{" + r.content(sib) + "}"
			if seen[label]++; seen[label] > 1 {
				sib.label = label + "~" + strconv.Itoa(seen[label])
			} else {
				sib.label = label
			}
		}
	}
	return it.label
}

// content digests what an item holds, secrets masked. The digest needs no key:
// everything in it is stored in the clear anyway.
func (r resolver) content(it *item) string {
	h := sha256.New()
	for _, e := range it.entries {
		fmt.Fprintf(h, "%q=%s\n", r.path(e.path), snapshot.Masked(maskSecret(r.value(e))))
	}
	return hex.EncodeToString(h.Sum(nil))[:10]
}

func maskSecret(v snapshot.Value) string {
	if v.IsList() {
		out := ""
		for _, it := range v.Items() {
			out += maskSecret(it) + ","
		}
		return out
	}
	if v.IsSecret() {
		return "‹secret›"
	}
	return v.JSON()
}

func (r resolver) value(e entry) snapshot.Value {
	if e.order != nil {
		return snapshot.Strings(false, r.path(e.order)...)
	}
	if e.prose {
		return r.prose(e.value)
	}
	key := e.key
	if key == "" {
		key = keyOf(e.path)
	}
	return r.redact.Value(key, e.value)
}

func (r resolver) prose(v snapshot.Value) snapshot.Value {
	if v.IsList() {
		items := v.Items()
		for i, it := range items {
			items[i] = r.prose(it)
		}
		return snapshot.List(items...)
	}
	if s, ok := v.Text(); ok {
		return r.redact.Line(s)
	}
	return v
}

// keyOf is the name that a value goes by: the last named segment, with the one before it, because
// `tokens.deploy` is a secret and `deploy` is none.
func keyOf(path []segment) string {
	key, n := "", 0
	for i := len(path) - 1; i >= 0 && n < 2; i-- {
		if path[i].item != nil || path[i].name == "" {
			continue
		}
		if n == 0 {
			key = path[i].name
		} else {
			key = path[i].name + "." + key
		}
		n++
	}
	return key
}

// facts resolves all entries. Two entries at one address (a program that reads
// both, a key written twice) become one list.
func (r resolver) facts(entries []entry) []snapshot.Fact {
	facts := make([]snapshot.Fact, 0, len(entries))
	at := make(map[snapshot.Address]int, len(entries))
	for _, e := range entries {
		a, v := r.at(e.flat, r.path(e.path)), r.value(e)
		if name := e.path[len(e.path)-1].name; e.order == nil {
			// An address shows no digest, because it must not change with a key; a secret in
			// a name is compared as part of the value.
			if redacted := r.redact.Text(name); redacted != name {
				v = snapshot.List(append(v.Items(), snapshot.String(redacted))...)
			}
		}
		if i, twice := at[a]; twice {
			if facts[i].Value != v {
				facts[i].Value = snapshot.List(append(facts[i].Value.Items(), v.Items()...)...)
			}
			continue
		}
		at[a] = len(facts)
		facts = append(facts, snapshot.Fact{Address: a, Value: v, Origin: r.origin(e.line)})
	}
	return facts
}

func (r resolver) origin(line int) string {
	if line <= 0 || r.file == "" {
		return r.file
	}
	return r.file + ":" + strconv.Itoa(line)
}

func shortDigest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:10]
}
