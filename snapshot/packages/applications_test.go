package packages

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
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

// application is what lies on a host beside the distribution's packages.
func application() map[string]string {
	const current = "srv/shop/releases/20261101/"
	return map[string]string{
		"usr/local/lib/python3.11/dist-packages/PyYAML-6.0.1.dist-info/METADATA": "",
		"usr/local/lib/python3.11/dist-packages/old_tool-1.2-py3.11.egg-info":    "",
		"opt/venv/pyvenv.cfg": "", "opt/venv/lib/python3.11/site-packages/requests-2.31.0.dist-info/METADATA": "",
		"usr/lib/node_modules/npm/package.json":      "{\n  \"name\": \"npm\",\n  \"version\": \"10.0.0\"\n}\n",
		"usr/lib/node_modules/@vue/cli/package.json": "{\n  \"name\": \"@vue/cli\",\n  \"version\": \"5.0.8\"\n}\n",
		"srv/shop/current":                           "-> releases/20261101",
		current + "node_modules/.package-lock.json": "{\n  \"name\": \"shop\",\n  \"packages\": {\n    \"node_modules/express\": {\n      \"version\": \"4.18.2\",\n      \"dependencies\": {\n        \"version\": \"^9\"\n      }\n    },\n" +
			"    \"node_modules/a/node_modules/ms\": {\n      \"version\": \"2.0.0\"\n    },\n    \"node_modules/ms\": {\n      \"version\": \"2.1.3\"\n    }\n  }\n}\n",
		current + "node_modules/express/package.json":                "{}",
		"srv/shop/releases/20261001/node_modules/.package-lock.json": "{\n    \"node_modules/left-behind\": {\n      \"version\": \"1.0.0\",\n",
		"var/lib/gems/3.1.0/gems/x":                                  "", "var/lib/gems/3.1.0/specifications/rack-2.2.7.gemspec": "", "var/lib/gems/3.1.0/specifications/rack-3.0.8.gemspec": "",
		"var/lib/gems/3.1.0/specifications/nokogiri-1.15.0-x86_64-linux.gemspec": "", "var/lib/gems/3.1.0/specifications/net-smtp-0.3.3.gemspec": "",
		"opt/tomcat/lib/commons-lang3-3.12.0.jar": "", "opt/tomcat/lib/bootstrap.jar": "",
	}
}

// roots are the directories that the program searches, as it names them.
const roots = "/opt /srv /var/www /u/apps /usr/local /usr/lib/node_modules /var/lib/gems"

// search runs the program on a directory tree, by the tools of this machine.
func search(t testing.TB, files map[string]string) transport.Section {
	t.Helper()
	root := snapshottest.Tree(t, files)
	script := findApplications
	for _, list := range []string{roots, "/opt /srv /var/www /u/apps /home"} {
		if !strings.Contains(script, list) {
			t.Fatalf("the program does not search %s", list)
		}
		script = strings.Replace(script, list, root+strings.ReplaceAll(list, " ", " "+root), 1)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return transport.Section{Output: bytes.ReplaceAll(out, []byte(root), nil)}
}

func applicationFacts(spec snapshot.RoleSpec, ss transport.Sections) (map[string]string, snapshot.Result) {
	r := New().Parse(snapshot.Input{Scope: "web", Spec: spec, Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)})
	return facts(r), r
}

func TestPackagesOfProgrammingLanguages(t *testing.T) {
	got, r := applicationFacts(snapshot.RoleSpec{}, transport.Sections{"applications": search(t, application())})
	want := map[string]string{
		"package/pip/pyyaml#version": "6.0.1", "package/pip/old-tool#version": "1.2", "package/pip/opt/venv/requests#version": "2.31.0",
		"package/npm/@vue/cli#version": "5.0.8", "package/npm/srv/shop/current/express#version": "4.18.2", "package/npm/srv/shop/current/ms#version": "[2.0.0, 2.1.3]",
		"package/gem/rack#version": "[2.2.7, 3.0.8]", "package/gem/nokogiri#version": "1.15.0", "package/gem/net-smtp#version": "0.3.3",
		"package/jar/opt/tomcat/lib/commons-lang3#version": "3.12.0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !snapshot.MatchAny(r.Looked, "package/npm/x#version") {
		t.Errorf("looked %q", r.Looked)
	}
	only, _ := applicationFacts(snapshot.RoleSpec{Packages: []string{"gem"}}, transport.Sections{"applications": search(t, application())})
	if len(only) != 3 {
		t.Errorf("gems alone: %v", only)
	}
}

// What only has its name, a workspace, is searched.
func TestOfGosToolchainNoSourceIsSearched(t *testing.T) {
	got, _ := applicationFacts(snapshot.RoleSpec{}, transport.Sections{"applications": search(t, map[string]string{
		"usr/local/go/VERSION": "go1.26", "usr/local/go/src/net/a-1.0.jar": "", "usr/local/go/test/b-1.0.jar": "",
		"opt/go/src/shop/c-1.0.jar": "",
	})})
	if d := cmp.Diff(map[string]string{"package/jar/opt/go/src/shop/c#version": "1.0"}, got); d != "" {
		t.Error(d)
	}
}

// A directory tree tells the same as the host whose tree it is.
func TestATreeTellsTheSame(t *testing.T) {
	files := application()
	maps.Copy(files, map[string]string{"opt/venv/lib/python3.11/site-packages/pyspark/jars/a-1.0.jar": "", "home/deploy/app/current": "-> releases/7", "home/deploy/app/releases/7/node_modules/@x/y/package.json": "{\n  \"version\": \"1.0.0\"\n}\n"})
	want, _ := applicationFacts(snapshot.RoleSpec{}, transport.Sections{"applications": search(t, files)})
	r := parse(t, root(t, files), snapshot.RoleSpec{})
	got := facts(r)
	if d := cmp.Diff(want, got); d != "" || len(want) < 10 {
		t.Error(d)
	}
	for _, eco := range applicationEcosystems {
		if !snapshot.MatchAny(r.Looked, "package/"+eco+"/x#version") {
			t.Errorf("%s: looked %q", eco, r.Looked)
		}
	}
	if only := facts(parse(t, root(t, files), snapshot.RoleSpec{Packages: []string{"gem"}})); len(only) != 3 {
		t.Errorf("gems alone: %v", only)
	}
}

// A host that could not be searched as a whole does not vouch for what was not found.
func TestAHostThatCannotBeSearched(t *testing.T) {
	for name, s := range map[string]transport.Section{
		"no tools": {Status: 3}, "too much": {Output: []byte("jar\t/opt/x-1.0.jar\ncut\t/\n")}, "too slow": {Problem: transport.Failed},
	} {
		got, r := applicationFacts(snapshot.RoleSpec{}, transport.Sections{"applications": s})
		if len(got)+len(r.Gaps) > 0 || snapshot.MatchAny(r.Looked, "package/pip/x#version") || !slices.ContainsFunc(r.Notes, func(n snapshot.Note) bool { return n.Kind == "packages of programming languages" }) {
			t.Errorf("%s: %v %+v", name, got, r)
		}
		if _, r := applicationFacts(snapshot.RoleSpec{Packages: []string{"pip"}}, transport.Sections{"applications": s}); !slices.ContainsFunc(r.Gaps, func(g snapshot.Gap) bool { return slices.Contains(g.Covers, "package/pip/*") }) {
			t.Errorf("%s, and pip is named: %+v", name, r.Gaps)
		}
	}
}

// A real pip, gem or npm is not needed: what they write is above. Go is here, and its own account of a program is the oracle.
func TestProgramsOfGo(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module shop.example/api\n\ngo 1.24\n", "main.go": "package main\n\nimport \"net/http\"\n\nfunc main() { _ = http.ListenAndServe(\"\", nil) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "api")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	script := strings.Replace(findApplications, roots, dir, 1)
	shell := exec.Command("sh", "-c", script)
	shell.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	out, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := applicationFacts(snapshot.RoleSpec{Packages: []string{"go"}}, transport.Sections{"applications": {Output: out}})
	version, err := exec.Command("go", "version", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"#version": "(devel)", "#module": "shop.example/api", "#go": strings.TrimSpace(string(version[strings.LastIndexByte(string(version), ' '):]))}
	for attribute, value := range want {
		if a := "package/go" + program + attribute; got[a] != value {
			t.Errorf("%s is %q, go version says %q\n%v", a, got[a], value, got)
		}
	}
	tree := filepath.Join(dir, "tree")
	if err := os.MkdirAll(filepath.Join(tree, "opt"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program, filepath.Join(tree, "opt/api")); err != nil {
		t.Fatal(err)
	}
	tr, err := transport.Root(tree)
	if err != nil {
		t.Fatal(err)
	}
	inTree := facts(parse(t, tr, snapshot.RoleSpec{Packages: []string{"go"}}))
	for a, value := range got {
		if a = strings.Replace(a, program, "/opt/api", 1); inTree[a] != value {
			t.Errorf("in a tree %s is %q, not %q", a, inTree[a], value)
		}
	}
}

const cyclone = `{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
 {"type": "library", "name": "express", "version": "4.18.2", "purl": "pkg:npm/express@4.18.2"},
 {"type": "library", "name": "core", "version": "7.0", "purl": "pkg:npm/%40babel/core@7.0.0"},
 {"type": "library", "name": "openssl", "purl": "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64"},
 {"type": "library", "name": "bash", "purl": "pkg:rpm/centos/bind@9.16.23-11.el9?arch=x86_64&epoch=32"},
 {"type": "library", "name": "Django", "purl": "pkg:pypi/Django_Rest@3.14", "components": [{"type": "library", "name": "x", "purl": "pkg:golang/github.com/a/b@v1.2.3"}]},
 {"type": "library", "name": "log4j", "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.17.1"}, {"type": "library", "name": "nameless"}, {"type": "file", "name": "x"}]}`

const cycloneXML = `<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1"><components><component type="library"><name>rack</name><version>2.2.7</version><purl>pkg:gem/rack@2.2.7</purl></component></components></bom>`

const spdxTag = "SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\nDocumentNamespace: http://x.example/1\nCreator: Tool: x\nCreated: 2026-11-01T00:00:00Z\n\n" +
	"PackageName: musl\nSPDXID: SPDXRef-Package-1\nPackageVersion: 1.2.4-r2\nPackageDownloadLocation: NOASSERTION\nExternalRef: PACKAGE-MANAGER purl pkg:apk/alpine/musl@1.2.4-r2\n"

const spdxJSON = `{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "x", "documentNamespace": "http://x.example/1",
 "creationInfo": {"created": "2026-11-01T00:00:00Z", "creators": ["Tool: x"]},
 "packages": [{"name": "zlib", "SPDXID": "SPDXRef-1", "downloadLocation": "NOASSERTION", "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:apk/alpine/zlib@1.3.1-r0"}]}]}`

func TestListsOfPackages(t *testing.T) {
	lists := map[string]string{"srv/a.cdx.json": cyclone, "srv/b.cdx.xml": cycloneXML, "srv/c.spdx": spdxTag, "srv/d.spdx.json": spdxJSON}
	files := maps.Clone(lists)
	files["var/lib/dpkg/status"] = pkg("openssl", "3.0.13-1", "amd64", installed)
	r := parse(t, root(t, files), snapshot.RoleSpec{SBOM: []string{"/srv/*.cdx.*", "/srv/*.spdx*"}})
	got := facts(r)
	maps.DeleteFunc(got, func(a, _ string) bool { return strings.HasSuffix(a, "#arch") })
	want := map[string]string{
		"package/deb/openssl#version": "3.0.13-1", // the host's own database counts, not the list
		"package/npm/express#version": "4.18.2", "package/npm/@babel/core#version": "7.0.0", "package/rpm/bind#version": "32:9.16.23-11.el9", "package/pip/django-rest#version": "3.14",
		"package/go/github.com/a/b#version": "v1.2.3", "package/jar/log4j-core#version": "2.17.1", "package/gem/rack#version": "2.2.7",
		"package/apk/musl#version": "1.2.4-r2", "package/apk/zlib#version": "1.3.1-r0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(r.Gaps) > 0 {
		t.Errorf("gaps %+v", r.Gaps)
	}
}

// A text without end in a list costs no time.
func TestALongTextInAList(t *testing.T) {
	long := spdxTag + "PackageComment: <text>" + strings.Repeat("A\n", 5_000_000) + "</text>\n"
	began := time.Now()
	purls, _, err := readSBOM(transport.File{Body: []byte(long)})
	if took := time.Since(began); err != nil || len(purls) != 1 || took > 10*time.Second {
		t.Errorf("%d packages (%v) after %s", len(purls), err, took)
	}
}

func TestAListThatCannotBeReadIsAGap(t *testing.T) {
	for name, text := range map[string]string{"no list": "hello", "cut": cyclone[:200], "another JSON": "{}", "cut XML": cycloneXML[:120], "cut SPDX": spdxJSON[:200], "empty": ""} {
		r := parse(t, root(t, map[string]string{"srv/x.json": text, "var/lib/dpkg/status": pkg("a", "1", "all", installed)}), snapshot.RoleSpec{SBOM: []string{"/srv/x.json"}})
		if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "/srv/x.json could not be read as a list of packages") {
			t.Errorf("%s: %+v", name, r.Gaps)
		}
	}
	r := parse(t, root(t, map[string]string{"var/lib/dpkg/status": pkg("a", "1", "all", installed)}), snapshot.RoleSpec{SBOM: []string{"/srv/x.json"}})
	if len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "is there: /srv/x.json") {
		t.Errorf("%+v", r.Gaps)
	}
}
