package process

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const answer = `= range
32768	60999
= tcp
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 102 1 0000000000000000 100 0 0 10 0
   2: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 103 1 0000000000000000 100 0 0 10 0
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 104 1 0 100 0 0 10 0
   1: B80D0120000000000000000003000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 105 1 0 100 0 0 10 0
= udp
   9: 00000000:007B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 106 2 0000000000000000 0
= names
1/comm:systemd
20/comm:nginx
21/comm:nginx
30/comm:mariadbd
31/comm:chronyd
= sockets
20/fd:
lrwx------ 1 root root 64 Nov 27 18:57 6 -> socket:[101]
lrwx------ 1 root root 64 Nov 27 18:57 7 -> socket:[104]
21/fd:
lrwx------ 1 root root 64 Nov 27 18:57 6 -> socket:[101]
30/fd:
lrwx------ 1 root root 64 Nov 27 18:57 6 -> socket:[102]
31/fd:
lrwx------ 1 root root 64 Nov 27 18:57 6 -> socket:[106]
= maps
30/maps:7f1-7f2 r-xp 00000000 08:01 123 /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
30/maps:7f1-7f2 r-xs 00000000 00:01 5 /memfd:jit (deleted)
31/maps:7f1-7f2 r-xp 00000000 08:01 124 /tmp/x.so (deleted)
= end
`

func parse(output string) snapshot.Result {
	return New().Parse(snapshot.Input{Scope: "web", Sections: transport.Sections{"proc": {Output: []byte(output)}}, Redact: snapshot.NewRedactor(keys.New(), nil)})
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m
}

func TestPortsAndReplacedFiles(t *testing.T) {
	r := parse(answer)
	want := map[string]string{
		"port/tcp/80#addresses": "[0.0.0.0, ::]", "port/tcp/80#process": "[nginx]", "port/tcp/3306#addresses": "[127.0.0.1]", "port/tcp/3306#process": "[mariadbd]",
		"port/tcp/443#addresses": "[2001:db8::3]", "port/udp/123#addresses": "[0.0.0.0]", "port/udp/123#process": "[chronyd]",
		"process/mariadbd#deleted_libraries": "[/usr/lib/x86_64-linux-gnu/libssl.so.3]",
	}
	if d := cmp.Diff(want, facts(r)); d != "" {
		t.Error(d)
	}
	if snapshot.MatchAny(r.Looked, "port/tcp/443#process") || len(r.Notes) != 1 {
		t.Errorf("a process that nobody sees: looked %q, notes %v", r.Looked, r.Notes)
	}
}

func TestAHostThatShowsNothing(t *testing.T) {
	for _, output := range []string{"", "= range\n= tcp\n", "= end"[:4]} {
		if r := parse(output); len(r.Facts)+len(r.Looked) > 0 {
			t.Errorf("%q: %+v", output, r)
		}
	}
}

// This machine is the oracle: a port that this test opens, below the ephemeral range, and a program that is deleted while it runs.
func TestThisMachine(t *testing.T) {
	var l net.Listener
	number := 0
	for n := 20011; l == nil && n < 20100; n++ {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(n)); err == nil {
			number = n
		}
	}
	if l == nil {
		t.Fatal("no port is free")
	}
	defer l.Close()
	tr := transport.Local()
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	got := facts(New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}))
	key := "port/tcp/" + strconv.Itoa(number)
	if got[key+"#addresses"] != "[127.0.0.1]" || got[key+"#process"] != "[process.test]" {
		t.Errorf("%s: %q %q", key, got[key+"#addresses"], got[key+"#process"])
	}
}

func TestAProgramThatIsReplacedWhileItRuns(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can put a program where packages put them; the answers of others are tested above")
		return
	}
	program := "/opt/envdiff-test-" + strconv.Itoa(os.Getpid())
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/opt", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "60")
	if err := cmd.Start(); err != nil {
		os.Remove(program)
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	tr := transport.Local()
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}).Facts {
		if f.Address.Kind == "process" && strings.Contains(f.Value.Display(), program) {
			return
		}
	}
	t.Errorf("the deleted program is not told:\n%s", ss["proc"].Output)
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{{Name: "running", Tree: snapshottest.Tree(t, map[string]string{"etc/passwd": ""}), Answers: map[string]transport.Section{"proc": {Output: []byte(answer)}}}}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
