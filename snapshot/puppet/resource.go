package puppet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// resources writes the facts of a catalogue.
func (p *parser) resources(c *catalog) {
	w := &writer{p: p, c: c, secrets: c.secrets(), own: ownNames(c.name)}
	w.nameAll()
	explainers := newExplainers(w)
	var classes []string
	for _, r := range c.resources {
		if r.Type == "Class" {
			classes = append(classes, strings.ToLower(r.Title))
		}
		if r.name == "" {
			continue
		}
		w.resource(r, explainers)
	}
	p.noteRoles(classes)
	for service, lacks := range c.unordered() {
		var names []string
		for _, r := range lacks {
			if r.name != "" {
				names = append(names, r.name)
			}
		}
		if service.name != "" && len(names) > 0 {
			p.r.Add(w.at(service).Attr("@unordered"), snapshot.Strings(true, names...), service.origin())
		}
	}
	slices.SortFunc(p.r.Facts, func(a, b snapshot.Fact) int { return strings.Compare(a.Address.String(), b.Address.String()) })
}

// writer turns one catalogue into facts.
type writer struct {
	p       *parser
	c       *catalog
	secrets []string // the texts of all sensitive values
	own     []string // the node's own names
}

// ownNames are a node's name and its first label: texts that hold them differ from node to node.
func ownNames(name string) []string {
	short, _, dotted := strings.Cut(name, ".")
	switch {
	case len(name) < 4:
		return nil
	case dotted && len(short) >= 3 && strings.ContainsAny(short, "0123456789"):
		return []string{name, short}
	}
	return []string{name}
}

// secrets are all texts in values that the manifests declare sensitive.
func (c *catalog) secrets() []string {
	found := map[string]bool{}
	var collect func(v any, sensitive bool, depth int)
	collect = func(v any, sensitive bool, depth int) {
		if depth > maxNesting {
			return
		}
		switch x := v.(type) {
		case string:
			if sensitive && len(x) >= 4 {
				found[x] = true
			}
		case []any:
			for _, item := range x {
				collect(item, sensitive, depth+1)
			}
		case map[string]any:
			sensitive = sensitive || isSensitive(x)
			for key, item := range x {
				if key != "__ptype" {
					collect(item, sensitive, depth+1)
				}
			}
		}
	}
	for _, r := range c.resources {
		for name, v := range r.Parameters {
			collect(v, slices.Contains(r.Sensitive, name), 0)
		}
	}
	out := slices.Collect(maps.Keys(found))
	slices.SortFunc(out, func(a, b string) int { // longer ones first: one may hold another
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return out
}

// isSensitive reports rich data of the type Sensitive.
func isSensitive(m map[string]any) bool {
	typ, _ := m["__ptype"].(string)
	return typ == "Sensitive"
}

// nameAll gives every resource that is compared its name in addresses: type and title, without secrets.
func (w *writer) nameAll() {
	taken := map[string]bool{}
	for _, r := range w.c.resources {
		if r.Exported || r.bookkeeping() {
			continue
		}
		title := r.Title
		for _, s := range w.secrets {
			title = strings.ReplaceAll(title, s, "‹secret›")
		}
		title = snapshot.Masked(w.p.in.Redact.Text(title))
		if len(title) > maxTitle {
			sum := sha256.Sum256([]byte(title))
			title = strings.ToValidUTF8(title[:maxTitle], "") + "…" + hex.EncodeToString(sum[:])[:10]
		}
		name := snapshot.Escape(r.Type + "/" + strings.TrimPrefix(title, "/"))
		for n := 2; taken[name]; n++ {
			name = snapshot.Escape(r.Type + "/" + strings.TrimPrefix(title, "/") + "~" + strconv.Itoa(n))
		}
		taken[name], r.name = true, name
	}
}

// maxTitle is the longest title that an address shows.
const maxTitle = 200

func (w *writer) at(r *resource) snapshot.Address {
	return snapshot.Address{Scope: w.p.in.Scope, Kind: "resource", Name: r.name}
}

func (r *resource) origin() string {
	switch {
	case r.File == "":
		return ""
	case r.Line > 0:
		return r.File + ":" + strconv.Itoa(r.Line)
	}
	return r.File
}

// relations are the parameters that only say what comes before what, and the ones that no two environments share.
var relations = map[string]bool{"before": true, "require": true, "notify": true, "subscribe": true, "alias": true, "loglevel": true, "tag": true}

// resource writes one resource: that it is there, and its parameters.
func (w *writer) resource(r *resource, explainers *explainers) {
	a := w.at(r)
	w.p.r.Add(a, snapshot.Bool(true), r.origin())
	var in []string
	for _, parent := range w.declarers(r) {
		in = append(in, parent.name)
	}
	if len(in) > 0 {
		w.p.r.Add(a.Attr("@in"), snapshot.Strings(true, in...), "")
	}
	by := explainers.of(r)
	for _, name := range slices.Sorted(maps.Keys(r.Parameters)) {
		if relations[name] || name == "" {
			continue
		}
		if slices.Contains(r.Sensitive, name) {
			w.p.r.Add(a.Path(name), w.secret(r.Parameters[name]), r.origin())
			w.explain(r, by, []string{name}, plain(r.Parameters[name]))
			continue
		}
		w.value(r, by, []string{name}, r.Parameters[name])
	}
}

// declarers are what a resource goes missing with: the class or defined type around it, and of a class the ones that declared it.
func (w *writer) declarers(r *resource) []*resource {
	if r.Type != "Class" {
		if r.parent != nil && r.parent.name != "" {
			return []*resource{r.parent}
		}
		return nil
	}
	var out []*resource
	for _, class := range w.c.classesOf(r) {
		if class.name != "" {
			out = append(out, class)
		}
	}
	return out
}

// classesOf are the classes that a resource is tagged with, but for itself. Of two classes that are tagged with each other the one that stands first in the catalogue declared
// the other.
func (c *catalog) classesOf(r *resource) []*resource {
	var out []*resource
	for _, class := range c.classes {
		if class != r && r.tags[strings.ToLower(class.Title)] && (r.Type != "Class" || !class.tags[strings.ToLower(r.Title)] || class.index < r.index) {
			out = append(out, class)
		}
	}
	return out
}

func (w *writer) secret(v any) snapshot.Value {
	if s, ok := v.(string); ok {
		return w.p.in.Redact.Secret(s)
	}
	text, _ := json.Marshal(v)
	return w.p.in.Redact.Secret(string(text))
}

// value writes a parameter, or what stands below it.
func (w *writer) value(r *resource, by *explanation, path []string, v any) {
	a := w.at(r).Path(path...)
	key := strings.Join(path[max(0, len(path)-2):], ".")
	if m, ok := v.(map[string]any); ok && !isSensitive(m) && len(m) > 0 && len(path) < 16 {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			w.value(r, by, append(slices.Clip(path), w.segment(k)), m[k])
		}
		return
	}
	add := func(value snapshot.Value) { w.p.r.Add(a, value, r.origin()) }
	switch x := v.(type) {
	case map[string]any:
		if isSensitive(x) {
			add(w.secret(v))
			return
		}
	case []any:
		if len(x) == 1 { // Puppet takes a list of one and the one alike
			w.value(r, by, path, x[0])
			return
		}
		if scalars(x) {
			items := make([]snapshot.Value, len(x))
			for i, item := range x {
				items[i] = w.scalar(key, item)
			}
			add(snapshot.List(items...))
			w.explain(r, by, path, canonical(v))
			return
		}
	default:
		add(w.scalar(key, v))
		w.explain(r, by, path, plain(v))
		return
	}
	text := canonical(v)
	add(w.digest(text))
	w.explain(r, by, path, text)
}

// segment is the key of a hash as part of an address.
func (w *writer) segment(key string) string {
	for _, s := range w.secrets {
		key = strings.ReplaceAll(key, s, "‹secret›")
	}
	if key = snapshot.Masked(w.p.in.Redact.Text(key)); key == "" {
		return `""`
	}
	return strings.ToValidUTF8(key[:min(len(key), maxTitle)], "")
}

// scalar is a value that can be shown, or the digest of a text that may hold anything.
func (w *writer) scalar(key string, v any) snapshot.Value {
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			return snapshot.Null()
		}
		value, err := snapshot.ParseValue(raw)
		if err != nil {
			return snapshot.String(string(raw)) // a number out of range
		}
		return value
	}
	if slices.Contains(w.secrets, text) {
		return w.p.in.Redact.Secret(text)
	}
	if key == "content" || len(text) > maxText || strings.ContainsAny(text, "\n\r\x00") || slices.ContainsFunc(w.secrets, func(s string) bool { return strings.Contains(text, s) }) {
		return w.digest(text)
	}
	return w.p.in.Redact.Scalar(key, text)
}

// maxText is the longest text that is kept as text.
const maxText = 500

// digest stands for a text in which the node's own names are left out.
func (w *writer) digest(text string) snapshot.Value {
	for i, name := range w.own {
		text = replaceWord(text, name, "\x01own"+strconv.Itoa(i)+"\x02")
	}
	return w.p.in.Redact.Content([]byte(text))
}

func scalars(items []any) bool {
	return !slices.ContainsFunc(items, func(v any) bool {
		switch v.(type) {
		case []any, map[string]any:
			return true
		}
		return false
	})
}

// canonical is a value as JSON with sorted keys.
func canonical(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%T", v)
	}
	return string(text)
}

// plain is a scalar as it would stand in a file.
func plain(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case nil:
		return ""
	}
	return canonical(v)
}
