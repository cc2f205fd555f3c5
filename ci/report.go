// Package ci turns findings into a verdict and into what people and machines read:
// severities, waivers, baseline, formats.
package ci

import (
	"time"

	"github.com/envdiff/envdiff/internal/finding"
)

// Format is the report's format name; fields are only ever added to it.
const Format = "envdiff.report/1"

// Report is findings judged by the project's policy, with gaps and one verdict. Empty lists are written [], never null.
type Report struct {
	Format       string                `json:"format"`
	Command      string                `json:"command"`
	Environments []Environment         `json:"environments"`
	Warnings     []string              `json:"warnings"`
	Findings     []finding.Finding     `json:"findings"`
	Gaps         []finding.Gap         `json:"gaps"`
	Coverage     []finding.Coverage    `json:"coverage"`
	Rehearsal    *finding.Rehearsal    `json:"rehearsal"`
	Sanitize     *finding.Sanitization `json:"sanitize"`
	Context      *Context              `json:"context,omitempty"`
	Refresh      *finding.Refresh      `json:"refresh,omitempty"`
	Verdict      Verdict               `json:"verdict"`
}

// Environment is one side of the report.
type Environment struct {
	Name       string    `json:"name"`   // as given on the command line
	Source     string    `json:"source"` // live, store or file
	CapturedAt time.Time `json:"captured_at"`
	Facts      int       `json:"facts"`
	RedactKey  string    `json:"redact_key"` // key id
}

// noCopy is the copy's mode in a report when nothing had to be, or could be, replayed.
const noCopy = "none"

// Verdict is the one answer.
type Verdict struct {
	Status   string `json:"status"` // pass, fail or incomplete
	FailOn   string `json:"fail_on"`
	Counts   Counts `json:"counts"` // without waived and baseline
	Waived   int    `json:"waived"`
	Baseline int    `json:"baseline"`
	Gaps     int    `json:"gaps"` // that no waiver covers
}

// Counts are findings by severity.
type Counts struct {
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
}
