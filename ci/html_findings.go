package ci

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/finding"
)

type htmlGroup struct {
	Severity string
	N        int
	Scopes   []*htmlScope
}

type htmlScope struct {
	Scope    string
	Open     bool
	Findings []htmlFinding
}

type htmlFinding struct {
	Anchor, ID, Severity, Area, Rule, Address, Message, Why, Hint, Mark, Explained string

	Sides            []htmlSide
	Queries          []finding.Query
	Fix              []finding.Fix
	Origins, Related []string
}

type htmlSide struct {
	Environment, State, Instances string

	Odd   bool
	Parts []htmlPart
	Cut   int // characters that are not shown
}

// htmlPart is a piece of text, marked where it is not as elsewhere.
type htmlPart struct {
	Text    string
	Differs bool
}

// valueShown is how many characters of a value the page shows.
const valueShown = 2000

// foldFrom is from how many findings on a scope starts folded: a browser lays out only what is open.
const foldFrom = 100

// briefFrom is from how many findings on each is told briefly: a browser builds 300,000 elements in no second.
const briefFrom = 2000

type htmlFindings struct {
	anchors []string // of each finding of the report
	open    map[finding.Severity]map[string]*htmlScope
	aside   []htmlFinding
}

func newHTMLFindings(r *Report) *htmlFindings {
	h := &htmlFindings{open: map[finding.Severity]map[string]*htmlScope{}}
	taken := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		anchor := "f-" + f.ID
		if taken[f.ID]++; taken[f.ID] > 1 {
			anchor = fmt.Sprintf("%s-%d", anchor, taken[f.ID])
		}
		h.anchors = append(h.anchors, anchor)
		shown := htmlOf(f, anchor)
		if !counts(f) {
			h.aside = append(h.aside, shown)
			continue
		}
		scope, _ := scopeAndKind(f.Address)
		scopes := h.open[f.Severity]
		if scopes == nil {
			scopes = map[string]*htmlScope{}
			h.open[f.Severity] = scopes
		}
		if scopes[scope] == nil {
			scopes[scope] = &htmlScope{Scope: Terminal(scope)}
		}
		scopes[scope].Findings = append(scopes[scope].Findings, shown)
	}
	return h
}

func htmlOf(f *finding.Finding, anchor string) htmlFinding {
	h := htmlFinding{Anchor: anchor, ID: f.ID, Severity: f.Severity.String(), Area: string(f.Area), Rule: Terminal(f.Rule), Address: Terminal(f.Address),
		Message: Terminal(f.Message), Why: Terminal(f.Why), Hint: Terminal(f.Hint), Mark: Terminal(mark(f)), Sides: htmlSides(f)}
	if f.ExplainedBy != nil {
		h.Explained = Terminal(*f.ExplainedBy)
	}
	for _, q := range f.Queries {
		if Terminal(q.SQL) == q.SQL { // escaped, it would be another statement
			h.Queries = append(h.Queries, finding.Query{Finds: Terminal(q.Finds), SQL: q.SQL})
		}
	}
	for _, x := range f.Fix {
		if Terminal(x.Command) == x.Command { // escaped, it would be another command
			h.Fix = append(h.Fix, finding.Fix{Where: Terminal(x.Where), Command: x.Command})
		}
	}
	for _, o := range f.Origin {
		h.Origins = append(h.Origins, Terminal(strings.TrimSpace(strings.TrimSuffix(fmt.Sprintf("%s %s:%d", o.Environment, o.File, o.Line), ":0"))))
	}
	for _, a := range f.Related {
		h.Related = append(h.Related, Terminal(a))
	}
	return h
}

// htmlSides puts a finding's values side by side, with what differs marked: each is held against the one that most
// instances have, or against the first.
func htmlSides(f *finding.Finding) []htmlSide {
	if CountsAlone(f) {
		return nil // the chart shows the column
	}
	usual, most := -1, 0
	for i, s := range f.Values {
		if s.State == finding.Present && len(s.Instances) > most {
			usual, most = i, len(s.Instances)
		}
	}
	var sides []htmlSide
	for i, s := range f.Values {
		side := htmlSide{Environment: Terminal(s.Environment), Instances: Terminal(strings.Join(s.Instances, ", ")), Odd: f.Change == finding.Odd && i != usual}
		if s.State != finding.Present || string(s.Value) == "null" && !strings.Contains(f.Address, "#") {
			side.State = string(s.State) // of an object there is no more to say
			sides = append(sides, side)
			continue
		}
		text, other := Terminal(shown(s)), ""
		switch {
		case usual >= 0 && i != usual:
			other = Terminal(shown(f.Values[usual]))
		case len(f.Values) == 2 && f.Values[1-i].State == finding.Present:
			other = Terminal(shown(f.Values[1-i]))
		default:
			other = text
		}
		side.Parts, side.Cut = differing(text, other)
		sides = append(sides, side)
	}
	return sides
}

// differing marks what stands between the beginning and the end that two texts have in common. Texts with nothing in
// common are not marked: that would say nothing.
func differing(text, other string) ([]htmlPart, int) {
	cutOff := 0
	if n := utf8.RuneCountInString(text); n > valueShown {
		cutOff = n - valueShown
		text = string([]rune(text)[:valueShown])
	}
	a, b := []rune(text), []rune(other)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if text == other || start+end == 0 || len(a)-end == start {
		return []htmlPart{{Text: text}}, cutOff
	}
	var parts []htmlPart
	for _, p := range []htmlPart{{Text: string(a[:start])}, {string(a[start : len(a)-end]), true}, {Text: string(a[len(a)-end:])}} {
		if p.Text != "" {
			parts = append(parts, p)
		}
	}
	return parts, cutOff
}

// groups are the findings that count, by severity and scope.
func (h *htmlFindings) groups(r *Report) []htmlGroup {
	var groups []htmlGroup
	for _, severity := range finding.Severities() {
		g := htmlGroup{Severity: severity.String(), N: r.Verdict.Counts.Of(severity)}
		for _, s := range h.open[severity] {
			s.Open = len(s.Findings) < foldFrom
			g.Scopes = append(g.Scopes, s)
		}
		sort.Slice(g.Scopes, func(i, j int) bool { return g.Scopes[i].Scope < g.Scopes[j].Scope })
		if len(g.Scopes) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// names are the scopes and areas to choose from.
func (h *htmlFindings) names(r *Report) (scopes, areas []string) {
	for i := range r.Findings {
		scope, _ := scopeAndKind(r.Findings[i].Address)
		scopes = append(scopes, Terminal(scope))
		areas = append(areas, string(r.Findings[i].Area))
	}
	slices.Sort(scopes)
	slices.Sort(areas)
	return slices.Compact(scopes), slices.Compact(areas)
}

type htmlMatrixRow struct {
	Name  string
	Cells []htmlCell
}

type htmlCell struct{ Class, Text string }

// htmlMatrix counts, for each scope and area, the findings that each environment has a part in.
func htmlMatrix(r *Report) []htmlMatrixRow {
	type cell struct {
		n     int
		worst finding.Severity
	}
	rows := map[string]map[string]*cell{}
	note := func(row, environment string, s finding.Severity) {
		if rows[row] == nil {
			rows[row] = map[string]*cell{}
		}
		c := rows[row][environment]
		if c == nil {
			c = &cell{}
			rows[row][environment] = c
		}
		c.n++
		c.worst = max(c.worst, s)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !counts(f) || f.Area == finding.AreaPolicy {
			continue
		}
		scope, _ := scopeAndKind(f.Address)
		row, in := scope+" "+string(f.Area), map[string]bool{}
		for _, s := range f.Values {
			in[s.Environment] = true
		}
		for j, e := range r.Environments {
			if in[e.Name] || len(in) == 0 && j == len(r.Environments)-1 {
				note(row, e.Name, f.Severity)
			}
		}
	}
	for _, c := range r.context().Checks {
		if area := areaOfKind(c.Kind); area != "" && rows[c.Scope+" "+area] == nil {
			rows[c.Scope+" "+area] = map[string]*cell{}
		}
	}
	var out []htmlMatrixRow
	for name, cells := range rows {
		row := htmlMatrixRow{Name: Terminal(name)}
		for _, e := range r.Environments {
			if c := cells[e.Name]; c != nil {
				row.Cells = append(row.Cells, htmlCell{c.worst.String(), plural(c.n, "finding", "findings") + ", worst " + c.worst.String()})
			} else {
				row.Cells = append(row.Cells, htmlCell{"quiet", "none"})
			}
		}
		out = append(out, row)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// areaOfKind is the area of the kinds that every capture has; the matrix shows that they were looked at.
func areaOfKind(kind string) string {
	switch kind {
	case "config", "package", "service", "host", "replication":
		return kind
	case "table":
		return string(finding.AreaSchema)
	case "rows":
		return string(finding.AreaData)
	}
	return ""
}

type htmlRole struct {
	Environment, Scope string
	Hosts              []htmlHost
}

type htmlHost struct {
	Name string
	Odd  []htmlLink
}

type htmlLink struct{ Anchor, Text string }

// htmlRoles lists the hosts of each role, and what makes one of them the odd one out.
func htmlRoles(r *Report, h *htmlFindings) []htmlRole {
	var roles []htmlRole
	for _, s := range r.context().Scopes {
		if s.Type != "role" {
			continue
		}
		role := htmlRole{Environment: Terminal(s.Environment), Scope: Terminal(s.Scope)}
		for _, instance := range s.Instances {
			host := htmlHost{Name: Terminal(instance)}
			for i := range r.Findings {
				f := &r.Findings[i]
				if scope, _ := scopeAndKind(f.Address); scope == s.Scope && oddOn(f, s.Environment, instance) {
					host.Odd = append(host.Odd, htmlLink{h.anchors[i], Terminal(strings.TrimPrefix(f.Address, scope+":"))})
				}
			}
			role.Hosts = append(role.Hosts, host)
		}
		roles = append(roles, role)
	}
	return roles
}

// oddOn reports whether a finding says that the instance is not as its peers.
func oddOn(f *finding.Finding, environment, instance string) bool {
	if f.Change != finding.Odd || !counts(f) {
		return false
	}
	most, mine := 0, 0
	for _, s := range f.Values {
		if s.Environment != environment {
			continue
		}
		most = max(most, len(s.Instances))
		if slices.Contains(s.Instances, instance) {
			mine = len(s.Instances)
		}
	}
	return mine > 0 && mine < most
}
