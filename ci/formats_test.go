package ci

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	stdhtml "html"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/envdiff/envdiff/internal/finding"
)

// rendered is the sample in one format.
func rendered(t *testing.T, format string, change func(*Report)) []byte {
	t.Helper()
	r := judged(t, someWaivers, Baseline{})
	r.Context = &Context{Version: "v1.2.3", Reproduce: "envdiff staging production", Anchors: []Anchor{
		{"", "config", "ops/envdiff.yaml", 1}, {"web", "config", "ops/envdiff.yaml", 12}, {"main", "migrations", "db/migrations", 1}},
		Checks: []Check{{"web", "config", 10}, {"web", "cron", 3}, {"main", "table", 4}}}
	if change != nil {
		change(r)
	}
	r.fillEmpty()
	f, err := FormatByName(format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out, r, Style{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// many is a report with more findings than any service shows.
func many(n int) func(*Report) {
	return func(r *Report) {
		f := r.Findings[1]
		r.Findings = nil
		for i := range n {
			f.Address = fmt.Sprintf("web:config/etc/app.ini#key%d", i)
			f.Waived, f.Origin = nil, nil
			f.Seal([]string{"staging", "production"})
			r.Findings = append(r.Findings, f)
		}
		r.Verdict = verdict(r, Threshold{level: finding.High})
	}
}

func TestJUnitHasACaseForEveryCheck(t *testing.T) {
	var doc struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Errors   int    `xml:"errors,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct {
					Message string `xml:"message,attr"`
				} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(rendered(t, "junit", nil), &doc); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, s := range doc.Suites {
		failures, errs, skipped := 0, 0, 0
		for _, c := range s.Cases {
			state := "passed"
			switch {
			case c.Failure != nil:
				state = "failed"
				failures++
			case c.Error != nil:
				state = "error"
				errs++
			case c.Skipped != nil:
				state = "skipped: " + c.Skipped.Message
				skipped++
			}
			if states[s.Name+" "+c.Name] != "" {
				t.Errorf("two cases are called %s %s", s.Name, c.Name)
			}
			states[s.Name+" "+c.Name] = state
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errs || s.Skipped != skipped || s.Tests == 0 {
			t.Errorf("suite %s counts %d, %d, %d, %d of %d cases", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, len(s.Cases))
		}
	}
	for name, want := range map[string]string{
		"web config-value web:config/etc/php/8.2/fpm/php.ini#PHP.memory_limit": "failed",
		"web package-different web:package/deb/openssl#version":                "skipped: waived until 2026-12-01: upgrade planned",
		"db gap production/db2 db:host/reachable":                              "error",
		"web cron":        "passed", // looked at, nothing found
		"main table":      "passed",
		"envdiff verdict": "passed",
	} {
		if states[name] != want {
			t.Errorf("%s: %q, want %q", name, states[name], want)
		}
	}
	if _, told := states["web config"]; told {
		t.Error("a kind with findings is also called well")
	}
}

// TestCommandsAreThereToBePasted: whole, in the reports that people read where something failed.
func TestCommandsAreThereToBePasted(t *testing.T) {
	const command = `GRANT SELECT ON TABLE "orders" TO "a role with a name that is longer than any line of a terminal is wide";`
	fix := func(r *Report) {
		r.Findings[0].Fix = []finding.Fix{{Where: "production: primary", Command: command}}
	}
	if out := rendered(t, "junit", fix); !bytes.Contains(out, []byte("on production: primary:")) || !bytes.Contains(out, []byte("GRANT SELECT ON TABLE")) {
		t.Errorf("JUnit has no command:\n%s", out)
	}
	r := judged(t, "", Baseline{})
	fix(r)
	var out bytes.Buffer
	if err := writeTable(&out, r, Style{Verbose: true}); err != nil || !strings.Contains(out.String(), "    "+command+"\n") {
		t.Errorf("%v: the table has no command in one line:\n%s", err, out.String())
	}
}

// TestSARIFIsWhatGitHubTakes holds the log to the official schema, and to what GitHub refuses beyond it.
func TestSARIFIsWhatGitHubTakes(t *testing.T) {
	out := rendered(t, "sarif", func(r *Report) {
		r.Findings[0].Origin = []finding.Place{{Environment: "production", File: "000042_unique_email.up.sql", Line: 3}}
	})
	validateAs(t, sarifSchema(t), out)
	log, err := sarif.FromBytes(out)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("null")) {
		t.Error("a null list")
	}
	other, err := sarif.FromBytes(rendered(t, "sarif", func(r *Report) { r.Command = "rehearse" }))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := *log.Runs[0].AutomationDetails.ID, *other.Runs[0].AutomationDetails.ID; a == b || !strings.HasSuffix(a, "/") {
		t.Errorf("two commands of one job are %q and %q", a, b)
	}
	at := map[string]string{}
	for _, r := range log.Runs[0].Results {
		p := r.Locations[0].PhysicalLocation
		uri := *p.ArtifactLocation.URI
		if uri == "" || strings.ContainsAny(uri, ": \\") || strings.HasPrefix(uri, "/") || *p.Region.StartLine < 1 {
			t.Errorf("%s is at %q:%d", *r.RuleID, uri, *p.Region.StartLine)
		}
		if r.PartialFingerprints["primaryLocationLineHash"] == "" || *log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID != *r.RuleID {
			t.Errorf("%s has no fingerprint, or another rule's index", *r.RuleID)
		}
		at[*r.RuleID] = fmt.Sprintf("%s:%d", uri, *p.Region.StartLine)
	}
	for rule, want := range map[string]string{"config-value": "ops/envdiff.yaml:12", "migration-failed": "db/migrations/000042_unique_email.up.sql:3",
		"waiver-expired": "envdiff.waivers.yaml:4", "gap": "ops/envdiff.yaml:1"} {
		if at[rule] != want {
			t.Errorf("%s is at %s, want %s", rule, at[rule], want)
		}
	}
	if at["package-different"] != "" {
		t.Error("what is waived would become an alert")
	}
	log, err = sarif.FromBytes(rendered(t, "sarif", many(6000)))
	if err != nil || len(log.Runs[0].Results) != sarifMost || !strings.Contains(*log.Runs[0].Invocations[0].ToolExecutionNotifications[2].Message.Text, "more results") {
		t.Errorf("%d results of 6,000: %v", len(log.Runs[0].Results), err)
	}
}

// sarifSchema is the official JSON Schema, as the SARIF library keeps it in its source.
func sarifSchema(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "pkg/report/v210/sarif/schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	literal := file.Scope.Lookup("schema").Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
	schema, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(schema)
}

func TestGitHubShowsWhatItKeepsAndSaysWhatNot(t *testing.T) {
	command := regexp.MustCompile(`^::(error|warning|notice) file=[^:,]+,line=\d+,title=[^:,]+::[^\r\n]+$`)
	for _, n := range []int{1, 10, 11, 500} {
		lines := strings.Split(strings.TrimSpace(string(rendered(t, "github", many(n)))), "\n")
		shown := 0
		for _, l := range lines[:len(lines)-1] {
			if !command.MatchString(l) {
				t.Errorf("no workflow command: %q", l)
			}
			if strings.HasPrefix(l, "::error") {
				shown++
			}
		}
		if shown != min(n, annotationsShown) {
			t.Errorf("%d findings: %d errors", n, shown)
		}
		if more := fmt.Sprintf("::%d more are", n-9); (n > 10) != strings.Contains(strings.Join(lines, "\n"), more) {
			t.Errorf("%d findings: what is left out is not said: %q", n, lines[shown-1])
		}
	}
}

func TestGitLabFingerprintsAreUniqueAndStable(t *testing.T) {
	twice := func(r *Report) { r.Findings = append(r.Findings, r.Findings[0], r.Findings[0]) }
	var issues []gitlabIssue
	out := rendered(t, "gitlab", twice)
	if err := json.Unmarshal(out, &issues); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, rendered(t, "gitlab", twice)) {
		t.Error("another run gives other fingerprints")
	}
	seen := map[string]bool{}
	for _, i := range issues {
		if seen[i.Fingerprint] {
			t.Errorf("%s is there twice", i.Fingerprint)
		}
		seen[i.Fingerprint] = true
		if i.Description == "" || i.CheckName == "" || i.Location.Path == "" || strings.HasPrefix(i.Location.Path, "./") || i.Location.Lines.Begin < 1 ||
			!strings.Contains(" info minor major critical blocker ", " "+i.Severity+" ") {
			t.Errorf("GitLab refuses %+v", i)
		}
	}
	if len(issues) != 8 {
		t.Errorf("%d issues", len(issues))
	}
}

// TestPrometheusReadsIt reads the file with Prometheus' own parser.
func TestPrometheusReadsIt(t *testing.T) {
	text := expfmt.NewTextParser(model.LegacyValidation)
	families, err := text.TextToMetricFamilies(bytes.NewReader(rendered(t, "prometheus", func(r *Report) {
		r.Environments[0].Name = "a\"b\\c\nd"
		r.Findings[0].Address = "we\"b:config/x"
	})))
	if err != nil {
		t.Fatal(err)
	}
	if got := families["envdiff_findings"].GetMetric()[1].GetGauge().GetValue(); got != 4 {
		t.Errorf("%v findings are high, want 4", got)
	}
	for _, name := range []string{"envdiff_scope_findings", "envdiff_gaps", "envdiff_verdict", "envdiff_captured_timestamp_seconds"} {
		if len(families[name].GetMetric()) == 0 {
			t.Errorf("no %s", name)
		}
	}
}

func TestCollectdLines(t *testing.T) {
	line := regexp.MustCompile(`^PUTVAL "[\w.]{1,63}/[\w.]{1,63}-[\w.]{1,63}/gauge-[\w.]{1,63}" interval=\d+ N:\d+$`)
	for _, l := range strings.Split(strings.TrimSpace(string(rendered(t, "collectd", func(r *Report) { r.Environments[0].Name = "../\"x\n" }))), "\n") {
		if !line.MatchString(l) {
			t.Errorf("collectd does not read %q", l)
		}
	}
}

// TestAtomIsAFeed holds the feed to what RFC 4287 demands.
func TestAtomIsAFeed(t *testing.T) {
	var f atomFeed
	if err := xml.Unmarshal(rendered(t, "atom", many(300)), &f); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{f.ID: true}
	if f.Title == "" || f.Author == "" {
		t.Error("a feed needs a title and an author")
	}
	for _, e := range f.Entries {
		if _, err := time.Parse(time.RFC3339, e.Updated); err != nil || e.Title == "" || ids[e.ID] || !strings.HasPrefix(e.ID, "tag:") {
			t.Errorf("%+v: %v", e, err)
		}
		ids[e.ID] = true
	}
	if len(f.Entries) != feedMost+1 || !strings.Contains(f.Entries[0].Content.Text, "100 findings are not in this feed") {
		t.Errorf("%d entries: %s", len(f.Entries), f.Entries[0].Content.Text)
	}
}

func TestCommentFallsBackToASummary(t *testing.T) {
	r := judged(t, "", Baseline{})
	full := Comment(r, CommentLimit)
	if !strings.Contains(full, "PHP.memory") {
		t.Error("a short report is not told in full")
	}
	many(5000)(r)
	short := Comment(r, CommentLimit)
	if len(short) > CommentLimit || !strings.Contains(short, "5000 high") || !strings.Contains(short, "4980 more findings") {
		t.Errorf("%d bytes: %.400s", len(short), short)
	}
	for _, limit := range []int{3000, 900, 400, 10, 0} {
		if text := Comment(r, limit); len(text) > limit || limit >= 400 && !strings.Contains(text, "envdiff: fail") {
			t.Errorf("%d bytes of at most %d", len(text), limit)
		}
	}
	if CommentMarker(r) != CommentMarker(judged(t, "", Baseline{})) || !strings.HasPrefix(CommentMarker(r), "<!-- ") {
		t.Error("the marker is not the same from run to run")
	}
}

// What was done to rows that few others are like stands wherever people look at a copy.
func TestSmallGroupsAreShown(t *testing.T) {
	groups := func(r *Report) {
		r.Refresh = &finding.Refresh{Targets: []finding.RefreshedTarget{{Environment: "staging", Database: "main", Status: "swapped", Rows: 8, Tables: 1, Migrations: []string{}}}}
		r.Sanitize = &finding.Sanitization{Tables: []finding.SanitizedTable{{Table: "people", Rows: 8, Columns: []finding.SanitizedColumn{}, SmallGroups: &finding.SmallGroups{By: []string{"born", "postcode"}, K: 3, Rows: 5,
			Generalised: 3, Suppressed: 2, Verbatim: []finding.VerbatimCells{{Column: "town", Cells: 4}}}}}}
	}
	const want = "mall groups of people by born, postcode (fewer than 3 alike): 5 rows, 3 made coarser, 2 emptied; cells of them that are as in the source: town (4)"
	for _, format := range []string{"table", "markdown", "html"} {
		if text := strings.Join(strings.Fields(stdhtml.UnescapeString(string(rendered(t, format, groups)))), " "); !strings.Contains(text, want) {
			t.Errorf("%s does not say it:\n%s", format, text)
		}
	}
}
