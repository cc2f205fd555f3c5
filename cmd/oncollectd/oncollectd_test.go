package oncollectd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd"
)

// start runs a collectd that has the unixsock plugin alone, and returns its socket.
func start(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ed-collectd-") // a short path: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, conf := filepath.Join(dir, "sock"), filepath.Join(dir, "collectd.conf")
	text := fmt.Sprintf("Hostname \"monitor.example\"\nFQDNLookup false\nBaseDir %q\nPIDFile %q\nTypesDB \"/usr/share/collectd/types.db\"\nLoadPlugin unixsock\n"+
		"<Plugin unixsock>\n  SocketFile %q\n  DeleteSocket true\n</Plugin>\n", dir, filepath.Join(dir, "pid"), socket)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command("/usr/sbin/collectd", "-f", "-C", conf)
	server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.Start(); err != nil {
		t.Fatalf("%v: apt-get install collectd-core", err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return socket
		}
		if time.Now().After(deadline) {
			t.Fatal("collectd opens no socket")
		}
	}
}

func run(t *testing.T, dir string, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	status := cmd.Run(context.Background(), cmd.World{Args: args, Stdout: &out, Stderr: &errs, Dir: dir, Now: time.Now,
		LookupEnv: func(string) (string, bool) { return "", false }})
	return status, out.String() + errs.String()
}

// TestCollectdTakesTheVerdict: the numbers that envdiff sends are those that collectd then answers with.
func TestCollectdTakesTheVerdict(t *testing.T) {
	socket := start(t)
	dir := t.TempDir()
	report, err := os.ReadFile("../../ci/testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), report, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out := run(t, dir, "render", "report.json", "-o", "collectd=unix:"+socket); status != 1 || !strings.Contains(out, "envdiff: fail") {
		t.Fatalf("exit status %d: %s", status, out)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	answers := bufio.NewReader(conn)
	for name, want := range map[string]string{"findings_high": "4.0", "findings_critical": "1.0", "gaps": "1.0", "exit_status": "1.0", "scope_web_config": "2.0"} {
		fmt.Fprintf(conn, "GETVAL envdiff/envdiff-compare.staging_production/gauge-%s\n", name)
		head, _ := answers.ReadString('\n')
		value, _ := answers.ReadString('\n')
		if !strings.HasPrefix(head, "1 ") || !strings.HasPrefix(value, "value="+want) {
			t.Errorf("%s: collectd has %q %q, want %s", name, head, value, want)
		}
	}
}
