package onsystems

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// key makes digests comparable between the snapshots of a story.
const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// project is a directory with an envdiff.yaml to run command lines in.
type project struct{ dir string }

func newProject(t *testing.T, text string) project {
	t.Helper()
	p := project{t.TempDir()}
	write(t, filepath.Join(p.dir, "envdiff.yaml"), "keys: {redact: \"${ENVDIFF_KEY}\"}\n"+text)
	return p
}

// run runs a command line that is to end with a status, and returns what it prints.
func (p project) run(t *testing.T, status int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	got := cmd.Run(ctx, cmd.World{Args: args, Stdout: &out, Stderr: &out, Dir: p.dir, Now: time.Now,
		LookupEnv: variable, Collectors: all.Collectors()})
	if got != status {
		t.Errorf("envdiff %s: exit status %d, not %d\n%s", strings.Join(args, " "), got, status, &out)
	}
	if strings.Contains(out.String(), "zqsecret") {
		t.Errorf("a secret is in the output:\n%s", &out)
	}
	return out.String()
}

func variable(name string) (string, bool) {
	if name == "ENVDIFF_KEY" {
		return key, true
	}
	return "", false
}

// findings runs a comparison and returns the lines "RULE SEVERITY CHANGE ADDRESS" of its findings.
func (p project) findings(t *testing.T, status int, args ...string) []string {
	t.Helper()
	out := p.run(t, status, append(args, "-o", "jsonl", "--fail-on", "low")...)
	return lines(t, out)
}

func expect(t *testing.T, out string, parts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(out), " ")
	for _, p := range parts {
		if !strings.Contains(flat, p) {
			t.Errorf("%q is not in:\n%s", p, out)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// program runs a program that has to succeed and returns what it prints.
func program(t testing.TB, dir string, env []string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v (is it installed? .ci/deps)\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}
