package ci

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/envdiff/envdiff/internal/finding"
)

// gitlabIssue is one entry of GitLab's code quality report.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

var gitlabSeverities = map[finding.Severity]string{
	finding.Critical: "blocker", finding.High: "critical", finding.Medium: "major", finding.Low: "minor", finding.Info: "info",
}

// writeGitLab gives each issue a fingerprint of its own that stays the same from run to run: issues with one fingerprint
// would vanish behind each other, and a changing one is reported as fixed and new.
func writeGitLab(w io.Writer, r *Report, _ Style) error {
	issues := []gitlabIssue{}
	taken := map[string]int{}
	add := func(rule, severity, text, id string, at finding.Place) {
		if taken[id]++; taken[id] > 1 {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", id, taken[id]))
			id = hex.EncodeToString(sum[:8])
		}
		issues = append(issues, gitlabIssue{Terminal(text), rule, id, severity, gitlabLocation{RelativeURI(at.File), gitlabLines{at.Line}}})
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; counts(f) {
			add(f.Rule, gitlabSeverities[f.Severity], f.Address+": "+f.Message, f.ID, r.located(f.Address, f.Area, f.Origin))
		}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		if g.Waived == nil {
			id := finding.ID(gapRule, g.Address+" "+g.Instance, finding.Failed, []string{g.Environment})
			add(gapRule, "major", fmt.Sprintf("%s %s could not be looked at in %s: %s", g.Address, g.Instance, g.Environment, g.Reason), id, r.located(g.Address, "", nil))
		}
	}
	e := json.NewEncoder(visible{w})
	e.SetIndent("", "  ")
	return e.Encode(issues)
}
