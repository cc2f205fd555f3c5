package cmd

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is a project with two stored snapshots, served.
func served(t *testing.T, token string) (*httptest.Server, string) {
	t.Helper()
	return servedFrom(t, token, ".envdiff", nil)
}

// servedFrom is served with another store, and the variables that it needs.
func servedFrom(t *testing.T, token, store string, vars map[string]string) (*httptest.Server, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	for path, text := range map[string]string{
		"envdiff.yaml":               "store: " + store + "\nkeys: {redact: \"${ENVDIFF_KEY}\"}\nenvironments:\n  staging: {hosts: {web: [\"root:staging\"]}}\n  production: {hosts: {web: [\"root:production\"]}}\nroles:\n  web: {config: [\"/etc/app/*\"]}\n",
		"staging/etc/app/app.ini":    "[app]\nworkers = 4\n",
		"production/etc/app/app.ini": "[app]\nworkers = <script>8</script>\n",
	} {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := World{Stdout: io.Discard, Stderr: io.Discard, Dir: dir, Now: time.Now, Engines: engines(), Collectors: collectors(), LookupEnv: func(name string) (string, bool) {
		if name == "ENVDIFF_KEY" {
			return "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=", true
		}
		v, ok := vars[name]
		return v, ok
	}}
	for _, env := range []string{"staging", "production"} {
		w.Args = []string{"snapshot", env, "-q"}
		if status := Run(context.Background(), w); status != exitOK {
			t.Fatalf("snapshot of %s: exit status %d", env, status)
		}
	}
	s, err := newSession(w, options{color: "never", progress: "none"})
	if err != nil {
		t.Fatal(err)
	}
	site, err := s.site(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.close)
	site.token, site.loopback = token, token == ""
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return server, dir
}

func get(t *testing.T, request *http.Request) (int, string, http.Header) {
	t.Helper()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body), answer.Header
}

func TestServeShowsTheStoreAndWritesNothing(t *testing.T) {
	server, dir := served(t, "")
	before := tree(t, dir)
	for _, c := range []struct {
		method, path, host string
		status             int
		holds              string
	}{
		{"GET", "/", "", 200, "Environments by time"},
		{"GET", "/shop/compare?from=staging@latest&to=production@latest", "", 200, "config-value"},
		{"GET", "/shop/history.atom", "", 200, "http://www.w3.org/2005/Atom"},
		{"GET", "/shop/report", "", 404, "not stored"},
		{"GET", "/shop/compare?from=staging&to=production", "", 400, "stored snapshots"}, // live
		{"GET", "/shop/compare?from=/etc/passwd&to=../../x/", "", 400, "stored snapshots"},
		{"GET", "/shop/compare?from=nowhere@latest&to=production@latest", "", 500, "the server's log"},
		{"GET", "/../etc/passwd", "", 404, ""},
		{"GET", "/other/compare", "", 404, ""},
		{"POST", "/", "", 405, "nothing can be written"},
		{"DELETE", "/shop/compare", "", 405, ""},
		{"PUT", "/shop/report", "", 405, ""},
		{"GET", "/", "attacker.example", 403, "only as localhost"},
	} {
		request, err := http.NewRequest(c.method, server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			request.Host = c.host
		}
		status, body, header := get(t, request)
		if status != c.status || !strings.Contains(body, c.holds) {
			t.Errorf("%s %s: %d %.200s, want %d %s", c.method, c.path, status, body, c.status, c.holds)
		}
		if strings.Contains(body, "<script>8") || strings.Contains(body, dir) {
			t.Errorf("%s shows markup of a host, or a path of the server", c.path)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers are missing: %v", c.path, header)
		}
	}
	if now := tree(t, dir); now != before {
		t.Errorf("something was written:\n%s\n%s", before, now)
	}
}

func tree(t *testing.T, dir string) string {
	t.Helper()
	var names bytes.Buffer
	if err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			names.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names.String()
}

func TestServeWantsItsToken(t *testing.T) {
	server, _ := served(t, "a-token-of-24-characters")
	for _, c := range []struct {
		name   string
		auth   func(*http.Request)
		status int
	}{
		{"nobody", func(*http.Request) {}, 401},
		{"another token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer a-token-of-24-characterS") }, 401},
		{"an empty one", func(r *http.Request) { r.SetBasicAuth("", "") }, 401},
		{"a client", func(r *http.Request) { r.Header.Set("Authorization", "Bearer a-token-of-24-characters") }, 200},
		{"a browser", func(r *http.Request) { r.SetBasicAuth("anybody", "a-token-of-24-characters") }, 200},
	} {
		request, err := http.NewRequest("GET", server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.auth(request)
		if status, _, _ := get(t, request); status != c.status {
			t.Errorf("%s: %d, want %d", c.name, status, c.status)
		}
	}
}

func TestServeUnderLoadAnswersOrSaysTryAgain(t *testing.T) {
	server, _ := served(t, "")
	var wg sync.WaitGroup
	statuses := make([]int, 40)
	for i := range statuses {
		wg.Add(1)
		go func() {
			defer wg.Done()
			answer, err := http.Get(server.URL + "/shop/compare?from=staging@latest&to=production@latest")
			if err == nil {
				statuses[i] = answer.StatusCode
				answer.Body.Close()
			}
		}()
	}
	wg.Wait()
	answered := 0
	for _, s := range statuses {
		if s == 200 {
			answered++
		} else if s != 503 {
			t.Errorf("an answer of %d", s)
		}
	}
	if answered == 0 {
		t.Error("nobody was answered")
	}
}

func TestServeListensOnLoopbackAlone(t *testing.T) {
	var out, errs bytes.Buffer
	w := World{Args: []string{"serve", "--listen", "0.0.0.0:0"}, Stdout: &out, Stderr: &errs, Dir: t.TempDir(), Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false }}
	if err := os.WriteFile(filepath.Join(w.Dir, "envdiff.yaml"), []byte("environments:\n  a: {hosts: {web: [\"local:\"]}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status := Run(context.Background(), w); status != exitTrouble || !strings.Contains(errs.String(), tokenVariable) {
		t.Errorf("exit status %d: %s", status, errs.String())
	}
}

// TestServeShowsSeveralProjectsOnOnePageAndInOneFeed: what changed and what is on the way, each with its project, and a date that stays.
func TestServeShowsSeveralProjectsOnOnePageAndInOneFeed(t *testing.T) {
	parent := t.TempDir()
	now := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	for _, project := range []string{"shop", "forum"} {
		dir := filepath.Join(parent, project)
		for path, text := range map[string]string{
			"envdiff.yaml":               "keys: {redact: \"${ENVDIFF_KEY}\"}\nenvironments:\n  staging: {hosts: {web: [\"root:staging\"]}}\n  production: {hosts: {web: [\"root:production\"]}}\nroles:\n  web: {config: [\"/etc/app/*\"]}\n",
			"staging/etc/app/app.ini":    "[" + project + "]\nworkers = 4\n",
			"production/etc/app/app.ini": "[" + project + "]\nworkers = 8\n",
		} {
			full := filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []string{"snapshot staging", "staging production", "pending staging production", "pending staging production"} {
			now = now.Add(24 * time.Hour)
			var errs bytes.Buffer
			w := World{Args: append(strings.Fields(c), "-q"), Stdout: io.Discard, Stderr: &errs, Dir: dir, Now: func() time.Time { return now }, Engines: engines(), Collectors: collectors(),
				LookupEnv: func(name string) (string, bool) {
					return map[string]string{"ENVDIFF_KEY": "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="}[name], name == "ENVDIFF_KEY"
				}}
			if status := Run(context.Background(), w); status > exitFinding {
				t.Fatalf("%s: exit status %d: %s", c, status, errs.String())
			}
		}
	}
	s, err := newSession(World{Stdout: io.Discard, Stderr: io.Discard, Dir: parent, Now: time.Now, LookupEnv: func(string) (string, bool) { return "", false }}, options{color: "never", progress: "none"})
	if err != nil {
		t.Fatal(err)
	}
	site, err := s.site([]string{"shop/envdiff.yaml", "forum/envdiff.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.close)
	site.loopback = true
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	for path, holds := range map[string][]string{
		"/": {`<h2 id="p-shop">`, `<h2 id="p-forum">`, "On the way, staging → production <small>1</small>", "app.ini shop.workers is 4 in staging, 8 in production", `href="/feed.atom"`},
		"/feed.atom": {"<title>shop: compare staging production: 1 new finding, 0 are gone</title>", "<title>forum: config: app.ini forum.workers is 4 in staging, 8 in production</title>",
			"<updated>2026-11-08T02:00:00Z</updated>"}, // the first pending of forum, not the second
	} {
		request, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, body, _ := get(t, request)
		for _, want := range holds {
			if status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: %d, without %q:\n%s", path, status, want, body)
			}
		}
	}
}
