package ci

import (
	"fmt"
	"io"

	"github.com/envdiff/envdiff/internal/finding"
)

// annotationsShown is how many annotations of one level GitHub shows of a step; it drops the rest without a word.
const annotationsShown = 10

// writeGitHub writes workflow commands, the worst findings first, and says in the last one of a level how many are
// only in the report.
func writeGitHub(w io.Writer, r *Report, _ Style) error {
	levels := []string{"error", "warning", "notice"}
	lines := map[string][]string{}
	add := func(level, title, message string, at finding.Place) {
		lines[level] = append(lines[level], annotation(level, title, message, at))
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			add(githubLevel(f.Severity), f.Rule, f.Address+": "+f.Message, r.located(f.Address, f.Area, f.Origin))
		}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		if g.Waived == nil {
			add("warning", "not known", fmt.Sprintf("%s %s in %s: %s", g.Address, g.Instance, g.Environment, g.Reason), r.located(g.Address, "", nil))
		}
	}
	for _, level := range levels {
		list := lines[level]
		if n := len(list) - annotationsShown; n > 0 {
			more := fmt.Sprintf("%d more are in the step summary and in the report", n+1)
			list = append(list[:annotationsShown-1:annotationsShown-1], annotation(level, "envdiff", more, defaultAnchor))
		}
		for _, line := range list {
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "%s\n", Terminal(summary(r)))
	return err
}

func annotation(level, title, message string, at finding.Place) string {
	return fmt.Sprintf("::%s file=%s,line=%d,title=%s::%s\n", level, GitHubProperty(at.File), at.Line, GitHubProperty("envdiff: "+title), GitHubData(message))
}

func githubLevel(s finding.Severity) string {
	switch {
	case s >= finding.High:
		return "error"
	case s == finding.Medium:
		return "warning"
	}
	return "notice"
}
