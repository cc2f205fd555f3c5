package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// New writes and syncs one new file, mode 0600, in a directory that nobody sees yet: the fill of Dir uses it.
func New(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := fill(faultWriter{f, path}); err != nil {
		f.Close()
		return err
	}
	fault("sync", path)
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Dir makes path a directory, mode 0700, that holds what fill wrote into the directory it was given. A directory that
// is already there is replaced as a whole; the caller has made sure that it may be. On any error path is as it was.
func Dir(path string, fill func(dir string) error) error {
	if err := Recover(path); err != nil {
		return err
	}
	return inTemp(path, fill, func(tmp string) error {
		if err := renameNew(tmp, path); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return replaceDir(tmp, path)
	})
}

// NewDir is Dir for a path that nobody has made yet, not even while fill was at work: else the error is fs.ErrExist.
func NewDir(path string, fill func(dir string) error) error {
	return inTemp(path, fill, func(tmp string) error { return renameNew(tmp, path) })
}

// inTemp fills and syncs a temporary directory beside path and hands it to publish.
func inTemp(path string, fill, publish func(dir string) error) error {
	tmp, err := os.MkdirTemp(filepath.Dir(path), Prefix+"*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = fill(tmp); err == nil {
		err = syncTree(tmp)
	}
	if err == nil {
		err = publish(tmp)
	}
	fault("remove", tmp)
	os.RemoveAll(tmp) // after success it holds what was replaced, or is gone
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// renameNew gives tmp the name path, which must be free: rename(2) refuses a directory that is not empty.
func renameNew(tmp, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	err := Rename(tmp, path)
	if errors.Is(err, syscall.ENOTEMPTY) {
		return fs.ErrExist
	}
	return err
}

// replaceDir puts tmp in the place of path: in one step where the file system can exchange two names, else by
// moving the old one aside, from where Recover fetches it after a kill between the two renames.
func replaceDir(tmp, path string) error {
	fault("rename", path)
	err := exchange(tmp, path)
	if err == nil {
		return SyncDir(filepath.Dir(path))
	}
	if !errors.Is(err, errNoExchange) {
		return err
	}
	return replaceAside(tmp, path)
}

// replaceAside is replaceDir for file systems that cannot exchange names.
func replaceAside(tmp, path string) error {
	old := aside(path)
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := Rename(path, old); err != nil {
		return err
	}
	if err := Rename(tmp, path); err != nil {
		return errors.Join(err, os.Rename(old, path))
	}
	fault("remove", old)
	return os.RemoveAll(old)
}

// errNoExchange says that the file system cannot exchange two names.
var errNoExchange = errors.New("names cannot be exchanged here")

// aside is where replaceDir keeps the old directory between two renames.
func aside(path string) string {
	return filepath.Join(filepath.Dir(path), Prefix+"old."+filepath.Base(path))
}

// Recover puts back what a run that was killed while replacing path has moved
// aside. Readers call it when path is missing.
func Recover(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	old := aside(path)
	if _, err := os.Lstat(old); err != nil {
		return nil
	}
	if err := os.Rename(old, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recovering %s: %w", path, err)
	}
	return nil
}

// syncTree makes the names in dir and in all directories below it durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return SyncDir(path)
	})
}
