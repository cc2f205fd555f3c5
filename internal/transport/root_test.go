package transport

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// plant makes a tree: "dir/file" → content, "link" → "@target", "dir/" → directory.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(p, 0o755)
		case strings.HasPrefix(content, "@"):
			err = os.Symlink(content[1:], p)
		default:
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fetch answers one want from a tree within a deadline, so that a hang is a failure.
func fetch(t *testing.T, dir string, w Want) Section {
	t.Helper()
	tr, err := Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	w.ID = "it"
	ss, err := tr.Fetch(ctx, []Want{w})
	if err != nil {
		t.Fatal(err)
	}
	return ss["it"]
}

func summary(s Section) string {
	var b strings.Builder
	for _, f := range s.Files {
		fmt.Fprintf(&b, "%s=%s", f.Path, f.Body)
		if f.Problem != OK {
			fmt.Fprintf(&b, "!%s", f.Problem)
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String()) + string(s.Problem)
}

func TestTreeFiles(t *testing.T) {
	dir := plant(t, map[string]string{
		"etc/app/a.ini": "a", "etc/app/b.conf": "b", "etc/app/sub/c.ini": "c", "etc/app/sub/deep/.d.ini": "d", "etc/other": "o",
		"etc/app/loop":                 "@.",            // a directory that holds itself
		"etc/app/up":                   "@..",           // and one that holds its parent
		"etc/abs":                      "@/etc/other",   // absolute links start at the tree's root
		"etc/rel":                      "@app/../other", // relative ones where they stand
		"etc/dangling":                 "@/etc/nothing",
		"etc/out":                      "@../../../../../../../../../../etc/hostname",
		"etc/circle":                   "@circle2",
		"etc/circle2":                  "@circle",
		"etc/chain":                    "@abs",
		"etc/current":                  "@/etc/app/sub",
		"etc/escape\x1b[31m\n\xff.ini": "e",
		"srv/empty/":                   "",
	})
	for _, c := range []struct {
		name string
		want Want
		out  string
	}{
		{"one level", Want{Globs: []string{"/etc/app/*"}}, "/etc/app/a.ini=a /etc/app/b.conf=b"},
		{"every level, links to directories not followed", Want{Globs: []string{"/etc/app/**/*.ini"}},
			"/etc/app/a.ini=a /etc/app/sub/c.ini=c /etc/app/sub/deep/.d.ini=d"},
		{"overlapping globs give each file once", Want{Globs: []string{"/etc/app/**", "/etc/app/*.ini", "/etc/app/a.ini"}},
			"/etc/app/a.ini=a /etc/app/b.conf=b /etc/app/sub/c.ini=c /etc/app/sub/deep/.d.ini=d"},
		{"exclude a directory", Want{Globs: []string{"/etc/app/**"}, Exclude: []string{"/etc/app/sub/**", "*.conf", "/etc/app/*.conf"}}, "/etc/app/a.ini=a"},
		{"absolute link", Want{Globs: []string{"/etc/abs"}}, "/etc/abs=o"},
		{"relative link", Want{Globs: []string{"/etc/rel"}}, "/etc/rel=o"},
		{"link to a link", Want{Globs: []string{"/etc/chain"}}, "/etc/chain=o"},
		{"dangling link", Want{Globs: []string{"/etc/dangling"}}, "/etc/dangling=!not found"},
		{"link out of the tree", Want{Globs: []string{"/etc/out"}}, "/etc/out=!a link that leaves the tree"},
		{"loop of links", Want{Globs: []string{"/etc/circle"}}, "/etc/circle=!a loop of links"},
		{"through a linked directory", Want{Globs: []string{"/etc/current/*.ini"}}, "/etc/current/c.ini=c"},
		{"through links that loop", Want{Globs: []string{"/etc/circle/x"}}, "/etc/circle=!a loop of links"},
		{"through links that hold themselves", Want{Globs: []string{"/etc/app/loop/loop/up/other"}}, "/etc/app/loop/loop/up/other=o"},
		{"a file as a directory", Want{Globs: []string{"/etc/other/x"}}, "not found"},
		{"nothing there", Want{Globs: []string{"/etc/nothing"}}, "not found"},
		{"no such directory", Want{Globs: []string{"/nowhere/**"}}, "not found"},
		{"a directory is no file", Want{Globs: []string{"/srv/empty"}}, "not found"},
		{"hostile name", Want{Globs: []string{"/etc/esc*"}}, "/etc/escape\x1b[31m\n\xff.ini=e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := summary(fetch(t, dir, c.want)); got != c.out {
				t.Errorf("\n got %q\nwant %q", got, c.out)
			}
		})
	}
}

func TestNamesGivesLinksAsWritten(t *testing.T) {
	dir := plant(t, map[string]string{"etc/w/a.service": "@/dev/null", "etc/w/b.service": "@../../../../x", "etc/w/c": "file"})
	s := fetch(t, dir, Want{Globs: []string{"/etc/w/*"}, Content: Names})
	if len(s.Files) != 3 || s.Files[0].Target != "/dev/null" || s.Files[1].Target != "../../../../x" || s.Files[2].Target != "" {
		t.Fatalf("%+v", s)
	}
	for _, f := range s.Files {
		if f.Problem != OK || f.Body != nil {
			t.Errorf("%+v", f)
		}
	}
}

func TestDigests(t *testing.T) {
	dir := plant(t, map[string]string{"etc/a": "content"})
	sum := md5.Sum([]byte("content"))
	s := fetch(t, dir, Want{Globs: []string{"/etc/a"}, Content: MD5})
	if s.Files[0].Digest != hex.EncodeToString(sum[:]) || s.Files[0].Body != nil {
		t.Errorf("%+v", s.Files[0])
	}
	if s = fetch(t, dir, Want{Globs: []string{"/etc/a"}, Content: SHA256}); len(s.Files[0].Digest) != 64 {
		t.Errorf("%+v", s.Files[0])
	}
}

func TestLimits(t *testing.T) {
	dir := plant(t, map[string]string{"a/1": "x", "a/2": "x", "a/3": "x", "b/big": "", "b/small": "s"})
	if err := os.Truncate(filepath.Join(dir, "b/big"), 1<<30); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := fetch(t, dir, Want{Globs: []string{"/b/*"}})
	if got := summary(s); got != "/b/big=!larger than the limit /b/small=s" {
		t.Error(got)
	}
	s = fetch(t, dir, Want{Globs: []string{"/b/*"}, Content: MD5})
	if s.Files[0].Problem != TooLarge || s.Files[0].Digest != "" {
		t.Errorf("%+v", s.Files[0])
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("a file of 1 GiB was read: %s", took)
	}
	if s = fetch(t, dir, Want{Globs: []string{"/a/*"}, MaxFiles: 2}); s.Problem != TooMany || len(s.Files) != 2 {
		t.Errorf("%+v", s)
	}
	if s = fetch(t, dir, Want{Globs: []string{"/a/*"}, MaxFiles: 3}); s.Problem != OK {
		t.Errorf("%+v", s)
	}
}

func TestSpecialFilesAreNeverOpened(t *testing.T) {
	dir := plant(t, map[string]string{"etc/": "", "etc/via": "@pipe"})
	if err := syscall.Mkfifo(filepath.Join(dir, "etc/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, content := range []Content{Body, MD5} {
		s := fetch(t, dir, Want{Globs: []string{"/etc/*"}, Content: content})
		if got := summary(s); got != "/etc/pipe=!not a regular file /etc/via=!not a regular file" {
			t.Error(got)
		}
	}
}

func TestATreeRunsNothing(t *testing.T) {
	s := fetch(t, plant(t, map[string]string{"file": "x"}), Want{Command: []string{"true"}})
	if s.Problem != Unable {
		t.Errorf("%+v", s)
	}
}

func TestRootSaysWhatIsWrongWithTheDirectory(t *testing.T) {
	dir := plant(t, map[string]string{"file": "x"})
	unmounted := t.TempDir()
	for path, want := range map[string]string{
		unmounted:                  "is empty",
		filepath.Join(dir, "none"): "does not exist",
		filepath.Join(dir, "file"): "not a directory",
	} {
		_, err := Root(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Root(%q): %v", path, err)
		}
	}
}

func TestCancelledWalkEndsWithTheContextsError(t *testing.T) {
	dir := plant(t, map[string]string{"etc/a": "x"})
	tr, err := Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tr.Fetch(ctx, []Want{{ID: "a", Globs: []string{"/**"}}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A directory that turns into a link between looking and opening must not lead out: os.Root refuses it.
func TestSwappedDirectoryDoesNotLeadOut(t *testing.T) {
	outside := plant(t, map[string]string{"secret": "outside"})
	dir := plant(t, map[string]string{"etc/d/secret": "inside"})
	tr, err := openTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	to := tr.resolve("etc/d", "secret")
	if err := os.Rename(filepath.Join(dir, "etc/d"), filepath.Join(dir, "etc/old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "etc/d")); err != nil {
		t.Fatal(err)
	}
	wk := newWalk(context.Background(), tr, Want{})
	f := File{Path: "/etc/d/secret"}
	if err := wk.content(&f, to.name); err != nil || f.Body != nil || f.Problem == OK {
		t.Errorf("%+v, %v", f, err)
	}
}
