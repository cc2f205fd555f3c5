package compare

import (
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// absorb takes the absence of an object away from the instances that lack one of its parents too: the
// parent's finding says it already. Absence is looked up as it was before any absorption, so chains
// (table → column → index) end at the top.
func (c *comparison) absorb() {
	if c.opt.KeepAbsorbed {
		return
	}
	for key, l := range c.lacking {
		for _, parent := range c.parentsOf(key) {
			p := c.lacking[parent]
			if p == nil || parent == key || c.above(parent, key) && parent > key {
				continue // of two objects that name each other as parents the first one speaks
			}
			for s := range l.absent {
				l.node.cells[s].absent = l.node.cells[s].absent.minus(p.absent[s])
			}
		}
	}
}

func (c *comparison) parentsOf(key string) []string {
	var out []string
	if l := c.lacking[key]; l != nil {
		out = append(out, l.parents...)
	}
	return append(out, c.owners[key]...)
}

// above reports whether ancestor stands above key.
func (c *comparison) above(key, ancestor string) bool {
	seen := map[string]bool{}
	todo := []string{key}
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range c.parentsOf(k) {
			if p == ancestor {
				return true
			}
			if !seen[p] && c.lacking[p] != nil {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return false
}

// drop leaves out what something else says better: objects that yield to one that is there, and lists that differ
// only by what a missing parent took with it.
func (c *comparison) drop(ds []*difference) []*difference {
	if c.opt.KeepAbsorbed {
		return ds
	}
	out := ds[:0]
	for _, d := range ds {
		if !c.yields(d) && !c.lostParents(d) {
			out = append(out, d)
		}
	}
	return out
}

// yields reports whether an object that says the same better exists on any side.
func (c *comparison) yields(d *difference) bool {
	if len(d.node.kind.YieldsTo) == 0 {
		return false
	}
	var names []string
	for _, t := range d.node.kind.YieldsTo {
		names = append(names, expand(t, d.node.addr.Whole().String(), func(string) []string { return nil })...)
	}
	for _, name := range names {
		for _, s := range c.sides {
			if hasObject(s.Snapshot, name) {
				return true
			}
		}
	}
	return false
}

// hasObject reports whether a snapshot has facts of an object.
func hasObject(s *snapshot.Snapshot, object string) bool {
	has := func(from string) bool {
		i := sort.Search(len(s.Lines), func(i int) bool { return s.Lines[i].Address.String() >= from })
		return i < len(s.Lines) && s.Lines[i].Address.Whole().String() == object
	}
	return has(object) || has(object+"#")
}

// lostParents reports a changed attribute of an object that, apart from parents which are missing
// somewhere themselves, reads the same everywhere: an index over (a, b) that became one over (a) when b
// was dropped. Such attributes name the lost parent.
func (c *comparison) lostParents(d *difference) bool {
	if d.node.presence || attributeOf(d.node.key) == "" || d.hasAbsent() {
		return false
	}
	lost := c.lostNames(d)
	if len(lost) == 0 {
		return false
	}
	for _, s := range d.shares {
		for _, g := range s.groups {
			if mentionsAny(g.value, lost) {
				return true
			}
		}
	}
	return false
}

// lostNames are the last identifiers of the listed parents of a node's object that some instance lacks, if those are
// all that one of its lists of parents differs by.
func (c *comparison) lostNames(d *difference) []string {
	object := d.node.object
	name := object[strings.IndexByte(object, ':')+1:]
	var lost []string
	for _, t := range d.node.kind.Parents {
		attr, ok := listed(t)
		if !ok {
			continue
		}
		lists := map[string]bool{}
		var here []string
		for i, s := range c.sides {
			a := d.node.cells[i].addr
			if a.Kind == "" {
				continue
			}
			a.Attribute = attr
			line := findLine(s.Snapshot, a)
			if line == nil {
				continue
			}
			for _, held := range line.Values {
				var kept []string
				for _, item := range held.Value.Items() {
					text, _ := item.Text()
					text = c.norms[i].names.replace(text, -1, nil)
					parents := expand(t, scopeOf(object)+":"+name, func(string) []string { return []string{text} })
					if len(parents) == 1 && c.lacking[parents[0]] != nil {
						_, name, typed := strings.Cut(text, "/") // "{.@of}" lists objects with their kinds
						if !typed {
							name = text
						}
						ids := snapshot.SplitIdent(name)
						here = append(here, ids[len(ids)-1])
						continue
					}
					kept = append(kept, text)
				}
				lists[strings.Join(kept, "\x00")] = true
			}
		}
		if len(lists) <= 1 {
			lost = append(lost, here...)
		}
	}
	return lost
}

// listed is the attribute that a template takes items from.
func listed(template string) (string, bool) {
	_, rest, ok := strings.Cut(template, "{.")
	if !ok {
		return "", false
	}
	attr, _, ok := strings.Cut(rest, "}")
	return attr, ok
}

// mentionsAny reports whether a value names one of the identifiers as a word.
func mentionsAny(v snapshot.Value, names []string) bool {
	for _, item := range v.Items() {
		text := item.Display()
		for _, name := range names {
			for at := 0; ; {
				i := strings.Index(text[at:], name)
				if i < 0 || name == "" {
					break
				}
				i += at
				end := i + len(name)
				if (i == 0 || !identByte(text[i-1])) && (end == len(text) || !identByte(text[end])) {
					return true
				}
				at = i + 1
			}
		}
	}
	return false
}

func identByte(c byte) bool { return c != '-' && wordByte(c) }

// expand fills a template of Kind.Parents with an object's key; see snapshot.Kind for the grammar. A template that
// names what the object lacks yields nothing.
func expand(template, key string, attrs func(name string) []string) []string {
	scope, body, _ := strings.Cut(key, ":")
	_, name, _ := strings.Cut(body, "/")
	results := []string{scope + ":"}
	for template != "" {
		literal, rest, open := strings.Cut(template, "{")
		for i := range results {
			results[i] += literal
		}
		if !open {
			break
		}
		field, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil
		}
		var values []string
		if attr, ok := strings.CutPrefix(field, "."); ok {
			values = attrs(attr)
		} else if v, ok := nameField(field, name); ok {
			values = []string{v}
		}
		var next []string
		for _, r := range results {
			for _, v := range values {
				next = append(next, r+v)
			}
		}
		results, template = next, after
	}
	return results
}

// nameField is one field of a template that is a part of the object's name. Slash segments count from the name's first.
func nameField(field, name string) (string, bool) {
	idents := strings.Split(name, ".")
	switch {
	case field == "name":
		return name, name != ""
	case field == "-1":
		if len(idents) < 2 {
			return "", false
		}
		return strings.Join(idents[:len(idents)-1], "."), true
	case strings.HasPrefix(field, "/"):
		number, onward := strings.CutSuffix(field[1:], "+")
		n, err := strconv.Atoi(number)
		segments := strings.Split(name, "/")
		if err != nil || n < 1 || n > len(segments) {
			return "", false
		}
		if onward {
			return strings.Join(segments[n-1:], "/"), true
		}
		return segments[n-1], true
	}
	n, err := strconv.Atoi(field)
	if err != nil || n < 1 || n > len(idents) {
		return "", false
	}
	return idents[n-1], true
}
