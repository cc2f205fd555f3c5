package compare

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// judgement is a difference on its way to a finding.
type judgement struct {
	c     *comparison
	d     *difference
	body  string // kind/name#attribute
	shape shape
	rows  *rowChanges // of rows/TABLE, once counted
}

// verdict is a rule that a difference breaks, and how heavily.
type verdict struct {
	rule     string
	severity finding.Severity
	lowered  bool // because the last side is not the one that lacks
	specific bool // a suspicion or remark, which explains what the base rule only states
	message  string
}

// judge turns differences into sealed findings: one per address and set of sides, by the strongest rule.
func (c *comparison) judge(ctx context.Context, ds []*difference) ([]finding.Finding, error) {
	out := append(append(c.usage.findings(c), c.repl.findings(c)...), append(c.queries.findings(c), c.stale()...)...)
	out = append(out, append(append(c.deploys.findings(c), c.puppet.findings(c)...), c.silent.findings(c)...)...)
	out = append(out, c.alone.found...)
	out = append(out, c.endpointFindings()...)
	out = append(out, c.dbHostFindings()...)
	for _, d := range ds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		j := &judgement{c: c, d: d, body: body(d.node.addr), shape: shapeOf(d)}
		skip, err := j.countRows(ctx)
		if err != nil {
			return nil, err
		}
		if skip {
			continue
		}
		if v, ok := j.strongest(); ok {
			out = append(out, j.finding(v))
		}
	}
	return strongestOnly(out), nil
}

func shapeOf(d *difference) shape {
	switch {
	case d.node.order:
		return reorder
	case d.node.presence || d.hasAbsent():
		return missing
	}
	return differs
}

// strongest is the rule that wins: the highest severity, of equal ones a suspicion before the base
// rule that it explains, then the first in the contract's order. A rule that is off reports
// nothing and leaves the place to the next.
func (j *judgement) strongest() (verdict, bool) {
	var all []verdict
	if r := j.d.remark; r != nil && !j.besides(r) {
		all = append(all, verdict{rule: r.rule, severity: j.c.severity(r.rule), specific: true, message: j.subject() + " " + j.where(r) + r.text})
	}
	if !j.d.alone {
		for i := range suspicions {
			if suspicions[i].matches(j) {
				v := j.verdict(&suspicions[i])
				v.specific = true
				all = append(all, v)
			}
		}
		for i := range baseRules {
			if baseRules[i].matches(j) {
				all = append(all, j.verdict(&baseRules[i]))
				break
			}
		}
	}
	sort.SliceStable(all, func(a, b int) bool {
		if all[a].severity != all[b].severity {
			return all[a].severity > all[b].severity
		}
		if all[a].specific != all[b].specific {
			return all[a].specific
		}
		return finding.Rank(all[a].rule) < finding.Rank(all[b].rule)
	})
	if len(all) == 0 || all[0].severity == finding.Off {
		return verdict{}, false
	}
	return all[0], true
}

// besides reports a remark that does not explain a difference but goes along with it: the same
// password in two URLs whose hosts differ.
func (j *judgement) besides(r *remark) bool { return r.rule == "secret-shared" && !j.d.alone }

func (j *judgement) verdict(r *rule) verdict {
	v := verdict{rule: r.id, severity: j.c.severity(r.id)}
	switch rule, _ := finding.Lookup(r.id); {
	case r.weigh != nil:
		v.severity = r.weigh(j, v.severity)
	case rule.Sided && j.onlyFromLacks():
		v.severity, v.lowered = v.severity.Lower(), true
	}
	if v.severity == finding.Off {
		return v
	}
	if r.say != nil {
		v.message = r.say(j)
	} else {
		v.message = j.plain()
	}
	if n := len(j.d.explains); n > 0 {
		v.message += "; it explains " + counted(n, "other difference")
	}
	if m := j.d.remark; m != nil && j.besides(m) && !j.c.copies(j.d.node.addr.Scope, j.d.sides, true) {
		v.message += "; the secret in it is the same"
	}
	return v
}

// severity is a rule's own, or what envdiff.yaml says.
func (c *comparison) severity(rule string) finding.Severity {
	if s, ok := c.opt.Severities[rule]; ok {
		return s
	}
	r, _ := finding.Lookup(rule)
	return r.Severity
}

// onlyFromLacks reports that the last side has what an earlier one lacks: the lesser
// evil for rules that are said of the last.
func (j *judgement) onlyFromLacks() bool {
	d := j.d
	if d.within {
		return j.oddHasMore()
	}
	return d.counterpart == nil && d.hasAbsent() && !d.lacks(d.sides[len(d.sides)-1])
}

// oddHasMore reports that the odd instances have what the others lack.
func (j *judgement) oddHasMore() bool {
	if !j.d.within || j.d.oddOn().empty() {
		return false
	}
	for _, s := range j.d.shares {
		if s.odd == s.absent {
			return false
		}
	}
	return true
}

// wholeObject reports that an object is missing, not one of its attributes.
func (j *judgement) wholeObject() bool { return attributeOf(j.d.node.key) == "" }

// tuning reports a setting that no side marks as one that changes behaviour.
func (j *judgement) tuning() bool {
	for i, cell := range j.d.node.cells {
		a := cell.addr
		if a.Kind == "" {
			continue
		}
		a.Attribute = "@behaviour"
		if findLine(j.c.sides[i].Snapshot, a) != nil {
			return false
		}
	}
	return true
}

// finding makes the sealed finding.
func (j *judgement) finding(v verdict) finding.Finding {
	d := j.d
	f := finding.Finding{
		Rule: v.rule, Severity: v.severity, Area: d.node.kind.Area, Address: d.node.addr.String(), Change: j.change(),
		Lowered: v.lowered, Message: v.message, Values: j.values(), Origin: j.origins(), Related: j.related(),
	}
	if f.Area == "" {
		rule, _ := finding.Lookup(v.rule)
		f.Area = rule.Area
	}
	names := make([]string, len(d.sides))
	for i, s := range d.sides {
		names[i] = j.c.sides[s].Name
	}
	f.Seal(names)
	return f
}

// change says what happened as seen from the first environment.
func (j *judgement) change() finding.Change {
	d := j.d
	if d.within {
		return finding.Odd
	}
	if d.counterpart != nil || d.alone || !d.hasAbsent() {
		return finding.Changed
	}
	first, last := d.sides[0], d.sides[len(d.sides)-1]
	switch {
	case d.lacks(first) && !d.lacks(last):
		return finding.Added
	case d.lacks(last) && !d.lacks(first):
		return finding.Removed
	}
	return finding.Changed
}

// values lists what every concerned side holds, and in a matrix which sides nobody could look at.
func (j *judgement) values() []finding.Side {
	d := j.d
	var out []finding.Side
	concerned := map[int]bool{}
	for _, s := range d.shares {
		concerned[s.side] = true
		instances := j.c.views[s.side][d.node.addr.Scope].names
		if s.absent {
			out = append(out, finding.Side{Environment: j.c.sides[s.side].Name, State: finding.Absent, Instances: instances(s.on)})
			continue
		}
		for _, g := range distinctRaw(s.groups) {
			side := finding.Side{Environment: j.c.sides[s.side].Name, State: finding.Present, Instances: instances(g.on)}
			if g.raw != "present" || g.value != (snapshot.Value{}) {
				side.Value = json.RawMessage(g.value.JSON())
			}
			out = append(out, side)
		}
	}
	if !d.within && len(j.c.sides) > 2 && !d.alone {
		for i, s := range j.c.sides {
			if view := j.c.views[i][d.node.addr.Scope]; view != nil && !concerned[i] {
				out = append(out, finding.Side{Environment: s.Name, State: finding.Unknown, Instances: view.instances})
			}
		}
		sort.SliceStable(out, func(a, b int) bool { return j.c.sideIndex(out[a].Environment) < j.c.sideIndex(out[b].Environment) })
	}
	return out
}

// distinctRaw joins groups that hold the same value.
func distinctRaw(groups []group) []group {
	var out []group
	for _, g := range groups {
		found := false
		for i := range out {
			if out[i].value == g.value {
				out[i].on = out[i].on.union(g.on)
				found = true
				break
			}
		}
		if !found {
			out = append(out, g)
		}
	}
	return out
}

func (v *scopeView) names(m members) []string {
	var out []string
	m.each(func(i int) { out = append(out, v.instances[i]) })
	return out
}

func (c *comparison) sideIndex(name string) int {
	for i, s := range c.sides {
		if s.Name == name {
			return i
		}
	}
	return len(c.sides)
}

// related are the names that the difference concerns beside its own: the other spelling, and what other sides call it.
func (j *judgement) related() []string {
	d := j.d
	set := map[string]bool{}
	for _, a := range d.explains {
		set[a] = true
	}
	if d.counterpart != nil {
		set[d.counterpart.node.addr.String()] = true
	}
	for _, cell := range d.node.cells {
		if a := cell.addr; a.Kind != "" && !d.node.order {
			set[a.String()] = true
		}
	}
	delete(set, d.node.addr.String())
	return slices.Sorted(maps.Keys(set))
}

// maxOrigins bounds the places of one finding: 200 hosts have read the value from the same file.
const maxOrigins = 8

func (j *judgement) origins() []finding.Place {
	var out []finding.Place
	seen := map[finding.Place]bool{}
	for _, s := range j.d.shares {
		for _, g := range s.groups {
			p, ok := place(j.c.sides[s.side].Name, g.origin)
			if ok && !seen[p] && len(out) < maxOrigins {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}

// place reads an origin, "file:line" or "file"; what is no path (a query's name, a command) is no place.
func place(environment, origin string) (finding.Place, bool) {
	if !strings.HasPrefix(origin, "/") {
		return finding.Place{}, false
	}
	if i := strings.LastIndexByte(origin, ':'); i >= 0 {
		if line, err := strconv.Atoi(origin[i+1:]); err == nil && line > 0 {
			return finding.Place{Environment: environment, File: origin[:i], Line: line}, true
		}
	}
	return finding.Place{Environment: environment, File: origin}, true
}

// strongestOnly keeps one finding per address and set of environments: the highest severity, of equal ones
// the first rule in the contract's order.
func strongestOnly(fs []finding.Finding) []finding.Finding {
	at := map[string]int{}
	out := fs[:0]
	for _, f := range fs {
		key := f.Address + "\x00" + strings.Join(environmentsIn(f), "\x00")
		i, ok := at[key]
		switch {
		case !ok:
			at[key] = len(out)
			out = append(out, f)
		case f.Severity > out[i].Severity || f.Severity == out[i].Severity && finding.Rank(f.Rule) < finding.Rank(out[i].Rule):
			out[i] = f
		}
	}
	return out
}

func environmentsIn(f finding.Finding) []string {
	set := map[string]bool{}
	for _, v := range f.Values {
		if v.State != finding.Unknown {
			set[v.Environment] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
