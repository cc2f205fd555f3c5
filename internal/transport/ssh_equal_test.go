package transport

import (
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/testservers"
)

// small is what a host has to have beside dash; digests are then taken here.
var small = []string{"find", "head", "ls", "readlink", "echo", "true", "uname"}

// busyboxHost is a host with its own root, on which there is nothing but a busybox and the planted files.
func busyboxHost(t testing.TB, root string, applets ...string) *testservers.Host {
	t.Helper()
	for p := root; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		_ = os.Chmod(p, 0o755)
	}
	if len(applets) > 0 {
		testservers.Dash(t, root) // busybox's own shell has all applets within it
	}
	testservers.Busybox(t, root, applets...)
	return testservers.SSH(t, testservers.Inside(t, root))
}

// hostileTree is full of what a shell, a line-based listing or a careless walk stumbles over.
func hostileTree(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{
		"etc/app/a.ini": "a", "etc/app/b.conf": "b\n", "etc/app/sub/c.ini": "c\n\n", "etc/app/sub/deep/.d.ini": "d", "etc/other": "o", "etc/empty": "",
		"etc/binary":   "\x00\x01\nenvdiff-\n\n\xff\r\n\x00",
		"etc/app/loop": "@.", "etc/app/up": "@..", "etc/abs": "@/etc/other", "etc/rel": "@app/../other", "etc/dangling": "@/etc/nothing",
		"etc/circle": "@circle2", "etc/circle2": "@circle", "etc/chain": "@abs", "etc/current": "@/etc/app/sub", "lib": "@usr/lib",
		"usr/lib/units/x.service": "x", "usr/lib/units/y.service": "@x.service", "far": "@/etc/current/deep",
		"etc/n/new\nline":            "1",
		"etc/n/ends\n":               "2",
		"etc/n/quote'quote":          "3",
		"etc/n/$(touch pwned)":       "4",
		"etc/n/`touch pwned`":        "5",
		"etc/n/-rf":                  "6",
		"etc/n/--":                   "7",
		"etc/n/back\\slash":          "8",
		"etc/n/ lead and trail ":     "9",
		"etc/n/*":                    "10",
		"etc/n/[a]":                  "11",
		"etc/n/\x1b[31m\xff":         "12",
		"etc/n/é":                    "13",
		"etc/n/a;b&c|d>e<f":          "14",
		"etc/n/~root":                "15",
		"etc/n/!!":                   "16",
		"etc/n/tab\tand\rreturn":     "17",
		"etc/n/link to\nnowhere":     "@no\nwhere ",
		"etc/n/link 'quoted'":        "@quote'quote",
		"etc/n/dir\nwith line\n/f":   "18",
		"etc/n/" + big:               "19",
		"etc/n/envdiff-ABC:s 81a4 1": "20",
	}
}

var big = strings.Repeat("x", 255)

// plantHostile adds to a planted tree what is no file: a pipe, a socket, modes.
func plantHostile(t testing.TB, dir string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(dir, "etc/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{"etc/other": 0o640 | fs.ModeSetuid | fs.ModeSetgid, "etc/app/sub": 0o755 | fs.ModeSticky, "etc/app/a.ini": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(dir, "etc/binary"), 5<<20); err != nil {
		t.Fatal(err)
	}
}

// equalWants are asked of every tree, below a place.
func equalWants(below string) []Want {
	globs := [][]string{
		{"/etc/app/*"}, {"/etc/app/**/*.ini"}, {"/etc/**"}, {"/etc/n/**"}, {"/etc/abs", "/etc/rel", "/etc/chain", "/etc/dangling"}, {"/etc/circle"}, {"/etc/circle/x"},
		{"/etc/current/*.ini"}, {"/etc/current/**"}, {"/etc/app/loop/loop/up/other"}, {"/lib/units/*", "/usr/lib/units/*"}, {"/far/.d.ini"}, {"/far/**"},
		{"/etc/other/x"}, {"/etc/nothing"}, {"/nowhere/**"}, {"/etc/app"}, {"/etc/pipe"}, {"/etc/n/[[]a]", "/etc/n/?"}, {"/etc/n/new\nline", "/etc/n/$(touch pwned)", "/etc/n/quote'*"},
		{"/*/app/../other"}, {"/etc/n/-rf", "/etc/n/--"}, {"/etc/a\x00b"}, {"/etc/empty", "/etc/binary"}, {"/**/c.ini"},
	}
	var wants []Want
	for i, g := range globs {
		for j := range g {
			g[j] = escapeGlob(below) + g[j]
		}
		for _, c := range []Content{Body, MD5, SHA256, Names} {
			wants = append(wants, Want{ID: fmt.Sprint(i, "/", c, " ", strings.TrimPrefix(g[0], below)), Globs: g, Content: c, MaxBytes: 1 << 20})
		}
	}
	everything := escapeGlob(below) + "/etc/**"
	return append(wants,
		Want{ID: "excluded", Globs: []string{everything}, Exclude: []string{everything[:len(everything)-2] + "n/**", escapeGlob(below) + "/etc/app/*.conf"}},
		Want{ID: "few", Globs: []string{everything}, MaxFiles: 3},
		Want{ID: "short", Globs: []string{everything}, MaxBytes: 1},
		Want{ID: "long", Globs: []string{everything}, MaxBytes: 8 << 20},
	)
}

// inventory is every name of a tree with what shows that it was written to: a directory's time changes even for a file that is gone again.
func inventory(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err == nil {
			all[p] = fmt.Sprint(fi.Mode(), fi.Size(), fi.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func escapeGlob(p string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(p)
}

func TestSSHEqualsTheTreeOnEveryKindOfHost(t *testing.T) {
	for name, applets := range map[string][]string{"busybox": nil, "dash without stat, digests and timeout": small} {
		t.Run(name, func(t *testing.T) {
			root := plant(t, hostileTree(t))
			plantHostile(t, root)
			h := busyboxHost(t, root, applets...)
			tree, err := Root(root)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			wants := equalWants("")
			before := inventory(t, root)
			if d := differ(sections(t, tree, wants), sections(t, reach(t, h, nil), wants)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(before, inventory(t, root)); d != "" {
				t.Errorf("something was written on the host, or a file's name was run: %s", d)
			}
		})
	}
	t.Run("GNU", func(t *testing.T) {
		dir := plant(t, hostileTree(t))
		plantHostile(t, dir)
		wants := equalWants(dir)
		if d := differ(sections(t, Local(), wants), sections(t, reach(t, testservers.SSH(t, ""), nil), wants)); d != "" {
			t.Error(d)
		}
	})
}

// Random trees with links everywhere, asked with random patterns.
func TestSSHEqualsRandomTrees(t *testing.T) {
	h := testservers.SSH(t, "")
	tr := reach(t, h, nil)
	for seed := range int64(8) {
		r := rand.New(rand.NewSource(seed))
		dir := plant(t, randomTree(r))
		var wants []Want
		for i := range 30 {
			wants = append(wants, Want{ID: fmt.Sprint(i), Content: Content(r.Intn(4)), MaxFiles: r.Intn(40),
				Globs: []string{dir + randomGlob(r), dir + randomGlob(r)}, Exclude: []string{dir + randomGlob(r)}})
		}
		if d := differ(sections(t, Local(), wants), sections(t, tr, wants)); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
	}
}

var randomNames = []string{"a", "b", "c", ".d", "e f", "g\nh"}

func randomTree(r *rand.Rand) map[string]string {
	tree, taken := map[string]string{}, map[string]bool{"": true}
	for range 60 {
		name := ""
		for range 1 + r.Intn(4) {
			name = filepath.Join(name, randomNames[r.Intn(len(randomNames))])
		}
		if taken[name] {
			continue
		}
		free := true
		for p := name; p != "."; p = filepath.Dir(p) {
			_, file := tree[p]
			free = free && !file
		}
		if !free {
			continue
		}
		for p := name; p != "."; p = filepath.Dir(p) {
			taken[p] = true
		}
		switch r.Intn(4) {
		case 0:
			target := randomNames[r.Intn(len(randomNames))]
			for range r.Intn(3) {
				target = filepath.Join([]string{"..", randomNames[r.Intn(len(randomNames))]}[r.Intn(2)], target)
			}
			tree[name] = "@" + target
		default:
			tree[name] = fmt.Sprint(r.Int63())[:r.Intn(10)]
		}
	}
	return tree
}

func randomGlob(r *rand.Rand) string {
	g := ""
	for range 1 + r.Intn(4) {
		g += "/" + []string{"*", "**", "?", "[a-c]", "*d", randomNames[r.Intn(len(randomNames))], randomNames[r.Intn(3)]}[r.Intn(7)]
	}
	return g
}

// A directory that cannot be listed for another reason than its rights is no empty directory.
func TestSSHDirectoryThatCannotBeListedHasFailed(t *testing.T) {
	root := plant(t, map[string]string{"etc/broken/a": "a", "etc/whole/b": "b"})
	h := busyboxHost(t, root, "busybox", "head", "stat", "readlink", "echo", "grep")
	wrapper := "#!/bin/sh\n/bin/busybox find \"$@\"\necho \"find: '/etc/broken': Input/output error\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(root, "bin/find"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	got := summary(sections(t, reach(t, h, nil), []Want{{ID: "it", Globs: []string{"/etc/**"}}})["it"])
	if want := "/etc/broken=!failed /etc/whole/b=b"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
