package cmd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

var update = flag.Bool("update", false, "rewrite generated docs and golden files")

// TestHelpFitsATerminal: a line that wraps by itself breaks the columns of what is below it.
func TestHelpFitsATerminal(t *testing.T) {
	for _, c := range commands() {
		for _, line := range strings.Split(helpText(c), "\n") {
			if n := utf8.RuneCountInString(line); n > 120 {
				t.Errorf("envdiff help %s has a line of %d columns: %s", c.name, n, line)
			}
		}
	}
}

// TestDocsAreGenerated holds docs/ to what the code knows: one page per command and
// per collector, the rules and the formats.
func TestDocsAreGenerated(t *testing.T) {
	pages := map[string]string{"rules.md": rulesPage(), "formats.md": formatsPage(), "configuration.md": configurationPage(t), "sanitize.md": sanitizePage()}
	for _, c := range commands() {
		pages[filepath.Join("commands", c.name+".md")] = "# envdiff " + c.name + "\n\n```text\n" + helpText(c) + "```\n"
	}
	registry := collectors()
	for _, c := range registry.Hosts {
		pages[filepath.Join("collectors", c.Name()+".md")] = collectorPage(c)
	}
	for _, c := range registry.Databases {
		pages[filepath.Join("collectors", c.Name()+".md")] = collectorPage(c)
	}
	for _, c := range registry.Dumps {
		pages[filepath.Join("collectors", c.Name()+".md")] = collectorPage(c)
	}
	for _, dir := range []string{"commands", "collectors"} {
		if *update {
			if err := os.MkdirAll(filepath.Join("..", "docs", dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := os.ReadDir(filepath.Join("..", "docs", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if _, ok := pages[filepath.Join(dir, e.Name())]; !ok {
				t.Errorf("docs/%s/%s describes nothing that is there", dir, e.Name())
			}
		}
	}
	for name, want := range pages {
		path := filepath.Join("..", "docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if d := cmp.Diff(string(got), want); d != "" {
			t.Errorf("docs/%s is stale: make golden\n%s", name, d)
		}
	}
}

func collectorPage(c snapshot.Collector) string {
	d := c.Doc()
	var b strings.Builder
	fmt.Fprintf(&b, "# Collector %s\n\n%s.\n\n%s\n", c.Name(), strings.TrimSuffix(d.Title, "."), strings.TrimSpace(d.Text))
	if len(d.Needs) > 0 {
		b.WriteString("\n## Reads\n\n")
		for _, n := range d.Needs {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	if len(d.Attributes) > 0 {
		b.WriteString("\n## Facts\n\n")
		for _, a := range d.Attributes {
			fmt.Fprintf(&b, "    %s\n", a)
		}
	}
	b.WriteString("\n## How they are compared\n\n| facts | compared | what |\n|---|---|---|\n")
	for _, k := range c.Kinds() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Pattern, k.Axis, strings.ReplaceAll(k.Doc, "|", `\|`))
	}
	return b.String()
}

func rulesPage() string {
	var b strings.Builder
	b.WriteString("# Rules\n\nEach finding has one rule. `rules:` in envdiff.yaml changes a rule's severity or turns it off.\n" +
		"A rule marked *sided* is said of the last environment; on the other side it weighs one level less.\n" +
		"A rule marked *reserved* has its name already, but this version does not report it.\n\n| rule | severity | says | why | what to do |\n|---|---|---|---|---|\n")
	for _, r := range finding.Rules() {
		severity := r.Severity.String()
		if r.Sided {
			severity += ", sided"
		}
		if r.Reserved {
			severity += ", reserved"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, severity, r.Title, r.Why, r.Hint)
	}
	return b.String()
}

func formatsPage() string {
	var b strings.Builder
	b.WriteString("# Output formats\n\n`-o FORMAT[=PATH]`, any number of times: everything is captured once. One format without a path goes to standard\noutput; otherwise the table does.\n\n| format | what |\n|---|---|\n")
	for _, f := range ci.Formats() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Name, f.Doc)
	}
	return b.String()
}
