package ci

import (
	"encoding/json"
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
	last  int // the last line of it
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
	lastLines(list, src)
	return list, doc.Err()
}

// lastLines finds where each waiver ends: before the next one, without the comments and blank lines between them.
func lastLines(list []*Waiver, src []byte) {
	lines := strings.Split(string(src), "\n")
	for i, w := range list {
		if w == nil {
			continue
		}
		end := len(lines)
		if i+1 < len(list) && list[i+1] != nil {
			end = max(list[i+1].line-1, w.line)
		}
		for end > w.line {
			text := strings.TrimSpace(lines[end-1])
			if text != "" && !strings.HasPrefix(text, "#") {
				break
			}
			end--
		}
		w.last = end
	}
}

// Lines are the first and the last line of the waiver in its file.
func (w *Waiver) Lines() (first, last int) { return w.line, w.last }

// Place is where the waiver stands, as findings and warnings call it.
func (w *Waiver) Place() string { return fmt.Sprintf("%s:%d", w.file, w.line) }

// DaysLeft is how many days a waiver holds, today included; 0 or less when it has expired.
func (w *Waiver) DaysLeft(now time.Time) int {
	if w.Expired(now) {
		return 0
	}
	return int(w.until.Sub(now.UTC())/(24*time.Hour)) + 1
}

// Append adds a waiver to the text of a file, which it leaves as it is. The error says what is wrong with the waiver, or
// that the file is not written as a list of one entry a line.
func Append(file string, src []byte, w Waiver) ([]byte, error) {
	var b strings.Builder
	b.Write(src)
	if len(src) > 0 && src[len(src)-1] != '\n' {
		b.WriteByte('\n')
	}
	b.WriteString("- " + w.yaml() + "\n")
	out := []byte(b.String())
	before, err := ParseWaivers(file, src)
	if err != nil {
		return nil, err
	}
	after, err := ParseWaivers(file, out)
	if err != nil {
		return nil, err
	}
	if len(after) != len(before)+1 {
		return nil, fmt.Errorf("%s: a waiver cannot be added to it as it is written", file)
	}
	return out, nil
}

// yaml is the waiver on one line, its texts quoted as in JSON, which YAML reads alike.
func (w Waiver) yaml() string {
	var fields []string
	add := func(key string, value any) {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // texts and lists of texts always encode
		}
		fields = append(fields, key+": "+string(text))
	}
	add("match", w.Match)
	if w.Rule != "" {
		fields = append(fields, "rule: "+w.Rule)
	}
	if len(w.Environments) > 0 {
		add("environments", w.Environments)
	}
	if len(w.Instances) > 0 {
		add("instances", w.Instances)
	}
	if w.Gap {
		fields = append(fields, "gap: true")
	}
	add("reason", w.Reason)
	add("approved_by", w.ApprovedBy)
	fields = append(fields, "until: "+w.Until)
	return "{" + strings.Join(fields, ", ") + "}"
}

// Lint says what is wrong with a file of valid waivers, by place: two that are one, and ones that cover nothing in a
// report, which is nil when there is none. Expired ones are not among it.
func Lint(list []*Waiver, r *Report) []string {
	var out []string
	first := map[string]*Waiver{}
	for _, w := range list {
		key := strings.Join([]string{w.Match, w.Rule, strings.Join(w.Environments, ","), strings.Join(w.Instances, ","), fmt.Sprint(w.Gap)}, "\x00")
		if other := first[key]; other != nil {
			out = append(out, fmt.Sprintf("%s: the same as %s", w.Place(), other.Place()))
		} else {
			first[key] = w
		}
		if r != nil && r.Command == "compare" && w.looked(r) && !w.coversAny(r) {
			out = append(out, fmt.Sprintf("%s: covers nothing in the newest report: remove it", w.Place()))
		}
	}
	return out
}

func (w *Waiver) coversAny(r *Report) bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return w.coversFinding(&f) }) ||
		slices.ContainsFunc(r.Gaps, func(g finding.Gap) bool { return w.coversGap(&g) })
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
