package compare

import (
	"fmt"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// maxPairing bounds the neighbours that are tried against each other: beyond it whole
// sections moved, and nobody misspelt them.
const maxPairing = 400

// spellings counts how often a key name is used, over all rows and sides: of two
// spellings the rarer one is the suspect.
type spellings struct{ count map[string]int }

func newSpellings() *spellings { return &spellings{count: map[string]int{}} }

func (s *spellings) note(r *row) {
	name := lastName(r.key)
	for i := range r.cells {
		if !r.cells[i].on.empty() {
			s.count[name]++
		}
	}
}

// lastName is the last segment of a key: what a person would misspell.
func lastName(key string) string {
	if _, attribute, ok := strings.Cut(key, "#"); ok {
		if flatNames(key) {
			return attribute
		}
		return attribute[strings.LastIndexByte(attribute, '.')+1:]
	}
	slash := strings.LastIndexByte(key, '/')
	if !strings.Contains(key, ":config/") {
		if dot := strings.LastIndexByte(key, '.'); dot > slash {
			return key[dot+1:]
		}
	}
	return key[slash+1:]
}

// pairSpellings makes one finding of two differences that are one name in two spellings: a neighbour that is missing
// exactly where another one is extra, with a near-miss name, or with the same content under a new name.
func (c *comparison) pairSpellings(ds []*difference) []*difference {
	if c.opt.KeepAbsorbed {
		return ds
	}
	type place struct {
		parent string
		within bool
		sides  string
	}
	places := map[place][]*difference{}
	var order []place
	for _, d := range ds {
		if !c.mayBeMisspelt(d) {
			continue
		}
		p := place{d.node.parent, d.within, fmt.Sprint(d.sides)}
		if places[p] == nil {
			order = append(order, p)
		}
		places[p] = append(places[p], d)
	}
	gone := map[*difference]bool{}
	for _, p := range order {
		if n := len(places[p]); n > 1 && n <= maxPairing {
			c.pairPlace(places[p], gone)
		}
	}
	out := ds[:0]
	for _, d := range ds {
		if !gone[d] {
			out = append(out, d)
		}
	}
	return out
}

// mayBeMisspelt leaves out what nobody types: installed packages, and what is told apart by its content.
func (c *comparison) mayBeMisspelt(d *difference) bool {
	return d.hasAbsent() && !d.alone && d.node.kind.Area != finding.AreaPackage && d.node.kind.Area != finding.AreaData &&
		!strings.HasPrefix(lastName(d.node.key), "{")
}

// match is a pair of complementary differences; the smaller distance pairs first.
type match struct {
	a, b     *difference
	distance int // 3: only the content is the same
}

func (c *comparison) pairPlace(ds []*difference, gone map[*difference]bool) {
	var matches []match
	for i, a := range ds {
		for _, b := range ds[i+1:] {
			if a.node.presence != b.node.presence || !complementary(a, b) {
				continue
			}
			if d := c.likeness(a, b); d > 0 {
				matches = append(matches, match{a, b, d})
			}
		}
	}
	sort.SliceStable(matches, func(i, j int) bool {
		a, b := matches[i], matches[j]
		if a.distance != b.distance {
			return a.distance < b.distance
		}
		return a.a.node.key+"\x00"+a.b.node.key < b.a.node.key+"\x00"+b.b.node.key
	})
	paired := map[*difference]bool{}
	for _, m := range matches {
		if paired[m.a] || paired[m.b] {
			continue
		}
		paired[m.a], paired[m.b] = true, true
		suspect, other := m.a, m.b
		if c.moreLikelyRight(m.a, m.b) {
			suspect, other = m.b, m.a
		}
		suspect.counterpart, suspect.renamed = other, m.distance == 3
		gone[other] = true
	}
}

// complementary reports that one difference is missing exactly where the other is there.
func complementary(a, b *difference) bool {
	if a.within {
		la, ha := a.lackHave()
		lb, hb := b.lackHave()
		return la.equal(hb) && lb.equal(ha)
	}
	for _, s := range a.sides {
		if a.lacks(s) == b.lacks(s) {
			return false
		}
	}
	return true
}

// lackHave are the instances of a within difference that lack the node and that have it.
func (d *difference) lackHave() (lack, have members) {
	for _, s := range d.shares {
		if s.absent {
			lack = lack.union(s.on)
		} else {
			have = have.union(s.on)
		}
	}
	return lack, have
}

// likeness is the edit distance of two neighbours' names if they may be one: 1 or 2 for a misspelling, 3
// for a new name with the same content, 0 for neither. Within a role a near name is enough; across
// environments the values must be alike too.
func (c *comparison) likeness(a, b *difference) int {
	x, y := lastName(a.node.key), lastName(b.node.key)
	if made, other := madeName(x), madeName(y); made != "" || other != "" {
		if made == other {
			return 3 // the same unnamed check or key, defined differently
		}
		return 0
	}
	d := nearName(x, y)
	switch {
	case d == 1 && (a.within || alike(a.node, b.node)), d == 2 && (a.within || similar(a.node.content, b.node.content)):
		return d
	case sameContent(a.node, b.node) && !digitsDiffer(x, y):
		return 3
	}
	return 0
}

// madeName is what an unnamed constraint or index is made on ("check(price)"), from the name that
// its structure gave it; "" for a real name.
func madeName(name string) string {
	open, end := strings.IndexByte(name, '('), strings.IndexByte(name, ')')
	if open < 0 || end < open {
		return ""
	}
	return name[:end+1]
}

// alike reports contents of the same type: both one number, both one truth value, both
// one text, or subtrees with similar keys.
func alike(a, b *node) bool {
	if a.presence {
		return similar(a.content, b.content)
	}
	return typeOf(a.content[0]) == typeOf(b.content[0])
}

func typeOf(content string) byte {
	v := strings.TrimPrefix(content, "=")
	switch {
	case v == "":
		return 0
	case v[0] == '-' || v[0] >= '0' && v[0] <= '9':
		return '0'
	case v == "true" || v == "false":
		return 't'
	}
	return v[0]
}

// similar reports that at most a fifth of the contents differ; a single text may be a near miss.
func similar(a, b []string) bool {
	if len(a) == 1 && len(b) == 1 {
		return a[0] == b[0] || nearName(a[0], b[0]) > 0
	}
	changes, ok := contentChanges(a, b)
	return ok && len(changes)*5 <= max(len(a), len(b))
}

// sameContent reports equal contents that are telling enough to speak of a rename: not a mere number or truth value.
func sameContent(a, b *node) bool {
	if a.kind.Area != finding.AreaConfig && a.kind.Area != finding.AreaEndpoint || len(a.content) != len(b.content) {
		return false
	}
	size := 0
	for i := range a.content {
		if a.content[i] != b.content[i] {
			return false
		}
		_, v, _ := strings.Cut(a.content[i], "=")
		if v != "true" && v != "false" && v != "null" {
			size += len(v)
		}
	}
	return size >= 8 || len(a.content) > 1 && size >= 4
}

// moreLikelyRight reports that a is the right spelling and b the suspect: the one that more instances have, that is
// used more often elsewhere, or that the last environment does not have.
func (c *comparison) moreLikelyRight(a, b *difference) bool {
	if x, y := a.holders(), b.holders(); x != y {
		return x > y
	}
	x, y := c.spelled.count[lastName(a.node.key)], c.spelled.count[lastName(b.node.key)]
	if x != y && !a.node.presence {
		return x > y
	}
	if !a.within {
		return a.lacks(a.sides[len(a.sides)-1])
	}
	return a.node.key < b.node.key
}

// holders counts the instances that have the node.
func (d *difference) holders() int {
	n := 0
	for _, s := range d.shares {
		if !s.absent {
			n += s.count()
		}
	}
	return n
}

// misspeltName reports a name that has another spelling on the other side.
func (j *judgement) misspeltName() bool { return j.d.counterpart != nil && !j.d.renamed }

// misspeltValue reports an odd instance whose value is a near miss of its peers'. Ports and known hosts that differ by
// a number are different on purpose, or wrong in another way.
func (j *judgement) misspeltValue() bool {
	if !j.d.within || j.shape != differs {
		return false
	}
	var norm *share
	for i := range j.d.shares {
		if s := &j.d.shares[i]; !s.odd && !s.absent {
			norm = s
			break
		}
	}
	if norm == nil || j.port() {
		return false
	}
	for _, s := range j.d.shares {
		if !s.absent && s.key != norm.key && nearValue(s.groups[0].value, norm.groups[0].value) {
			return true
		}
	}
	return false
}

func (j *judgement) port() bool {
	name := strings.ToLower(lastName(j.d.node.key))
	return strings.Contains(name, "port") || strings.Contains(name, "listen")
}

// nearMissIsLow weighs a near miss across environments low: the environments were typed by different people, and a slip
// of one character is more often two values than one.
func (j *judgement) nearMissIsLow(s finding.Severity) finding.Severity {
	d := j.d
	if d.within || len(d.sides) != 2 || j.port() {
		return s
	}
	from, to := d.norm(d.sides[0]), d.norm(d.sides[1])
	if len(from) != 1 || len(to) != 1 || from[0].absent || to[0].absent || !nearValue(from[0].groups[0].value, to[0].groups[0].value) {
		return s
	}
	return min(s, finding.Low)
}
