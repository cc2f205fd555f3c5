package compare

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// node is something that is there or not, or has values: an object, a subtree of
// an object's key paths, or one attribute.
type node struct {
	key      string // its address with placeholders
	object   string // the key of the object that it belongs to, or its own
	parent   string // the key under which its siblings stand
	addr     snapshot.Address
	kind     *snapshot.Kind
	presence bool // an object or a subtree: only being there is compared
	order    bool // an ordered list of children: only their order is compared
	cells    []nodeCell
	// content is what stands below, relative name and value, sorted: the same content
	// under a similar name is a renamed node.
	content []string
	secret  int8 // whether its name is that of a secret: 0 not asked, 1 no, 2 yes
}

// nodeCell is what one side says of a node.
type nodeCell struct {
	addr    snapshot.Address // zero where the side has nothing
	present []group
	absent  members // instances that were looked at, hold the object that the node belongs to, and lack the node
}

// object collects the rows of one object while the merge passes over it.
type object struct {
	key  string
	rows []*row
}

// lacking is an object that some instances do not have: its node, and what may take its finding.
type lacking struct {
	node *node
	// parents are the keys of objects that absorb it, yields those that say the same better.
	parents, yields []string
	absent          []members // per side, before any absorption
}

// objects groups the merge's rows. Rows of one object are neighbours, but for an object's own row: "a b" sorts between
// "a" and "a#x", so an object stays open until nothing of it can follow.
type objects struct {
	open   []*object
	finish func(*object)
}

func (o *objects) add(r *row) {
	key, _, _ := strings.Cut(r.key, "#")
	for len(o.open) > 0 {
		top := o.open[len(o.open)-1]
		if top.key == key {
			top.rows = append(top.rows, r)
			return
		}
		if strings.HasPrefix(key, top.key) && r.key < top.key+"#" {
			break
		}
		o.close()
	}
	o.open = append(o.open, &object{key: key, rows: []*row{r}})
}

func (o *objects) close() {
	top := o.open[len(o.open)-1]
	o.open = o.open[:len(o.open)-1]
	o.finish(top)
}

// linkage reports an attribute that only links objects (index/users.email#@columns).
// The key paths of files are theirs to name.
func linkage(key string) bool {
	object, attribute, _ := strings.Cut(key, "#")
	return strings.HasPrefix(attribute, "@") && !ordering(key) && !strings.Contains(object, ":config/")
}

// finishObject turns the rows of an object into nodes, keeping only those that may differ.
func (c *comparison) finishObject(o *object) {
	present := make([]members, len(c.sides))
	compared := false
	for _, r := range o.rows {
		compared = compared || !r.context
		for i := range r.cells {
			if !r.cells[i].on.empty() {
				present[i] = present[i].union(r.cells[i].on)
			}
		}
	}
	if !compared {
		return
	}
	c.finishPresence(o, present)
	if isRows(o.key) && !c.opt.KeepAbsorbed {
		c.finishRows(o)
		return
	}
	absent := c.absentIn(o, present)
	c.finishSubtrees(o, absent)
	for i, r := range o.rows {
		switch {
		case r.context, linkage(r.key), owning(r):
		case ordering(r.key):
			c.finishOrder(o, r)
		case c.settled(r, absent[i]):
		default:
			c.keep(c.leaf(o, r, absent[i]))
		}
	}
}

// settled reports a row of a schema or of data that holds the same everywhere: nothing can be said of it. It spares most rows their node.
func (c *comparison) settled(r *row, absent []members) bool {
	if r.kind.Area != finding.AreaSchema && r.kind.Area != finding.AreaData || strings.HasSuffix(r.key, "#pending_restart") {
		return false
	}
	first := ""
	for i := range r.cells {
		if !absent[i].empty() {
			return false
		}
		for j := range r.cells[i].groups {
			g := &r.cells[i].groups[j]
			if first == "" {
				first = g.key
			}
			if g.key != first || g.key == "" || g.foreign != "" || holdsSecret(g.raw) {
				return false
			}
		}
	}
	return true
}

// owning reports an attribute that lists what the object owns; it is a link too.
func owning(r *row) bool {
	_, ok := r.kind.Owns[attributeOf(r.key)]
	return ok
}

// everywhere reports that every instance of every side that has the scope has the object.
func (c *comparison) everywhere(o *object, present []members) bool {
	for i := range c.sides {
		if v := c.views[i][scopeOf(o.key)]; v != nil && !present[i].equal(v.all) {
			return false
		}
	}
	return true
}

// finishPresence makes the node of the object itself where some instance lacks it.
func (c *comparison) finishPresence(o *object, present []members) {
	if c.everywhere(o, present) {
		return
	}
	n := &node{key: o.key, object: o.key, parent: directory(o.key), presence: true, cells: make([]nodeCell, len(c.sides))}
	n.kind = o.rows[0].kind
	for _, r := range o.rows {
		if len(r.kind.Parents)+len(r.kind.Owns)+len(r.kind.YieldsTo) > 0 {
			n.kind = r.kind
			break
		}
	}
	n.addr = o.address(c)
	missing := false
	for i := range c.sides {
		n.cells[i].absent = c.known(i, n.addr).minus(present[i])
		missing = missing || !n.cells[i].absent.empty()
		if !present[i].empty() {
			n.cells[i].addr = o.addressOn(i)
			n.cells[i].present = o.headline(i, present[i])
		}
	}
	if !missing {
		return
	}
	n.content = o.content("")
	l := &lacking{node: n, absent: make([]members, len(c.sides))}
	for i := range n.cells {
		l.absent[i] = n.cells[i].absent
	}
	attrs := func(name string) []string { return c.items(o, name) }
	for _, t := range n.kind.Parents {
		l.parents = append(l.parents, expand(t, o.key, attrs)...)
	}
	for _, t := range n.kind.YieldsTo {
		l.yields = append(l.yields, expand(t, o.key, attrs)...)
	}
	c.lacking[o.key] = l
	for attr, kinds := range n.kind.Owns {
		for _, item := range c.items(o, attr) {
			for _, kind := range strings.Fields(kinds) {
				child := scopeOf(o.key) + ":" + kind + "/" + strings.TrimPrefix(item, "/")
				c.owners[child] = append(c.owners[child], o.key)
			}
		}
	}
	c.keep(n)
}

// items are the names that an attribute of the object lists on any side, with placeholders.
func (c *comparison) items(o *object, attribute string) []string {
	seen := map[string]bool{}
	var out []string
	for _, r := range o.rows {
		if attributeOf(r.key) != attribute {
			continue
		}
		for i := range r.cells {
			for _, g := range r.cells[i].groups {
				for _, item := range g.value.Items() {
					if text, ok := item.Text(); ok && !seen[text] {
						seen[text] = true
						out = append(out, c.norms[i].names.replace(text, -1, nil))
						if replaced := out[len(out)-1]; replaced != text {
							out = append(out, text) // a name that nothing was paired with keeps its own text as key
						}
					}
				}
			}
		}
	}
	return out
}

// absentIn says for each row which instances lack it although they have the object.
func (c *comparison) absentIn(o *object, present []members) [][]members {
	out := make([][]members, len(o.rows))
	for i, r := range o.rows {
		out[i] = make([]members, len(c.sides))
		for s := range c.sides {
			candidates := present[s]
			if c.opt.KeepAbsorbed {
				candidates = c.allOf(s, o)
			}
			candidates = candidates.minus(r.cells[s].on)
			if !candidates.empty() {
				out[i][s] = candidates.and(c.known(s, r.address()))
			}
		}
	}
	return out
}

func (c *comparison) allOf(side int, o *object) members {
	if v := c.views[side][scopeOf(o.key)]; v != nil {
		return v.all
	}
	return nil
}

// leaf makes the node of one attribute.
func (c *comparison) leaf(o *object, r *row, absent []members) *node {
	n := &node{key: r.key, object: o.key, parent: parentOf(r.key), addr: r.address(), kind: r.kind, cells: make([]nodeCell, len(r.cells))}
	for i := range r.cells {
		n.cells[i] = nodeCell{addr: r.cells[i].addr, present: r.cells[i].groups, absent: absent[i]}
	}
	n.content = []string{"=" + firstKey(r)}
	if r.kind.Tolerance > 0 {
		cluster(n, r.kind.Tolerance)
	}
	return n
}

// headline is the value that stands for a whole object: its own, or its version.
func (o *object) headline(side int, present members) []group {
	for _, r := range o.rows {
		if attr := attributeOf(r.key); (attr == "" || attr == "version") && !r.cells[side].on.empty() && r.cells[side].on.equal(present) {
			groups := make([]group, len(r.cells[side].groups))
			for i, g := range r.cells[side].groups {
				g.key, g.raw = "present", "present"
				if attr == "" && g.value == snapshot.Bool(true) {
					g.value = snapshot.Value{} // true says only that the object is there
				}
				groups[i] = g
			}
			return groups
		}
	}
	g := group{raw: "present", key: "present", on: present}
	for _, r := range o.rows {
		if len(r.cells[side].groups) > 0 && g.origin == "" {
			g.origin = r.cells[side].groups[0].origin
		}
	}
	return []group{g}
}

// content lists what stands below a path of the object, relative to it.
func (o *object) content(path string) []string {
	var out []string
	for _, r := range o.rows {
		if r.context || linkage(r.key) {
			continue
		}
		rel := attributeOf(r.key)
		if path != "" {
			after, ok := strings.CutPrefix(rel, path+".")
			if !ok {
				continue
			}
			rel = after
		}
		out = append(out, rel+"="+firstKey(r))
	}
	sort.Strings(out)
	return out
}
