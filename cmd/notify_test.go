package cmd

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHooksHearOfAnotherVerdictAndOfNothingElse: a message for each change, none for a night like the one before.
func TestHooksHearOfAnotherVerdictAndOfNothingElse(t *testing.T) {
	var heard []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		heard = append(heard, string(text))
	}))
	defer server.Close()
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("envdiff.yaml", "environments:\n  staging: {hosts: {web: [\"root:staging\"]}}\n  production: {hosts: {web: [\"root:production\"]}}\nroles:\n  web: {config: [\"/etc/app/*\"]}\nnotify: [\"${HOOK}\"]\n")
	write(".envdiff/.gitignore", "*\n")
	write("staging/etc/app/app.ini", "[app]\nworkers = 4\n")
	for i, night := range []struct{ workers, want string }{
		{"4", ""}, // passes from the first night on
		{"8", "fail (was pass), 0 critical, 1 high, 1 new, 0 gone"},
		{"8", ""},
		{"9", ""}, // the same finding with another value
		{"4", "pass (was fail), 0 critical, 0 high, 0 new, 1 gone"},
	} {
		heard = nil
		write("production/etc/app/app.ini", "[app]\nworkers = "+night.workers+"\n")
		w := World{Args: []string{"staging", "production", "-q"}, Stdout: io.Discard, Stderr: io.Discard, Dir: dir, Now: time.Now, Engines: engines(), Collectors: collectors(),
			LookupEnv: func(name string) (string, bool) {
				return map[string]string{"HOOK": server.URL + "/hook"}[name], name == "HOOK"
			}}
		if status := Run(context.Background(), w); status > exitFinding {
			t.Fatalf("night %d: exit status %d", i, status)
		}
		if got := strings.Join(heard, "\n"); night.want == "" && got != "" || !strings.Contains(got, night.want) {
			t.Errorf("night %d: %q, want %q", i, got, night.want)
		}
	}
}
