package ci

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/envdiff/envdiff/internal/finding"
)

var update = flag.Bool("update", false, "rewrite golden files")

var day = time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)

// sample is a report with every section filled and hostile text in it.
func sample() *Report {
	sealed := func(f finding.Finding) finding.Finding {
		if r, ok := finding.Lookup(f.Rule); ok && f.Severity == finding.Off {
			f.Severity, f.Area = r.Severity, r.Area
		}
		f.Seal([]string{"staging", "production"})
		return f
	}
	side := func(env, value string, on ...string) finding.Side {
		return finding.Side{Environment: env, State: finding.Present, Value: json.RawMessage(value), Instances: on}
	}
	return &Report{
		Format: Format, Command: "compare",
		Environments: []Environment{{"staging", "live", day, 1200, "aabbccdd"}, {"production", "store", day, 3600, "aabbccdd"}},
		Warnings:     []string{"envdiff.yaml:3: a literal password"},
		Findings: []finding.Finding{
			sealed(finding.Finding{Rule: "config-value", Address: "web:config/etc/php/8.2/fpm/php.ini#PHP.memory_limit", Change: finding.Changed,
				Values:  []finding.Side{side("staging", `"512M"`, "web1", "web2"), side("production", `"256M"`, "web1", "web2", "web3")},
				Message: "PHP.memory_limit is 512M in staging, 256M in production", Origin: []finding.Place{{Environment: "staging", File: "/etc/php/8.2/fpm/php.ini", Line: 12}}}),
			sealed(finding.Finding{Rule: "migration-failed", Address: "main:migration/42_unique_email", Change: finding.Failed,
				Message: "42_unique_email fails: 17 rows of users share lower(email) with another (statement 2 of 3)", Hint: "merge or rename the duplicates before",
				Queries: []finding.Query{{Finds: "17 rows of users share lower(email) with another", SQL: `SELECT "id" FROM "users" WHERE (lower(email)) IN (SELECT lower(email) FROM "users" GROUP BY lower(email) HAVING count(*) > 1)`}}}),
			sealed(finding.Finding{Rule: "config-value", Address: "web:config/etc/\x1b[31mevil|`x`#a", Change: finding.Changed,
				Values:  []finding.Side{side("staging", `"<script>@everyone\u001b[2J\u202e"`, "web1"), side("production", `null`, "web1")},
				Message: "a is <script>@everyone\x1b[2J\u202e|| in staging, ∅ in production"}),
			sealed(finding.Finding{Rule: "memory-odd", Address: "web:host/memory#total_bytes", Change: finding.Odd,
				Values:  []finding.Side{side("production", `8589934592`, "web3"), side("production", `17179869184`, "web1", "web2")},
				Message: "web3 has 8.0 GiB, its 2 peers 16.0 GiB"}),
			sealed(finding.Finding{Rule: "package-different", Address: "web:package/deb/openssl#version", Change: finding.Changed,
				Values:  []finding.Side{side("staging", `"3.0.11-1~deb12u2"`, "web1"), side("production", `"3.0.11-1~deb12u1"`, "web1")},
				Message: "production is older by a packaging revision: 3.0.11-1~deb12u1 < 3.0.11-1~deb12u2"}),
		},
		Gaps:     []finding.Gap{{Environment: "production", Address: "db:host/reachable", Instance: "db2", Reason: "connection refused", Hint: "envdiff doctor production"}},
		Coverage: []finding.Coverage{{Environment: "staging", Kind: "virtual table", Count: 1}},
		Rehearsal: &finding.Rehearsal{Databases: []finding.RehearsedDatabase{{Name: "main", Engine: "sqlite", Copy: finding.Copy{Mode: "full", Rows: 200000, Bytes: 1 << 20, Seconds: 2.5},
			AppliedVersion: "41", Pending: []string{"42"},
			Plans: []finding.Plan{{Query: "SELECT id FROM users WHERE email = $1", Before: "Index Scan by users_email of users", After: "Seq Scan of users", Verdict: "worse"},
				{Query: "SELECT count(*) FROM orders", Before: "Aggregate (Seq Scan of orders)", After: "Aggregate (Seq Scan of orders)", Verdict: "alike"}},
			Passes: []finding.Pass{{Name: "down", Tried: 1, Without: 1, Seconds: 0.4}, {Name: "twice", Tried: 2, Seconds: 0.2}},
			Migrations: []finding.RehearsedMigration{{Version: "42", Name: "unique_email", Status: "failed", Seconds: 0.5, Statements: []finding.Statement{
				{SQL: "ALTER TABLE orders ADD note text", Seconds: 0.4, Locks: []finding.Lock{{Table: "orders", Mode: "ACCESS EXCLUSIVE", Seconds: 0.4, Blocks: "reads and writes"}},
					Rewrites: []string{"orders"}, ProductionSeconds: []float64{2, 8}, Derived: "20,000 of 200,000 rows of orders copied"},
				{SQL: "CREATE UNIQUE INDEX …", Error: &finding.StatementError{Code: "SQLITE_CONSTRAINT_UNIQUE", Table: "users", Message: "UNIQUE constraint failed"}}}}},
			Probes: []finding.Probe{{Address: "main:index/users.users_email_lower", Migration: "42", Status: "decisive", SQL: "SELECT 1", RowsChecked: 200000, Violations: 17, At: "2026-11-01T02:00:00Z"}}}}},
	}
}

func judged(t *testing.T, waivers string, base Baseline) *Report {
	t.Helper()
	r := sample()
	ws, err := ParseWaivers("envdiff.waivers.yaml", []byte(waivers))
	if err != nil {
		t.Fatal(err)
	}
	threshold, _ := ParseThreshold("")
	Judge(r, Policy{FailOn: threshold, Waivers: ws, Baseline: base, Now: day})
	return r
}

const someWaivers = `
- {match: "web:package/deb/*", reason: upgrade planned, approved_by: [ops@shop.example, dba@shop.example], until: 2026-12-01}
- {match: "web:host/*", rule: swapping, reason: never matches, approved_by: [ops@shop.example, dba@shop.example], until: 2026-12-01}
- {match: "web:config/etc/php/*", reason: over, approved_by: [ops@shop.example, dba@shop.example], until: 2026-10-31}
`

func TestGoldenFormats(t *testing.T) {
	r := judged(t, someWaivers, Baseline{})
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			var out bytes.Buffer
			if err := f.Write(&out, r, Style{}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "sample."+f.Name)
			if *update {
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Errorf("%s (-update rewrites it):\n%s", path, d)
			}
			if strings.ContainsAny(out.String(), "\x1b\u202e") {
				t.Error("an escape code or a bidirectional override reached the output")
			}
		})
	}
}

func TestTableFitsItsWidth(t *testing.T) {
	for _, width := range []int{80, 100, 132} {
		var out bytes.Buffer
		r := judged(t, "", Baseline{})
		r.Findings[0].Rule = "same-version-different-schema"
		if err := writeTable(&out, r, Style{Width: width, Verbose: true}); err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(out.String(), "\n") {
			if columns(l) > width {
				t.Errorf("%d columns, want at most %d: %q", columns(l), width, l)
			}
		}
	}
}

// The next step is one that can be pasted: quoted, by id where the address does not fit or does not print, of a gap where nothing was found, and of what was set aside never.
func TestTheTableNamesTheNextStepOnce(t *testing.T) {
	at := func(severity finding.Severity, address string) finding.Finding {
		return finding.Finding{ID: "0123456789abcdef", Rule: "config-value", Severity: severity, Address: address}
	}
	waived := at(4, "web:package/deb/waived")
	waived.Waived = &finding.Waived{}
	for _, c := range []struct {
		findings []finding.Finding
		gaps     []finding.Gap
		want     string
	}{
		{nil, nil, ""},
		{[]finding.Finding{at(3, "web:package/deb/htop"), at(5, "main:column/users.a note"), waived}, nil, "next: envdiff explain 'main:column/users.a note'"},
		{[]finding.Finding{at(4, "web:config/"+strings.Repeat("long/", 40))}, nil, "next: envdiff explain 0123456789abcdef"},
		{[]finding.Finding{at(4, "web:config/\x1b[31m")}, nil, "next: envdiff explain 0123456789abcdef"},
		{[]finding.Finding{waived}, []finding.Gap{{Address: "web:host/reachable"}}, "next: envdiff explain web:host/reachable"},
	} {
		var out bytes.Buffer
		if err := writeTable(&out, &Report{Findings: c.findings, Gaps: c.gaps}, Style{Explain: "envdiff explain"}); err != nil {
			t.Fatal(err)
		}
		_, next, _ := strings.Cut(out.String(), "next: ")
		line, _, _ := strings.Cut(next, "\n")
		if line != strings.TrimPrefix(c.want, "next: ") || strings.Contains(next, "next: ") {
			t.Errorf("want %q in\n%s", c.want, &out)
		}
	}
}

func TestColourOnlyWhenAsked(t *testing.T) {
	var with, without bytes.Buffer
	r := judged(t, "", Baseline{})
	if err := writeTable(&with, r, Style{Color: true}); err != nil {
		t.Fatal(err)
	}
	if err := writeTable(&without, r, Style{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(with.String(), "\x1b[1;31m") || strings.Contains(without.String(), "\x1b") {
		t.Error("colour does not follow the style")
	}
}

func TestReportMatchesItsSchemaAndReadsBack(t *testing.T) {
	r := judged(t, someWaivers, Baseline{})
	var out bytes.Buffer
	if err := writeJSON(&out, r, Style{}); err != nil {
		t.Fatal(err)
	}
	Validate(t, out.Bytes())
	back, err := ReadReport(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := writeJSON(&again, back, Style{}); err != nil {
		t.Fatal(err)
	}
	if out.String() != again.String() {
		t.Error("a report that was read back is written differently")
	}
	var empty bytes.Buffer
	blank := &Report{}
	Judge(blank, Policy{Now: day, FailOn: Threshold{level: finding.High}})
	if err := writeJSON(&empty, blank, Style{}); err != nil {
		t.Fatal(err)
	}
	Validate(t, empty.Bytes())
	if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(empty.String(), `"rehearsal": null`, ""), `"sanitize": null`, ""), "null") {
		t.Errorf("a null list:\n%s", empty.String())
	}
}

// Validate fails the test when report does not match the committed schema.
func Validate(t *testing.T, report []byte) {
	t.Helper()
	validateAs(t, ReportSchema, report)
}

func validateAs(t *testing.T, schemaText, text []byte) {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(doc); err != nil {
		t.Error(err)
	}
}

func TestVerdict(t *testing.T) {
	all := sample()
	ids := NewBaseline(all).IDs
	for _, c := range []struct {
		name, failOn, waivers string
		base                  Baseline
		gaps                  bool
		want                  string
		exit                  int
	}{
		{"critical finding fails", "high", "", Baseline{}, true, "fail", 1},
		{"none never fails but gaps remain", "none", "", Baseline{}, true, "incomplete", 3},
		{"none without gaps passes", "none", "", Baseline{}, false, "pass", 0},
		{"everything in the baseline", "low", "", Baseline{IDs: ids}, false, "pass", 0},
		{"baseline does not cover gaps", "low", "", Baseline{IDs: ids}, true, "incomplete", 3},
		{"waived gap", "low", "- {match: \"db:host/*\", gap: true, reason: down for repair, approved_by: [a@x.example, b@x.example], until: 2026-11-01}",
			Baseline{IDs: ids}, true, "pass", 0},
		{"expired waiver fails even when the baseline has its id", "high", "- {match: \"web:host/*\", reason: old, approved_by: [a@x.example, b@x.example], until: 2026-10-31}",
			Baseline{IDs: append(ids, finding.ID("waiver-expired", "envdiff:waiver/web%3Ahost/%2A", finding.Failed, []string{"staging", "production"}))}, false, "fail", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sample()
			if !c.gaps {
				r.Gaps = nil
			}
			ws, err := ParseWaivers("w.yaml", []byte(c.waivers))
			if err != nil {
				t.Fatal(err)
			}
			threshold, err := ParseThreshold(c.failOn)
			if err != nil {
				t.Fatal(err)
			}
			Judge(r, Policy{FailOn: threshold, Waivers: ws, Baseline: c.base, Now: day})
			if r.Verdict.Status != c.want || r.Verdict.ExitStatus() != c.exit {
				t.Errorf("%s, exit %d; want %s, %d", r.Verdict.Status, r.Verdict.ExitStatus(), c.want, c.exit)
			}
		})
	}
}

func TestRuleOverrides(t *testing.T) {
	r := sample()
	for i := range r.Findings {
		if r.Findings[i].Rule == "package-different" {
			r.Findings[i].Severity, r.Findings[i].Lowered = finding.Low, true
		}
	}
	r.Findings = append(r.Findings, finding.Finding{Rule: "package-older", Severity: finding.Info, Address: "web:package/deb/x#version", Weighed: true})
	Judge(r, Policy{Now: day, FailOn: Threshold{none: true}, Severities: map[string]finding.Severity{"memory-odd": finding.Off, "package-different": finding.Critical, "package-older": finding.Critical}})
	for _, f := range r.Findings {
		if f.Rule == "memory-odd" {
			t.Error("a rule that is off reported")
		}
		if f.Rule == "package-older" && f.Severity != finding.Info {
			t.Errorf("a finding that was weighed already is %s", f.Severity)
		}
		if f.Rule == "package-different" && f.Severity != finding.High {
			t.Errorf("the lowered side weighs %s, want one level below critical", f.Severity)
		}
	}
}

func TestBadWaivers(t *testing.T) {
	for src, want := range map[string]string{
		`- {match: "*", reason: r, approved_by: [a, b], until: 2026-01-01}`:                             "too broad",
		`- {match: "web:*", reason: r, approved_by: [a, b], until: 2026-01-01}`:                         "too broad",
		`- {match: "web:package/*", approved_by: [a, b], until: 2026-01-01}`:                            "needs a reason",
		`- {match: "web:package/*", reason: r, approved_by: [a, A], until: 2026-01-01}`:                 "two different people",
		`- {match: "web:package/*", reason: r, approved_by: [a, b], until: next week}`:                  "YYYY-MM-DD",
		`- {match: "web:package/*", reason: r, approved_by: [a, b], until: 2026-01-01, rule: nonsense}`: "unknown rule",
		`- {mtach: "web:package/*"}`: `did you mean "match"`,
		`{a: b}`:                     "want a list",
	} {
		_, err := ParseWaivers("w.yaml", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "w.yaml:1:") {
			t.Errorf("%s\n got %v\nwant %s", src, err, want)
		}
	}
}

func TestWaiverScope(t *testing.T) {
	for _, c := range []struct {
		name, waiver string
		want         bool
	}{
		{"by instance, the odd one", `instances: [web3]`, true},
		{"by instance, a peer", `instances: [web1]`, false},
		{"by environment", `environments: [production]`, true},
		{"by another environment", `environments: [uat]`, false},
		{"by rule", `rule: memory-odd`, true},
		{"by another rule", `rule: swapping`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := judged(t, `- {match: "web:host/memory*", reason: r, approved_by: [a, b], until: 2026-12-01, `+c.waiver+`}`, Baseline{})
			for _, f := range r.Findings {
				if f.Rule == "memory-odd" && (f.Waived != nil) != c.want {
					t.Errorf("waived %v, want %v", f.Waived != nil, c.want)
				}
			}
		})
	}
}

func TestBaselineShrinksAndRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	all := NewBaseline(sample())
	if err := all.Save(path); err != nil {
		t.Fatal(err)
	}
	b, err := LoadBaseline(path)
	if err != nil || len(b.IDs) != 5 {
		t.Fatalf("%v, %v", b, err)
	}
	r := sample()
	r.Findings = r.Findings[:2]
	if pruned := b.Prune(r); len(pruned.IDs) != 2 {
		t.Errorf("pruned to %d", len(pruned.IDs))
	}
	if err := os.WriteFile(path, []byte(`{"format":"envdiff.baseline/1","ids":["not an id"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadBaseline(path); err == nil {
		t.Error("a damaged baseline was read")
	}
}

// A command in a comment is the command: in a fence that it cannot end, and left out where it would show as another one.
func TestCommandsOfACommentCanBePasted(t *testing.T) {
	r := &Report{Findings: []finding.Finding{
		{ID: "1", Rule: "index-missing", Severity: 4, Address: "main:index/a.b", Fix: []finding.Fix{{Where: "production: *db1*", Command: "CREATE INDEX ```x``` ON \"a|b\" (c);"}}},
		{ID: "2", Rule: "index-missing", Severity: 4, Address: "main:index/a.c", Fix: []finding.Fix{{Where: "production", Command: "reboot \u202e"}}},
	}}
	for range mostFixes {
		r.Findings = append(r.Findings, r.Findings[0])
	}
	var out bytes.Buffer
	if err := writeMarkdown(&out, r, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"commands to paste for 22 findings", "\n````\nCREATE INDEX ```x``` ON \"a|b\" (c);\n````\n", "and of 2 more findings: see the report"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, &out)
		}
	}
	if strings.Contains(out.String(), "reboot") || strings.Contains(out.String(), "*db1*") {
		t.Errorf("a command or a name is not as it should be:\n%s", &out)
	}
}

// A drifted column shows its values where they are kept, the rest of them together, and else where they lie.
func TestColumnsAreDrawnByTheirValues(t *testing.T) {
	many := map[string]float64{}
	for i := range 9 {
		many[fmt.Sprintf("<v%d>", i)] = float64(10 - i)
	}
	drawn := string(columnChart("main:profile/orders.status", []Profile{{Environment: "staging", Counts: map[string]float64{"rows": 54, "distinct": 9}, Categories: many},
		{Environment: "production", Counts: map[string]float64{"rows": 100, "distinct": 1}, Categories: map[string]float64{"<v0>": 100}}}))
	for _, part := range []string{"&#34;&lt;v0&gt;&#34;", ">3 others<", "staging: 3 others in 9 of 54 rows", ">100 %<"} {
		if !strings.Contains(drawn, part) {
			t.Errorf("%q is not in %s", part, drawn)
		}
	}
	drawn = string(columnChart("main:profile/orders.total", []Profile{{Environment: "staging", Measured: "value", Quantiles: []float64{1, 2, 3, 4, 5}, Counts: map[string]float64{"rows": 5}},
		{Environment: "production", Measured: "value", Quantiles: []float64{1, 20, 30, 40, 50}, Counts: map[string]float64{"rows": 5}}}))
	if !strings.Contains(drawn, "production: half of the rows are from 20 to 40, the median is 30") {
		t.Error(drawn)
	}
	of := finding.Finding{Address: "main:profile/orders.status", Values: []finding.Side{{Environment: "staging", State: finding.Present, Value: json.RawMessage("0")}}}
	if sides := htmlSides(&of); len(sides) > 0 {
		t.Errorf("beside the chart stands %+v", sides)
	}
	if of.Address += "#nulls"; len(htmlSides(&of)) != 1 {
		t.Error("a count that was found is not shown")
	}
	for _, one := range [][]float64{nil, {1}, {2, 2, 2, 2, 2}} {
		columnChart("main:profile/orders.total", []Profile{{Environment: "staging", Measured: "value", Quantiles: one, Counts: map[string]float64{"rows": 5}}})
	}
}
