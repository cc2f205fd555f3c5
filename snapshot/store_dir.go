package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// directory is a store on this machine: each snapshot is a directory.
type directory struct{ dir string }

// OpenStore makes the directory where it is missing.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return FindStore(dir)
}

// FindStore is OpenStore without making anything.
func FindStore(dir string) (*Store, error) {
	info, err := os.Stat(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening the store: %s is not a directory", dir)
	}
	return &Store{directory{dir}}, nil
}

func (d directory) String() string { return d.dir }

func (d directory) exists() (bool, error) {
	_, err := os.Stat(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d directory) place(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d directory) environments(context.Context) ([]string, error) {
	return d.below(".", func(e fs.DirEntry) bool { return e.IsDir() && e.Name() != UnfinishedDir })
}

func (d directory) names(_ context.Context, env string) ([]string, error) {
	return d.below(env, func(fs.DirEntry) bool { return true })
}

// below lists the names in a directory of the store; one that is not there is empty.
func (d directory) below(name string, wanted func(fs.DirEntry) bool) ([]string, error) {
	entries, err := os.ReadDir(d.place(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), atomicfile.Prefix) && wanted(e) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func (d directory) problem(name, env string) string {
	m, err := ReadManifest(d.place(name))
	switch {
	case err != nil:
		return err.Error()
	case m.Environment != env:
		return fmt.Sprintf("snapshot %s: it is of environment %q", d.place(name), m.Environment)
	}
	return ""
}

func (d directory) save(_ context.Context, name string, s *Snapshot) error {
	path := d.place(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(d.dir); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return atomicfile.NewDir(path, func(dir string) error { return writeFiles(s, dirSink{dir}) })
}

func (d directory) read(_ context.Context, name string) (*Snapshot, error) {
	return Read(d.place(name))
}

func (d directory) remove(_ context.Context, name string) error {
	path := d.place(name)
	gone := filepath.Join(filepath.Dir(path), atomicfile.Prefix+filepath.Base(path))
	if err := atomicfile.Rename(path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

func (d directory) check(context.Context) error {
	f, err := os.CreateTemp(d.dir, atomicfile.Prefix+"check-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("envdiff")
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func (d directory) clean(ctx context.Context, before time.Time) (int, error) {
	dirs := []string{"."}
	envs, err := d.environments(ctx)
	if err != nil {
		return 0, err
	}
	dirs = append(dirs, envs...)
	removed := 0
	var errs []error
	for _, dir := range dirs {
		files, err := os.ReadDir(d.place(dir))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, f := range files {
			if !strings.HasPrefix(f.Name(), atomicfile.Prefix) {
				continue
			}
			info, err := f.Info()
			if err != nil || info.ModTime().After(before) {
				continue
			}
			if err := os.RemoveAll(filepath.Join(d.place(dir), f.Name())); err != nil {
				errs = append(errs, err)
				continue
			}
			removed++
		}
	}
	return removed, errors.Join(errs...)
}

func (d directory) hasNote(_ context.Context, name string) (bool, error) {
	_, err := os.Stat(d.place(name))
	return err == nil, err
}

func (d directory) readNote(_ context.Context, name string) ([]byte, error) {
	f, err := os.Open(d.place(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxNote+1))
	if err == nil && len(text) > maxNote {
		err = fmt.Errorf("%s is larger than %d MiB", d.place(name), maxNote>>20)
	}
	return text, err
}

func (d directory) writeNote(_ context.Context, name string, text []byte) error {
	return atomicfile.Write(d.place(name), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func (d directory) appendNote(_ context.Context, name string, line []byte) error {
	f, err := os.OpenFile(d.place(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line) // one write: the system appends it as a whole
	return errors.Join(err, f.Close())
}

// notesLock is the file that a run holds while it changes a note: between reading it and renaming the new one over it no other run does so. The system lets go of it with
// the process, however that ends.
const notesLock = ".notes.lock"

func (d directory) changeNote(ctx context.Context, name string, change func(text []byte) ([]byte, error)) error {
	lock, err := os.OpenFile(d.place(notesLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: another run holds %s: %w", d.place(name), notesLock, ctx.Err())
		case <-time.After(lockPause):
		}
	}
	text, err := d.readNote(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err = change(text)
	if err != nil || text == nil {
		return err
	}
	return d.writeNote(ctx, name, text)
}

// lockPause is how long a run waits before it asks for the lock again, which others hold for the time of a small file's write.
const lockPause = 10 * time.Millisecond
