package layers

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/envdiff/envdiff/"

// rooms says what the packages of each room may import of this module; patterns are path.Match's. It is the table of
// ARCHITECTURE.md. What only serves tests may import what it likes of the rooms below it.
var rooms = map[string][]string{
	"cmd/envdiff": {"cmd"},
	"cmd": {"cmd/config", "ci", "compare", "sanitize", "migrations", "snapshot", "snapshot/all", "internal/*", "internal/engine/*",
		"testdata/worlds"},
	"cmd/config": {"snapshot", "internal/engine", "internal/fetch", "internal/finding", "internal/inventory", "internal/objectstore", "internal/spelling", "internal/strictyaml", "internal/transport"},

	"snapshot":     {"internal/atomicfile", "internal/engine", "internal/finding", "internal/keys", "internal/objectstore", "internal/schema", "internal/transport"},
	"snapshot/all": {"snapshot", "snapshot/*"},
	"snapshot/*": {"snapshot", "internal/engine", "internal/finding", "internal/keys", "internal/mmm", "internal/rpmdb", "internal/schema",
		"internal/transport"},
	"snapshot/endpoint": {"snapshot", "snapshot/config", "internal/finding"},
	"compare":           {"snapshot", "internal/finding", "internal/keys", "internal/spelling"},
	"sanitize":          {"snapshot", "internal/engine", "internal/finding", "internal/keys", "internal/schema", "internal/spelling", "internal/strictyaml"},
	"migrations":        {"snapshot", "internal/engine", "internal/finding", "internal/schema"},
	"ci":                {"snapshot", "internal/atomicfile", "internal/finding", "internal/spelling", "internal/strictyaml"},

	"internal/engine":      {"internal/schema"},
	"internal/engine/*":    {"internal/engine", "internal/schema"},
	"internal/strictyaml":  {"internal/spelling"},
	"internal/throwaway":   {"internal/engine"},
	"internal/testservers": {"internal/throwaway"},
	"internal/*":           nil,
	"testdata/worlds":      nil,

	// Packages that hold tests alone; they have real servers to themselves.
	"*/on*":       nil,
	"cmd/blowups": nil,
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		allowed, ok := roomOf(pkg)
		if !ok {
			t.Errorf("%s is in no room: give it a line here and in ARCHITECTURE.md", pkg)
		}
		for _, imported := range fields[1:] {
			if imported, ours := strings.CutPrefix(imported, module); ours && !slices.ContainsFunc(allowed, func(p string) bool { return matches(p, imported) }) {
				t.Errorf("%s imports %s: against the flow", pkg, imported)
			}
		}
	}
}

// roomOf finds the line of a package: its own, or the most telling pattern that it matches.
func roomOf(pkg string) ([]string, bool) {
	if allowed, ok := rooms[pkg]; ok {
		return allowed, true
	}
	best := ""
	for pattern := range rooms {
		if matches(pattern, pkg) && len(pattern) > len(best) {
			best = pattern
		}
	}
	return rooms[best], best != ""
}

func matches(pattern, pkg string) bool {
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}

// TestArchitectureNamesEveryRoom holds the table of ARCHITECTURE.md to the folders.
func TestArchitectureNamesEveryRoom(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"../..", "../../internal", "../../internal/engine", "../../cmd"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := e.Name()
			if !e.IsDir() || strings.HasPrefix(name, ".") || name == "bin" || name == "dist" || name == "testdata" && dir != "../.." {
				continue
			}
			if !strings.Contains(string(text), name) {
				t.Errorf("ARCHITECTURE.md says nothing of %s", strings.TrimPrefix(path.Join(dir, name), "../../"))
			}
		}
	}
}

// TestOnlyCmdTouchesTheWorld keeps the clock, the environment, the terminal and exit in cmd: everything else is given
// them. What serves tests is left out, and so is the one absolute deadline that a network connection wants.
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
