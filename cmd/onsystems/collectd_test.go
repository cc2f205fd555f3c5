package onsystems

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// monitored makes a host with a collectd of its own, and waits until that reports. It returns how the host is entered.
func monitored(t *testing.T, host, plugins string, waitFor ...string) testservers.Forced {
	t.Helper()
	root := t.TempDir()
	inside := testservers.Apart(t, root, "/etc/collectd", "/var/lib/collectd")
	write(t, filepath.Join(root, "etc/collectd/collectd.conf"), fmt.Sprintf("Hostname %q\nFQDNLookup false\nInterval 1\nPIDFile \"/var/lib/collectd/pid\"\nTypesDB \"/usr/share/collectd/types.db\"\n"+
		"LoadPlugin unixsock\n<Plugin unixsock>\n  SocketFile \"/var/lib/collectd/sock\"\n</Plugin>\nLoadPlugin cpu\nLoadPlugin load\n%s", host, plugins))
	daemon := exec.Command("sh", "-c", string(inside))
	daemon.Env = append(os.Environ(), "SSH_ORIGINAL_COMMAND=exec /usr/sbin/collectd -f")
	daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	for until := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		all := listval(filepath.Join(root, "var/lib/collectd/sock"))
		if !slices.ContainsFunc(append(waitFor, "/load/", "/cpu-0/"), func(part string) bool { return !strings.Contains(all, part) }) {
			return inside
		}
		if time.Now().After(until) {
			t.Fatalf("collectd of %s does not report (is it installed? .ci/deps): %s", host, all)
		}
	}
}

// listval is what a daemon lists, as far as it has come.
func listval(socket string) string {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return ""
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
	fmt.Fprintln(c, "LISTVAL")
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// Two hosts that are monitored alike, and a third one whose collectd does not watch a process and reads nothing from a URL that is wrong.
func TestCollectd(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"db": {"main": {"errors": 0}}}`) }))
	defer app.Close()
	stats := func(path string) string {
		return fmt.Sprintf("LoadPlugin curl_json\n<Plugin curl_json>\n  <URL \"%s/%s\">\n    Instance \"shop\"\n    Password \"zqsecret77\"\n    <Key \"db/*/errors\">\n      Type \"gauge\"\n    </Key>\n  </URL>\n</Plugin>\n", app.URL, path)
	}
	const processes = "LoadPlugin processes\n<Plugin processes>\n  Process \"init\"\n</Plugin>\n"
	const reported = "/curl_json-shop/"
	testservers.Client(t,
		testservers.SSH(t, monitored(t, "web1", processes+stats("stats"), reported, "/processes-init/")).Block("web1"),
		testservers.SSH(t, monitored(t, "web2", processes+stats("stats"), reported, "/processes-init/")).Block("web2"),
		testservers.SSH(t, monitored(t, "web3", strings.Replace(stats("gone"), app.URL, "http://127.0.0.1:1", 1))).Block("web3"))
	p := newProject(t, `environments:
  alike: {hosts: {web: ["ssh://web1", "ssh://web2"]}}
  odd: {hosts: {web: ["ssh://web1", "ssh://web2", "ssh://web3"]}}
roles:
  web: {config: ["/etc/collectd/collectd.conf"]}
`)
	only := []string{"--only", "web:metric*", "--only", "web:collectd*", "--only", "web:config*"}
	if got := p.findings(t, 0, append([]string{"alike"}, only...)...); len(got) > 0 {
		t.Errorf("hosts that are monitored alike differ: %v", got)
	}
	got := p.findings(t, 1, append([]string{"odd"}, only...)...)
	const file = "web:config/etc/collectd/collectd.conf#"
	want := []string{
		"config-missing high odd " + file + "Plugin.processes.Process",
		"config-missing medium odd " + file + "Plugin.curl_json.URL.http%3A//127%2E0%2E0%2E1%3A1/gone",
		"config-value high odd " + file + "LoadPlugin",
		"metric-missing medium failed web:collectd/silent#plugins", "metric-missing medium odd web:metric/curl_json", "metric-missing medium odd web:metric/processes",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
