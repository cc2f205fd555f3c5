package onssh

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// Every host of a role asks for itself: with curl where it is, else with busybox's wget; one that has nothing is a gap.
func TestHostsAskForTheirEndpoint(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pool := 5
		if asked.Add(1) == 2 {
			pool = 50
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"db": {"pool": %d, "password": "hunter2hunter2"}, "token": %q, "up": "%d"}`, pool, r.Header.Get("X-Token"), 1)
	}))
	defer s.Close()
	poor := t.TempDir()
	testservers.Busybox(t, poor, "sh", "head", "find", "stat", "cat", "readlink")
	if err := os.MkdirAll(poor+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	testservers.Client(t, testservers.SSH(t, "").Block("web1"), testservers.SSH(t, "").Block("web2"), testservers.SSH(t, "").Block("web3"),
		testservers.SSH(t, testservers.Inside(t, plantHost(t, "web4", nil))).Block("web4"), testservers.SSH(t, testservers.Inside(t, poor)).Block("poor"))
	p := newProject(t, fmt.Sprintf(`
  rich: {hosts: {web: ["ssh://web1", "ssh://web2", "ssh://web3"]}, endpoints: {app: {url: "%[1]s/config", via: web, headers: {X-Token: "${TOKEN}"}}}}
  small: {hosts: {web: ["ssh://web4"]}, endpoints: {app: {url: "%[1]s/config", via: web}}}
  poor: {hosts: {web: ["ssh://poor"]}, endpoints: {app: {url: "%[1]s/config", via: web}}}
`, s.URL))
	out := p.run(t, 1, "rich", "--only", "app:*")
	expect(t, out, "app:value/db.pool", "50", "endpoint-value")
	if n := strings.Count(out, "app:value/"); n != 1 {
		t.Errorf("%d findings instead of one:\n%s", n, out)
	}
	expect(t, p.run(t, 0, "small", "--only", "app:*"), "no findings")
	expect(t, p.run(t, 3, "poor", "--only", "app:*"), "neither curl nor a wget")
	if n := asked.Load(); n != 4 {
		t.Errorf("the application was asked %d times", n)
	}
}

// Every host of a role runs the role's program, and hosts are compared by what it prints.
func TestHostsRunTheirProgram(t *testing.T) {
	var blocks []string
	for i, workers := range []int{4, 4, 8} {
		root := plantHost(t, fmt.Sprintf("web%d", i), map[string]string{"usr/local/bin/facts": fmt.Sprintf("#!/bin/sh\necho \"{\\\"a\\\": \\\"$ENVDIFF_SCOPE:app/queue#workers\\\", \\\"v\\\": %d}\"\n", workers)})
		if err := os.Chmod(root+"/usr/local/bin/facts", 0o755); err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, testservers.SSH(t, testservers.Inside(t, root)).Block(fmt.Sprintf("web%d", i)))
	}
	testservers.Client(t, blocks...)
	p := newProject(t, "  odd: {hosts: {mail: [\"ssh://web0\", \"ssh://web1\", \"ssh://web2\"]}}\n")
	p.add(t, "  mail: {exec: [{command: [/usr/local/bin/facts]}]}\n")
	out := p.run(t, 1, "odd", "--only", "mail:app/*")
	expect(t, out, "mail:app/queue#workers", "8", "web2")
}

// add appends to the roles of envdiff.yaml.
func (p project) add(t *testing.T, roles string) {
	t.Helper()
	f, err := os.OpenFile(p.dir+"/envdiff.yaml", os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(roles)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
