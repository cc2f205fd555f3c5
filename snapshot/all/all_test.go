package all

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

// A folder that has a collector and no line in Collectors would be dead code that looks alive.
func TestEveryCollectorIsRegistered(t *testing.T) {
	source, err := os.ReadFile("all.go")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range folders {
		if !f.IsDir() || f.Name() == "snapshottest" || !collects(t, filepath.Join("..", f.Name())) {
			continue
		}
		found++
		if !strings.Contains(string(source), f.Name()+".New()") {
			t.Errorf("snapshot/%s has a collector that all.go does not name", f.Name())
		}
	}
	if found < 5 {
		t.Errorf("only %d folders with collectors were found", found)
	}
}

// collects reports whether a package has a type with the Parse of a host collector
// or the Collect of a database collector.
func collects(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv != nil && (fn.Name.Name == "Parse" || fn.Name.Name == "Collect") && returnsResult(fn) {
				return true
			}
		}
	}
	return false
}

func returnsResult(fn *ast.FuncDecl) bool {
	if fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
		return false
	}
	sel, ok := fn.Type.Results.List[0].Type.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Result"
}

func TestNamesAndKindsAreUnique(t *testing.T) {
	r := Collectors()
	var names, patterns []string
	for _, c := range r.Hosts {
		names = append(names, c.Name())
	}
	for _, c := range r.Databases {
		names = append(names, c.Name())
	}
	for _, k := range r.Kinds() {
		if slices.Contains(patterns, k.Pattern) {
			t.Errorf("kind %s is declared by two collectors", k.Pattern)
		}
		patterns = append(patterns, k.Pattern)
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			t.Errorf("two collectors are called %s", n)
		}
	}
}

// The host collectors together give each address once: a file that two of them read is told by one.
func TestHostCollectorsDoNotTellTheSameTwice(t *testing.T) {
	tree := snapshottest.Tree(t, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/os-release": "ID=debian\n", "etc/sysctl.d/9.conf": "vm.swappiness=1\n", "etc/cron.d/job": "* * * * * root true\n",
		"etc/systemd/system/shop.service":                         "[Service]\nExecStart=/x\n",
		"etc/systemd/system/multi-user.target.wants/shop.service": "-> ../shop.service",
		"var/lib/dpkg/status": "Package: shop\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/sysctl.d/9.conf 00000000000000000000000000000000\n" +
			" /etc/cron.d/job 00000000000000000000000000000000\n\n",
	})
	for _, spec := range []snapshot.RoleSpec{{}, {Config: []string{"/etc/**"}}} {
		seen := map[snapshot.Address]string{}
		var files []string
		for _, c := range Collectors().Hosts {
			for _, f := range snapshottest.Parse(t, c, snapshottest.Fixture{Tree: tree, Spec: spec}).Facts {
				if other := seen[f.Address]; other != "" {
					t.Errorf("%s is given by %s and by %s", f.Address, other, c.Name())
				}
				seen[f.Address] = c.Name()
				file, _, _ := strings.Cut(f.Origin, ":")
				files = append(files, file+" by "+c.Name())
			}
		}
		captured := slices.Contains(files, "/etc/sysctl.d/9.conf by config")
		if len(spec.Config) > 0 != captured {
			t.Errorf("config captured sysctl.d: %v, with the globs %q", captured, spec.Config)
		}
		for _, file := range []string{"/etc/sysctl.d/9.conf", "/etc/cron.d/job", "/etc/systemd/system/shop.service"} {
			tellers := 0
			for _, c := range []string{"host", "packages", "config", "service"} {
				if slices.Contains(files, file+" by "+c) {
					tellers++
				}
			}
			if tellers != 1 {
				t.Errorf("%s is told by %d collectors with the globs %q: %q", file, tellers, spec.Config, files)
			}
		}
	}
}
