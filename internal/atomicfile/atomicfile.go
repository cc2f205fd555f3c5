// Package atomicfile writes files and directories so that a reader finds the old one or the complete new one, whatever
// happens in between: temporary name in the same directory, sync, rename, sync of the directory.
package atomicfile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Prefix starts the name of every temporary file and directory, so that leftovers of a killed run are recognised.
const Prefix = ".envdiff-tmp-"

// Fault is called before each step ("write", "sync", "rename", "syncdir", "remove") with its path. Tests replace it to
// kill the process there; it is nil otherwise.
var Fault func(step, path string)

func fault(step, path string) {
	if Fault != nil {
		Fault(step, path)
	}
}

// Write makes path hold what fill writes, mode 0600 for reports and snapshots describe
// production. On any error path is as it was.
func Write(path string, fill func(io.Writer) error) error {
	return WriteMode(path, 0o600, fill)
}

// WriteMode is Write with another file mode.
func WriteMode(path string, mode os.FileMode, fill func(io.Writer) error) error {
	f, err := Stage(path, mode, fill)
	if err != nil {
		return err
	}
	return f.Commit()
}

// Staged is a complete, synced file that nobody sees under its name yet.
type Staged struct {
	path, tmp string
	fill      func(io.Writer) error // of what is no file
}

// Stage does all of WriteMode that is likely to fail, so that several files can be published together or not at all:
// Commit or Discard follows. A link is followed, so that it stays one; into what is no file, such as a pipe or
// /dev/stdout, Commit writes at once, because that cannot be replaced.
func Stage(path string, mode os.FileMode, fill func(io.Writer) error) (s *Staged, err error) {
	switch info, statErr := os.Stat(path); {
	case statErr != nil: // there is none yet, or CreateTemp says what is wrong
	case info.IsDir():
		return nil, fmt.Errorf("writing %s: it is a directory", path)
	case !info.Mode().IsRegular():
		return &Staged{path: path, fill: fill}, nil
	default:
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return nil, fmt.Errorf("writing %w", err)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), Prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	tmp := f.Name()
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(tmp)
		}
	}()
	if err = f.Chmod(mode); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	if err = fill(faultWriter{f, tmp}); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	fault("sync", tmp)
	if err = f.Sync(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	if err = f.Close(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return &Staged{path: path, tmp: tmp}, nil
}

// Commit gives the file its name.
func (s *Staged) Commit() error {
	if s.fill != nil {
		return through(s.path, s.fill)
	}
	if err := Rename(s.tmp, s.path); err != nil {
		os.Remove(s.tmp)
		return err
	}
	return nil
}

// Discard forgets the file.
func (s *Staged) Discard() {
	if s.tmp != "" {
		os.Remove(s.tmp)
	}
}

// through writes into a device or pipe.
func through(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("writing %w", err)
	}
	if err := fill(f); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}

// Rename moves a complete, synced file or directory to its final name and syncs the directory that holds it.
func Rename(from, to string) error {
	fault("rename", to)
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("writing %s: %w", to, err)
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir makes the names in dir durable.
func SyncDir(dir string) error {
	fault("syncdir", dir)
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type faultWriter struct {
	f    *os.File
	path string
}

func (w faultWriter) Write(p []byte) (int, error) {
	fault("write", w.path)
	return w.f.Write(p)
}
