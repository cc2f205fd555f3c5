package transport

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const catalogJSON = `{"certname":"web1.example","resources":{"data":[]},"edges":{"data":[]}}`

// puppetDB answers as PuppetDB does. What stands in testdata/puppetdb is what PuppetDB 7.12.1 of Debian 12 answered, to which the catalogues that Puppet 7.23 compiled of two environments were sent
// (replace_catalog, version 9); it takes minutes to start, so the tests do without it.
func puppetDB(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/pdb/query/v4/catalogs/web1.example":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(catalogJSON))
		case "/pdb/query/v4/nodes":
			http.ServeFile(w, r, "testdata/puppetdb/nodes.json")
		case "/pdb/query/v4/resources/Class":
			if r.URL.Query().Get("query") == `["~", "title", "^Roles?::"]` {
				http.ServeFile(w, r, "testdata/puppetdb/roles.json")
			}
		case "/pdb/query/v4/catalogs/web1.stage.example":
			http.ServeFile(w, r, "testdata/puppetdb/web1.stage.example.json")
		case "/pdb/query/v4/catalogs/denied.example":
			w.WriteHeader(http.StatusForbidden)
		case "/pdb/query/v4/catalogs/broken.example":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("zqsecret"))
		case "/pdb/query/v4/catalogs/moved.example":
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		case "/pdb/query/v4/catalogs/cut.example":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"certname"`))
		case "/pdb/query/v4/catalogs/endless.example":
			line := []byte(strings.Repeat("x", 1<<20))
			for range 70 {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		case "/pdb/query/v4/catalogs/silent.example":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusNotFound)
			body, _ := os.ReadFile("testdata/puppetdb/unknown.json")
			_, _ = w.Write(body)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func openDB(t *testing.T, raw string) Transport {
	t.Helper()
	o, err := ParsePuppetDB(raw)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := PuppetDB(o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestPuppetDBServesTheCatalogueAlone(t *testing.T) {
	tr := openDB(t, "puppetdb:"+puppetDB(t).URL+"/web1.example")
	defer tr.Close()
	ss, err := tr.Fetch(t.Context(), []Want{{ID: "catalog", Globs: []string{"/x/*", "/var/cache/puppet/client_data/catalog/*.json"}}, {ID: "passwd", Globs: []string{"/etc/passwd"}},
		{ID: "digest", Globs: []string{"/var/cache/puppet/**"}, Content: SHA256}, {ID: "uname", Command: []string{"uname"}}})
	if err != nil {
		t.Fatal(err)
	}
	if f := ss["catalog"].Files; len(f) != 1 || string(f[0].Body) != catalogJSON || f[0].Path != CatalogPath("web1.example") {
		t.Errorf("%+v", ss["catalog"])
	}
	if ss["passwd"].Problem != NotFound || ss["digest"].Problem != NotFound || ss["uname"].Problem != Unable {
		t.Errorf("%+v", ss)
	}
}

func TestPuppetDBFailuresSayWhatToDo(t *testing.T) {
	url := puppetDB(t).URL
	for node, want := range map[string]string{"other.example": "knows no catalogue of other.example", "denied.example": "?cert=FILE&key=FILE", "broken.example": "answers with status 500", "moved.example": "answers with status 302",
		"cut.example": "broke off", "endless.example": "is larger than"} {
		_, err := openDB(t, "puppetdb:"+url+"/"+node).Fetch(t.Context(), nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "zqsecret") {
			t.Errorf("%s: %v", node, err)
		}
	}
	if _, err := openDB(t, "puppetdb:http://127.0.0.1:1/web1").Fetch(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "cannot be reached: try by hand: curl") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := openDB(t, "puppetdb:"+url+"/silent.example").Fetch(ctx, nil); err != context.DeadlineExceeded {
		t.Errorf("a server that does not answer: %v", err)
	}
	strict := httptest.NewUnstartedServer(http.NotFoundHandler())
	strict.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	strict.StartTLS()
	defer strict.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: strict.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openDB(t, "puppetdb:"+strict.URL+"/web1?ca="+authority).Fetch(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "?cert=FILE&key=FILE") {
		t.Errorf("a server that wants a certificate: %v", err)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	if _, err := openDB(t, "puppetdb:"+secure.URL+"/web1").Fetch(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "?ca=FILE") {
		t.Errorf("a certificate of an unknown authority: %v", err)
	}
}

func TestPuppetDBListsItsNodes(t *testing.T) {
	url := puppetDB(t).URL
	got, err := PuppetDBNodes(t.Context(), url)
	want := []PuppetNode{{Name: "new.example", Environment: "production"}, {Name: "web1.prod.example", Environment: "production", Classes: []string{"role::web"}},
		{Name: "web1.stage.example", Environment: "staging", Classes: []string{"role::web"}}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
	for raw, want := range map[string]string{url + "/web1.example": "leave /web1.example out", "ftp://x": "write PuppetDB as", "http://127.0.0.1:1": "cannot be reached"} {
		if _, err := PuppetDBNodes(t.Context(), raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("zqsecret")) }))
	defer other.Close()
	if _, err := PuppetDBNodes(t.Context(), other.URL); err == nil || !strings.Contains(err.Error(), "is no PuppetDB") || strings.Contains(err.Error(), "zqsecret") {
		t.Error(err)
	}
}

func TestCatalogueURLsAreChecked(t *testing.T) {
	for raw, ok := range map[string]bool{
		"puppetdb:https://pdb.example:8081/web1.example?cert=a.pem&key=b.pem&ca=c.pem": true, "puppetdb:http://localhost:8080/web1": true,
		"puppetdb:": false, "puppetdb:web1": false, "puppetdb:https://pdb.example": false, "puppetdb:https://u:p@pdb.example/web1": false, "puppetdb:ftp://pdb.example/web1": false,
		"puppetdb:https://pdb.example/a/b": false, "puppetdb:https://pdb.example/-x": false, "puppetdb:https://pdb.example/web1?cert=a": false, "puppetdb:https://pdb.example/web1?token=x": false,
	} {
		if _, err := ParsePuppetDB(raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for raw, ok := range map[string]bool{
		"puppet:code/production?node=web1.example": true, "puppet:/etc/puppet/code/environments/production?node=web1&facts=facts.json": true,
		"puppet:": false, "puppet:code": false, "puppet:code?node=": false, "puppet:code?node=--help": false, "puppet:code?node=a&x=b": false, "puppet:Code-1?node=a": false, "puppet:code?node=a%2Fb": false,
	} {
		if _, err := ParseCompile(raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// A puppet that is not there, is killed with the run, or fails; what it says may quote secrets and stays out of the error.
func TestCompileLeavesNothingBehind(t *testing.T) {
	if _, err := Compile(CompileOptions{Environment: filepath.Join(t.TempDir(), "gone"), Node: "web1"}); err == nil || !strings.Contains(err.Error(), "is no directory") {
		t.Errorf("%v", err)
	}
	o := CompileOptions{Environment: t.TempDir(), Node: "web1", TempDir: t.TempDir(), Facts: "/nonexistent/facts.json"}
	tr, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Fetch(t.Context(), nil); err == nil {
		t.Error("facts that are not there are no error")
	}
	if left, _ := os.ReadDir(o.TempDir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	for said, want := range map[string]string{
		"Error: Evaluation Error: zqsecret (file: /x/site.pp, line: 12, column: 3) on node web1": "/x/site.pp:12;",
		"Error: zqsecret": "facts that its manifests need",
	} {
		if err := o.failure([]byte(said)); !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "zqsecret") {
			t.Errorf("%s: %v", said, err)
		}
	}
}

func FuzzCatalogueURL(f *testing.F) {
	f.Add("puppetdb:https://pdb.example:8081/web1?cert=a&key=b")
	f.Add("puppet:code/production?node=web1&facts=f")
	f.Fuzz(func(t *testing.T, raw string) {
		if o, err := ParsePuppetDB(raw); err == nil && (!validNode(o.Node) || !strings.HasPrefix(o.Base, "http")) {
			t.Errorf("%q: %+v", raw, o)
		}
		if o, err := ParseCompile(raw); err == nil && (!validNode(o.Node) || o.Environment == "") {
			t.Errorf("%q: %+v", raw, o)
		}
	})
}
