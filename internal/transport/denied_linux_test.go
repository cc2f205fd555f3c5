package transport

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs fn without the right to read what others forbid, root or not: the file
// system user of this one thread changes.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // not unlocked: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			_ = syscall.Setfsgid(65534)
			_ = syscall.Setfsuid(65534)
		}
		fn()
	}()
	<-done
}

func TestUnreadableFilesAndDirectoriesAreDenied(t *testing.T) {
	dir := plant(t, map[string]string{"etc/open": "o", "etc/shut": "s", "etc/closed/a": "a", "etc/enter/known": "k"})
	for name, mode := range map[string]os.FileMode{"etc/shut": 0, "etc/closed": 0, "etc/enter": 0o711, ".": 0o755} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for p := dir; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		_ = os.Chmod(p, 0o755)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "etc/closed"), 0o755) })
	for _, c := range []struct {
		name string
		want Want
		out  string
	}{
		{"by glob", Want{Globs: []string{"/etc/**"}}, "/etc/closed=!permission denied /etc/enter=!permission denied /etc/open=o /etc/shut=!permission denied"},
		{"a file in a closed directory", Want{Globs: []string{"/etc/closed/a"}}, "/etc/closed/a=!permission denied"},
		{"a directory that may be entered but not listed: os.Root opens it to stay inside", Want{Globs: []string{"/etc/enter/known"}}, "/etc/enter/known=!permission denied"},
	} {
		asNobody(t, func() {
			if got := summary(fetch(t, dir, c.want)); got != c.out {
				t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.out)
			}
		})
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	asNobody(t, func() {
		if _, err := Root(dir); err == nil {
			t.Error("a directory that may not be read was opened")
		}
	})
}
