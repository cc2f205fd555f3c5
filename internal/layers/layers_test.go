package layers

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/envdiff/envdiff/"

// forbidden says which rooms a room must not reach, directly or through others.
var forbidden = map[string][]string{
	"internal/finding":    {"internal/", "snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
	"internal/schema":     {"internal/", "snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
	"internal/transport":  {"internal/", "snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
	"internal/keys":       {"internal/", "snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
	"internal/engine":     {"internal/finding", "snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
	"snapshot":            {"compare", "sanitize", "migrations", "ci", "cmd", "internal/engine/"},
	"snapshot/all":        {"compare", "sanitize", "migrations", "ci", "cmd", "internal/engine/"},
	"compare":             {"sanitize", "migrations", "ci", "cmd", "internal/engine/", "snapshot/"},
	"sanitize":            {"compare", "migrations", "ci", "cmd", "internal/engine/", "snapshot/"},
	"migrations":          {"compare", "sanitize", "ci", "cmd", "internal/engine/", "snapshot/"},
	"ci":                  {"compare", "sanitize", "migrations", "cmd", "internal/engine/", "snapshot/"},
	"cmd/config":          {"compare", "sanitize", "migrations", "ci", "internal/engine/", "snapshot/"},
	"internal/strictyaml": {"snapshot", "compare", "sanitize", "migrations", "ci", "cmd"},
}

func TestDependenciesPointOneWay(t *testing.T) {
	for room, walls := range forbidden {
		out, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", module+room).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", room, err)
		}
		for _, dep := range strings.Fields(string(out)) {
			dep, ours := strings.CutPrefix(dep, module)
			if !ours || dep == room {
				continue
			}
			for _, wall := range walls {
				if dep == wall || strings.HasSuffix(wall, "/") && strings.HasPrefix(dep, wall) {
					t.Errorf("%s reaches %s: against the flow", room, dep)
				}
			}
		}
	}
}

// TestOnlyCmdTouchesTheWorld keeps the clock, the environment, the terminal and exit in cmd: everything else is given them. What serves tests
// is left out, and so is the one absolute deadline that a network connection wants.
func TestOnlyCmdTouchesTheWorld(t *testing.T) {
	out, err := exec.Command("git", "grep", "-nE", `\b(os\.Getenv|os\.LookupEnv|time\.Now\(|os\.Exit\(|fmt\.Print(f|ln)?\(|os\.Stdout|os\.Stderr)`, "--",
		":(top)*.go", ":(top,exclude)cmd/*", ":(top,exclude)*_test.go", ":(top,exclude)internal/testservers/*",
		":(top,exclude)internal/engine/enginetest/*", ":(top,exclude)snapshot/snapshottest/*", ":(top,exclude)internal/engine/postgres/cancel.go").Output()
	if err != nil && len(out) == 0 {
		return // git grep exits 1 when it finds nothing
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		t.Errorf("outside of cmd: %s", line)
	}
}
