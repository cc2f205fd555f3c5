package compare

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// fixer makes the commands of findings from what the sides' snapshots hold.
type fixer struct {
	sides []Side
	f     *finding.Finding
	at    snapshot.Address
}

// fixes say which command repairs what a rule reports. A rule without one has no command that is right without looking: its hint says where
// to look. fix_test.go has an example of each, and why the others have none.
var fixes = map[string]func(*fixer) []finding.Fix{
	"package-missing":      (*fixer).install,
	"package-older":        (*fixer).upgrade,
	"package-different":    (*fixer).upgrade,
	"package-extra":        (*fixer).install,
	"service-state":        (*fixer).service,
	"sysctl":               (*fixer).sysctl,
	"not-loaded":           (*fixer).notLoaded,
	"clock-off":            (*fixer).clock,
	"disk-full":            (*fixer).disk,
	"swapping":             (*fixer).memory,
	"certificate-expiring": (*fixer).certificate,
	"restart-needed":       (*fixer).restart,
	"column-missing":       (*fixer).addColumn,
	"column-different":     (*fixer).alterColumn,
	"constraint-different": (*fixer).addConstraint,
	"constraint-not-valid": (*fixer).validate,
	"index-missing":        (*fixer).createIndex,
	"index-invalid":        (*fixer).reindex,
	"grant-different":      (*fixer).grant,
	"owner-different":      (*fixer).owner,
	"comment-different":    (*fixer).comment,
	"setting-behaviour":    (*fixer).setting,
	"setting-tuning":       (*fixer).setting,
	"replica-writable":     (*fixer).readOnly,
	"data-stale":           (*fixer).refresh,
}

// Fix adds commands that people can paste to findings for which there are such. Nothing of what a host says becomes part of a command but
// plain words and quoted names; where that is not so there is none.
func Fix(findings []finding.Finding, sides []Side) {
	for i := range findings {
		f := &findings[i]
		make, ok := fixes[f.Rule]
		if !ok {
			continue
		}
		at, err := snapshot.ParseAddress(f.Address)
		if err != nil {
			continue
		}
		x := fixer{sides: sides, f: f, at: at}
		f.Fix = make(&x)
	}
}

// word is what may stand in a shell's command line as it is: no white space, no quote, nothing that a shell or a program reads as more.
var word = regexp.MustCompile(`^[A-Za-z0-9_@/][A-Za-z0-9_.+~:@/=-]{0,199}$`)

// flag is an option as the commands here have them: without a value.
var flag = regexp.MustCompile(`^--?[a-z0-9-]+$`)

// plainWords is a command line of plain words; false where one of them is not.
func plainWords(parts ...string) (string, bool) {
	for _, p := range parts[1:] {
		if !word.MatchString(p) && !flag.MatchString(p) {
			return "", false
		}
	}
	return strings.Join(parts, " "), true
}

// command is one command for a place; none where a part is no plain word.
func command(where string, parts ...string) []finding.Fix {
	line, ok := plainWords(parts...)
	if !ok || where == "" {
		return nil
	}
	return []finding.Fix{{Where: where, Command: line}}
}

// shownPlaces bounds how many instances a place names.
const shownPlaces = 5

// whereIs is where a side's instances are.
func whereIs(s finding.Side) string {
	on := s.Instances
	more := ""
	if len(on) > shownPlaces {
		on, more = on[:shownPlaces], " and others"
	}
	if len(on) == 0 {
		return s.Environment
	}
	return s.Environment + ": " + strings.Join(on, ", ") + more
}

// whereAll joins where several sides are.
func whereAll(sides []finding.Side) string {
	var all []string
	for _, s := range sides {
		all = append(all, whereIs(s))
	}
	return strings.Join(all, "; ")
}

// absent and present are the sides without and with the thing.
func (x *fixer) absent() []finding.Side  { return x.in(finding.Absent) }
func (x *fixer) present() []finding.Side { return x.in(finding.Present) }

func (x *fixer) in(state finding.State) []finding.Side {
	var out []finding.Side
	for _, s := range x.f.Values {
		if s.State == state {
			out = append(out, s)
		}
	}
	return out
}

// texts are the sides with a text, and their texts.
func (x *fixer) texts() (sides []finding.Side, texts []string) {
	for _, s := range x.present() {
		v, err := snapshot.ParseValue(s.Value)
		if err != nil {
			continue
		}
		if t, ok := v.Text(); ok {
			sides, texts = append(sides, s), append(texts, t)
		}
	}
	return sides, texts
}

// wanted is the value that the others should have: the usual one within an environment, else the first environment's, where the release was
// tested; and the sides that have another.
func (x *fixer) wanted() (want finding.Side, others []finding.Side, ok bool) {
	if len(x.f.Values) == 0 {
		return want, nil, false
	}
	first := x.f.Values[0]
	if x.f.Change == finding.Odd {
		for _, s := range x.f.Values {
			if len(s.Instances) > len(first.Instances) {
				first = s
			}
		}
	}
	for _, s := range x.f.Values {
		if s.State == finding.Unknown || s.State == first.State && string(s.Value) == string(first.Value) {
			continue
		}
		others = append(others, s)
	}
	return first, others, first.State != finding.Unknown && len(others) > 0
}

// fact is what an environment's snapshot holds at an address, on most of its instances.
func (x *fixer) fact(environment string, a snapshot.Address) (snapshot.Value, bool) {
	for _, s := range x.sides {
		if s.Name != environment || s.Snapshot == nil {
			continue
		}
		if line := findLine(s.Snapshot, a); line != nil && len(line.Values) > 0 {
			return line.Values[0].Value, true
		}
	}
	return snapshot.Value{}, false
}

func (x *fixer) text(environment string, a snapshot.Address) (string, bool) {
	v, ok := x.fact(environment, a)
	if !ok {
		return "", false
	}
	return v.Text()
}

func (x *fixer) list(environment string, a snapshot.Address) []string {
	v, ok := x.fact(environment, a)
	if !ok || !v.IsList() {
		return nil
	}
	var out []string
	for _, item := range v.Items() {
		if t, ok := item.Text(); ok {
			out = append(out, t)
		}
	}
	return out
}

// engine is the database engine of the finding's scope, "" for a host's.
func (x *fixer) engine() string {
	for _, s := range x.sides {
		if s.Snapshot != nil {
			if e := s.Snapshot.Manifest.Scopes[x.at.Scope].Engine; e != "" {
				return e
			}
		}
	}
	return ""
}

// missingHere is where something is missing: the absent sides, of two environments the last one alone where it is among them.
func (x *fixer) missingHere() (lacking []finding.Side, from string, ok bool) {
	lacking, having := x.absent(), x.present()
	if len(lacking) == 0 || len(having) == 0 {
		return nil, "", false
	}
	return lacking, having[0].Environment, true
}
