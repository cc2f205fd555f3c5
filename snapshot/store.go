package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/atomicfile"
)

// Store keeps snapshots in a directory: ENVIRONMENT/2026-11-01T02-00-00Z.snapshot/. A name
// appears only when its snapshot is complete.
type Store struct{ dir string }

// Entry is one stored snapshot.
type Entry struct {
	Environment string
	Name        string // ENVIRONMENT/2026-11-01T02-00-00Z.snapshot, relative to the store
	Path        string
	At          time.Time // the capture's time, to the second
	// Number tells apart snapshots of the same second; the higher one was stored later.
	Number int
	// Problem says why the entry cannot be used: "" for all that look whole. Reading verifies the rest.
	Problem string
}

const (
	entrySuffix = ".snapshot"
	entryTime   = "2006-01-02T15-04-05Z"
	// leftoverAge is after how long the files of a run that did not finish are removed: no capture takes a day.
	leftoverAge = 24 * time.Hour
)

// OpenStore makes the directory where it is missing.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening the store: %s is not a directory", dir)
	}
	return &Store{dir}, nil
}

// Dir is where the store is.
func (st *Store) Dir() string { return st.dir }

// Save stores s under the name of its environment and time, and returns that name. A run that
// stores at the same time gets another name.
func (st *Store) Save(ctx context.Context, s *Snapshot) (string, error) {
	env := s.Manifest.Environment
	if !ValidEnvironment(env) {
		return "", fmt.Errorf("storing a snapshot: %q cannot be the name of an environment", env)
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	dir := filepath.Join(st.dir, env)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("storing a snapshot: %w", err)
	}
	if err := atomicfile.SyncDir(st.dir); err != nil {
		return "", fmt.Errorf("storing a snapshot: %w", err)
	}
	base := s.Manifest.CapturedAt.UTC().Format(entryTime)
	for n := 1; n < 10_000; n++ {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		name := entryName(base, n)
		err := writeNew(filepath.Join(dir, name), s)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return env + "/" + name, nil
	}
	return "", fmt.Errorf("storing a snapshot: too many of %s at %s", env, base)
}

// entryName is the name of the n-th snapshot of one second.
func entryName(base string, n int) string {
	if n > 1 {
		base = fmt.Sprintf("%s.%d", base, n)
	}
	return base + entrySuffix
}

// writeNew writes a directory that must not be there yet.
func writeNew(path string, s *Snapshot) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return atomicfile.NewDir(path, func(dir string) error { return writeFiles(s, dirSink{dir}) })
}

// Environments lists the environments that have stored snapshots.
func (st *Store) Environments() ([]string, error) {
	dirs, err := os.ReadDir(st.dir)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	var names []string
	for _, d := range dirs {
		if d.IsDir() && ValidEnvironment(d.Name()) {
			names = append(names, d.Name())
		}
	}
	return names, nil
}

// List returns the stored snapshots of an environment, oldest first. One that is damaged is listed with its
// problem; what unfinished runs left is not.
func (st *Store) List(env string) ([]Entry, error) {
	if !ValidEnvironment(env) {
		return nil, fmt.Errorf("%q cannot be the name of an environment", env)
	}
	files, err := os.ReadDir(filepath.Join(st.dir, env))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	var entries []Entry
	for _, f := range files {
		if e, ok := st.entry(env, f.Name()); ok {
			entries = append(entries, e)
		}
	}
	sort.Slice(entries, func(i, j int) bool {
		if !entries[i].At.Equal(entries[j].At) {
			return entries[i].At.Before(entries[j].At)
		}
		return entries[i].Number < entries[j].Number
	})
	return entries, nil
}

// entry reads a name, and looks whether a snapshot of this environment is there.
func (st *Store) entry(env, file string) (Entry, bool) {
	base, ok := strings.CutSuffix(file, entrySuffix)
	if !ok || strings.HasPrefix(file, atomicfile.Prefix) {
		return Entry{}, false
	}
	base, number, numbered := strings.Cut(base, ".")
	at, err := time.Parse(entryTime, base)
	if err != nil {
		return Entry{}, false
	}
	e := Entry{Environment: env, Name: env + "/" + file, Path: filepath.Join(st.dir, env, file), At: at, Number: 1}
	if numbered {
		if _, err := fmt.Sscanf(number, "%d", &e.Number); err != nil || entryName(base, e.Number) != file {
			return Entry{}, false
		}
	}
	m, err := ReadManifest(e.Path)
	switch {
	case err != nil:
		e.Problem = err.Error()
	case m.Environment != env:
		e.Problem = fmt.Sprintf("snapshot %s: it is of environment %q", e.Path, m.Environment)
	}
	return e, true
}

// Find returns the newest stored snapshot of env that was not captured after at. A damaged one in that place is an
// error, not passed over: comparing with an older state than the one asked for would go unnoticed.
func (st *Store) Find(env string, at time.Time) (Entry, error) {
	entries, err := st.List(env)
	if err != nil {
		return Entry{}, err
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := entries[i]
		if e.At.After(at) {
			continue
		}
		if e.Problem != "" {
			return e, fmt.Errorf("%s; remove it, or name another one: %s", e.Problem, older(entries[:i]))
		}
		return e, nil
	}
	if len(entries) > 0 {
		return Entry{}, fmt.Errorf("no snapshot of %s is stored from before %s: the oldest is of %s",
			env, at.UTC().Format(time.RFC3339), entries[0].At.Format(time.RFC3339))
	}
	return Entry{}, fmt.Errorf("no snapshot of %s is stored", env)
}

// older names the newest of entries that looks whole, as a command line would.
func older(entries []Entry) string {
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; e.Problem == "" {
			return e.Environment + "@" + e.At.Format(time.RFC3339)
		}
	}
	return "no older one is whole"
}

// Open reads the snapshot that r names. The latest is the newest whatever this machine's clock says.
func (st *Store) Open(r Ref) (*Snapshot, Entry, error) {
	at := r.At
	if r.Latest {
		at = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	e, err := st.Find(r.Environment, at)
	if err != nil {
		return nil, e, err
	}
	s, err := Read(e.Path)
	return s, e, err
}

// Remove deletes a stored snapshot. It disappears as a whole: what a kill leaves is a leftover, not a damaged entry.
func (st *Store) Remove(e Entry) error {
	gone := filepath.Join(filepath.Dir(e.Path), atomicfile.Prefix+filepath.Base(e.Path))
	if err := atomicfile.Rename(e.Path, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// Clean removes what runs that were killed more than a day before now have left,
// and returns how many leftovers there were.
func (st *Store) Clean(now time.Time) (int, error) {
	dirs := []string{st.dir}
	envs, err := st.Environments()
	if err != nil {
		return 0, err
	}
	for _, env := range envs {
		dirs = append(dirs, filepath.Join(st.dir, env))
	}
	removed := 0
	var errs []error
	for _, dir := range dirs {
		files, err := os.ReadDir(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, f := range files {
			if !strings.HasPrefix(f.Name(), atomicfile.Prefix) {
				continue
			}
			info, err := f.Info()
			if err != nil || now.Sub(info.ModTime()) < leftoverAge {
				continue
			}
			if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
				errs = append(errs, err)
				continue
			}
			removed++
		}
	}
	return removed, errors.Join(errs...)
}
