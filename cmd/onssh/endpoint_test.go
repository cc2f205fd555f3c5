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
