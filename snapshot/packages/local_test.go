package packages

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// parse runs the collector on a transport.
func parse(t *testing.T, tr transport.Transport, spec snapshot.RoleSpec) snapshot.Result {
	t.Helper()
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(spec))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r := New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Spec: spec, Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)})
	t.Logf("%d facts in %s", len(r.Facts), time.Since(began))
	return r
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m
}

// This machine's own dpkg is the oracle: the same packages, the same versions, the same modified conffiles.
func TestLocalAgreesWithDpkg(t *testing.T) {
	if _, err := os.Stat("/var/lib/dpkg/status"); err != nil {
		t.Log("this machine has no dpkg; the generated databases cover the rest")
		return
	}
	got := facts(parse(t, transport.Local(), snapshot.RoleSpec{Packages: []string{"deb"}}))
	out, err := exec.Command("dpkg-query", "-W", "-f", `${db:Status-Status} ${Package} ${Version}\n`).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] == "config-files" || f[0] == "not-installed" {
			continue
		}
		name := foldKernel(f[1])
		if name != f[1] {
			continue
		}
		want++
		v, ok := got["package/deb/"+snapshot.Escape(name)+"#version"]
		if !ok || v != f[2] {
			t.Errorf("%s: got %q, dpkg says %q", name, v, f[2])
		}
	}
	if want < 50 {
		t.Errorf("dpkg-query listed %d packages only", want)
	}
	// dpkg --verify reads every file of a package, so it is asked about those that envdiff reports and a dozen others.
	reported, clean := map[string]bool{}, map[string]bool{}
	for a := range got {
		switch parts := strings.Split(a, "/"); {
		case strings.HasPrefix(a, "conffile/deb/"):
			reported[parts[2]] = true
		case strings.HasSuffix(a, "#conffiles") && len(clean) < 12:
			clean[strings.TrimSuffix(parts[2], "#conffiles")] = true
		}
	}
	args := []string{"--verify"}
	maps.Copy(clean, reported)
	for name := range clean {
		args = append(args, snapshot.Unescape(name))
	}
	verify, _ := exec.Command("dpkg", args...).Output() // its status is 1 when anything differs
	differing := map[string]bool{}
	for line := range strings.Lines(string(verify)) {
		if i := strings.Index(line, " c /etc/"); i >= 0 {
			differing[strings.TrimSpace(line[i+3:])] = true
		}
	}
	for a := range got {
		if i := strings.Index(a, "/etc/"); strings.HasPrefix(a, "conffile/") && strings.HasSuffix(a, "#state") {
			path := strings.TrimSuffix(a[i:], "#state")
			if !differing[path] {
				t.Errorf("envdiff reports %s, dpkg --verify does not", path)
			}
			delete(differing, path)
		}
	}
	for path := range differing {
		t.Errorf("dpkg --verify reports %s, envdiff does not", path)
	}
}
