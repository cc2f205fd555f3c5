package onssh

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot/all"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// webHost is what stands on every web host, path → content.
func webHost(name string) map[string]string {
	return map[string]string{
		"etc/os-release":              "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
		"etc/passwd":                  "root:x:0:0:root:/root:/bin/sh\nshop:x:999:999::/srv/shop:/bin/false\n",
		"etc/group":                   "root:x:0:\nshop:x:999:\n",
		"etc/hostname":                name + "\n",
		"etc/nginx/php.ini":           "[PHP]\nmemory_limit = 512M\n",
		"etc/app/shop.yaml":           "database:\n  host: db1.prod.example\n  password: zqtoken\n",
		"etc/sysctl.d/9.conf":         "vm.swappiness = 10\n",
		"etc/app/it's $(here)\n.conf": "odd = name\n",
		"var/lib/dpkg/status": "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22.1-9\n\n" +
			"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.19-1\nConffiles:\n /etc/app/shop.yaml d41d8cd98f00b204e9800998ecf8427e\n",
	}
}

// plantHost makes the root of a host, with some files in another way; a nil change leaves it.
func plantHost(t *testing.T, name string, change map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), name)
	files := webHost(name)
	for p, text := range change {
		files[p] = text
	}
	for p, text := range files {
		p = filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	testservers.Busybox(t, root)
	return root
}

// project writes envdiff.yaml and runs command lines in its directory.
type project struct{ dir string }

func newProject(t *testing.T, environments string) project {
	t.Helper()
	p := project{t.TempDir()}
	text := "environments:\n" + environments + "roles:\n  web: {config: [\"/etc/nginx/**\", \"/etc/app/**\"]}\n"
	if err := os.WriteFile(filepath.Join(p.dir, "envdiff.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p project) run(t *testing.T, status int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out bytes.Buffer
	got := cmd.Run(ctx, cmd.World{Args: args, Stdout: &out, Stderr: &out, Dir: p.dir, Now: time.Now,
		LookupEnv: func(name string) (string, bool) { return map[string]string{"TOKEN": "zqtoken"}[name], name == "TOKEN" }, Collectors: all.Collectors()})
	if got != status {
		t.Errorf("envdiff %s: exit status %d, not %d\n%s", strings.Join(args, " "), got, status, &out)
	}
	if strings.Contains(out.String(), "zqtoken") {
		t.Errorf("a secret is in the output:\n%s", &out)
	}
	return out.String()
}

func expect(t *testing.T, out string, parts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(out), " ")
	for _, p := range parts {
		if !strings.Contains(flat, p) {
			t.Errorf("%q is not in:\n%s", p, out)
		}
	}
}

func TestDriftOnRealHostsIsFoundExactly(t *testing.T) {
	roots := map[string]string{
		"web1": plantHost(t, "web1", nil), "web2": plantHost(t, "web2", nil),
		"web3": plantHost(t, "web3", map[string]string{"etc/nginx/php.ini": "; tuned\n[PHP]\nmemory_limit=256M\n"}),
	}
	var blocks []string
	for _, name := range []string{"web1", "web2", "web3"} {
		h := testservers.SSH(t, testservers.Inside(t, roots[name]))
		more := []string(nil)
		if name == "web2" {
			more = []string{"ProxyJump web0"}
		}
		blocks = append(blocks, h.Block(name, more...))
	}
	blocks = append(blocks, testservers.SSH(t, "").Block("web0")) // the jump host
	testservers.Client(t, blocks...)
	p := newProject(t, fmt.Sprintf(`
  alike: {hosts: {web: ["ssh://web1", "ssh://web2"]}}
  trees: {hosts: {web: [{name: web1, url: "root:%s"}, {name: web2, url: "root:%s"}]}}
  odd: {hosts: {web: ["ssh://web1", "ssh://web2", "ssh://web3"]}}
`, roots["web1"], roots["web2"]))

	expect(t, p.run(t, 0, "alike"), "no findings")
	expect(t, p.run(t, 0, "alike", "trees"), "no findings")
	out := p.run(t, 1, "odd", "--fail-on", "low")
	expect(t, out, "config/etc/nginx/php.ini#PHP.memory_limit", "256M", "web3")
	if n := strings.Count(out, "web:config/"); n != 1 {
		t.Errorf("%d findings instead of one:\n%s", n, out)
	}
	expect(t, p.run(t, 0, "doctor", "odd"), "ssh://web1: ", "ssh://web3: ")
}

// A host that never answers costs its deadline once; the others are compared, and the verdict is incomplete.
func TestHungHostIsAGapAndTheOthersAreCompared(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	testservers.Client(t,
		testservers.SSH(t, testservers.Inside(t, plantHost(t, "web1", nil))).Block("web1"),
		testservers.SSH(t, testservers.Inside(t, plantHost(t, "web2", map[string]string{"etc/nginx/php.ini": "[PHP]\nmemory_limit=1G\n"}))).Block("web2"))
	p := newProject(t, fmt.Sprintf("  odd: {hosts: {web: [\"ssh://web1\", \"ssh://web2\", \"ssh://127.0.0.1:%d\"]}}\n", l.Addr().(*net.TCPAddr).Port))
	began := time.Now()
	out := p.run(t, 3, "odd", "--timeout", "20s", "--fail-on", "none")
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it took %s", took)
	}
	expect(t, out, "did not answer in time", "memory_limit")
}

func TestDoctorSaysWhatIsWrongWithAHost(t *testing.T) {
	h := testservers.SSH(t, "")
	strange := strings.ReplaceAll(h.Block("strange"), h.Known, "/dev/null")
	testservers.Client(t, strange, "Host gone\n\tHostName 127.0.0.1\n\tPort 1\n")
	p := newProject(t, "  odd: {hosts: {web: [\"ssh://strange\", \"ssh://gone\"]}}\n")
	expect(t, p.run(t, 3, "doctor"), "the host key of strange is not known: compare its fingerprint once by hand with: ssh strange", "gone refuses the connection", "Try: ssh gone")
}

func TestHostURLsAreCheckedBeforeAnythingRuns(t *testing.T) {
	p := newProject(t, "  odd: {hosts: {web: [\"ssh://deploy:zqtoken@web1\", \"ssh://-oProxyCommand=id\", \"ssh://web1/etc\"]}}\n")
	expect(t, p.run(t, 2, "odd"), "takes no password", "does not begin with -", "has no path")
}
