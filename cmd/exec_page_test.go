package cmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestExecPage runs the example of docs/exec.md: the program, the configuration, and what comes out.
func TestExecPage(t *testing.T) {
	const page = "../docs/exec.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string) string {
		_, rest, _ := strings.Cut(string(text), "<!-- "+name+" -->\n")
		block, _, ok := strings.Cut(rest, "<!-- /"+name+" -->")
		if !ok {
			t.Fatalf("%s has no block %s", page, name)
		}
		_, block, _ = strings.Cut(block, "\n")
		return strings.TrimSuffix(block, "```\n")
	}
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"mail-facts": 0o755, "envdiff.yaml": 0o644} {
		content := block(map[string]string{"mail-facts": "program", "envdiff.yaml": "config"}[name])
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	status := Run(t.Context(), World{Args: []string{"staging", "production"}, Stdout: &out, Stderr: &errs, Dir: dir, Now: time.Now, Width: 80,
		LookupEnv: func(string) (string, bool) { return "", false }, Engines: engines(), Collectors: collectors()})
	got := fmt.Sprintf("$ envdiff staging production\n%s(exit status %d)\n", &out, status)
	want := block("output")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s shows\n%s\nit is\n%s\n%s", page, want, got, &errs)
	}
	if err := os.WriteFile(page, []byte(strings.Replace(string(text), want, got, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
