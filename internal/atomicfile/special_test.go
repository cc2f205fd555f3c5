package atomicfile

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func say(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestWhatIsNoFileIsNotReplaced(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		text, _ := os.ReadFile(pipe)
		got <- string(text)
	}()
	if err := Write(pipe, say("report")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "report" {
		t.Errorf("the reader of the pipe got %q", text)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe became %v, %v", info.Mode(), err)
	}
}

func TestALinkStaysOne(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "reports", "r.json"), filepath.Join(dir, "latest")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("reports/r.json", link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, say("new")); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "reports/r.json" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "new" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestADirectoryIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, say("x")); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Error(err)
	}
}
