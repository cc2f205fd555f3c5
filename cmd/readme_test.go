package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/cmd/config"
)

// What of the demo's output differs from run to run.
var (
	seconds = regexp.MustCompile(`\d+\.\d+ s`)
	// What a copy looks like depends a little on its key, and each demo has a new one: how many short values may be met by chance, and whether a column of
	// pseudonyms has one trait more.
	expected = regexp.MustCompile(`at most 1[23]\d\d expected`)
	uatFacts = regexp.MustCompile(`\(60\d and (601) facts\)`)
	moments  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// TestReadmeShowsTheDemo holds the README's first screen to what `make demo` prints.
func TestReadmeShowsTheDemo(t *testing.T) {
	var out, errs bytes.Buffer
	w := World{Args: []string{"demo"}, Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false }, Engines: engines(), Collectors: collectors()}
	if status := Run(t.Context(), w); status != exitOK {
		t.Fatalf("exit status %d\n%s%s", status, out.String(), errs.String())
	}
	text := moments.ReplaceAllString(seconds.ReplaceAllString(strings.TrimSpace(out.String()), "0.5 s"), "2026-11-02T02:00:00Z")
	text = uatFacts.ReplaceAllString(expected.ReplaceAllString(text, "at most 1318 expected"), "(604 and $1 facts)")
	path := filepath.Join("..", "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const open, end = "<!-- demo -->\n```text\n", "\n```\n<!-- /demo -->"
	before, rest, ok := strings.Cut(string(readme), open)
	shown, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no demo block")
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+open+text+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(shown, text); d != "" {
		t.Errorf("README.md shows another demo: make golden\n%s", d)
	}
}

// TestReadmeConfigurationIsValid reads the README's example, and what init writes, as envdiff would.
func TestReadmeConfigurationIsValid(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "<!-- config -->\n```yaml\n")
	example, _, ok := strings.Cut(rest, "```\n<!-- /config -->")
	if !ok {
		t.Fatal("README.md has no configuration example")
	}
	if _, err := config.Parse("README.md", []byte(example)); err != nil {
		t.Error(err)
	}
	if _, err := config.Parse("init.yaml", initConfig); err != nil {
		t.Error(err)
	}
}
