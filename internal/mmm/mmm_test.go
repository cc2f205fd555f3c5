package mmm

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const shown = `# Warning: agent on host db2 is not reachable
# --- Monitor is in PASSIVE MODE ---
# Cause: Discrepancies between stored status, agent status and system status during startup.
  db1(192.0.2.31) master/ONLINE. Roles: reader(192.0.2.51), writer(192.0.2.50)
  db2(192.0.2.32) master/HARD_OFFLINE. Roles: 
  db3(192.0.2.33) slave/ONLINE. Roles: reader(192.0.2.52)
`

func TestShow(t *testing.T) {
	s, err := Parse(shown)
	if err != nil {
		t.Fatal(err)
	}
	want := []Host{
		{"db1", "192.0.2.31", "master", "ONLINE", []string{"reader(192.0.2.51)", "writer(192.0.2.50)"}},
		{"db2", "192.0.2.32", "master", "HARD_OFFLINE", nil},
		{"db3", "192.0.2.33", "slave", "ONLINE", []string{"reader(192.0.2.52)"}},
	}
	if d := cmp.Diff(want, s.Hosts); d != "" {
		t.Error(d)
	}
	if !s.Passive || len(s.Warnings) != 3 || s.Warnings[0] != "Warning: agent on host db2 is not reachable" {
		t.Errorf("got %+v", s)
	}
	if !s.Hosts[0].Writer() || s.Hosts[2].Writer() {
		t.Error("the writer is not told from readers")
	}
}

func TestVersionOneShow(t *testing.T) {
	s, err := Parse("db1(192.0.2.31): master/ONLINE. Roles: reader(192.0.2.51;), writer(192.0.2.50;)\ndb2(192.0.2.32): slave/ONLINE. Roles: None\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Host{
		{"db1", "192.0.2.31", "master", "ONLINE", []string{"reader(192.0.2.51)", "writer(192.0.2.50)"}},
		{"db2", "192.0.2.32", "slave", "ONLINE", nil},
	}
	if d := cmp.Diff(want, s.Hosts); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoAnswerIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"an error":         "ERROR: Can't connect to monitor daemon!\n",
		"another protocol": "5.5.5-10.11.6-MariaDB\x00\xff\n",
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s was taken for an answer", name)
		}
	}
}

// monitor listens as mmm_mond does and answers as serve says.
func monitor(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

func TestAsk(t *testing.T) {
	address := monitor(t, func(c net.Conn) {
		defer c.Close()
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			switch lines.Text() {
			case "show":
				c.Write([]byte(shown))
			case "quit":
				return
			}
		}
	})
	s, err := Ask(t.Context(), address)
	if err != nil || len(s.Hosts) != 3 {
		t.Fatalf("got %+v, %v", s, err)
	}
}

func TestMonitorThatHangsCostsItsDeadline(t *testing.T) {
	address := monitor(t, func(c net.Conn) { time.Sleep(time.Minute) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := Ask(ctx, address)
	if err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestMonitorThatFloodsIsCutOff(t *testing.T) {
	address := monitor(t, func(c net.Conn) {
		for {
			if _, err := c.Write([]byte(strings.Repeat("x", 1<<16))); err != nil {
				return
			}
		}
	})
	if _, err := Ask(t.Context(), address); err == nil || !strings.Contains(err.Error(), "no MMM monitor") {
		t.Errorf("got %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Ask(t.Context(), l.Addr().String()); err == nil || !strings.Contains(err.Error(), "mmm_mond") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(shown)
	f.Add("db1(192.0.2.31): master/ONLINE. Roles: None")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err == nil && len(s.Hosts) == 0 {
			t.Error("an answer without hosts")
		}
		for _, h := range s.Hosts {
			if h.Name == "" || h.State == "" || strings.ContainsAny(h.Name+h.State, "\n ") {
				t.Errorf("host %+v", h)
			}
		}
	})
}
