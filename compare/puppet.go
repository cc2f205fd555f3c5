package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// puppetRuns remembers how Puppet ran on every host, and which services of its catalogue have no order, as the merge passes over them: both are said of
// one host alone.
type puppetRuns struct {
	rows      map[string]map[string]*row // scope → "run#status" → row
	unordered map[string]*row
}

func (p *puppetRuns) note(r *row) {
	scope, rest, _ := strings.Cut(r.key, ":")
	switch key, of := strings.CutPrefix(rest, "puppet/"); {
	case of:
		if p.rows == nil {
			p.rows = map[string]map[string]*row{}
		}
		if p.rows[scope] == nil {
			p.rows[scope] = map[string]*row{}
		}
		p.rows[scope][key] = r
	case strings.HasPrefix(rest, "resource/") && strings.HasSuffix(rest, "#@unordered"):
		if p.unordered == nil {
			p.unordered = map[string]*row{}
		}
		p.unordered[r.key] = r
	}
}

func (p *puppetRuns) findings(c *comparison) []finding.Finding {
	var out []finding.Finding
	for _, scope := range slices.Sorted(maps.Keys(p.rows)) {
		for side := range c.sides {
			out = append(out, p.runs(c, scope, side)...)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.unordered)) {
		out = append(out, p.ordering(c, p.unordered[key])...)
	}
	return out
}

// staleRun is how old the last run of an agent may be. Without an agent runs may be by hand: they are stale where most hosts of the role ran since.
const staleRun = 24 * time.Hour

// runs reports the hosts of one role whose last run failed, would have changed something or is long ago, and the agents that are disabled.
func (p *puppetRuns) runs(c *comparison, scope string, side int) []finding.Finding {
	view := c.views[side][scope]
	if view == nil {
		return nil
	}
	runs := make([]puppetRun, len(view.instances))
	recent, known := 0, 0
	for i := range view.instances {
		runs[i] = p.runOn(scope, side, i)
		if at := runs[i].at; !at.IsZero() {
			known++
			if c.sides[side].Snapshot.Manifest.CapturedAt.Sub(at) <= staleRun {
				recent++
			}
		}
	}
	found := map[string][]string{} // attribute → clauses
	hosts := map[string][]int{}
	say := func(key string, host int, format string, args ...any) {
		found[key] = append(found[key], view.instances[host]+" "+fmt.Sprintf(format, args...))
		hosts[key] = append(hosts[key], host)
	}
	for i, r := range runs {
		switch {
		case r.status == "failed" && r.failed == 0:
			say("run#status", i, "failed before anything was applied")
		case r.status == "failed":
			say("run#status", i, "failed for %s%s", counted(r.failed, "resource"), r.named("failed_resources"))
		case r.status == "pending":
			say("run#status", i, "would change %s%s", counted(r.pending, "resource"), r.named("pending_resources"))
		}
		if r.disabled != "" {
			say("agent#disabled", i, "has its agent disabled (%s)", r.disabled)
		}
		age := c.sides[side].Snapshot.Manifest.CapturedAt.Sub(r.at)
		if !r.at.IsZero() && age > staleRun && (r.mode == "agent" || recent*2 > known) {
			say("run#at", i, "ran %s ago", days(age))
		}
	}
	var out []finding.Finding
	severity := c.severity("puppet-run")
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if severity == finding.Off {
			break
		}
		row := p.rows[scope][key]
		f := finding.Finding{Rule: "puppet-run", Severity: severity, Area: finding.AreaHost, Address: row.address().String(), Change: finding.Failed}
		f.Values = valuesOn(c, &row.cells[side], side, scope, hosts[key])
		f.Message = "Puppet" + inSide(c, side) + ": " + clauses(found[key])
		f.Seal([]string{c.sides[side].Name})
		out = append(out, f)
	}
	return out
}

// puppetRun is the last run on one host.
type puppetRun struct {
	status, mode, disabled string
	failed, pending        int
	at                     time.Time
	refs                   map[string][]string
}

func (p *puppetRuns) runOn(scope string, side, host int) puppetRun {
	value := func(key string) snapshot.Value {
		if r := p.rows[scope][key]; r != nil {
			for _, g := range r.cells[side].groups {
				if g.on.has(host) {
					return g.value
				}
			}
		}
		return snapshot.Value{}
	}
	text := func(key string) string {
		s, _ := value(key).Text()
		return s
	}
	number := func(key string) int {
		n, _ := value(key).Number()
		return int(n)
	}
	r := puppetRun{status: text("run#status"), mode: text("run#mode"), disabled: oneLine.Replace(snapshot.Masked(text("agent#disabled"))),
		failed: number("run#failed"), pending: number("run#pending"), refs: map[string][]string{}}
	for _, name := range []string{"failed_resources", "pending_resources"} {
		if v := value("run#" + name); v.IsList() {
			r.refs[name] = texts(v)
		}
	}
	if at, err := time.Parse(time.RFC3339, text("run#at")); err == nil {
		r.at = at
	}
	return r
}

// named lists the resources of a run, as far as they are known.
func (r puppetRun) named(which string) string {
	refs := r.refs[which]
	switch {
	case len(refs) == 0:
		return ""
	case len(refs) > maxNames:
		return ": " + strings.Join(refs[:maxNames], ", ") + " …"
	}
	return ": " + strings.Join(refs, ", ")
}

// ordering reports a service without order, once for all sides that have it so: they share the manifest.
func (p *puppetRuns) ordering(c *comparison, r *row) []finding.Finding {
	f := finding.Finding{Rule: "ordering-missing", Severity: c.severity("ordering-missing"), Area: finding.AreaConfig, Change: finding.Failed}
	lacks := map[string]bool{}
	var sides []int
	for side := range r.cells {
		cell := &r.cells[side]
		if len(cell.groups) == 0 {
			continue
		}
		sides = append(sides, side)
		f.Address = cell.addr.Whole().String()
		for _, g := range cell.groups {
			for _, item := range g.value.Items() {
				name, _ := item.Text()
				lacks[name] = true
			}
		}
		f.Values = append(f.Values, finding.Side{Environment: c.sides[side].Name, State: finding.Present, Instances: c.views[side][cell.addr.Scope].names(cell.on)})
	}
	if len(sides) == 0 || f.Severity == finding.Off {
		return nil
	}
	addr := r.cells[sides[0]].addr
	var names []string
	for _, name := range slices.Sorted(maps.Keys(lacks)) {
		f.Related = append(f.Related, addr.Scope+":resource/"+name)
		names = append(names, resourceName(name))
	}
	if len(names) > maxNames {
		names = append(names[:maxNames], "…")
	}
	in := ""
	if len(c.sides) > 1 {
		in = " in " + c.nameList(sides)
	}
	f.Message = resourceName(addr.Name) + in + " has no explicit order after " + enumerate(names)
	environments := make([]string, len(sides))
	for i, s := range sides {
		environments[i] = c.sides[s].Name
	}
	f.Seal(environments)
	return []finding.Finding{f}
}

// valuesOn are the values of a cell on some hosts.
func valuesOn(c *comparison, cell *cell, side int, scope string, hosts []int) []finding.Side {
	var out []finding.Side
	for _, g := range cell.groups {
		var on []string
		for _, h := range hosts {
			if g.on.has(h) {
				on = append(on, c.views[side][scope].instances[h])
			}
		}
		if len(on) > 0 {
			out = append(out, finding.Side{Environment: c.sides[side].Name, State: finding.Present, Value: json.RawMessage(g.value.JSON()), Instances: on})
		}
	}
	return out
}

// inSide names an environment where there is more than one.
func inSide(c *comparison, side int) string {
	if len(c.sides) < 2 {
		return ""
	}
	return " in " + c.sides[side].Name
}

// clauses joins what is said of single hosts.
func clauses(all []string) string {
	if more := len(all) - maxNames; more > 0 {
		return strings.Join(all[:maxNames], "; ") + fmt.Sprintf("; and %d more", more)
	}
	return strings.Join(all, "; ")
}

func days(age time.Duration) string {
	if n := int(age.Hours() / 24); n > 1 {
		return counted(n, "day")
	}
	return counted(int(age.Hours()), "hour")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return plural(n, noun)
}
