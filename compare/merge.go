package compare

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// row is one address with what every side holds there.
type row struct {
	key   string // the address with parameters as placeholders: what sides are paired by
	kind  *snapshot.Kind
	cells []cell // one per side
	// context rows are never compared, but may link objects.
	context bool
}

// cell is what one side holds at an address.
type cell struct {
	addr   snapshot.Address // as this side has it; zero where it has nothing
	on     members          // the instances that hold a value
	groups []group
}

// group is one value and the instances that hold it. Instances whose own names make the same text mean different things
// are in different groups of the same raw value.
type group struct {
	raw, key  string // canonical JSON, and what it is compared by: "" is absent
	value     snapshot.Value
	on        members
	origin    string
	redactKey string // the key of the content digest that the value is; "" for other values
	foreign   string // the parameter of another environment that the value is, see normaliser.foreign
}

// entry is a line under the key that it is paired by.
type entry struct {
	key  string
	line *snapshot.Line
}

// stream yields one side's lines in the order of their keys. Lines that are paired under
// another name than their own come from moved.
type stream struct {
	lines []snapshot.Line
	at    int
	skip  map[int]*snapshot.Line // index → what is left of the line, nil when nothing is
	moved []entry
	head  [2]entry
}

func (s *stream) fill() {
	for s.head[0].line == nil && s.at < len(s.lines) {
		line := &s.lines[s.at]
		if rest, ok := s.skip[s.at]; ok {
			line = rest
		}
		s.at++
		if line != nil {
			s.head[0] = entry{line.Address.String(), line}
		}
	}
	if s.head[1].line == nil && len(s.moved) > 0 {
		s.head[1], s.moved = s.moved[0], s.moved[1:]
	}
}

// merge calls each for every address of any side, in the order of the keys.
func (c *comparison) merge(ctx context.Context, each func(*row)) error {
	streams := c.streams()
	lines := make([][]*snapshot.Line, len(streams))
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key, found := "", false
		for i := range streams {
			streams[i].fill()
			for _, h := range streams[i].head {
				if h.line != nil && (!found || h.key < key) {
					key, found = h.key, true
				}
			}
		}
		if !found {
			return nil
		}
		for i := range streams {
			lines[i] = lines[i][:0]
			for j, h := range streams[i].head {
				if h.line != nil && h.key == key {
					lines[i] = append(lines[i], h.line)
					streams[i].head[j] = entry{}
				}
			}
			for len(streams[i].moved) > 0 && streams[i].moved[0].key == key {
				lines[i] = append(lines[i], streams[i].moved[0].line)
				streams[i].moved = streams[i].moved[1:]
			}
		}
		each(c.row(key, lines))
	}
}

// rename is a line, or what some hosts hold of it, that could be paired under a key with placeholders.
type rename struct {
	side, index int
	text, key   string
	hosts       []int // nil: all instances of the line
}

// streams prepares the sides' lines. A name is replaced by its form with placeholders only where that pairs it with
// another one, itself or what it stands below: shop.stage.conf beside shop.prod.conf, web1.key on web1 beside web2.key
// on web2, and then every key of such a file.
func (c *comparison) streams() []stream {
	out := make([]stream, len(c.sides))
	var renames []rename
	for i, s := range c.sides {
		out[i] = stream{lines: sortedLines(s.Snapshot.Lines), skip: map[int]*snapshot.Line{}}
		renames = append(renames, c.norms[i].renames(i, out[i].lines)...)
	}
	names := map[string]map[string]bool{} // key → the names that would meet there
	for _, r := range renames {
		r.levels(func(key, name string) bool {
			if names[key] == nil {
				names[key] = map[string]bool{}
			}
			names[key][name] = true
			return false
		})
	}
	for _, r := range renames {
		if !r.levels(func(key, _ string) bool { return len(names[key]) > 1 }) {
			continue
		}
		s := &out[r.side]
		line, ok := s.skip[r.index]
		if !ok {
			line = &s.lines[r.index]
		}
		moved, rest := c.norms[r.side].split(line, r.hosts)
		s.skip[r.index] = rest
		if moved != nil {
			s.moved = append(s.moved, entry{r.key, moved})
		}
	}
	for i := range out {
		m := out[i].moved
		sort.SliceStable(m, func(a, b int) bool { return m[a].key < m[b].key })
	}
	return out
}

// renames are the lines of a side whose addresses hold a parameter of its own.
func (n *normaliser) renames(side int, lines []snapshot.Line) []rename {
	if len(n.names.words) == 0 {
		return nil
	}
	var out []rename
	for j := range lines {
		text := lines[j].Address.String()
		scope, body, _ := strings.Cut(text, ":")
		touched, hosts := n.names.touches(body)
		if !touched {
			continue
		}
		if key := scope + ":" + n.names.replace(body, -1, nil); key != text {
			out = append(out, rename{side, j, text, key, nil})
			continue
		}
		for _, h := range slices.Sorted(slices.Values(hosts)) {
			if key := scope + ":" + n.names.replace(body, h, nil); key != text {
				out = append(out, rename{side, j, text, key, []int{h}})
			}
		}
	}
	return out
}

// levels calls f for the object, each path above the attribute, and the address itself, as far as they hold a
// placeholder, until f says true. Dots of a segment are escaped, so that both forms have the same paths.
func (r *rename) levels(f func(key, name string) bool) bool {
	keyObject, keyPath, _ := strings.Cut(r.key, "#")
	object, path, _ := strings.Cut(r.text, "#")
	if keyObject != object && f(keyObject, object) {
		return true
	}
	keys, names := prefixes(keyPath), prefixes(path)
	if len(keys) != len(names) {
		return f(r.key, r.text)
	}
	for i := range keys {
		if key, name := keyObject+"#"+keys[i], object+"#"+names[i]; key != name && f(key, name) {
			return true
		}
	}
	return false
}

// split takes the values that the hosts hold out of a line; no hosts means all.
func (n *normaliser) split(line *snapshot.Line, hosts []int) (moved, rest *snapshot.Line) {
	if line == nil || hosts == nil {
		return line, nil
	}
	take := map[int]bool{}
	for _, h := range hosts {
		take[h] = true
	}
	a, b := snapshot.Line{Address: line.Address}, snapshot.Line{Address: line.Address}
	for _, held := range line.Values {
		var in, out []string
		for _, instance := range held.On {
			if h, ok := n.hosts[line.Address.Scope+"\x00"+instance]; ok && take[h] {
				in = append(in, instance)
			} else {
				out = append(out, instance)
			}
		}
		if in != nil {
			a.Values = append(a.Values, snapshot.Held{Value: held.Value, On: in, Origin: held.Origin})
		}
		if out != nil {
			b.Values = append(b.Values, snapshot.Held{Value: held.Value, On: out, Origin: held.Origin})
		}
	}
	if a.Values != nil {
		moved = &a
	}
	if b.Values != nil {
		rest = &b
	}
	return moved, rest
}

// sortedLines are the lines in order of their address text; the format promises
// it, a hand-made snapshot may not keep it.
func sortedLines(lines []snapshot.Line) []snapshot.Line {
	ordered := sort.SliceIsSorted(lines, func(i, j int) bool { return lessAddress(lines[i].Address, lines[j].Address) })
	if ordered {
		return lines
	}
	lines = append([]snapshot.Line(nil), lines...)
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].Address.String() < lines[j].Address.String() })
	return lines
}

func lessAddress(a, b snapshot.Address) bool {
	if a.Scope == b.Scope && a.Kind == b.Kind && a.Name == b.Name {
		return a.Attribute < b.Attribute
	}
	return a.String() < b.String()
}

// row pivots what the sides hold under one key.
func (c *comparison) row(key string, lines [][]*snapshot.Line) *row {
	r := &row{key: key, cells: make([]cell, len(lines))}
	for i := range lines {
		for _, l := range lines[i] {
			if r.kind == nil {
				r.kind = c.kinds.of(body(l.Address))
			}
			c.fillCell(&r.cells[i], i, l)
		}
	}
	r.context = r.kind.Axis == snapshot.Context
	if !r.context {
		c.resolveAmbiguous(r)
	}
	return r
}

func (c *comparison) fillCell(cell *cell, side int, line *snapshot.Line) {
	view := c.views[side][line.Address.Scope]
	if view == nil {
		c.warnUnlisted(side, line.Address.Scope)
		return
	}
	if cell.on == nil {
		cell.addr = line.Address
	}
	n := c.norms[side]
	for i := range line.Values {
		held := &line.Values[i]
		on := view.members(held.On, false)
		if on.empty() {
			continue
		}
		if cell.on == nil {
			cell.on = on
		} else {
			cell.on = cell.on.union(on)
		}
		g := group{raw: held.Value.JSON(), value: held.Value, origin: held.Origin, on: on}
		g.key = g.raw
		if held.Value.IsSecret() {
			cell.groups = append(cell.groups, g)
			continue
		}
		if holdsContent(g.raw) {
			g.redactKey = c.sides[side].Snapshot.Manifest.RedactKey
		}
		g.foreign = n.foreignIn(held.Value)
		text := compared(held.Value)
		touched, hosts := n.values.touches(text)
		if touched {
			cell.groups = append(cell.groups, n.ownGroups(g, text, hosts, view, line.Address.Scope)...)
			continue
		}
		cell.groups = append(cell.groups, g)
	}
}

// ownGroups replaces parameters in a value. Instances whose own names are in it become groups of their own.
func (n *normaliser) ownGroups(g group, text string, hosts []int, view *scopeView, scope string) []group {
	var out []group
	rest := g.on
	for _, h := range slices.Sorted(slices.Values(hosts)) {
		for i := range view.instances {
			if g.on.has(i) && n.hosts[scope+"\x00"+view.instances[i]] == h {
				own := g
				own.on = newMembers(len(view.instances))
				own.on.add(i)
				own.key = n.values.replace(text, h, nil)
				rest = rest.minus(own.on)
				out = append(out, own)
			}
		}
	}
	if !rest.empty() {
		g.on = rest
		g.key = n.values.replace(text, -1, nil)
		out = append(out, g)
	}
	return out
}

// resolveAmbiguous chooses, where a word is the value of several parameters of its side,
// the reading that another side agrees with.
func (c *comparison) resolveAmbiguous(r *row) {
	for i := range r.cells {
		if !c.norms[i].ambiguous {
			continue
		}
		for j := range r.cells[i].groups {
			g := &r.cells[i].groups[j]
			if !strings.Contains(g.key, "\x01") {
				continue
			}
			host := -1
			if g.on.count() == 1 {
				view := c.views[i][r.cells[i].addr.Scope]
				g.on.each(func(m int) { host = c.norms[i].hosts[r.cells[i].addr.Scope+"\x00"+view.instances[m]] })
			}
			for _, reading := range c.norms[i].values.alternatives(compared(g.value), host) {
				if r.heldElsewhere(i, reading) {
					g.key = reading
					break
				}
			}
		}
	}
}

// heldElsewhere reports whether another side holds a value that is compared by key.
func (r *row) heldElsewhere(side int, key string) bool {
	for i := range r.cells {
		if i == side {
			continue
		}
		for _, g := range r.cells[i].groups {
			if g.key == key {
				return true
			}
		}
	}
	return false
}
