package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Store keeps snapshots under ENVIRONMENT/2026-11-01T02-00-00Z.snapshot, in a directory or in a bucket. A name
// appears only when its snapshot is complete. A few notes stand beside the environments: the history, the newest report.
type Store struct{ in shelf }

// shelf is where a store keeps things. Names are ENVIRONMENT/NAME.snapshot.
type shelf interface {
	String() string
	exists() (bool, error)
	environments(ctx context.Context) ([]string, error)
	// names lists what is directly below an environment; an environment without anything is empty.
	names(ctx context.Context, env string) ([]string, error)
	// place is where a name is, for people.
	place(name string) string
	// problem says why what has a name cannot be used, as far as that shows without reading it.
	problem(name, env string) string
	// save makes a name that nobody has made yet: else the error is fs.ErrExist.
	save(ctx context.Context, name string, s *Snapshot) error
	read(ctx context.Context, name string) (*Snapshot, error)
	remove(ctx context.Context, name string) error
	check(ctx context.Context) error
	clean(ctx context.Context, before time.Time) (int, error)
	hasNote(ctx context.Context, name string) (bool, error)
	readNote(ctx context.Context, name string) ([]byte, error)
	writeNote(ctx context.Context, name string, text []byte) error
	appendNote(ctx context.Context, name string, line []byte) error
	changeNote(ctx context.Context, name string, change func(text []byte) ([]byte, error)) error
}

// Entry is one stored snapshot.
type Entry struct {
	Environment string
	Name        string    // ENVIRONMENT/2026-11-01T02-00-00Z.snapshot, relative to the store
	Path        string    // where it is: a path, or the URL of an object
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
	// maxNote is the largest note that is read, in bytes: some hundred thousand runs of a history.
	maxNote = 256 << 20
)

// String says where the store is.
func (st *Store) String() string { return st.in.String() }

// Exists reports whether something has been stored, or could be: a bucket is there whatever is in it.
func (st *Store) Exists() (bool, error) { return st.in.exists() }

// Save stores s under the name of its environment and time, and returns that name. A run that
// stores at the same time gets another name.
func (st *Store) Save(ctx context.Context, s *Snapshot) (string, error) {
	env := s.Manifest.Environment
	if !ValidEnvironment(env) {
		return "", fmt.Errorf("storing a snapshot: %q cannot be the name of an environment", env)
	}
	base := s.Manifest.CapturedAt.UTC().Format(entryTime)
	for n := 1; n < 10_000; n++ {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		name := env + "/" + entryName(base, n)
		err := st.in.save(ctx, name, s)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("storing a snapshot: %w", err)
		}
		return name, nil
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

// Environments lists the environments that have stored snapshots.
func (st *Store) Environments(ctx context.Context) ([]string, error) {
	names, err := st.in.environments(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !ValidEnvironment(name) }), nil
}

// List returns the stored snapshots of an environment, oldest first. One that is damaged is listed with its
// problem; what unfinished runs left is not.
func (st *Store) List(ctx context.Context, env string) ([]Entry, error) {
	if !ValidEnvironment(env) {
		return nil, fmt.Errorf("%q cannot be the name of an environment", env)
	}
	names, err := st.in.names(ctx, env)
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	var entries []Entry
	for _, name := range names {
		if e, ok := parseEntry(env, name); ok {
			e.Path, e.Problem = st.in.place(e.Name), st.in.problem(e.Name, env)
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return a.Number - b.Number
	})
	return entries, nil
}

// parseEntry reads the name of a stored snapshot; anything else is not one.
func parseEntry(env, file string) (Entry, bool) {
	base, ok := strings.CutSuffix(file, entrySuffix)
	if !ok {
		return Entry{}, false
	}
	base, number, numbered := strings.Cut(base, ".")
	at, err := time.Parse(entryTime, base)
	if err != nil {
		return Entry{}, false
	}
	e := Entry{Environment: env, Name: env + "/" + file, At: at, Number: 1}
	if numbered {
		if _, err := fmt.Sscanf(number, "%d", &e.Number); err != nil || entryName(base, e.Number) != file {
			return Entry{}, false
		}
	}
	return e, true
}

// Find returns the newest stored snapshot of env that was not captured after at. A damaged one in that place is an
// error, not passed over: comparing with an older state than the one asked for would go unnoticed.
func (st *Store) Find(ctx context.Context, env string, at time.Time) (Entry, error) {
	entries, err := st.List(ctx, env)
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
func (st *Store) Open(ctx context.Context, r Ref) (*Snapshot, Entry, error) {
	at := r.At
	if r.Latest {
		at = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	e, err := st.Find(ctx, r.Environment, at)
	if err != nil {
		return nil, e, err
	}
	s, err := st.Read(ctx, e)
	return s, e, err
}

// Read reads a stored snapshot; Close removes what was fetched for it.
func (st *Store) Read(ctx context.Context, e Entry) (*Snapshot, error) {
	return st.in.read(ctx, e.Name)
}

// Remove deletes a stored snapshot. It disappears as a whole: what a kill leaves is a leftover, not a damaged entry.
func (st *Store) Remove(ctx context.Context, e Entry) error { return st.in.remove(ctx, e.Name) }

// Clean removes what runs that were killed more than a day before now have left,
// and returns how many leftovers there were.
func (st *Store) Clean(ctx context.Context, now time.Time) (int, error) {
	return st.in.clean(ctx, now.Add(-leftoverAge))
}

// Check writes a file into the store and removes it.
func (st *Store) Check(ctx context.Context) error { return st.in.check(ctx) }

// ReadNote reads what WriteNote and AppendNote keep under a name; fs.ErrNotExist is nothing yet.
func (st *Store) ReadNote(ctx context.Context, name string) ([]byte, error) {
	return st.in.readNote(ctx, name)
}

// HasNote reports whether there is something under a name.
func (st *Store) HasNote(ctx context.Context, name string) (bool, error) {
	return st.in.hasNote(ctx, name)
}

// WriteNote replaces a note as a whole, whoever wrote it: for what does not follow from what was there.
func (st *Store) WriteNote(ctx context.Context, name string, text []byte) error {
	return st.in.writeNote(ctx, name, text)
}

// AppendNote adds a line to a note. Runs that do so at the same time lose none of each other's.
func (st *Store) AppendNote(ctx context.Context, name string, line []byte) error {
	return st.in.appendNote(ctx, name, line)
}

// ChangeNote makes a new text of a note's, nil of one that is not there yet, and keeps it only if the note is still what it was made of: else change is asked again, with what
// another run has written meanwhile. A nil text leaves the note as it is.
func (st *Store) ChangeNote(ctx context.Context, name string, change func(text []byte) ([]byte, error)) error {
	return st.in.changeNote(ctx, name, change)
}
