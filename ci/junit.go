package ci

import (
	"encoding/xml"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
)

// JUnit has no specification; these are the elements that Jenkins, GitLab and GitHub's reporters read.
type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []*junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     string `xml:"time,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	ClassName string       `xml:"classname,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitDetail `xml:"failure"`
	Error     *junitDetail `xml:"error"`
	Skipped   *junitDetail `xml:"skipped"`
	Output    string       `xml:"system-out,omitempty"`
}

type junitDetail struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes a suite for each scope: a case for every kind that was looked at and found well, for every finding
// and gap, and for every migration that passed its replay. A run that looked at nothing still has one case, its
// verdict, so that no reader takes an empty file for a success.
func writeJUnit(w io.Writer, r *Report, _ Style) error {
	j := &junitWriter{suites: map[string]*junitSuite{}}
	if len(r.Environments) > 0 {
		j.at = r.Environments[len(r.Environments)-1].CapturedAt.UTC().Format("2006-01-02T15:04:05")
	}
	failOn, err := ParseThreshold(r.Verdict.FailOn)
	if err != nil {
		return err
	}
	for i := range r.Findings {
		j.finding(&r.Findings[i], failOn)
	}
	for i := range r.Gaps {
		j.gap(&r.Gaps[i])
	}
	j.passed(r)
	j.migrations(r)
	j.verdict(r)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(j.document()); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

type junitWriter struct {
	suites map[string]*junitSuite
	at     string
}

func (j *junitWriter) add(suite string, c junitCase) {
	s := j.suites[suite]
	if s == nil {
		s = &junitSuite{Name: XML(suite), Timestamp: j.at}
		s.Time = "0.000"
		j.suites[suite] = s
	}
	if c.Time == "" {
		c.Time = "0.000"
	}
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// finding is a failure when it makes the verdict fail, else a case that passed with the finding as its output.
func (j *junitWriter) finding(f *finding.Finding, failOn Threshold) {
	scope, kind := scopeAndKind(f.Address)
	c := junitCase{Name: XML(f.Rule + " " + f.Address), ClassName: XML(scope + "." + kind)}
	switch {
	case !counts(f):
		c.Skipped = &junitDetail{Message: XML(mark(f))}
	case failOn.Fails(f.Severity):
		c.Failure = &junitDetail{Type: f.Severity.String(), Message: XML(f.Message), Text: junitText(f)}
	default:
		c.Output = f.Severity.String() + ": " + XML(f.Message)
	}
	j.add(scope, c)
}

// junitText says why it matters and what to do, with the commands that people can paste.
func junitText(f *finding.Finding) string {
	lines := []string{f.Why, f.Hint}
	lines = append(append(lines, FixLines(f.Fix)...), "id "+f.ID)
	for i := range lines {
		lines[i] = XML(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (j *junitWriter) gap(g *finding.Gap) {
	scope, kind := scopeAndKind(g.Address)
	c := junitCase{Name: XML("gap " + strings.Join(strings.Fields(g.Environment+" "+g.Instance), "/") + " " + g.Address), ClassName: XML(scope + "." + kind)}
	if g.Waived != nil {
		c.Skipped = &junitDetail{Message: XML("waived until " + g.Waived.Until + ": " + g.Waived.Reason)}
	} else {
		c.Error = &junitDetail{Type: "gap", Message: XML("could not be looked at: " + g.Reason), Text: XML(g.Hint)}
	}
	j.add(scope, c)
}

// passed adds what was looked at without a finding or a gap.
func (j *junitWriter) passed(r *Report) {
	told := map[string]bool{}
	for i := range r.Findings {
		scope, kind := scopeAndKind(r.Findings[i].Address)
		told[scope+":"+kind] = true
	}
	for i := range r.Gaps {
		scope, kind := scopeAndKind(r.Gaps[i].Address)
		told[scope+":"+kind] = true
	}
	for _, c := range r.context().Checks {
		if !told[c.Scope+":"+c.Kind] {
			j.add(c.Scope, junitCase{Name: XML(c.Kind), ClassName: XML(c.Scope + "." + c.Kind), Output: plural(c.Facts, "fact", "facts") + " compared, no finding"})
		}
	}
}

func (j *junitWriter) migrations(r *Report) {
	if r.Rehearsal == nil {
		return
	}
	told := map[string]bool{}
	for i := range r.Findings {
		told[r.Findings[i].Address] = true
	}
	for _, d := range r.Rehearsal.Databases {
		for _, m := range d.Migrations {
			if m.Status == "ok" && !told[d.Name+":migration/"+m.Version+"_"+m.Name] {
				j.add(d.Name, junitCase{Name: XML("rehearse " + m.Version + "_" + m.Name), ClassName: XML(d.Name + ".migration"), Time: fmt.Sprintf("%.3f", m.Seconds)})
			}
		}
	}
}

func (j *junitWriter) verdict(r *Report) {
	c := junitCase{Name: "verdict", ClassName: "envdiff", Output: XML(summary(r))}
	if len(j.suites) == 0 && r.Verdict.Status != "pass" {
		c.Failure = &junitDetail{Type: r.Verdict.Status, Message: XML(summary(r))}
	}
	j.add("envdiff", c)
}

func (j *junitWriter) document() junitSuites {
	doc := junitSuites{Name: "envdiff"}
	doc.Time = "0.000"
	for _, s := range j.suites {
		doc.Tests += s.Tests
		doc.Failures += s.Failures
		doc.Errors += s.Errors
		doc.Skipped += s.Skipped
		doc.Suites = append(doc.Suites, s)
	}
	sort.Slice(doc.Suites, func(a, b int) bool { return doc.Suites[a].Name < doc.Suites[b].Name })
	return doc
}
