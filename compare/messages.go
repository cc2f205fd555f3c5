package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Messages are one plain line: what, then who has what. Values are shown as they are, shortened; sinks escape them.

// subject says what a finding is about.
func (j *judgement) subject() string { return subject(j.d.node) }

// shown is a share as a message shows it; several raw values can be one share.
func (j *judgement) shown(s share) string {
	if s.absent {
		return "missing"
	}
	if s.bare() {
		return "present"
	}
	var texts []string
	for _, g := range distinctRaw(s.groups) {
		texts = append(texts, display(j.d.node, g.value))
		if len(texts) == maxNames {
			break
		}
	}
	return strings.Join(texts, " or ")
}

// plain is the message of rules that have none of their own.
func (j *judgement) plain() string {
	if j.d.within {
		return j.subject() + j.inside() + ": " + j.oddText()
	}
	if j.shape == missing {
		return j.subject() + " " + j.missingText()
	}
	return j.subject() + " " + j.acrossText()
}

// inside names the environment of a within difference where there is more than one.
func (j *judgement) inside() string {
	if len(j.c.sides) < 2 {
		return ""
	}
	return " in " + j.c.sides[j.d.sides[0]].Name
}

// acrossText lists each value with the sides that hold it: "is 512M in staging and test, 256M in production". For lists
// it says what the last side gained and lost.
func (j *judgement) acrossText() string {
	if text := j.listText(); text != "" {
		return text
	}
	holders := map[string][]int{}
	var values []string
	for _, side := range j.d.sides {
		text := j.sideText(side)
		if holders[text] == nil {
			values = append(values, text)
		}
		holders[text] = append(holders[text], side)
	}
	if len(values) == 1 { // only digests tell the sides apart
		values = append(values[:0], values[0]+" in "+j.c.nameList(j.d.sides[:1])+", another in "+j.c.nameList(j.d.sides[1:]))
	} else {
		for i, text := range values {
			values[i] = text + " in " + j.c.nameList(holders[text])
		}
	}
	return "is " + strings.Join(values, ", ")
}

func (j *judgement) sideText(side int) string {
	var texts []string
	for _, s := range j.d.norm(side) {
		texts = append(texts, j.shown(s))
	}
	return strings.Join(texts, " and ")
}

// missingText says which sides lack something and what the others have.
func (j *judgement) missingText() string {
	var lack []int
	var have []string
	for _, side := range j.d.sides {
		text := j.sideText(side)
		switch text {
		case "missing":
			lack = append(lack, side)
		case "present":
			have = append(have, "there in "+j.c.sides[side].Name)
		default:
			have = append(have, text+" in "+j.c.sides[side].Name)
		}
	}
	return "is missing in " + j.c.nameList(lack) + " (" + strings.Join(have, ", ") + ")"
}

// oddText says who is odd within an environment: "web3 has 8.0 GiB, its 2 peers 16.0 GiB"; in a tie who holds what.
func (j *judgement) oddText() string {
	d := j.d
	var odd, norm []share
	for _, s := range d.shares {
		if s.odd {
			odd = append(odd, s)
		} else {
			norm = append(norm, s)
		}
	}
	var parts []string
	if len(odd) == 0 {
		for _, s := range norm {
			parts = append(parts, j.who(s)+" "+j.has(s))
		}
		return strings.Join(parts, ", ")
	}
	peers := 0
	for _, s := range norm {
		peers += s.count()
	}
	for _, s := range odd {
		parts = append(parts, j.who(s)+" "+j.has(s))
	}
	others := "its " + plural(peers, "peer")
	if len(odd) > 1 || odd[0].count() > 1 {
		others = "the other " + strconv.Itoa(peers)
	}
	text := j.has(norm[0])
	if !norm[0].absent && !norm[0].bare() {
		_, text, _ = strings.Cut(text, " ") // "its peers 16.0 GiB" needs no second verb
	}
	return strings.Join(parts, ", ") + ", " + others + " " + text
}

// has says what the instances of a share hold.
func (j *judgement) has(s share) string {
	verb := "has "
	if s.count() > 1 {
		verb = "have "
	}
	switch {
	case s.absent:
		return verb + "none"
	case s.bare():
		return verb + "it"
	}
	return verb + j.shown(s)
}

// bare reports a share that is there and has no value worth showing.
func (s share) bare() bool {
	return !s.absent && s.groups[0].raw == "present" && s.groups[0].value == (snapshot.Value{})
}

// who names the instances of a share, or counts them.
func (j *judgement) who(s share) string {
	view := j.c.views[s.side][j.d.node.addr.Scope]
	names := view.names(s.on)
	if len(names) > maxNames {
		return fmt.Sprintf("%d of %d", len(names), len(view.instances))
	}
	return enumerate(names)
}

// where says on which instances a remark's value stands, if not on all of its side.
func (j *judgement) where(r *remark) string {
	if r.share < 0 || r.share >= len(j.d.shares) {
		return ""
	}
	s := j.d.shares[r.share]
	view := j.c.views[s.side][j.d.node.addr.Scope]
	if s.count() == len(view.instances) {
		return "in " + j.c.sides[s.side].Name + " "
	}
	return "on " + j.who(s) + " in " + j.c.sides[s.side].Name + " "
}

func (c *comparison) nameList(sides []int) string {
	names := make([]string, len(sides))
	for i, s := range sides {
		names[i] = c.sides[s].Name
	}
	return enumerate(names)
}

// listText describes a list that differs between two sides by its items; "" where there is no plain pair of lists.
func (j *judgement) listText() string {
	d := j.d
	if len(d.sides) != 2 {
		return ""
	}
	from, to := d.norm(d.sides[0]), d.norm(d.sides[1])
	if len(from) != 1 || len(to) != 1 || from[0].absent || to[0].absent || !from[0].groups[0].value.IsList() || !to[0].groups[0].value.IsList() {
		return ""
	}
	gained, lost, ok := listChanges(texts(from[0].groups[0].value), texts(to[0].groups[0].value))
	if !ok {
		return ""
	}
	name := j.c.sides[d.sides[1]].Name
	switch {
	case len(gained)+len(lost) == 0:
		return "has the same items in another order in " + name
	case len(gained)+len(lost) > 6:
		return fmt.Sprintf("has %d more and %d fewer items in %s", len(gained), len(lost), name)
	case len(lost) == 0:
		return "has also " + strings.Join(gained, ", ") + " in " + name
	case len(gained) == 0:
		return "lacks " + strings.Join(lost, ", ") + " in " + name
	}
	return "has " + strings.Join(gained, ", ") + " in place of " + strings.Join(lost, ", ") + " in " + name
}

func (j *judgement) sayReordered() string {
	if j.d.within {
		return j.subject() + j.inside() + ": the same items are in another order on " + j.oddNames()
	}
	return j.subject() + " has the same items in another order in " + j.c.sides[j.d.sides[len(j.d.sides)-1]].Name
}

func (j *judgement) oddNames() string {
	var parts []string
	for _, s := range j.d.shares {
		if s.odd {
			parts = append(parts, j.who(s))
		}
	}
	if parts == nil {
		for _, s := range j.d.shares[1:] {
			parts = append(parts, j.who(s))
		}
	}
	return enumerate(parts)
}

// sayConffile speaks of conffiles, of which only the modified ones have facts.
func (j *judgement) sayConffile() string {
	n := j.d.node
	file := n.addr.Name
	for range 2 {
		_, file, _ = strings.Cut(file, "/")
	}
	s := "/" + snapshot.Unescape(file)
	if j.shape != missing {
		return s + " is modified differently" + j.inside() + ": " + j.oddText()
	}
	var parts []string
	for _, sh := range j.d.shares {
		if !sh.absent {
			parts = append(parts, j.who(sh)+" in "+j.c.sides[sh.side].Name)
		}
	}
	return s + " is not as its package delivered it on " + enumerate(parts) + " only"
}

func (j *judgement) saySecretDiffers() string {
	return j.subject() + j.inside() + ": " + strings.Join(j.groupsOf(), ", ")
}

// groupsOf tells secrets apart without showing them.
func (j *judgement) groupsOf() []string {
	var out []string
	for i, s := range j.d.shares {
		secret := "one secret"
		if i > 0 {
			secret = "another"
		}
		verb := " has "
		if s.count() > 1 {
			verb = " have "
		}
		out = append(out, j.who(s)+verb+secret)
	}
	return out
}

// sayVersions says which side is older, and by what.
func (j *judgement) sayVersions() string {
	p, ok := j.versionPair()
	if !ok || p.order.compare == 0 {
		return j.plain()
	}
	relation, sign := "older", "<"
	if p.order.compare > 0 {
		relation, sign = "newer", ">"
	}
	where := ""
	if j.d.within {
		where = j.inside()
	}
	return fmt.Sprintf("%s%s: %s is %s by %s (%s %s %s)", j.subject(), where, p.who, relation, p.order.step, p.version, sign, p.other)
}

// sayMisspelt names both spellings.
func (j *judgement) sayMisspelt() string {
	d := j.d
	suspect := strings.ReplaceAll(snapshot.Unescape(lastName(d.node.addr.String())), "\x01", "")
	right := snapshot.Unescape(lastName(d.counterpart.node.addr.String()))
	where := ""
	if d.within {
		for _, s := range d.shares {
			if !s.absent {
				where = " on " + j.who(s) + j.inside()
			}
		}
	} else {
		for _, side := range d.sides {
			if !d.lacks(side) {
				where = " in " + j.c.sides[side].Name
			}
		}
	}
	return fmt.Sprintf("%s%s looks misspelt: %q where the others have %q", j.subject(), where, suspect, right)
}

func (j *judgement) sayNearMiss() string { return j.plain() + ", a near miss" }

// sayRenamedOrPlain tells a renamed key from a missing one.
func (j *judgement) sayRenamedOrPlain() string {
	if j.d.counterpart == nil || !j.d.renamed {
		return j.plain()
	}
	if j.d.node.kind.Area == finding.AreaSchema {
		return j.subject() + " is " + snapshot.Unescape(lastName(j.d.counterpart.node.addr.String())) + " on the other side"
	}
	return j.subject() + " has the content of " + snapshot.Unescape(lastName(j.d.counterpart.node.addr.String())) + " under another name"
}

// sayNullable says of each environment whether a column may be null: that it may is told of none.
func (j *judgement) sayNullable() string {
	if j.d.within {
		return j.plain()
	}
	var parts []string
	for _, side := range j.d.sides {
		word := "nullable"
		for _, s := range j.d.norm(side) {
			if !s.absent && s.groups[0].value == snapshot.Bool(false) {
				word = "NOT NULL"
			}
		}
		parts = append(parts, word+" in "+j.c.sides[side].Name)
	}
	return strings.TrimSuffix(j.subject(), " nullable") + " is " + strings.Join(parts, ", ")
}

// sayInvalid names the environments whose index is invalid or whose constraint was never validated:
// being valid is told of neither.
func (j *judgement) sayInvalid() string {
	if j.d.within {
		return j.plain()
	}
	var bad []int
	for _, side := range j.d.sides {
		for _, s := range j.d.norm(side) {
			if !s.absent && s.groups[0].value == snapshot.Bool(false) {
				bad = append(bad, side)
				break
			}
		}
	}
	what := " is invalid in "
	if j.d.node.addr.Kind == "constraint" {
		what = " was never validated in "
	}
	return strings.TrimSuffix(j.subject(), " valid") + what + j.c.nameList(bad)
}

// sayGrant names the roles where everything that is granted on an object is there or not.
func (j *judgement) sayGrant() string {
	if !j.wholeObject() {
		return j.plain()
	}
	seen := map[string]bool{}
	for i, s := range j.c.sides {
		if a := j.d.node.cells[i].addr; a.Kind != "" {
			for _, l := range linesBelow(s.Snapshot, a.Whole()) {
				seen[fmt.Sprintf("%s: %s", snapshot.Unescape(l.Address.Attribute), display(j.d.node, l.Values[0].Value))] = true
			}
		}
	}
	if len(seen) == 0 || len(seen) > maxNames {
		return j.plain()
	}
	return j.plain() + ": " + strings.Join(slices.Sorted(maps.Keys(seen)), "; ")
}
