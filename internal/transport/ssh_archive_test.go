package transport

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What a host's tar does not give, or gives wrong, is read without it.
func TestSSHFilesThatTarDoesNotGive(t *testing.T) {
	files := map[string]string{"etc/a": "a", "etc/b": strings.Repeat("b", 3000), "etc/c\nd": "c", "etc/empty": "", "etc/link": "@b"}
	const whole = "/etc/a=a /etc/c\nd=c /etc/empty="
	for name, program := range map[string]string{
		"fails":                     "exit 2",
		"gives nothing":             "exit 0",
		"ends in the midst":         `/bin/busybox tar "$@" | /bin/busybox head -c 1600`,
		"fails after all its files": `/bin/busybox tar "$@"; exit 1`,
		"prints something else":     "echo usage: tar",
		"prints without end":        `while :; do echo usage: tar; done`,
		"leaves one out":            `for p do shift; [ "$p" = /etc/a ] || set -- "$@" "$p"; done; /bin/busybox tar "$@"`,
		"gives more than it should": `/bin/busybox tar "$@" /etc/secret`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := plant(t, files)
			if err := os.WriteFile(filepath.Join(root, "etc/secret"), []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			h := busyboxHost(t, root, "busybox", "find", "head", "stat", "readlink", "echo", "grep")
			if err := os.WriteFile(filepath.Join(root, "bin/tar"), []byte("#!/bin/sh\n"+program+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			tr := reach(t, h, nil)
			if got := summary(sections(t, tr, []Want{{ID: "it", Globs: []string{"/etc/[ac]*", "/etc/empty"}}})["it"]); got != whole {
				t.Errorf("got %q\nwant %q", got, whole)
			}
			long := sections(t, tr, []Want{{ID: "it", Globs: []string{"/etc/link"}}})["it"]
			if len(long.Files) != 1 || string(long.Files[0].Body) != files["etc/b"] {
				t.Errorf("behind the link: %+v", long)
			}
		})
	}
}

// Many files cost few programs.
func TestSSHManyFilesAreReadTogether(t *testing.T) {
	files := map[string]string{}
	for _, c := range "abcdefghijklmnopqrstuvwxyz" {
		files["etc/"+string(c)] = string(c)
	}
	root := plant(t, files)
	h := busyboxHost(t, root, "busybox", "find", "stat", "readlink", "echo", "grep", "tar")
	counts := filepath.Join(root, "started")
	if err := os.WriteFile(filepath.Join(root, "bin/head"), []byte("#!/bin/sh\necho >>/started; exec /bin/busybox head \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := sections(t, reach(t, h, nil), []Want{{ID: "it", Globs: []string{"/etc/*"}}})["it"]
	text, err := os.ReadFile(counts)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); len(s.Files) != len(files) || n > 5 {
		t.Errorf("%d files by %d programs", len(s.Files), n)
	}
}

// Wherever an output that is too long is cut, it is that command's problem and nobody else's.
func TestSSHOutputsAroundTheirLimit(t *testing.T) {
	h := busyboxHost(t, plant(t, map[string]string{"etc/a": "a"}))
	const limit = 100
	var wants []Want
	for size := limit - 2; size < limit+80; size++ {
		wants = append(wants, Want{ID: strconv.Itoa(size), Command: []string{"sh", "-c", "printf '%" + strconv.Itoa(size) + "s\\n' | tr ' ' x | head -c " + strconv.Itoa(size) + "; exit 7"}, MaxBytes: limit})
	}
	got := sections(t, reach(t, h, nil), wants)
	for size := limit - 2; size < limit+80; size++ {
		s := got[strconv.Itoa(size)]
		if whole := s.Problem == OK && len(s.Output) == size && s.Status == 7; whole != (size <= limit) || !whole && s.Problem != TooLarge {
			t.Errorf("%d bytes: %q, status %d, %d bytes: %s", size, s.Problem, s.Status, len(s.Output), s.Detail)
		}
	}
}

func archiveOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte{'x'}, int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestParseArchive(t *testing.T) {
	got, err := parseArchive(archiveOf(t, tar.Header{Name: "/etc/a", Size: 2, Mode: 0o644}, tar.Header{Name: "etc/b", Typeflag: tar.TypeLink, Linkname: "etc/a"},
		tar.Header{Name: "etc/c", Typeflag: tar.TypeSymlink, Linkname: "a"}, tar.Header{Name: "../../etc/d", Size: 1}))
	if err != nil || len(got) != 3 || string(got["etc/a"]) != "xx" || string(got["etc/b"]) != "xx" || string(got["etc/d"]) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

// A sparse file takes little room in an archive and much where it is read: all together are not more than was sent.
func TestSparseFilesOfAnArchiveAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 60 {
		name := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, 32<<10); err != nil {
			t.Fatal(err)
		}
	}
	text, err := exec.Command("tar", "-c", "--format=posix", "-S", "-C", dir, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := parseArchive(text)
	if err != nil || len(text) < 32<<10 {
		t.Fatalf("an archive of %d bytes: %v", len(text), err)
	}
	held := 0
	for _, data := range files {
		held += len(data)
	}
	if held == 0 || held > len(text) {
		t.Errorf("%d bytes of %d files from an archive of %d", held, len(files), len(text))
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(archiveOf(f, tar.Header{Name: "etc/a", Size: 2, Mode: 0o644}, tar.Header{Name: "etc/b", Typeflag: tar.TypeLink, Linkname: "etc/a"}))
	f.Add(archiveOf(f, tar.Header{Name: strings.Repeat("x", 300), Size: 2, Mode: 0o644}))
	f.Add([]byte("usage: tar"))
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := parseArchive(text)
		if err != nil {
			return
		}
		for name, data := range files {
			if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") || len(data) > len(text) {
				t.Fatalf("%q: %d bytes", name, len(data))
			}
		}
	})
}
