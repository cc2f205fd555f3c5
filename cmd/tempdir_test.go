package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatAKilledRunLeftIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	killed, lock, err := makeTempDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "copy.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock.Close() // as the kernel does when a process dies
	living, lock, err := makeTempDir()
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := os.Stat(killed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the killed run's directory is still there: %v", err)
	}
	other, otherLock, err := makeTempDir()
	if err != nil {
		t.Fatal(err)
	}
	defer otherLock.Close()
	for _, dir := range []string{living, other} {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("a living run's directory is gone: %v", err)
		}
	}
}
