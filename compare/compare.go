package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Side is one environment at one moment.
type Side struct {
	Name     string // as given on the command line; may have an @date
	Snapshot *snapshot.Snapshot
	// Params are the environment's own values of expected differences, HostParams those
	// of single hosts: instance → name → value.
	Params     map[string]string
	HostParams map[string]map[string]string
	// MaxLag is how far the replicas of a database may be behind: scope → limit. Where there is none, defaultMaxLag.
	MaxLag map[string]time.Duration
	// MaxDataAge is how old sanitised rows may be here; 0 is any age.
	MaxDataAge time.Duration
	// Reread reads rows of a live side again; nil where the snapshot was stored.
	Reread Reread
}

// Options say what findings weigh and what is known beyond the sides.
type Options struct {
	Kinds      []snapshot.Kind             // how facts are compared: the registry's
	Severities map[string]finding.Severity // rule id → severity in place of the rule's own
	// AllParams are the parameters of every configured environment, also of those that are
	// not compared: environment → name → value.
	AllParams map[string]map[string]string
	// KnownNames are names of hosts, databases and the like in the configuration, for misspellings of them.
	KnownNames []string
	// Pending reports a column (as in addresses, "users.email") of a database that a
	// pending migration touches; nil means none.
	Pending func(scope, column string) bool
	// KeepAbsorbed reports also what a missing parent or a reordering of the same children explains. It is for
	// tests: with it one change is many findings.
	KeepAbsorbed bool
}

// Result is everything that a comparison found.
type Result struct {
	Findings []finding.Finding // sealed, weighed and sorted
	Gaps     []finding.Gap
	Coverage []finding.Coverage
	Warnings []string
}

// comparison is one run of Compare.
type comparison struct {
	sides []Side
	opt   Options
	kinds *kindTable
	views []map[string]*scopeView
	norms []*normaliser

	nodes   []*node
	lacking map[string]*lacking
	owners  map[string][]string // object → objects that own it and that some instance lacks
	usage   usage
	alone   alone
	data    profiles
	repl    topologies
	queries hotQueries
	deploys deployments
	puppet  puppetRuns
	silent  silences
	names   *knownNames
	spelled *spellings

	extraGaps []finding.Gap
	keysNoted bool
	warnings  map[string]bool
}

// Compare says what differs: one side is compared within itself, two or more also with each other.
func Compare(ctx context.Context, sides []Side, opt Options) (Result, error) {
	if len(sides) == 0 {
		return Result{}, fmt.Errorf("nothing to compare: name at least one environment")
	}
	c := &comparison{sides: sides, opt: opt, kinds: newKindTable(opt.Kinds), lacking: map[string]*lacking{}, owners: map[string][]string{},
		warnings: map[string]bool{}, spelled: newSpellings()}
	for _, s := range sides {
		c.views = append(c.views, newScopeViews(s.Snapshot))
	}
	c.norms = newNormalisers(sides, c.views, opt.AllParams)
	c.names = newKnownNames(sides, opt)
	c.alone.c = c

	objects := &objects{finish: c.finishObject}
	err := c.merge(ctx, func(r *row) {
		c.usage.note(r)
		c.alone.note(r)
		c.data.note(r)
		c.repl.note(r)
		c.queries.note(r)
		c.deploys.note(r)
		c.puppet.note(r)
		c.silent.note(r)
		c.spelled.note(r)
		objects.add(r)
	})
	if err != nil {
		return Result{}, err
	}
	for len(objects.open) > 0 {
		objects.close()
	}
	c.absorb()
	differences := c.differences()
	differences = slices.DeleteFunc(withoutEchoes(c.drop(differences)), onlyFailed)
	differences = c.dropCopied(append(c.pairSpellings(differences), c.data.differences(c)...))
	differences = c.explained(c.dropUnknownSettings(c.dropAcrossEngines(differences)))
	findings, err := c.judge(ctx, differences)
	if err != nil {
		return Result{}, err
	}
	return c.result(c.onlyNews(findings)), nil
}

// keep remembers a node if anything about it may be worth a finding.
func (c *comparison) keep(n *node) {
	first, seen := "", false
	for i := range n.cells {
		if !n.cells[i].absent.empty() {
			c.nodes = append(c.nodes, n)
			return
		}
		for j := range n.cells[i].present {
			g := &n.cells[i].present[j]
			if seen && g.key != first || g.foreign != "" || holdsSecret(g.raw) && len(c.sides) > 1 || c.remarkable(n, g) {
				c.nodes = append(c.nodes, n)
				return
			}
			first, seen = g.key, true
		}
	}
}

func (c *comparison) known(side int, a snapshot.Address) members {
	return c.views[side][a.Scope].known(a, c.sides[side].Snapshot.Manifest.Selection.Takes)
}

// environmentOf is the name of a side's environment without the moment.
func environmentOf(s Side) string {
	if s.Snapshot != nil && s.Snapshot.Manifest.Environment != "" {
		return s.Snapshot.Manifest.Environment
	}
	name, _, _ := strings.Cut(s.Name, "@")
	return name
}

func (c *comparison) warnUnlisted(side int, scope string) {
	c.warnings[fmt.Sprintf("%s: facts of %s are left out: the snapshot's manifest does not list it", c.sides[side].Name, scope)] = true
}

// result adds what the sides could not see.
func (c *comparison) result(findings []finding.Finding) Result {
	if again := c.sameVersion(findings); c.severity("same-version-different-schema") != finding.Off {
		findings = append(findings, again...)
	}
	finding.Sort(findings)
	for i := range findings {
		findings[i].Weighed = true
	}
	r := Result{Findings: findings, Gaps: c.gaps(), Coverage: c.coverage()}
	for _, scope := range c.oneSided() {
		c.warnings[scope] = true
	}
	r.Warnings = slices.Sorted(maps.Keys(c.warnings))
	return r
}

// gaps are those of the sides, each once, and those that the comparison itself met.
func (c *comparison) gaps() []finding.Gap {
	out := append([]finding.Gap(nil), c.extraGaps...)
	for _, s := range c.sides {
		for _, g := range s.Snapshot.Gaps {
			out = append(out, finding.Gap{Environment: s.Name, Address: g.Address.String(), Instance: g.Instance, Reason: g.Reason, Hint: g.Hint})
		}
	}
	order := map[string]int{}
	for i, s := range c.sides {
		if _, ok := order[s.Name]; !ok {
			order[s.Name] = i
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if order[a.Environment] != order[b.Environment] {
			return order[a.Environment] < order[b.Environment]
		}
		if a.Address != b.Address {
			return a.Address < b.Address
		}
		if a.Instance != b.Instance {
			return a.Instance < b.Instance
		}
		return a.Reason < b.Reason
	})
	unique := out[:0]
	for i, g := range out {
		if i == 0 || g != out[i-1] {
			unique = append(unique, g)
		}
	}
	return unique
}

// coverage sums the notes of each side by kind.
func (c *comparison) coverage() []finding.Coverage {
	var out []finding.Coverage
	for _, s := range c.sides {
		counts := map[string]int{}
		for _, n := range s.Snapshot.Notes {
			counts[n.Kind] += n.Count
		}
		for _, kind := range slices.Sorted(maps.Keys(counts)) {
			out = append(out, finding.Coverage{Environment: s.Name, Kind: kind, Count: counts[kind]})
		}
	}
	return append(out, c.notAcrossEngines()...)
}

// oneSided warns of scopes that only some sides have: nothing about them is compared across. What --only and --skip leave out of
// a side nobody asked about.
func (c *comparison) oneSided() []string {
	holders := map[string][]string{}
	for _, s := range c.sides {
		for scope := range s.Snapshot.Manifest.Scopes {
			if s.Snapshot.Manifest.Selection.MayTake(scope + ":*") {
				holders[scope] = append(holders[scope], s.Name)
			}
		}
	}
	var out []string
	for _, scope := range slices.Sorted(maps.Keys(holders)) {
		if n := len(holders[scope]); n < len(c.sides) {
			out = append(out, fmt.Sprintf("%s is only in %s: it is not compared with the others", scope, strings.Join(holders[scope], ", ")))
		}
	}
	return out
}
