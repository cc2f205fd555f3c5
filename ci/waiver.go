package ci

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/snapshot"
)

// Waiver is one accepted exception of envdiff.waivers.yaml.
type Waiver struct {
	Match        string   `json:"match" doc:"address glob; scope and kind are literal"`
	Environments []string `json:"environments" doc:"only differences that involve all of these"`
	Instances    []string `json:"instances" doc:"only when every instance concerned is one of these"`
	Rule         string   `json:"rule" doc:"only this rule"`
	Gap          bool     `json:"gap" doc:"covers gaps instead of findings"`
	Reason       string   `json:"reason" doc:"why it is accepted"`
	ApprovedBy   []string `json:"approved_by" doc:"two different people"`
	Until        string   `json:"until" doc:"YYYY-MM-DD, inclusive, UTC"`

	until time.Time
	file  string
	line  int
	used  bool
}

// LoadWaivers reads a waiver file; a path that does not exist is no waivers when optional. The error holds all mistakes.
// Findings and warnings call the file shown: its path in the repository.
func LoadWaivers(path, shown string, optional bool) ([]*Waiver, error) {
	src, err := os.ReadFile(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the waivers: %w", err)
	}
	list, err := ParseWaivers(path, src)
	for _, w := range list {
		if w != nil {
			w.file = shown
		}
	}
	return list, err
}

// ParseWaivers is LoadWaivers on bytes.
func ParseWaivers(file string, src []byte) ([]*Waiver, error) {
	if strings.TrimSpace(string(src)) == "" {
		return nil, nil
	}
	var list []*Waiver
	doc := strictyaml.Decode(file, src, &list)
	for i, w := range list {
		if w == nil {
			continue
		}
		path := []string{fmt.Sprint(i)}
		w.file = file
		w.line, _ = doc.Place(path...)
		w.check(doc, path)
	}
	return list, doc.Err()
}

func (w *Waiver) check(doc *strictyaml.Document, path []string) {
	head, _, _ := strings.Cut(w.Match, "/")
	switch {
	case w.Match == "":
		doc.Errorf(path, "a waiver needs match: an address glob")
	case strings.Contains(head, "*") || !strings.Contains(head, ":"):
		doc.Errorf(append(path, "match"), "match %q is too broad: scope and kind must be literal, as in web:package/*", w.Match)
	}
	if strings.TrimSpace(w.Reason) == "" {
		doc.Errorf(path, "a waiver needs a reason")
	}
	people := map[string]bool{}
	for _, p := range w.ApprovedBy {
		people[strings.ToLower(strings.TrimSpace(p))] = true
	}
	delete(people, "")
	if len(people) < 2 {
		doc.Errorf(path, "a waiver needs approved_by with two different people")
	}
	if w.Rule != "" {
		if _, ok := finding.Lookup(w.Rule); !ok {
			doc.Errorf(append(path[:1:1], "rule"), "unknown rule %q%s", w.Rule, nearestRule(w.Rule))
		}
	}
	day, err := time.Parse(time.DateOnly, w.Until)
	if err != nil {
		doc.Errorf(append(path[:1:1], "until"), "a waiver needs until: YYYY-MM-DD")
		return
	}
	w.until = day.Add(24*time.Hour - time.Second)
}

func nearestRule(id string) string {
	if near := spelling.Nearest(id, finding.IDs()); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ": envdiff explain lists the rules"
}

// Expired reports whether the waiver's last day, in UTC, is over.
func (w *Waiver) Expired(now time.Time) bool { return now.UTC().After(w.until) }

func (w *Waiver) waived() *finding.Waived {
	return &finding.Waived{Reason: w.Reason, ApprovedBy: w.ApprovedBy, Until: w.Until}
}

func (w *Waiver) coversFinding(f *finding.Finding) bool {
	if w.Gap || w.Rule != "" && w.Rule != f.Rule || !snapshot.MatchGlob(w.Match, f.Address) {
		return false
	}
	for _, env := range w.Environments {
		if !slices.ContainsFunc(f.Values, func(s finding.Side) bool { return base(s.Environment) == env }) {
			return false
		}
	}
	if len(w.Instances) == 0 {
		return true
	}
	for _, s := range f.Values {
		if len(w.Environments) > 0 && !slices.Contains(w.Environments, base(s.Environment)) {
			continue
		}
		for _, instance := range s.Instances {
			if f.Change == finding.Odd && s.State == finding.Present && len(s.Instances) > 1 && !slices.Contains(w.Instances, instance) {
				continue // the peers of an odd instance
			}
			if !slices.Contains(w.Instances, instance) {
				return false
			}
		}
	}
	return true
}

func (w *Waiver) coversGap(g *finding.Gap) bool {
	return w.Gap && snapshot.MatchGlob(w.Match, g.Address) &&
		(len(w.Environments) == 0 || slices.Contains(w.Environments, base(g.Environment))) &&
		(len(w.Instances) == 0 || slices.Contains(w.Instances, g.Instance))
}

// base is an environment's name without its @date.
func base(name string) string {
	b, _, _ := strings.Cut(name, "@")
	return b
}

// applyWaivers marks what valid waivers cover, adds a finding for each expired one that would have covered something or
// nothing (an exception that nobody renewed must be seen), and warns of valid ones that cover nothing.
func applyWaivers(r *Report, p Policy) {
	ws, now := p.Waivers, p.Now
	names := environmentNames(r)
	for _, w := range ws {
		w.used = false
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, w := range ws {
			if w.coversFinding(f) {
				w.used = true
				if f.Waived == nil && !w.Expired(now) {
					f.Waived = w.waived()
				}
			}
		}
	}
	for i := range r.Gaps {
		g := &r.Gaps[i]
		for _, w := range ws {
			if w.coversGap(g) {
				w.used = true
				if g.Waived == nil && !w.Expired(now) {
					g.Waived = w.waived()
				}
			}
		}
	}
	for _, w := range ws {
		switch {
		case w.Expired(now):
			r.Findings = append(r.Findings, w.expiredFinding(names))
		case !w.used && !p.Partial && w.looked(r):
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: the waiver for %s covers nothing: remove it", w.file, w.line, w.Match))
		}
	}
}

// looked reports whether the run was about the environments that the waiver names.
func (w *Waiver) looked(r *Report) bool {
	for _, name := range w.Environments {
		if !slices.ContainsFunc(r.Environments, func(e Environment) bool { return base(e.Name) == name }) {
			return false
		}
	}
	return true
}

func (w *Waiver) expiredFinding(environments []string) finding.Finding {
	rule, _ := finding.Lookup("waiver-expired")
	f := finding.Finding{
		Rule: rule.ID, Severity: rule.Severity, Area: rule.Area, Change: finding.Failed,
		Address: snapshot.At("envdiff", "waiver", w.Match).String(),
		Message: fmt.Sprintf("the waiver for %s expired on %s", w.Match, w.Until),
		Origin:  []finding.Place{{File: w.file, Line: w.line}},
	}
	f.Seal(environments)
	return f
}
