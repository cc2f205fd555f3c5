package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func repository(t *testing.T) (dir string, git func(env []string, args ...string)) {
	t.Helper()
	dir = t.TempDir()
	git = func(env []string, args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ops", "-c", "user.email=ops@shop.example", "-c", "commit.gpgsign=false"}, args...)...)
		c.Env = append(os.Environ(), env...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %s", args, out)
		}
	}
	git(nil, "init", "-q")
	return dir, git
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhoWroteTheLinesAndWhoApproved(t *testing.T) {
	ctx := context.Background()
	dir, git := repository(t)
	file := filepath.Join(dir, "w.yaml")
	write(t, file, "one\ntwo\n")
	if _, err := Last(ctx, file); !errors.Is(err, ErrUncommitted) {
		t.Errorf("a new file: %v", err)
	}
	if _, err := LastOf(ctx, file, 1, 1); !errors.Is(err, ErrUncommitted) {
		t.Errorf("lines of a new file: %v", err)
	}
	git(nil, "add", ".")
	git([]string{"GIT_COMMITTER_DATE=2026-01-01T00:00:00Z"}, "commit", "-qm", "first\n\nReviewed-by: Dee Bea <dba@shop.example>\nApproved-by: lead@shop.example")
	write(t, file, "one\ntwo changed\n")
	git([]string{"GIT_COMMITTER_DATE=2026-02-01T00:00:00Z"}, "commit", "-qam", "second")
	c, err := LastOf(ctx, file, 1, 1)
	if err != nil || c.Subject != "first" || len(c.People()) != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, name := range []string{"ops@shop.example", "OPS", "Dee Bea", "dba@shop.example", "Dee Bea <dba@shop.example>", "lead@shop.example"} {
		found := false
		for _, p := range c.People() {
			found = found || p.Is(name)
		}
		if !found {
			t.Errorf("%s is none of %v", name, c.People())
		}
	}
	if c, err = LastOf(ctx, file, 1, 2); err != nil || c.Subject != "second" || len(c.Approvers) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if between, err := Between(ctx, dir, "HEAD~1", "HEAD", 10); err != nil || len(between) != 1 || between[0].Subject != "second" {
		t.Errorf("%+v, %v", between, err)
	}
	write(t, file, "one\nedited\n")
	if _, err := LastOf(ctx, file, 2, 2); !errors.Is(err, ErrUncommitted) {
		t.Errorf("an edited line: %v", err)
	}
	for _, bad := range []string{"", "--output=x", "no-such-revision"} {
		if _, err := Between(ctx, dir, bad, "HEAD", 10); !errors.Is(err, ErrNoHistory) {
			t.Errorf("from %q: %v", bad, err)
		}
	}
	if _, err := Last(ctx, filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, ErrNoHistory) {
		t.Errorf("no repository: %v", err)
	}
}

func FuzzPerson(f *testing.F) {
	f.Add("A <a@b>")
	f.Add("<")
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := person(s); ok && p.Is("") {
			t.Fatalf("%q is nobody", s)
		}
	})
}
