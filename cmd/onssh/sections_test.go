package onssh

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/all"
)

// realWants are what all host collectors want of a role that names much.
func realWants() []transport.Want {
	spec := snapshot.RoleSpec{Config: []string{"/etc/**", "/usr/lib/sysctl.d/*.conf"}, Services: []string{"ssh", "cron"}}
	var wants []transport.Want
	for _, c := range all.Collectors().Hosts {
		for _, w := range c.Wants(spec) {
			if w.Tree {
				continue
			}
			w.ID = c.Name() + "/" + w.ID
			wants = append(wants, w)
		}
	}
	return wants
}

func fetch(t *testing.T, tr transport.Transport, wants []transport.Want) transport.Sections {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ss, err := tr.Fetch(ctx, wants)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	return ss
}

func ssh(t *testing.T, h *testservers.Host) transport.Transport {
	t.Helper()
	tr, err := transport.SSH(transport.SSHOptions{Host: "127.0.0.1", Port: h.Port, Args: []string{"-F", h.Config}})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// differ compares answers, but for what changes from one moment to the next.
func differ(want, got transport.Sections) string {
	volatile := []string{"/proc/meminfo", "/proc/cpuinfo", "/proc/loadavg", "/proc/uptime", "/proc/stat", "/proc/swaps"}
	for _, ss := range []transport.Sections{want, got} {
		for id, s := range ss {
			if slices.Contains([]string{"host/clock", "host/space", "host/inodes", "host/sysctl-running", "process/proc", "effective/effective", "container/containers"}, id) {
				ss[id] = transport.Section{Problem: s.Problem, Status: s.Status}
			}
			for i := range s.Files {
				if slices.Contains(volatile, s.Files[i].Path) && len(s.Files[i].Body) > 0 {
					s.Files[i].Body, s.Files[i].Size = nil, 0
				}
			}
		}
	}
	return cmp.Diff(want, got, cmp.Comparer(bytes.Equal))
}

func TestEveryCollectorIsAnsweredAlikeOverSSH(t *testing.T) {
	wants := realWants()
	t.Run("this machine", func(t *testing.T) {
		if d := differ(fetch(t, transport.Local(), wants), fetch(t, ssh(t, testservers.SSH(t, "")), wants)); d != "" {
			t.Error(d)
		}
	})
	t.Run("a busybox host against its tree", func(t *testing.T) {
		root := plantHost(t, "web1", nil)
		h := testservers.SSH(t, testservers.Inside(t, root))
		files := slices.DeleteFunc(slices.Clone(wants), func(w transport.Want) bool { return len(w.Command) > 0 })
		tree, err := transport.Root(filepath.Clean(root))
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(fetch(t, tree, files), fetch(t, ssh(t, h), files)); d != "" {
			t.Error(d)
		}
	})
}
