package onssh

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// The typo of the story: one host's configuration names db1.prdo.example. It is found at once, from that host, by its spelling and by
// asking; a host that only busybox is on asks too, and one that has no tool is no alarm.
func TestDatabaseHostsAreAskedForFromTheHost(t *testing.T) {
	address := outside(t)
	database, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	port := database.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	testservers.Client(t, testservers.SSH(t, "").Block("web1"),
		testservers.SSH(t, testservers.Inside(t, plantHost(t, "small", map[string]string{"etc/app/database.yml": fmt.Sprintf("production: {adapter: mysql2, host: %s, port: 1}\n", address)}))).Block("small"),
		testservers.SSH(t, testservers.Inside(t, poorHost(t, fmt.Sprintf("production: {adapter: mysql2, host: %s, port: 1}\n", address)))).Block("poor"))
	p := newProject(t, fmt.Sprintf(`
  bad: {params: {db: db1.prod.invalid, address: "%[1]s"}, hosts: {typo: ["ssh://web1"]}}
  undeclared: {hosts: {good: ["ssh://web1"]}, databases: {main: "postgres://u@db1.prod.example/shop"}}
  declared: {hosts: {good: ["ssh://web1"]}, databases: {main: "postgres://u@%[1]s:%[2]d/shop"}}
  small: {params: {address: "%[1]s"}, hosts: {web: ["ssh://small"]}}
  poor: {params: {address: "%[1]s"}, hosts: {web: ["ssh://poor"]}}
`, address, port))
	p.add(t, fmt.Sprintf("  good: {config: [%q]}\n  typo: {config: [%q]}\n", file("good.env", fmt.Sprintf("DATABASE_URL=postgres://u:zqtoken-zqtoken@%s:%d/shop\n", address, port)),
		file("typo.env", "DATABASE_URL=postgres://u:zqtoken-zqtoken@db1.prdo.invalid/shop\n")))

	out := p.run(t, 1, "bad", "--skip", "typo:host/*", "--skip", "typo:p*")
	expect(t, out, "typo ", "which looks like db1.prod.invalid", "db-host-unreachable", "the database host db1.prdo.invalid does not resolve from web1")
	if n := strings.Count(out, "typo:"); n != 2 {
		t.Errorf("%d findings instead of two:\n%s", n, out)
	}
	out = p.run(t, 0, "undeclared", "--only", "good:dbhost/*")
	expect(t, out, "LOW 1", "db-host-undeclared", "the database host "+address+" of good is not declared in envdiff.yaml")
	expect(t, p.run(t, 0, "declared", "--only", "good:dbhost/*"), "no findings")
	expect(t, p.run(t, 1, "small", "--only", "web:dbhost/*"), "the database host "+address+" refuses connections to port 1 from small")
	expect(t, p.run(t, 0, "poor", "--only", "web:dbhost/*"), "no findings", "not compared: database hosts not asked from the host (1)")
}

// poorHost has what a capture needs and no tool to connect with.
func poorHost(t *testing.T, database string) string {
	root := t.TempDir()
	testservers.Busybox(t, root, "sh", "head", "find", "stat", "cat", "readlink")
	if err := os.MkdirAll(filepath.Join(root, "etc/app"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/app/database.yml"), []byte(database), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// outside is an address of this machine that is not the loopback's.
func outside(t *testing.T) string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address but the loopback's")
	return ""
}
