package ci

import (
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// The page is one file that needs nothing else: no network, no script for reading. What the script adds is filtering,
// sorting and folding. html/template escapes everything; the policy lets only this style and this script run.

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageCSS string

//go:embed page/page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// htmlPage is what the template shows; every text in it has passed Terminal, so that nothing hidden is in it.
type htmlPage struct {
	Policy, Command, Status, Glyph, Title, Says, Foot string

	CSS template.CSS
	JS  template.JS

	Counts       []htmlCount
	Sections     []htmlSection
	Environments []htmlEnvironment
	Matrix       []htmlMatrixRow
	Severities   []string
	ScopeNames   []string
	AreaNames    []string
	Brief        bool // findings are told in few elements: there are many of them
	Groups       []htmlGroup
	Aside        []htmlFinding
	Roles        []htmlRole
	Objects      []htmlObject
	Charts       []htmlChart
	Rehearsals   []htmlRehearsal
	Sanitized    *htmlSanitized
	Trend        template.HTML
	Gaps         []htmlGap
	Coverage     bool
	Checks       []Check
	NotCompared  string
	Warnings     []string
	Reproduce    string
}

type htmlCount struct {
	Name string
	N    int
}

type htmlSection struct{ ID, Title string }

type htmlEnvironment struct {
	Name, Captured, Source string
	Facts                  int
}

type htmlGap struct{ Address, Where, Reason, Hint string }

var glyphs = map[string]string{"pass": "✓", "fail": "✗", "incomplete": "?"}

func writeHTML(w io.Writer, r *Report, _ Style) error {
	p := &htmlPage{
		Policy:  contentPolicy(pageCSS, pageJS),
		Command: Terminal(r.Command), Status: r.Verdict.Status, Glyph: glyphs[r.Verdict.Status], Title: Terminal(title(r)),
		Says: strings.TrimPrefix(summary(r), "envdiff: "+r.Verdict.Status+" — "),
		CSS:  template.CSS(pageCSS), JS: template.JS(pageJS), //nolint:gosec // both are ours, embedded
		NotCompared: Terminal(notCompared(r)), Reproduce: Terminal(r.context().Reproduce),
	}
	for _, s := range finding.Severities() {
		p.Counts = append(p.Counts, htmlCount{s.String(), r.Verdict.Counts.Of(s)})
		p.Severities = append(p.Severities, s.String())
	}
	for _, e := range r.Environments {
		p.Environments = append(p.Environments, htmlEnvironment{Terminal(e.Name), e.CapturedAt.UTC().Format("2006-01-02 15:04:05 UTC"), e.Source, e.Facts})
	}
	findings := newHTMLFindings(r)
	p.Groups, p.Aside = findings.groups(r), findings.aside
	p.Brief = len(r.Findings) > briefFrom
	p.ScopeNames, p.AreaNames = findings.names(r)
	p.Matrix = htmlMatrix(r)
	p.Roles = htmlRoles(r, findings)
	p.Objects = htmlObjects(r)
	p.Charts = htmlCharts(r)
	p.Rehearsals = htmlRehearsals(r)
	p.Sanitized = htmlSanitization(r)
	p.Trend = trendChart(r.context().Trend)
	for _, g := range r.Gaps {
		where := strings.Trim(g.Environment+"/"+g.Instance, "/")
		if g.Waived != nil {
			where += " (waived until " + g.Waived.Until + ")"
		}
		p.Gaps = append(p.Gaps, htmlGap{Terminal(g.Address), Terminal(where), Terminal(g.Reason), Terminal(g.Hint)})
	}
	for _, c := range r.context().Checks {
		p.Checks = append(p.Checks, Check{Terminal(c.Scope), Terminal(c.Kind), c.Facts})
	}
	p.Coverage = len(p.Checks) > 0 || p.NotCompared != ""
	for _, text := range r.Warnings {
		p.Warnings = append(p.Warnings, Terminal(text))
	}
	p.Foot = htmlFoot(r)
	p.sections()
	return pageTemplate.Execute(w, p)
}

// contentPolicy lets nothing in but the page's own style and script.
func contentPolicy(css, js string) string {
	return "default-src 'none'; style-src " + cspHash(css) + "; script-src " + cspHash(js) + "; base-uri 'none'; form-action 'none'"
}

func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// sections are the links of the navigation: the parts that are there.
func (p *htmlPage) sections() {
	for _, s := range []struct {
		is        bool
		id, title string
	}{
		{len(p.Environments) > 0, "environments", "Environments"},
		{true, "findings", "Findings"},
		{len(p.Roles) > 0, "hosts", "Hosts"},
		{len(p.Objects) > 0, "schema", "Schema"},
		{len(p.Charts) > 0, "distributions", "Columns"},
		{len(p.Rehearsals) > 0, "rehearsal", "Rehearsal"},
		{p.Sanitized != nil, "sanitised", "Copy"},
		{p.Trend != "", "trend", "Trend"},
		{len(p.Gaps) > 0, "gaps", "Not known"},
		{p.Coverage, "coverage", "Coverage"},
		{len(p.Aside) > 0, "aside", "Set aside"},
		{len(p.Warnings) > 0, "warnings", "Warnings"},
		{true, "again", "Again"},
	} {
		if s.is {
			p.Sections = append(p.Sections, htmlSection{s.id, s.title})
		}
	}
}

func htmlFoot(r *Report) string {
	parts := []string{Format}
	if v := r.context().Version; v != "" {
		parts = append(parts, "envdiff "+v)
	}
	parts = append(parts, "fails on "+r.Verdict.FailOn)
	for _, e := range r.Environments {
		if e.RedactKey != "" {
			parts = append(parts, fmt.Sprintf("key of %s: %s", e.Name, e.RedactKey))
		}
	}
	return Terminal(strings.Join(parts, " · "))
}
