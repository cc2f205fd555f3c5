package compare

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// hotShare is the share of the last environment's time from which on a statement ought to have run elsewhere before.
const hotShare = 0.01

// hotQueries remembers the statements of every database as the merge passes over them.
type hotQueries struct{ rows map[string]*row }

func (q *hotQueries) note(r *row) {
	_, rest, _ := strings.Cut(r.key, ":")
	if !strings.HasPrefix(rest, "query/") {
		return
	}
	switch attributeOf(rest) {
	case "share", "text", "calls", "fingerprints", "forgetful":
		if q.rows == nil {
			q.rows = map[string]*row{}
		}
		q.rows[r.key] = r
	}
}

// findings reports the last side's hot statements that an earlier side has never
// run, where that side remembers everything.
func (q *hotQueries) findings(c *comparison) []finding.Finding {
	severity, last := c.severity("query-untested"), len(c.sides)-1
	if severity == finding.Off || last == 0 {
		return nil
	}
	ran := make([]map[string]map[string]bool, last)
	for i := range ran {
		ran[i] = map[string]map[string]bool{}
	}
	var out []finding.Finding
	for _, key := range slices.Sorted(maps.Keys(q.rows)) {
		object, attribute, _ := strings.Cut(key, "#")
		if attribute != "share" {
			continue
		}
		share, ok := largest(&q.rows[key].cells[last])
		if !ok || share < hotShare {
			continue
		}
		scope, name, _ := strings.Cut(object, ":query/")
		var lack []int
		for i := range ran {
			if ran[i][scope] == nil {
				ran[i][scope] = q.remembered(scope, i)
			}
			if seen := ran[i][scope]; len(seen) > 0 && !seen[name] {
				lack = append(lack, i)
			}
		}
		if len(lack) > 0 {
			f := q.untested(c, object, share, lack)
			f.Severity = severity
			out = append(out, f)
		}
	}
	return out
}

// remembered are the fingerprints of all statements that a side has run; none where it may have forgotten some.
func (q *hotQueries) remembered(scope string, side int) map[string]bool {
	seen := map[string]bool{}
	all := scope + ":query/all#"
	if r := q.rows[all+"forgetful"]; r != nil && !r.cells[side].on.empty() {
		return seen
	}
	if r := q.rows[all+"fingerprints"]; r != nil {
		for _, g := range r.cells[side].groups {
			for _, item := range g.value.Items() {
				text, _ := item.Text()
				seen[text] = true
			}
		}
	}
	return seen
}

func (q *hotQueries) untested(c *comparison, object string, share float64, lack []int) finding.Finding {
	last := len(c.sides) - 1
	r := q.rows[object+"#share"]
	f := finding.Finding{Rule: "query-untested", Area: finding.AreaQuery, Address: r.cells[last].addr.Whole().String(), Change: finding.Added}
	names := []string{c.sides[last].Name}
	for _, i := range lack {
		names = append(names, c.sides[i].Name)
		f.Values = append(f.Values, finding.Side{Environment: c.sides[i].Name, State: finding.Absent})
	}
	calls, text := q.rows[object+"#calls"], ""
	for _, g := range r.cells[last].groups {
		side := finding.Side{Environment: c.sides[last].Name, State: finding.Present, Instances: c.views[last][r.cells[last].addr.Scope].names(g.on)}
		if calls != nil && len(calls.cells[last].groups) > 0 {
			side.Value = json.RawMessage(calls.cells[last].groups[0].value.JSON())
		}
		f.Values = append(f.Values, side)
	}
	if t := q.rows[object+"#text"]; t != nil && len(t.cells[last].groups) > 0 {
		text, _ = t.cells[last].groups[0].value.Text()
		if runes := []rune(oneLine.Replace(text)); len(runes) > maxShown {
			text = string(runes[:maxShown-1]) + "…"
		}
	}
	f.Message = fmt.Sprintf("%.0f %% of the time in %s, never run in %s: %s", share*100, c.sides[last].Name, c.nameList(lack), text)
	f.Seal(names)
	return f
}
