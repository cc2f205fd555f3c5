package onssh

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// bound is what a run with things that never answer may take on a loaded machine.
const bound = 45 * time.Second

func within(t *testing.T, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > bound {
		t.Errorf("it took %s", took)
	}
}

// Every way in which a database can be away is told apart, from the host that it is away from, and none of them holds the run up.
func TestDatabaseHostsThatAreAway(t *testing.T) {
	all := machines(t, "web1", "web2")
	for name, m := range all {
		m.BlackHole(t)
		server := map[string]string{"web1": "10.97.0.53", "web2": "10.99.0.53"}[name] // no route to it, and no answer from it
		m.Run(t, "echo 'nameserver "+server+"' >/etc/resolv.conf; mkdir -p /etc/app; i=0; for h in db1.prdo.invalid:5432 10.99.0.9:5432 10.99.0.8:5432 10.98.0.9:5432 10.99.0.1:1; do "+
			"i=$((i + 1)); echo \"DATABASE_URL_$i=postgres://u:zqtoken-zqtoken@$h/shop\"; done >/etc/app/app.env")
	}
	p := newProject(t, `
  one: {hosts: {web: ["ssh://web1"]}}
  two: {hosts: {web: ["ssh://web2"]}}
`)
	began := time.Now()
	out := p.run(t, 1, "one", "--only", "web:dbhost/*")
	expect(t, out, "the database host db1.prdo.invalid does not resolve from web1", "the database host 10.99.0.9 does not answer on port 5432 from web1",
		"the database host 10.99.0.8 can not be routed to, for port 5432 from web1", "the database host 10.98.0.9 can not be routed to, for port 5432 from web1",
		"the database host 10.99.0.1 refuses connections to port 1 from web1", "HIGH 5")
	expect(t, p.run(t, 1, "two", "--only", "web:dbhost/*"), "the database host db1.prdo.invalid is not resolved in time (no name server answers) from web2")
	within(t, began)
}

// A host whose address takes packets and never answers costs the deadline and no more, and one that there is no way to says so.
func TestHostsThatAreAway(t *testing.T) {
	far := testservers.StartMachine(t, "far")
	far.BlackHole(t)
	testservers.Client(t, "Host hole\n\tHostName 10.99.0.9\nHost nowhere\n\tHostName 10.98.0.9\n")
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", far.Network(), program)
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	p := newProject(t, "  live: {hosts: {web: [\"ssh://hole\"]}}\n  gone: {hosts: {web: [\"ssh://nowhere\"]}}\n")
	began := time.Now()
	expect(t, p.run(t, 3, "live", "--timeout", "3s"), "hole did not answer in time; try: ssh hole")
	expect(t, p.run(t, 3, "gone"), "there is no way to nowhere (network is unreachable)")
	within(t, began)
}

// A host without a free byte is captured like its twin, and what is wrong with it is the finding.
func TestHostWithFullDisks(t *testing.T) {
	all := machines(t, "web1", "web2")
	all["web2"].FillDisks(t)
	p := newProject(t, "  live: {hosts: {web: [\"ssh://web1\", \"ssh://web2\"]}}\n")
	out := p.run(t, 1, "live", "--fail-on", "low", "--skip", "web:process/*", "--skip", "web:host/clock*", "--skip", "web:filesystem//#total_bytes")
	expect(t, out, "disk-full")
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], "web:") && f[0] != "disk-full" {
			t.Errorf("a full disk is also %s", line)
		}
	}
}

// Through one jump host only so many connections are made at the same time, however many hosts lie behind it.
func TestJumpHostIsNotOverrun(t *testing.T) {
	jump, inner := testservers.SSH(t, ""), testservers.SSH(t, testservers.Inside(t, plantHost(t, "web", nil)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var waiting, most atomic.Int32
	go func() { // a slow way to the jump host, which counts who is on it
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				n := waiting.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(500 * time.Millisecond)
				waiting.Add(-1)
				forward(c, jump.Port)
			}()
		}
	}()
	known, err := os.ReadFile(jump.Known)
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := os.WriteFile(jump.Known, []byte(strings.ReplaceAll(string(known), fmt.Sprintf("]:%d ", jump.Port), fmt.Sprintf("]:%d ", port))), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := []string{strings.Replace(jump.Block("jump"), fmt.Sprintf("Port %d", jump.Port), fmt.Sprintf("Port %d", port), 1)}
	var hosts []string
	for i := range 10 {
		name := fmt.Sprintf("web%d", i)
		blocks = append(blocks, inner.Block(name, "ProxyJump jump"))
		hosts = append(hosts, fmt.Sprintf("%q", "ssh://"+name))
	}
	testservers.Client(t, blocks...)
	p := newProject(t, "  live: {hosts: {web: ["+strings.Join(hosts, ", ")+"]}}\n")
	expect(t, p.run(t, 0, "live", "--jobs", "10", "--only", "web:package/*"), "no findings")
	if n := most.Load(); n > 4 || n < 2 {
		t.Errorf("%d connections through the jump host were made at the same time, and 4 may be", n)
	}
}

// forward carries a connection on to a port, both ways, until either side ends.
func forward(c net.Conn, port int) {
	defer c.Close()
	to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		defer to.Close()
		_, _ = io.Copy(to, c)
	}()
	_, _ = io.Copy(c, to)
}
