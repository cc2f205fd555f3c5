package transport

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/testservers"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// reach makes the transport of a test host.
func reach(t testing.TB, h *testservers.Host, change func(*SSHOptions)) Transport {
	t.Helper()
	o := SSHOptions{Host: "127.0.0.1", Port: h.Port, Args: []string{"-F", h.Config}}
	if change != nil {
		change(&o)
	}
	tr, err := SSH(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// differ shows where two answers differ.
func differ(want, got Sections) string { return cmp.Diff(want, got, cmp.Comparer(bytes.Equal)) }

// sections asks within a deadline, so that a hang is a failure.
func sections(t testing.TB, tr Transport, wants []Want) Sections {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ss, err := tr.Fetch(ctx, wants)
	if err != nil {
		t.Fatalf("%s: %v", tr.Describe(), err)
	}
	return ss
}

func TestSSHAnswersAsTheMachineItself(t *testing.T) {
	h := testservers.SSH(t, "")
	wants := []Want{
		{ID: "one", Globs: []string{"/etc/passwd"}},
		{ID: "tree", Globs: []string{"/etc/**"}, Content: MD5, Exclude: []string{"/etc/ssl/**"}},
		{ID: "bodies", Globs: []string{"/etc/**/*.conf", "/lib/ld-*"}},
		{ID: "names", Globs: []string{"/usr/lib/systemd/system/*", "/lib/systemd/system/*"}, Content: Names},
		{ID: "proc", Globs: []string{"/proc/mounts", "/proc/cpuinfo", "/proc/sys/kernel/osrelease"}},
		{ID: "uname", Command: []string{"uname", "-m"}},
		{ID: "status", Command: []string{"sh", "-c", "echo \"$LC_ALL $HOME $PATH\"; pwd; exit 3"}},
		{ID: "none", Command: []string{"envdiff-no-such-command"}},
	}
	got := sections(t, reach(t, h, nil), wants)
	for i := range got["proc"].Files { // MHz change
		if got["proc"].Files[i].Path == "/proc/cpuinfo" && len(got["proc"].Files[i].Body) > 100 {
			got["proc"].Files[i].Body = nil
		}
	}
	want := sections(t, Local(), wants)
	for i := range want["proc"].Files {
		if want["proc"].Files[i].Path == "/proc/cpuinfo" {
			want["proc"].Files[i].Body = nil
			got["proc"].Files[i].Size = want["proc"].Files[i].Size
		}
	}
	if d := differ(want, got); d != "" {
		t.Error(d)
	}
}
