package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/snapshot"
)

func explainCommand() command {
	return command{
		name: "explain", args: "ADDRESS|RULE|FINDING-ID",
		short: "say what a rule, an address or a finding means and what to do",
		long: `A RULE is explained with its severity and remedy; without an argument all rules are listed. An
ADDRESS is explained by the collector that reads it, with the findings about it in the newest
report. A FINDING-ID (-v prints them) is shown in full: the values, where they were read, commands that
repair it where there are such that need no judgement (a package, a unit, a GRANT, DDL), when it was first
seen, as far back as the store remembers, and what came between that run and the one before it: revisions
that were deployed, migrations that were applied, commits of the repository.

  envdiff explain memory-odd
  envdiff explain web:host/memory#total_bytes`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVar(&o.report, "report", "", "read findings from this `REPORT.json` (default: the newest one in the store)")
		},
		run: runExplain,
	}
}

var findingID = regexp.MustCompile(`^[0-9a-f]{16}$`)

func runExplain(ctx context.Context, s *session, args []string) (int, error) {
	switch {
	case len(args) == 0:
		return exitOK, listRules(s.world.Stdout)
	case len(args) > 1:
		return 0, errors.New("explain one thing at a time")
	case findingID.MatchString(args[0]):
		return s.explainFinding(ctx, args[0])
	case strings.Contains(args[0], ":"):
		return s.explainAddress(ctx, args[0])
	}
	return s.explainRule(args[0])
}

func listRules(w io.Writer) error {
	var b strings.Builder
	for _, r := range finding.Rules() {
		fmt.Fprintf(&b, "%-9s %-30s %s\n", r.Severity, r.ID, r.Title)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *session) explainRule(id string) (int, error) {
	r, ok := finding.Lookup(id)
	if !ok {
		if near := spelling.Nearest(id, finding.IDs()); near != "" {
			return 0, hinted(fmt.Errorf("unknown rule %q", id), "did you mean %s?", near)
		}
		return 0, hinted(fmt.Errorf("%q is no rule, address or finding id", id), "envdiff explain lists the rules")
	}
	fmt.Fprintf(s.world.Stdout, "%s (%s, %s)\n  %s.\n  why: %s\n  → %s\n", r.ID, r.Severity, r.Area, r.Title, r.Why, r.Hint)
	if r.Sided {
		fmt.Fprintf(s.world.Stdout, "  It is said of the last environment; when the first one is the side concerned, it weighs %s.\n", r.Severity.Lower())
	}
	fmt.Fprintf(s.world.Stdout, "  change its weight in envdiff.yaml:  rules: {%s: medium}\n", r.ID)
	return exitOK, nil
}

func (s *session) explainAddress(ctx context.Context, text string) (int, error) {
	a, err := snapshot.ParseAddress(text)
	if err != nil {
		return 0, err
	}
	r, notKept := s.newestReport(ctx)
	var gaps []finding.Gap
	if notKept == nil {
		gaps = gapsAt(r, a)
	}
	if c, k, ok := s.readerOf(a); ok {
		fmt.Fprintf(s.world.Stdout, "%s\n  read by the collector %s: %s\n  %s (compared %s)\n", ci.Terminal(text), c.Name(), c.Doc().Title, k.Doc, k.Axis)
	} else if a.Kind != "migration" && len(gaps) == 0 {
		return 0, hinted(fmt.Errorf("no collector reads addresses of the kind %q", a.Kind), "envdiff explain lists the rules; docs/collectors lists the addresses")
	}
	if notKept != nil {
		fmt.Fprintln(s.world.Stdout, "  no report is at hand that could say more: compare first, or name one with --report")
		return exitOK, nil
	}
	told := len(gaps)
	showGaps(s.world.Stdout, gaps)
	for _, f := range r.Findings {
		if f.Address == text || strings.HasPrefix(f.Address, text+"#") {
			showFinding(s.world.Stdout, &f)
			s.showLife(ctx, f.ID)
			told++
		}
	}
	if told == 0 {
		fmt.Fprintf(s.world.Stdout, "  the newest report (%s) has no finding about it\n", ci.Terminal(r.Command))
	}
	return exitOK, nil
}

// gapsAt are the parts of a report that were not known of an address, of what is at it, or of what it is a part of.
func gapsAt(r *ci.Report, a snapshot.Address) []finding.Gap {
	text := a.String()
	return slices.DeleteFunc(slices.Clone(r.Gaps), func(g finding.Gap) bool {
		return g.Address != text && !strings.HasPrefix(g.Address, text+"#") && g.Address != a.Whole().String()
	})
}

func showGaps(w io.Writer, gaps []finding.Gap) {
	for _, g := range gaps {
		where := g.Environment
		if g.Instance != "" {
			where += "/" + g.Instance
		}
		fmt.Fprintf(w, "\nnot known  %s  %s\n  %s\n", ci.Terminal(where), ci.Terminal(g.Address), ci.Terminal(g.Reason))
		if g.Hint != "" {
			fmt.Fprintf(w, "  → %s\n", ci.Terminal(g.Hint))
		}
		fmt.Fprintln(w, "  what is not known is neither there nor missing: without a waiver (gap: true) the run is incomplete, exit status 3")
	}
}

// readerOf finds the collector that reads an address, and how the fact is compared.
func (s *session) readerOf(a snapshot.Address) (snapshot.Collector, snapshot.Kind, bool) {
	shape := strings.TrimPrefix(a.String(), a.Scope+":")
	for _, c := range s.allCollectors() {
		for _, k := range c.Kinds() {
			if snapshot.MatchGlob(k.Pattern, shape) || snapshot.MatchGlob(k.Pattern, shape+"#x") {
				return c, k, true
			}
		}
	}
	return nil, snapshot.Kind{}, false
}

func (s *session) explainFinding(ctx context.Context, id string) (int, error) {
	r, err := s.newestReport(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range r.Findings {
		if f.ID == id {
			showFinding(s.world.Stdout, &f)
			s.showLife(ctx, f.ID)
			return exitOK, nil
		}
	}
	return 0, hinted(fmt.Errorf("the report has no finding %s", id), "name another report with --report, or compare again")
}

func (s *session) newestReport(ctx context.Context) (*ci.Report, error) {
	if s.opt.report != "" {
		return s.readReport(s.opt.report)
	}
	c, err := s.loadConfig()
	if err != nil {
		return nil, err
	}
	store, err := s.store(c)
	if err != nil {
		return nil, err
	}
	text, err := store.ReadNote(ctx, lastReport)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted(errors.New("no report is kept in the store"), "name one with --report, or compare first")
	}
	if err != nil {
		return nil, err
	}
	return ci.ReadReport(text)
}

func showFinding(w io.Writer, f *finding.Finding) {
	fmt.Fprintf(w, "\n%s  %s  %s\n  %s\n  why: %s\n  → %s\n", f.Severity, f.Rule, ci.Terminal(f.Address), ci.Terminal(f.Message), ci.Terminal(f.Why), ci.Terminal(f.Hint))
	for _, line := range append(ci.FixLines(f.Fix), ci.QueryLines(f.Queries, math.MaxInt)...) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	var sides []finding.Side
	if !ci.CountsAlone(f) {
		sides = append(sides, f.Values...)
	}
	sort.SliceStable(sides, func(i, j int) bool { return sides[i].Environment < sides[j].Environment })
	for _, side := range sides {
		value := string(side.State)
		if v, err := snapshot.ParseValue(side.Value); err == nil && side.State == finding.Present && (v.JSON() != "null" || strings.Contains(f.Address, "#")) { // of an object there is no more to say
			value = v.Display()
		}
		fmt.Fprintf(w, "    %s: %s  (%s)\n", ci.Terminal(side.Environment), ci.Terminal(value), ci.Terminal(strings.Join(side.Instances, ", ")))
	}
	for _, o := range f.Origin {
		fmt.Fprintf(w, "    read at %s\n", ci.Terminal(strings.TrimSuffix(fmt.Sprintf("%s %s:%d", o.Environment, o.File, o.Line), ":0")))
	}
	for _, r := range f.Related {
		fmt.Fprintf(w, "    see also %s\n", ci.Terminal(r))
	}
	fmt.Fprintf(w, "  id %s\n", f.ID)
}

func (s *session) allCollectors() []snapshot.Collector {
	var cs []snapshot.Collector
	for _, c := range s.world.Collectors.Hosts {
		cs = append(cs, c)
	}
	for _, c := range s.world.Collectors.Databases {
		cs = append(cs, c)
	}
	for _, c := range s.world.Collectors.Dumps {
		cs = append(cs, c)
	}
	return cs
}
