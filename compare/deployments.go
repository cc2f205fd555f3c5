package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// deployments remembers what runs and what ever ran of every deployment, as the merge passes over it. Environments are meant to run different revisions; that
// the last one runs what an earlier one never had is worth knowing.
type deployments struct{ revision, history map[string]*row }

func (d *deployments) note(r *row) {
	object, attribute, _ := strings.Cut(r.key, "#")
	if _, rest, _ := strings.Cut(object, ":"); !strings.HasPrefix(rest, "deployment/") {
		return
	}
	if d.revision == nil {
		d.revision, d.history = map[string]*row{}, map[string]*row{}
	}
	switch attribute {
	case "revision":
		d.revision[object] = r
	case "history":
		d.history[object] = r
	}
}

// findings reports the revisions of the last side that an earlier side neither runs nor, by a log of its own, ever ran.
func (d *deployments) findings(c *comparison) []finding.Finding {
	severity, last := c.severity("revision-untested"), len(c.sides)-1
	if severity == finding.Off || last == 0 || c.moments() {
		return nil
	}
	var out []finding.Finding
	for _, object := range slices.Sorted(maps.Keys(d.revision)) {
		running, history := d.revision[object], d.history[object]
		if history == nil {
			continue
		}
		for _, g := range running.cells[last].groups {
			text, _ := g.value.Text()
			if strings.HasPrefix(text, "none") {
				continue
			}
			var lack []int
			for i := range last {
				if logged := itemsOf(&history.cells[i]); len(logged) > 0 && !knows(logged, text) && !knows(itemsOf(&running.cells[i]), text) {
					lack = append(lack, i)
				}
			}
			if len(lack) > 0 {
				f := d.untested(c, running, g, lack)
				f.Severity = severity
				out = append(out, f)
			}
		}
	}
	return out
}

// knows reports a revision among others, any of which may be shortened.
func knows(revisions []string, revision string) bool {
	return slices.ContainsFunc(revisions, func(r string) bool {
		return r == revision || min(len(r), len(revision)) >= 7 && (strings.HasPrefix(r, revision) || strings.HasPrefix(revision, r))
	})
}

func itemsOf(c *cell) []string {
	var out []string
	for _, g := range c.groups {
		out = append(out, texts(g.value)...)
	}
	return out
}

func (d *deployments) untested(c *comparison, running *row, g group, lack []int) finding.Finding {
	last := len(c.sides) - 1
	addr := running.cells[last].addr
	n := &node{addr: addr}
	f := finding.Finding{Rule: "revision-untested", Area: finding.AreaConfig, Address: addr.String(), Change: finding.Changed}
	var names []string
	for _, i := range lack {
		names = append(names, c.sides[i].Name)
		for _, held := range running.cells[i].groups {
			f.Values = append(f.Values, finding.Side{Environment: c.sides[i].Name, State: finding.Present, Value: json.RawMessage(held.value.JSON()),
				Instances: c.views[i][addr.Scope].names(held.on)})
		}
	}
	f.Values = append(f.Values, finding.Side{Environment: c.sides[last].Name, State: finding.Present, Value: json.RawMessage(g.value.JSON()),
		Instances: c.views[last][addr.Scope].names(g.on)})
	f.Message = fmt.Sprintf("deployment %s is at %s in %s, which %s never had", snapshot.Unescape(addr.Name), display(n, g.value), c.sides[last].Name, c.nameList(lack))
	f.Seal(append(names, c.sides[last].Name))
	return f
}

// sayRevisions says who runs what, and who of them was rolled back.
func (j *judgement) sayRevisions() string {
	text := j.plain()
	side := j.d.sides[0]
	a := j.d.node.cells[side].addr.Whole()
	line := findLine(j.c.sides[side].Snapshot, a.Attr("rolled_back"))
	if line == nil {
		return text
	}
	var back []string
	for _, held := range line.Values {
		if held.Value == snapshot.Bool(true) {
			back = append(back, held.On...)
		}
	}
	if len(back) == 0 || len(back) > maxNames {
		return text
	}
	slices.Sort(back)
	return text + "; rolled back: " + enumerate(back)
}

// shortRevision is as much of a commit's name as people read.
func shortRevision(text string) string {
	if len(text) >= 40 && strings.Trim(text, "0123456789abcdef") == "" {
		return text[:12]
	}
	return text
}
