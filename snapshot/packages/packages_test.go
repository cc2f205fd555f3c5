package packages

import (
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

func sum(content string) string {
	s := md5.Sum([]byte(content))
	return hex.EncodeToString(s[:])
}

// pkg writes a stanza as dpkg does; conffiles are "path md5 flags" lines.
func pkg(name, version, arch, status string, conffiles ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Package: %s\nStatus: %s\nPriority: optional\nMaintainer: Debian <debian@lists.example>\nArchitecture: %s\nVersion: %s\n", name, status, arch, version)
	if len(conffiles) > 0 {
		b.WriteString("Conffiles:\n")
		for _, c := range conffiles {
			b.WriteString(" " + c + "\n")
		}
	}
	b.WriteString("Description: a package\n Continued: this is no field.\n .\n And more.\n\n")
	return b.String()
}

const installed = "install ok installed"

func root(t *testing.T, files map[string]string) transport.Transport {
	t.Helper()
	tr, err := transport.Root(snapshottest.Tree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestDpkgStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		status string
		want   map[string]string // without #arch
		gap    string            // in the one gap's reason, "" for none
	}{
		{"version with epoch", pkg("vim", "2:9.0.1378-2+deb12u2", "amd64", installed), map[string]string{"package/deb/vim#version": "2:9.0.1378-2+deb12u2"}, ""},
		{"a plus in the name stays", pkg("g++", "4:12.2.0-3", "amd64", installed), map[string]string{"package/deb/g++#version": "4:12.2.0-3"}, ""},
		{"held", pkg("nginx", "1.22.1-9", "amd64", "hold ok installed"),
			map[string]string{"package/deb/nginx#version": "1.22.1-9", "package/deb/nginx#status": "held"}, ""},
		{"half-configured and broken", pkg("nginx", "1", "amd64", "install reinstreq half-configured"),
			map[string]string{"package/deb/nginx#version": "1", "package/deb/nginx#status": "reinstreq, half-configured"}, ""},
		{"removed, configuration left", pkg("apache2", "2.4", "amd64", "deinstall ok config-files") + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, ""},
		{"a wish only", "Package: x\nStatus: unknown ok not-installed\n\n" + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, ""},
		{"the same package of two architectures", pkg("a", "1", "amd64", installed) + pkg("b", "1", "amd64", installed) + pkg("libc6", "2.36-9", "i386", installed) + pkg("libc6", "2.36-9", "amd64", installed),
			map[string]string{"package/deb/a#version": "1", "package/deb/b#version": "1", "package/deb/libc6#version": "2.36-9", "package/deb/libc6%3Ai386#version": "2.36-9"}, ""},
		{"kernels are one package, the newest counts", pkg("linux-image-6.1.0-9-amd64", "6.1.27-1", "amd64", installed) + pkg("linux-image-6.1.0-13-amd64", "6.1.55-1", "amd64", installed) +
			pkg("linux-image-amd64", "6.1.55-1", "amd64", installed) + pkg("linux-headers-6.1.0-13-common", "6.1.55-1", "all", installed),
			map[string]string{"package/deb/linux-image-VERSION-amd64#version": "6.1.55-1", "package/deb/linux-image-amd64#version": "6.1.55-1",
				"package/deb/linux-headers-VERSION-common#version": "6.1.55-1"}, ""},
		{"carriage returns", strings.ReplaceAll(pkg("a", "1", "all", installed), "\n", "\r\n"), map[string]string{"package/deb/a#version": "1"}, ""},
		{"no empty line at the end", strings.TrimSuffix(pkg("a", "1", "all", installed), "\n"), map[string]string{"package/deb/a#version": "1"}, ""},

		{"no version", "Package: x\nStatus: install ok installed\n\n" + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, "line 1: package x has no version"},
		{"no status", "Package: x\nVersion: 1\n\n", map[string]string{"package/deb/x#version": "1"}, "line 1: package x has no status"},
		{"no name", "Version: 1\nStatus: install ok installed\n\n" + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, "line 1: a stanza without a package name"},
		{"an impossible name", pkg("../../etc", "1", "all", installed) + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, "an impossible package name"},
		{"an impossible version", pkg("x", "1 \x1b[31m", "all", installed) + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, "package x has an impossible version"},
		{"garbage between packages", pkg("a", "1", "all", installed) + "\x00\xff\x00garbage\n\n" + pkg("b", "2", "all", installed),
			map[string]string{"package/deb/a#version": "1", "package/deb/b#version": "2"}, "line 12: not a field"},
		{"cut in the middle of a line", pkg("a", "1", "all", installed) + "Package: b\nStatus: install ok installed\nVersi", map[string]string{"package/deb/a#version": "1"}, "ends in the middle of a line"},
		{"twice, with two versions", pkg("a", "1", "all", installed) + pkg("a", "2", "all", installed), map[string]string{"package/deb/a#version": "1"}, "package a stands twice"},
		{"twice, alike", pkg("a", "1", "all", installed) + pkg("a", "1", "all", installed), map[string]string{"package/deb/a#version": "1"}, ""},
		{"a field twice", "Package: a\nVersion: 1\nVersion: 2\nStatus: install ok installed\n\n", map[string]string{"package/deb/a#version": "1"}, "stands twice"},
		{"a line of 10 MB", pkg("a", "1", "all", installed) + "Package: b\nStatus: install ok installed\nVersion: 1\nDescription: " + strings.Repeat("x", 10<<20) + "\n\n",
			map[string]string{"package/deb/a#version": "1", "package/deb/b#version": "1"}, ""},
		{"a version of 10 MB", "Package: b\nStatus: install ok installed\nVersion: " + strings.Repeat("1", 10<<20) + "\n\n", map[string]string{}, "too long"},
		{"empty", "", map[string]string{}, "no packages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parse(t, root(t, map[string]string{"var/lib/dpkg/status": c.status}), snapshot.RoleSpec{})
			got := facts(r)
			maps.DeleteFunc(got, func(a, _ string) bool { return strings.HasSuffix(a, "#arch") })
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			reasons := ""
			for _, g := range r.Gaps {
				reasons += g.Reason
			}
			if (c.gap == "") != (len(r.Gaps) == 0) || len(r.Gaps) > 1 || !strings.Contains(reasons, c.gap) {
				t.Errorf("gaps: %+v", r.Gaps)
			}
		})
	}
}

// However a status file is cut, a package that was not read is never reported as absent: a gap says so, or the cut left
// whole stanzas, which nobody can tell from a smaller system.
func TestATruncatedStatusFileIsNeverSilentlyFewerPackages(t *testing.T) {
	whole := pkg("alpha", "1", "all", installed) + pkg("beta", "2", "all", installed, "/etc/beta "+sum("x")) + pkg("gamma", "3", "all", installed)
	for cut := range len(whole) {
		r := New().Parse(snapshot.Input{Scope: "web", Redact: snapshot.NewRedactor(keys.New(), nil),
			Sections: transport.Sections{"dpkg": {Files: []transport.File{{Path: "/var/lib/dpkg/status", Body: []byte(whole[:cut])}}}}})
		atStanza := cut == 0 || strings.HasSuffix(whole[:cut], "\n\n")
		atLine := cut > 0 && whole[cut-1] == '\n'
		complete := strings.Contains(whole[:cut], "Version: 3") || !strings.Contains(whole[:cut], "gamma")
		if len(r.Gaps) == 0 && !atStanza && !(atLine && complete) {
			t.Fatalf("cut at %d, no gap:\n%s", cut, whole[:cut])
		}
	}
}

func TestKernelNames(t *testing.T) {
	for name, want := range map[string]string{
		"linux-image-6.1.0-13-amd64":                 "linux-image-VERSION-amd64",
		"linux-image-6.1.0-13-cloud-amd64":           "linux-image-VERSION-cloud-amd64",
		"linux-image-6.1.0-0.deb11.13-amd64":         "linux-image-VERSION-amd64",
		"linux-image-6.12.9+bpo-amd64":               "linux-image-VERSION-amd64",
		"linux-image-6.12.57+deb13-amd64":            "linux-image-VERSION-amd64",
		"linux-image-5.15.0-91-generic":              "linux-image-VERSION-generic",
		"linux-image-unsigned-5.15.0-91-generic":     "linux-image-unsigned-VERSION-generic",
		"linux-headers-5.15.0-91":                    "linux-headers-VERSION",
		"linux-headers-6.1.0-13-686-pae":             "linux-headers-VERSION-686-pae",
		"linux-modules-extra-5.15.0-1051-aws":        "linux-modules-extra-VERSION-aws",
		"linux-modules-nvidia-535-5.15.0-91-generic": "linux-modules-nvidia-535-VERSION-generic",
		"linux-kbuild-6.1":                           "linux-kbuild-VERSION",
		"pve-kernel-6.2.16-3-pve":                    "pve-kernel-VERSION-pve",
		"linux-image-amd64":                          "linux-image-amd64",
		"linux-libc-dev":                             "linux-libc-dev",
		"linux-compiler-gcc-12-x86":                  "linux-compiler-gcc-12-x86",
		"postgresql-15":                              "postgresql-15",
		"php8.2-fpm":                                 "php8.2-fpm",
	} {
		if got := foldKernel(name); got != want {
			t.Errorf("foldKernel(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestConffiles(t *testing.T) {
	status := pkg("nginx", "1.22.1-9", "amd64", installed,
		"/etc/nginx/nginx.conf "+sum("as delivered"), "/etc/nginx/mime.types "+sum("mime"), "/etc/nginx/gone.conf "+sum("gone"),
		"/etc/nginx/old.conf "+sum("old")+" obsolete", "/etc/nginx/new.conf newconffile", "/etc/nginx/with blank.conf "+sum("blank"),
		"/usr/share/nginx/odd.conf "+sum("odd"), "/etc/cron.d/nginx "+sum("cron"), "/etc/linked/x.conf "+sum("x")) +
		pkg("escape", "1", "all", installed, "/etc/with#hash%.conf "+sum("delivered"))
	r := parse(t, root(t, map[string]string{
		"var/lib/dpkg/status": status, "etc/nginx/nginx.conf": "changed", "etc/nginx/mime.types": "mime", "etc/nginx/old.conf": "changed",
		"etc/nginx/with blank.conf": "changed", "etc/cron.d/nginx": "changed", "etc/linked": "-> /srv/linked", "srv/linked/x.conf": "changed",
		"etc/with#hash%.conf": "changed",
	}), snapshot.RoleSpec{})
	got := facts(r)
	want := map[string]string{
		"conffile/deb/nginx/etc/nginx/nginx.conf#state":      "modified",
		"conffile/deb/nginx/etc/nginx/gone.conf#state":       "missing",
		"conffile/deb/nginx/etc/nginx/with blank.conf#state": "modified",
		"conffile/deb/escape/etc/with%23hash%25.conf#state":  "modified",
	}
	states := maps.Clone(got)
	maps.DeleteFunc(states, func(a, _ string) bool { return !strings.HasPrefix(a, "conffile/") || strings.HasSuffix(a, "#digest") })
	if d := cmp.Diff(want, states); d != "" {
		t.Error(d)
	}
	if owned := got["package/deb/escape#conffiles"]; owned != "[etc/with%23hash%25.conf]" {
		t.Errorf("owned names are not those of config objects: %s", owned)
	}
	if owned := got["package/deb/nginx#conffiles"]; strings.Contains(owned, "old.conf") || !strings.Contains(owned, "etc/cron.d/nginx") {
		t.Errorf("conffiles: %s", owned)
	}
	var notes []string
	for _, n := range r.Notes {
		notes = append(notes, fmt.Sprintf("%s: %d", n.Kind, n.Count))
	}
	if d := cmp.Diff([]string{"conffiles that are not looked at: 1", "conffiles that could not be read: 1"}, notes); d != "" {
		t.Error(d)
	}
}

func TestOtherDatabases(t *testing.T) {
	distroless := map[string]string{
		"var/lib/dpkg/status.d/base":         "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
		"var/lib/dpkg/status.d/base.md5sums": "d41d8cd98f00b204e9800998ecf8427e  etc/x\n",
	}
	apk := map[string]string{"lib/apk/db/installed": "C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld.so\n\nP:zlib\nV:1.3.1-r0\n\n"}
	for _, c := range []struct {
		name  string
		files map[string]string
		spec  []string
		want  map[string]string
		gap   string
		note  string
	}{
		{"distroless", distroless, nil, map[string]string{"package/deb/base-files#version": "12.4", "package/deb/base-files#arch": "amd64"}, "", "conffiles"},
		{"alpine", apk, nil, map[string]string{"package/apk/musl#version": "1.2.4-r2", "package/apk/musl#arch": "x86_64", "package/apk/zlib#version": "1.3.1-r0"}, "", ""},
		{"alpine, cut", map[string]string{"lib/apk/db/installed": "P:musl\nV:1.2\n\nP:zl"}, nil, map[string]string{"package/apk/musl#version": "1.2"}, "package zl has no version", ""},
		{"rpm in a tree", map[string]string{"var/lib/rpm/rpmdb.sqlite": rpmSQLite(t), "var/lib/rpm/rpmdb.sqlite-wal": ""}, nil, rpmInstalled, "", ""},
		{"rpm in a tree, cut", map[string]string{"var/lib/rpm/rpmdb.sqlite": rpmSQLite(t)[:10000]}, nil, map[string]string{}, "rpmdb.sqlite could not be read: it is damaged", ""},
		{"no rpm database in a tree", map[string]string{"var/lib/rpm/Packages": "PK"}, nil, map[string]string{}, "Packages is in a format that is not known", ""},
		{"nothing, nothing named", map[string]string{"etc/x": ""}, nil, map[string]string{}, "", "packages"},
		{"nothing, deb named", map[string]string{"etc/x": ""}, []string{"deb"}, map[string]string{}, "no package database was found", ""},
		{"only what is named is read", apk, []string{"deb", "pip"}, map[string]string{}, "no package database was found", "packages of programming languages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parse(t, root(t, c.files), snapshot.RoleSpec{Packages: c.spec})
			if d := cmp.Diff(c.want, facts(r)); d != "" {
				t.Error(d)
			}
			if (c.gap == "") != (len(r.Gaps) == 0) || c.gap != "" && !strings.Contains(r.Gaps[0].Reason, c.gap) {
				t.Errorf("gaps %+v", r.Gaps)
			}
			if !slices.ContainsFunc(r.Notes, func(n snapshot.Note) bool { return n.Kind == c.note }) && c.note != "" || c.note == "" && len(r.Notes) > 0 {
				t.Errorf("notes %+v", r.Notes)
			}
			if len(c.want) == 0 && slices.ContainsFunc(r.Looked, func(g string) bool { return strings.Contains("deb rpm apk", strings.Split(g, "/")[1]) }) || r.Looked == nil {
				t.Errorf("looked at %q", r.Looked)
			}
		})
	}
}

// rpmSQLite is a database that rpm 4.18 made: bash, bind, and two kernels. rpmInstalled is what rpm -qa says of it.
func rpmSQLite(t testing.TB) string {
	t.Helper()
	f, err := os.Open("testdata/rpmdb.sqlite.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var rpmInstalled = map[string]string{"package/rpm/bash#version": "5.1.8-6.el9", "package/rpm/kernel#version": "5.14.0-70.el9", "package/rpm/bind#version": "32:9.16.23-11.el9",
	"package/rpm/bash#arch": "noarch", "package/rpm/kernel#arch": "noarch", "package/rpm/bind#arch": "noarch"}

// Where rpm cannot be asked as nobody, a host prints the database itself, and its log behind it.
func TestRpmDatabaseInAnAnswer(t *testing.T) {
	database := rpmSQLite(t)
	for output, gap := range map[string]string{
		fmt.Sprintf("= %d 0\n%s", len(database), database): "", fmt.Sprintf("= %d 9\n%s", len(database), database[:500]): "was not answered whole",
		"= x\n": "was not answered whole", fmt.Sprintf("= %d 0\n%s", 1000, database[:1000]): "it is damaged",
	} {
		r := New().Parse(snapshot.Input{Scope: "web", Redact: snapshot.NewRedactor(keys.New(), nil), Sections: transport.Sections{"rpm": {Output: []byte(output)},
			"rpmdb": {Files: []transport.File{{Path: "/var/lib/rpm/rpmdb.sqlite"}}}}})
		if gap == "" {
			if d := cmp.Diff(rpmInstalled, facts(r)); d != "" || len(r.Gaps) > 0 {
				t.Error(d, r.Gaps)
			}
		} else if len(r.Facts) > 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, gap) {
			t.Errorf("%s: %+v", gap, r)
		}
	}
}

// aptAnswer is what apt 2.6 prints, of a host with packages of two archives, of one that is there no more, and of another architecture.
const aptAnswer = `Package files:
 100 /var/lib/dpkg/status
     release a=now
 500 http://nginx.org/packages/debian bookworm/nginx amd64 Packages
     release o=nginx,a=stable,n=bookworm,l=nginx,c=nginx,b=amd64
     origin nginx.org
 500 http://deb.debian.org/debian bookworm/main i386 Packages
     release v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=i386
     origin deb.debian.org
 500 http://deb.debian.org/debian bookworm/main amd64 Packages
     release v=12.15,o=Debian,a=oldstable,n=bookworm,l=Debian,c=main,b=amd64
     origin deb.debian.org
Pinned packages:
=
nginx:
  Installed: 1.26.0-1~bookworm
  Candidate: 1.26.0-1~bookworm
  Version table:
 *** 1.26.0-1~bookworm 500
        500 http://nginx.org/packages/debian bookworm/nginx amd64 Packages
        100 /var/lib/dpkg/status
     1.22.1-9 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
gone:
  Installed: 1.0
  Candidate: 1.1
  Version table:
     1.1 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
 *** 1.0 100
        100 /var/lib/dpkg/status
libc6:i386:
  Installed: 2.36-9
  Candidate: 2.36-9
  Version table:
 *** 2.36-9 500
        500 http://deb.debian.org/debian bookworm/main i386 Packages
        100 /var/lib/dpkg/status
=
`

func TestOrigins(t *testing.T) {
	status := pkg("nginx", "1.26.0-1~bookworm", "amd64", installed) + pkg("gone", "1.0", "amd64", installed) + pkg("libc6", "2.36-9", "i386", installed)
	ss, err := root(t, map[string]string{"var/lib/dpkg/status": status}).Fetch(t.Context(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]map[string]string{
		aptAnswer: {"package/deb/nginx#origin": "nginx", "package/deb/libc6%3Ai386#origin": "Debian"}, aptAnswer[:len(aptAnswer)-3]: {}, "": {},
	} {
		ss["origins"] = transport.Section{Output: []byte(answer)}
		got := facts(New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}))
		maps.DeleteFunc(got, func(a, _ string) bool { return !strings.HasSuffix(a, "#origin") })
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

// rpmAnswer is what rpm -qa prints in rpmScript's format.
var rpmAnswer = transport.Section{Output: []byte("bash\t0\t5.1.8-6.el9\tx86_64\nkernel\t0\t5.14.0-1.el9\tx86_64\nkernel\t0\t5.14.0-70.el9\tx86_64\n" +
	"bind\t32\t9.16.23-11.el9\tx86_64\ngpg-pubkey\t0\t8483c65d-5ccc5b19\t(none)\n")}

func TestRpmAnswer(t *testing.T) {
	fx := root(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": "x"})
	ss, err := fx.Fetch(t.Context(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	ss["rpm"] = rpmAnswer
	got := facts(New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}))
	want := map[string]string{"package/rpm/bash#version": "5.1.8-6.el9", "package/rpm/kernel#version": "5.14.0-70.el9", "package/rpm/bind#version": "32:9.16.23-11.el9"}
	maps.DeleteFunc(got, func(a, _ string) bool { return strings.HasSuffix(a, "#arch") })
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	status := pkg("nginx", "1.22.1-9", "amd64", installed, "/etc/nginx/nginx.conf "+sum("a"), "/etc/nginx/gone "+sum("b")) +
		pkg("libc6", "2.36-9", "amd64", installed) + pkg("libc6", "2.36-9", "i386", installed) +
		pkg("linux-image-6.1.0-9-amd64", "6.1.27-1", "amd64", "hold ok installed") + pkg("apache2", "2.4", "amd64", "deinstall ok config-files")
	whole := application()
	whole["var/lib/dpkg/status"] = status
	return []snapshottest.Fixture{
		{Name: "debian", Tree: snapshottest.Tree(t, map[string]string{"var/lib/dpkg/status": status, "etc/nginx/nginx.conf": "changed", "etc/other": "-> nginx"}), Answers: map[string]transport.Section{"origins": {Output: []byte(aptAnswer)}}},
		{Name: "distroless", Tree: snapshottest.Tree(t, map[string]string{"var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n",
			"var/lib/dpkg/status.d/tz": "Package: tzdata\nVersion: 2024a\nArchitecture: all\n"})},
		{Name: "alpine", Tree: snapshottest.Tree(t, map[string]string{"lib/apk/db/installed": "P:musl\nV:1.2.4-r2\nA:x86_64\n\nP:zlib\nV:1.3\n\n"})},
		{Name: "lists", Tree: snapshottest.Tree(t, map[string]string{"var/lib/dpkg/status": status, "srv/a.json": cyclone, "srv/b.spdx": spdxTag}),
			Spec: snapshot.RoleSpec{SBOM: []string{"/srv/a.json", "/srv/b.spdx"}}},
		{Name: "applications", Tree: snapshottest.Tree(t, whole), Answers: map[string]transport.Section{"applications": search(t, application())}},
		{Name: "applications of a tree", Tree: snapshottest.Tree(t, whole)},
		{Name: "rpm", Tree: snapshottest.Tree(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": "x"}), Answers: map[string]transport.Section{"rpm": rpmAnswer}},
		{Name: "rpm of a tree", Tree: snapshottest.Tree(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": rpmSQLite(t)})},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }

// 200 hosts are captured at once: a host of 750 packages with 300 conffiles must cost milliseconds.
func TestAHostParsesQuickly(t *testing.T) {
	var status strings.Builder
	files := make([]transport.File, 0, 400)
	for i := range 750 {
		var conf []string
		if i < 150 {
			for j := range 2 {
				path := fmt.Sprintf("/etc/p%d/c%d.conf", i, j)
				conf = append(conf, path+" "+sum(path))
				files = append(files, transport.File{Path: path, Digest: sum(path)})
			}
		}
		status.WriteString(pkg(fmt.Sprintf("package-%d", i), "1:2.3-4+deb12u1", "amd64", installed, conf...))
	}
	in := snapshot.Input{Scope: "web", Redact: snapshot.NewRedactor(keys.New(), nil), Sections: transport.Sections{
		"dpkg":      {Files: []transport.File{{Path: "/var/lib/dpkg/status", Body: []byte(status.String())}}},
		"conffiles": {Files: files},
	}}
	best := time.Hour
	for range 5 {
		began := time.Now()
		if r := New().Parse(in); len(r.Facts) != 750*2+150 || len(r.Gaps) > 0 {
			t.Fatalf("%d facts, gaps %v", len(r.Facts), r.Gaps)
		}
		best = min(best, time.Since(began))
	}
	if best > 100*time.Millisecond {
		t.Errorf("the best of five parses took %s", best)
	}
}
