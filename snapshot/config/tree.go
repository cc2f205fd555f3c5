package config

import (
	"errors"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// node is a value of a nested format: a scalar, a mapping or a list. YAML, JSON, TOML and XML become nodes first.
type node struct {
	kind   nodeKind
	scalar snapshot.Value
	fields []field // of a mapping, in file order, names unique
	items  []*node // of a list
	line   int
	// siblings marks a list that the format writes as repeated elements: one item is an
	// item all the same if it has an identity.
	siblings bool
}

type nodeKind int

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

type field struct {
	name string
	node *node
}

// The limits of one file; more is a gap and a digest.
const (
	maxEntries = 50_000
	maxDepth   = 100
	maxNodes   = 4 * maxEntries
)

var (
	errEntries = errors.New("more than " + strconv.Itoa(maxEntries) + " entries")
	errDepth   = errors.New("nested deeper than " + strconv.Itoa(maxDepth) + " levels")
)

// limit reports whether err says that a file is beyond what envdiff reads, as opposed to malformed.
func isLimit(err error) bool { return errors.Is(err, errEntries) || errors.Is(err, errDepth) }

func scalar(line int, v snapshot.Value) *node { return &node{kind: scalarNode, scalar: v, line: line} }

// get returns the field of a mapping.
func (n *node) get(name string) *node {
	if n == nil || n.kind != mapNode {
		return nil
	}
	for _, f := range n.fields {
		if f.name == name {
			return f.node
		}
	}
	return nil
}

// text is the text of a scalar as an identity shows it, "" for anything else.
func (n *node) text() string {
	if n == nil || n.kind != scalarNode || n.scalar.IsNull() {
		return ""
	}
	return n.scalar.Display()
}

// flatten makes entries of a tree: mappings by name, lists of scalars as one ordered value, lists of
// mappings by the identity of their items.
func flatten(root *node) ([]entry, error) {
	f := flattener{}
	entries := f.node(nil, root, 0)
	for i := range entries {
		if len(entries[i].path) == 0 {
			entries[i].path = names("$") // a file that is one scalar or one list of scalars
		}
	}
	return entries, f.err
}

type flattener struct {
	count int
	work  int // entries copied for items within items
	err   error
}

// maxWork bounds what items without identity inside items without identity may cost.
const maxWork = 4 * maxEntries

func (f *flattener) node(path []segment, n *node, depth int) []entry {
	if depth > maxDepth {
		f.err = errDepth
	}
	if f.err != nil {
		return nil
	}
	switch n.kind {
	case mapNode:
		return f.mapping(path, n, depth)
	case listNode:
		return f.list(path, n, depth)
	}
	return f.leaf(entry{path: path, value: n.scalar, line: n.line})
}

func (f *flattener) leaf(e entry) []entry {
	if f.count++; f.count > maxEntries {
		f.err = errEntries
		return nil
	}
	return []entry{e}
}

func (f *flattener) mapping(path []segment, n *node, depth int) []entry {
	if len(n.fields) == 0 {
		return f.leaf(entry{path: path, value: snapshot.List(), line: n.line})
	}
	var out []entry
	pair := pairName(n)
	for _, fl := range n.fields {
		es := f.node(extend(path, segment{name: fl.name}), fl.node, depth+1)
		if pair != "" && pairValues[strings.ToLower(fl.name)] {
			for i := range es {
				es[i].key = pair
			}
		}
		if (fl.name == "data" || fl.name == "stringData") && n.get("kind").text() == "Secret" { // of Kubernetes
			for i := range es {
				es[i].key = "secret"
			}
		}
		out = append(out, es...)
	}
	return out
}

// pairValues and pairNames are the fields of {name: DB_PASSWORD, value: …}: the name stands for the value's key.
var (
	pairNames  = []string{"name", "key", "@name", "@key", "param-name", "env", "variable"}
	pairValues = map[string]bool{"value": true, "@value": true, "param-value": true, "text()": true, "val": true, "default": true}
)

func pairName(n *node) string {
	for _, name := range pairNames {
		if t := n.get(name).text(); t != "" {
			return t
		}
	}
	return ""
}

func (f *flattener) list(path []segment, n *node, depth int) []entry {
	if allScalars(n.items) {
		values := make([]snapshot.Value, len(n.items))
		for i, it := range n.items {
			values[i] = it.scalar
		}
		if n.siblings && len(values) == 1 {
			return f.leaf(entry{path: path, value: values[0], line: n.line})
		}
		return f.leaf(entry{path: path, value: snapshot.List(values...), line: n.line})
	}
	segs := identities(n.items)
	if segs == nil {
		if n.siblings && len(n.items) == 1 {
			return f.node(path, n.items[0], depth+1)
		}
		return f.byContent(path, n, depth)
	}
	var out []entry
	for i, it := range n.items {
		segs[i].index = strconv.Itoa(i)
		out = append(out, f.node(extend(path, segs[i]), it, depth+1)...)
	}
	return append(out, order(n.line, path, "", segs)...)
}

// byContent addresses the items of a list by what they hold, but for those that have a name of their own. Each is
// flattened once, relative to itself, and then put below the list.
func (f *flattener) byContent(path []segment, n *node, depth int) []entry {
	segs := someNames(n.items)
	var nameless []*item
	var out []entry
	for i, it := range n.items {
		segs[i].index = strconv.Itoa(i)
		entries := f.node(nil, it, depth+1)
		if segs[i].name == "" {
			segs[i].item = &item{entries: entries}
			nameless = append(nameless, segs[i].item)
		}
		if f.work += len(entries); f.work > maxWork {
			f.err = errEntries
		}
		if f.err != nil {
			return nil
		}
		out = append(out, under(extend(path, segs[i]), entries)...)
	}
	for _, it := range nameless {
		it.siblings = nameless
	}
	return append(out, order(n.line, path, "", segs)...)
}

// someNames names the items that have a name, id or key which no other item of the list has.
func someNames(items []*node) []segment {
	segs := make([]segment, len(items))
	count := map[string]int{}
	for i, it := range items {
		for _, id := range identityFields[:6] {
			if segs[i].name = it.get(id).text(); segs[i].name != "" {
				break
			}
		}
		count[segs[i].name]++
	}
	for i := range segs {
		if count[segs[i].name] > 1 {
			segs[i].name = ""
		}
	}
	return segs
}

func allScalars(items []*node) bool {
	for _, it := range items {
		if it.kind != scalarNode {
			return false
		}
	}
	return true
}

// identityFields are tried in this order. name, id and key are what people call things; the rest are
// what an item is about in common formats (CI jobs, Prometheus scrapes and alerts, routes, mounts,
// endpoints). XML attributes come with an @.
var identityFields = []string{"name", "id", "key", "@name", "@id", "@key", "param-name", "servlet-name", "filter-name", "job_name", "alert", "record",
	"host", "hostname", "path", "url", "username", "user", "target", "alias"}

// identities names the items of a list if all of them are mappings with one identity field, or
// Kubernetes objects, and no two share a name.
func identities(items []*node) []segment {
	if segs := unique(items, kubernetesName); segs != nil {
		return segs
	}
	for _, id := range identityFields {
		if segs := unique(items, func(n *node) string { return n.get(id).text() }); segs != nil {
			return segs
		}
	}
	return nil
}

func kubernetesName(n *node) string {
	kind, name := n.get("kind").text(), n.get("metadata").get("name").text()
	if kind == "" || name == "" {
		return ""
	}
	if ns := n.get("metadata").get("namespace").text(); ns != "" {
		name = ns + "/" + name
	}
	return kind + "/" + name
}

func unique(items []*node, name func(*node) string) []segment {
	segs := make([]segment, len(items))
	seen := make(map[string]bool, len(items))
	for i, it := range items {
		id := name(it)
		if id == "" || seen[id] {
			return nil
		}
		seen[id] = true
		segs[i] = segment{name: id}
	}
	return segs
}

// extend appends without sharing the array of path.
func extend(path []segment, s ...segment) []segment {
	out := make([]segment, 0, len(path)+len(s))
	return append(append(out, path...), s...)
}
