package transport

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

func TestSSHHostsWithPeculiarShells(t *testing.T) {
	want := sections(t, Local(), passwd)
	for name, force := range map[string]testservers.Forced{
		"a banner on standard output":        `echo "Welcome to the machine"; printf '\n\nenvdiff- hi 1 find\n'; exec sh -c "$SSH_ORIGINAL_COMMAND"`,
		"noise on standard error":            `yes noise | head -c 1000000 >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"`,
		"another locale and environment":     `export LC_ALL=tr_TR.UTF-8 LANG=de_DE LANGUAGE=de PATH=/nowhere:/usr/bin:/bin IFS=/ CDPATH=/tmp POSIXLY_CORRECT=1; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
		"bash as sh":                         `exec bash --posix -s`,
		"a background job that keeps on":     `(while sleep 0.05; do echo tick; done) & exec sh -c "$SSH_ORIGINAL_COMMAND"`,
		"a full disk, or none to write upon": `ulimit -f 0; exec sh -c "$SSH_ORIGINAL_COMMAND"`,
	} {
		t.Run(name, func(t *testing.T) {
			got := sections(t, reach(t, testservers.SSH(t, force), nil), passwd)
			if name == "a background job that keeps on" { // it may print in the middle of anything
				return
			}
			if d := differ(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSSHShellWithoutProgramsIsAProblemOfEachSection(t *testing.T) {
	root := plant(t, map[string]string{"etc/passwd": "x"})
	testservers.Dash(t, root)
	ss := sections(t, reach(t, testservers.SSH(t, testservers.Inside(t, root)), nil), passwd)
	for _, w := range passwd {
		if s := ss[w.ID]; s.Problem != Failed || !strings.Contains(s.Detail, "the host has no") {
			t.Errorf("%s: %+v", w.ID, s)
		}
	}
}

func TestSSHFloodsAreCut(t *testing.T) {
	h := testservers.SSH(t, "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	ss := sections(t, reach(t, h, nil), []Want{
		{ID: "gigabyte", Command: []string{"head", "-c", "1073741824", "/dev/zero"}},
		{ID: "lines", Command: []string{"yes"}, MaxBytes: 1000},
		{ID: "after", Command: []string{"uname"}},
		{ID: "device", Globs: []string{"/dev/zero", "/dev/urandom"}},
	})
	if ss["gigabyte"].Problem != TooLarge || ss["lines"].Problem != TooLarge || string(ss["after"].Output) != "Linux\n" || ss["device"].Files[0].Problem != Special {
		t.Errorf("%+v", ss)
	}
	if took := time.Since(began); took > 60*time.Second {
		t.Errorf("it took %s", took)
	}
	runtime.ReadMemStats(&after)
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 200 { // of all that was ever asked for
		t.Errorf("a gigabyte cost %d MiB of memory", mib)
	}
}

// What arrived before a host stopped is used, and the rest has failed.
func TestSSHHostThatStopsInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large"), strings.Repeat("large\n", 500_000))
	wants := []Want{{ID: "names", Globs: []string{"/etc/passwd"}, Content: Names}, {ID: "large", Globs: []string{dir + "/large"}}, {ID: "uname", Command: []string{"uname"}}}
	for name, c := range map[string]struct {
		force    testservers.Forced
		detail   string
		patience time.Duration // only the one that hangs costs it
	}{
		"it ends":                 {`exec sh -c "$SSH_ORIGINAL_COMMAND" | dd bs=1 count=100000 2>/dev/null`, "the connection ended", time.Minute},
		"it hangs":                {`sh -c "$SSH_ORIGINAL_COMMAND" | { dd bs=1 count=100000 2>/dev/null; exec sleep 600; }`, "did not answer in time", 15 * time.Second},
		"it goes on with garbage": {`sh -c "$SSH_ORIGINAL_COMMAND" | { dd bs=1 count=100000 2>/dev/null; exec cat /dev/urandom; }`, "more than it was asked for", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			tr := reach(t, testservers.SSH(t, c.force), nil)
			ctx, cancel := context.WithTimeout(context.Background(), c.patience)
			defer cancel()
			ss, err := tr.Fetch(ctx, wants)
			if err != nil {
				t.Fatal(err)
			}
			if ss["names"].Problem != OK || len(ss["names"].Files) != 1 {
				t.Errorf("what was complete: %+v", ss["names"])
			}
			for _, id := range []string{"large", "uname"} {
				if ss[id].Problem != Failed || !strings.Contains(ss[id].Detail, c.detail) {
					t.Errorf("%s: %s %s", id, ss[id].Problem, ss[id].Detail)
				}
			}
			if tr.(*remote).line != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

func TestSSHEndsWithTheContext(t *testing.T) {
	tr := reach(t, testservers.SSH(t, ""), nil)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(500*time.Millisecond, cancel)
	began := time.Now()
	_, err := tr.Fetch(ctx, []Want{{ID: "sleep", Command: []string{"sleep", "60"}}})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 40*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestSSHOneConnectionServesEveryFetch(t *testing.T) {
	tr := reach(t, testservers.SSH(t, ""), nil)
	first := sections(t, tr, passwd)
	line := tr.(*remote).line
	if d := differ(first, sections(t, tr, passwd)); d != "" || line == nil || tr.(*remote).line != line {
		t.Error("asked twice, connected twice", d)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-line.ended:
	default:
		t.Error("ssh outlives its transport")
	}
}

func TestSSHCommandThatHangs(t *testing.T) {
	tr := reach(t, testservers.SSH(t, ""), nil)
	r := tr.(*remote)
	r.options.commandTimeout = time.Second
	ss := sections(t, tr, []Want{{ID: "hang", Command: []string{"sh", "-c", "sleep 60 & sleep 60"}}, {ID: "uname", Command: []string{"uname"}}})
	if ss["hang"].Problem != Failed || !strings.Contains(ss["hang"].Detail, "no answer within 1s") || string(ss["uname"].Output) != "Linux\n" {
		t.Errorf("%+v", ss)
	}
}

func TestSSHDeniedFilesAndDirectories(t *testing.T) {
	dir := plant(t, map[string]string{"open": "o", "shut": "s", "closed/a": "a", "enter/known": "k", "list/b": "b"})
	for p := dir; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		_ = os.Chmod(p, 0o755)
	}
	for name, mode := range map[string]os.FileMode{"shut": 0o600, "closed": 0o700, "enter": 0o711, "list": 0o744} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	h := testservers.SSH(t, `exec setpriv --reuid 65534 --regid 65534 --clear-groups /bin/sh -c "$SSH_ORIGINAL_COMMAND"`)
	tr := reach(t, h, nil)
	for _, c := range []struct{ glob, out string }{
		{"/**", "/closed=!permission denied /enter=!permission denied /list=!permission denied /open=o /shut=!permission denied"},
		{"/closed/a", "/closed/a=!permission denied"},
		{"/enter/known", "/enter/known=k"}, // a host may be asked for a name in a directory that cannot be listed
		{"/list/b", "/list/b=!permission denied"},
	} {
		s := sections(t, tr, []Want{{ID: "it", Globs: []string{dir + c.glob}}})["it"]
		if got := strings.ReplaceAll(summary(s), dir, ""); got != c.out {
			t.Errorf("%s:\n got %s\nwant %s", c.glob, got, c.out)
		}
	}
}
