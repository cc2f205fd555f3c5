package compare

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
)

// subtree is an inner path of an object's keys: a mapping, a section, a server block.
type subtree struct {
	path   string
	on     []members // per side, where something stands below it
	absent []members
	leaves int
	sample *row
}

// finishSubtrees lifts missing keys to the highest path that has no counterpart: a removed section is one finding,
// however many keys it had. It takes what it lifts out of absent. A subtree of one key is that key.
func (c *comparison) finishSubtrees(o *object, absent [][]members) {
	if c.opt.KeepAbsorbed || flatNames(o.key) || !anyMissing(absent) {
		return
	}
	trees := o.subtrees(len(c.sides))
	for i, r := range o.rows {
		if r.context || linkage(r.key) || ordering(r.key) {
			continue
		}
		for s := range c.sides {
			rest := absent[i][s]
			for _, path := range prefixes(attributeOf(r.key)) {
				if rest.empty() {
					break
				}
				t := trees[path]
				if t == nil || t.leaves < 2 {
					continue
				}
				t.absent[s] = t.absent[s].union(rest.minus(t.on[s]))
				rest = rest.and(t.on[s])
			}
			absent[i][s] = rest
		}
	}
	for _, path := range slices.Sorted(maps.Keys(trees)) {
		if t := trees[path]; anyMissing([][]members{t.absent}) {
			c.keep(c.subtreeNode(o, t))
		}
	}
}

// subtrees are the inner paths of an object with who has them.
func (o *object) subtrees(sides int) map[string]*subtree {
	trees := map[string]*subtree{}
	for _, r := range o.rows {
		attr := attributeOf(r.key)
		for _, path := range prefixes(attr) {
			if path == attr {
				continue
			}
			t := trees[path]
			if t == nil {
				t = &subtree{path: path, on: make([]members, sides), absent: make([]members, sides), sample: r}
				trees[path] = t
			}
			if !ordering(r.key) {
				t.leaves++
			}
		}
	}
	for _, r := range o.rows {
		for _, path := range prefixes(attributeOf(r.key)) {
			if t := trees[path]; t != nil {
				for s := range t.on {
					t.on[s] = t.on[s].union(r.cells[s].on)
				}
			}
		}
	}
	return trees
}

// prefixes are the paths above an attribute and the attribute itself, highest first.
func prefixes(attribute string) []string {
	var out []string
	for i := range len(attribute) {
		if attribute[i] == '.' {
			out = append(out, attribute[:i])
		}
	}
	if attribute != "" {
		out = append(out, attribute)
	}
	return out
}

func (c *comparison) subtreeNode(o *object, t *subtree) *node {
	key := o.key + "#" + t.path
	n := &node{key: key, object: o.key, parent: parentOf(key), kind: t.sample.kind, presence: true, cells: make([]nodeCell, len(c.sides)), content: o.content(t.path)}
	depth := strings.Count(t.path, ".") + 1
	for s := range c.sides {
		n.cells[s].absent = t.absent[s]
		if t.on[s].empty() {
			continue
		}
		g := group{raw: "present", key: "present", on: t.on[s]}
		for _, r := range o.rows {
			if attr := attributeOf(r.key); (attr == t.path || strings.HasPrefix(attr, t.path+".")) && len(r.cells[s].groups) > 0 {
				g.origin = r.cells[s].groups[0].origin
				n.cells[s].addr = r.cells[s].addr
				break
			}
		}
		// The side's own spelling of the path: as many segments as the key's, which placeholders do not change.
		parts := strings.Split(n.cells[s].addr.Attribute, ".")
		n.cells[s].addr.Attribute = strings.Join(parts[:min(depth, len(parts))], ".")
		n.cells[s].present = []group{g}
		n.addr = n.cells[s].addr
	}
	return n
}

func anyMissing(absent [][]members) bool {
	for _, sides := range absent {
		for _, m := range sides {
			if !m.empty() {
				return true
			}
		}
	}
	return false
}

// flatNames knows objects whose attributes are single names with literal dots: properties, dotenv and sysctl files.
func flatNames(key string) bool {
	name := key[strings.LastIndexByte(key, '/')+1:]
	return strings.HasSuffix(name, ".properties") || strings.HasPrefix(name, ".env") || strings.HasSuffix(name, ".env") ||
		strings.Contains(key, "/sysctl.d/") || name == "sysctl.conf" || !strings.Contains(key, ":config/") && !strings.Contains(key, ":value")
}

// cluster gives numbers that differ by no more than the tolerance the same key, over all sides: the
// smallest number of a cluster speaks for it.
func cluster(n *node, tolerance float64) {
	type number struct {
		value float64
		group *group
	}
	var ns []number
	for i := range n.cells {
		for j := range n.cells[i].present {
			g := &n.cells[i].present[j]
			v, ok := g.value.Number()
			if !ok {
				return
			}
			ns = append(ns, number{v, g})
		}
	}
	sort.SliceStable(ns, func(i, j int) bool { return ns[i].value < ns[j].value })
	for i, start := 0, 0; i < len(ns); i++ {
		if span := ns[i].value - ns[start].value; span > tolerance*max(math.Abs(ns[i].value), math.Abs(ns[start].value)) {
			start = i
		}
		ns[i].group.key = ns[start].group.raw
	}
}
