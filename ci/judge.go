package ci

import (
	"fmt"
	"sort"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
)

// Threshold is --fail-on: the weakest severity that fails, or none.
type Threshold struct {
	level finding.Severity
	none  bool
}

// ParseThreshold reads critical, high, medium, low, info or none; "" is high.
func ParseThreshold(name string) (Threshold, error) {
	switch name {
	case "":
		return Threshold{level: finding.High}, nil
	case "none":
		return Threshold{none: true}, nil
	}
	s, err := finding.ParseSeverity(name)
	if err != nil || s == finding.Off {
		return Threshold{}, fmt.Errorf("unknown threshold %q: use critical, high, medium, low, info or none", name)
	}
	return Threshold{level: s}, nil
}

// String is the name that ParseThreshold reads.
func (t Threshold) String() string {
	if t.none {
		return "none"
	}
	return t.level.String()
}

// Fails reports whether a finding of this severity fails.
func (t Threshold) Fails(s finding.Severity) bool { return !t.none && s >= t.level }

// Policy is how a project judges findings.
type Policy struct {
	FailOn     Threshold
	Severities map[string]finding.Severity // overrides per rule; Off drops the finding
	Waivers    []*Waiver
	Baseline   Baseline
	Now        time.Time
	// Partial says that the run looked at a part of what the waivers are about, so
	// that one which covers nothing is no news.
	Partial bool
}

// Judge applies the policy to r: severities, waivers, baseline, order, verdict. Judging twice gives the same.
func Judge(r *Report, p Policy) {
	r.Format = Format
	applySeverities(r, p.Severities)
	applyWaivers(r, p)
	inBaseline := map[string]bool{}
	for _, id := range p.Baseline.IDs {
		inBaseline[id] = true
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Baseline = inBaseline[f.ID] && f.Rule != "waiver-expired"
	}
	finding.Sort(r.Findings)
	sort.SliceStable(r.Gaps, func(i, j int) bool {
		a, b := r.Gaps[i], r.Gaps[j]
		if a.Environment != b.Environment {
			return a.Environment < b.Environment
		}
		if a.Address != b.Address {
			return a.Address < b.Address
		}
		return a.Instance < b.Instance
	})
	r.fillEmpty()
	r.Verdict = verdict(r, p.FailOn)
}

// applySeverities changes what a rule weighs; a finding on the other side of a sided rule stays one level lower,
// and one that compare weighed already stays as it is.
func applySeverities(r *Report, overrides map[string]finding.Severity) {
	kept := r.Findings[:0]
	for _, f := range r.Findings {
		if s, ok := overrides[f.Rule]; ok && !f.Weighed {
			if f.Lowered {
				s = s.Lower()
			}
			f.Severity = s
		}
		if f.Severity != finding.Off {
			kept = append(kept, f)
		}
	}
	r.Findings = kept
}

func verdict(r *Report, failOn Threshold) Verdict {
	v := Verdict{Status: "pass", FailOn: failOn.String()}
	failing := false
	for _, f := range r.Findings {
		switch {
		case f.Waived != nil:
			v.Waived++
		case f.Baseline:
			v.Baseline++
		default:
			v.Counts.add(f.Severity)
			failing = failing || failOn.Fails(f.Severity)
		}
	}
	for _, g := range r.Gaps {
		if g.Waived == nil {
			v.Gaps++
		}
	}
	switch {
	case failing:
		v.Status = "fail"
	case v.Gaps > 0:
		v.Status = "incomplete"
	}
	return v
}

func (c *Counts) add(s finding.Severity) {
	switch s {
	case finding.Critical:
		c.Critical++
	case finding.High:
		c.High++
	case finding.Medium:
		c.Medium++
	case finding.Low:
		c.Low++
	case finding.Info:
		c.Info++
	}
}

// Of is the count of one severity.
func (c Counts) Of(s finding.Severity) int {
	switch s {
	case finding.Critical:
		return c.Critical
	case finding.High:
		return c.High
	case finding.Medium:
		return c.Medium
	case finding.Low:
		return c.Low
	case finding.Info:
		return c.Info
	}
	return 0
}

// ExitStatus is the process's exit status for the verdict: 0 pass, 1 fail, 3 incomplete.
func (v Verdict) ExitStatus() int {
	switch v.Status {
	case "fail":
		return 1
	case "incomplete":
		return 3
	}
	return 0
}

func environmentNames(r *Report) []string {
	names := make([]string, len(r.Environments))
	for i, e := range r.Environments {
		names[i] = e.Name
	}
	return names
}

// fillEmpty writes [] where a list is nil: the format has no null lists.
func (r *Report) fillEmpty() {
	if r.Environments == nil {
		r.Environments = []Environment{}
	}
	if r.Warnings == nil {
		r.Warnings = []string{}
	}
	if r.Findings == nil {
		r.Findings = []finding.Finding{}
	}
	if r.Gaps == nil {
		r.Gaps = []finding.Gap{}
	}
	if r.Coverage == nil {
		r.Coverage = []finding.Coverage{}
	}
	if r.Rehearsal != nil {
		fillRehearsal(r.Rehearsal)
	}
	if r.Sanitize != nil {
		fillSanitize(r.Sanitize)
	}
	if r.Context != nil {
		r.Context.fillEmpty()
	}
}

func fillRehearsal(h *finding.Rehearsal) {
	h.Databases = nonNil(h.Databases)
	for i := range h.Databases {
		d := &h.Databases[i]
		if d.Copy.Mode == "" {
			d.Copy.Mode = noCopy
		}
		d.Pending, d.Migrations = nonNil(d.Pending), nonNil(d.Migrations)
		d.Probes, d.Plans, d.Passes = nonNil(d.Probes), nonNil(d.Plans), nonNil(d.Passes)
		for j := range d.Migrations {
			m := &d.Migrations[j]
			m.Statements = nonNil(m.Statements)
			for k := range m.Statements {
				s := &m.Statements[k]
				s.Locks, s.Rewrites, s.Scans = nonNil(s.Locks), nonNil(s.Rewrites), nonNil(s.Scans)
				s.ProductionSeconds, s.Builds = nonNil(s.ProductionSeconds), nonNil(s.Builds)
			}
		}
	}
}

func fillSanitize(s *finding.Sanitization) {
	s.Tables, s.Features = nonNil(s.Tables), nonNil(s.Features)
	for i := range s.Tables {
		t := &s.Tables[i]
		t.Columns = nonNil(t.Columns)
		for j := range t.Columns {
			t.Columns[j].Kept = nonNil(t.Columns[j].Kept)
		}
	}
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
