package finding

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// published are the ids that the report format promised first, with their severities: people have them in envdiff.yaml,
// in waivers and in scripts. Rules may be added beside them; none of these changes.
var published = map[Severity]string{
	Critical: `migration-failed migration-predicted replication-broken replica-missing param-elsewhere leak`,
	High: `copy-artefact package-missing package-older config-value config-missing secret-shared secret-differs typo memory-odd
		swapping service-state endpoint-value not-loaded table-missing column-missing column-different constraint-different
		constraint-not-valid index-missing index-invalid routine-different setting-behaviour rows-different replica-lag
		replica-schema migration-state same-version-different-schema lock-long rewrite data-one-sided-pending data-stale
		db-host-unreachable revision-differs waiver-expired`,
	Medium: `package-different index-different grant-different owner-different data-one-sided data-distribution plan-regression
		sysctl cron user mount ordering-missing puppet-run certificate-expiring secret-placeholder`,
	Low: `package-extra comment-different setting-tuning db-host-undeclared`,
	Off: `column-order`,
}

func TestPublishedRulesKeepTheirIDsAndSeverities(t *testing.T) {
	for severity, ids := range published {
		for _, id := range strings.Fields(ids) {
			r, ok := Lookup(id)
			if !ok {
				t.Errorf("rule %s is gone", id)
			} else if r.Severity != severity {
				t.Errorf("rule %s is %s by default, was published as %s", id, r.Severity, severity)
			}
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range Rules() {
		if seen[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		seen[r.ID] = true
		if r.Title == "" || r.Why == "" || r.Hint == "" || r.Area == "" {
			t.Errorf("rule %s has no title, area, why or hint", r.ID)
		}
		if Rank(r.ID) != i || IDs()[i] != r.ID {
			t.Errorf("rule %s is not at its own rank", r.ID)
		}
	}
	if !slices.IsSortedFunc(Rules(), func(a, b Rule) int { return int(b.Severity) - int(a.Severity) }) {
		t.Error("the rules are not listed strongest first")
	}
	if Rank("no-such-rule") != len(Rules()) {
		t.Error("an unknown rule does not rank last")
	}
}

// TestRulesAreReportedOrReserved looks for the ids in the stages that report findings.
func TestRulesAreReportedOrReserved(t *testing.T) {
	quoted := regexp.MustCompile(`"[a-z]+(-[a-z]+)*"`)
	named := map[string]bool{}
	for _, stage := range []string{"compare", "migrations", "sanitize", "ci"} {
		files, err := filepath.Glob(filepath.Join("..", "..", stage, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no source of %s: %v", stage, err)
		}
		for _, f := range files {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			for _, id := range quoted.FindAllString(string(src), -1) {
				named[strings.Trim(id, `"`)] = true
			}
		}
	}
	for _, r := range Rules() {
		switch {
		case !named[r.ID] && !r.Reserved:
			t.Errorf("nothing reports %s: mark it Reserved, so that the docs say so", r.ID)
		case named[r.ID] && r.Reserved:
			t.Errorf("%s is reported and still marked Reserved", r.ID)
		}
	}
}
