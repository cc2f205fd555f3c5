package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine/rowfile"
	"github.com/envdiff/envdiff/sanitize"
	"github.com/envdiff/envdiff/snapshot"
)

// rowsDir is where a snapshot has the sanitised rows: a directory for each database.
const rowsDir = "copy"

// storeRows adds the sanitised rows of an environment's databases to its snapshot. A raw value that comes through is told and nothing is kept.
func (s *session) storeRows(ctx context.Context, c *config.Config, env string, snap *snapshot.Snapshot) (status int, err error) {
	key, err := s.key(c.Keys.Pseudonym, "pseudonym", true)
	if err != nil {
		return exitTrouble, err
	}
	for _, db := range s.refreshed(c, env) {
		err := s.storeDatabase(ctx, c, env, db, snap)
		var leak *sanitize.LeakError
		if errors.As(err, &leak) {
			for _, f := range leak.Findings(db, env) {
				fmt.Fprintf(s.world.Stderr, "envdiff: %s: %s: %s\n", f.Rule, ci.Terminal(f.Address), ci.Terminal(f.Message))
			}
			return exitFinding, nil
		}
		if err != nil {
			return exitTrouble, fmt.Errorf("%s: %w", db, err)
		}
	}
	snap.Manifest.PseudonymKey = key.ID()
	return exitOK, nil
}

func (s *session) storeDatabase(ctx context.Context, c *config.Config, env, db string, snap *snapshot.Snapshot) error {
	source, err := s.openReadOnly(ctx, c, env, db, "primary", c.Environments[env].Databases[db].URL)
	if err != nil {
		return err
	}
	defer source.Close()
	moment := s.world.Now()
	cp, err := s.newCopier(ctx, c, env, db, source, sanitize.Keepable)
	if err != nil {
		return err
	}
	plan, err := cp.plan(nil)
	if err != nil {
		return err
	}
	sample, err := cp.sample(nil)
	if err != nil {
		return err
	}
	if sample != nil {
		sample.Scans = nil // what is stored for good is chosen anew
	}
	temp, err := s.scratch()
	if err != nil {
		return err
	}
	files := tempFiles{filepath.Join(temp, "rows-"+db)}
	if err := os.Mkdir(files.dir, 0o700); err != nil {
		return err
	}
	stored := rowfile.New(source.Engine(), files, cp.schema, moment, cp.key.ID())
	s.progress.Start(env + "/" + db + " rows")
	_, err = sanitize.Copy(ctx, source, stored, cp.schema, plan, cp.key, sanitize.CopyOptions{Sample: sample, Note: func(text string) { s.warn("%s: %s", db, text) }})
	s.progress.Done(env + "/" + db + " rows")
	if err != nil {
		return err
	}
	if err := stored.Finish(); err != nil {
		return err
	}
	return files.attach(snap, path.Join(rowsDir, db))
}

// tempFiles are files in this run's own directory, until the snapshot is written.
type tempFiles struct{ dir string }

func (t tempFiles) Create(name string) (io.WriteCloser, error) {
	return os.OpenFile(filepath.Join(t.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (t tempFiles) Open(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(t.dir, name))
}

func (t tempFiles) attach(snap *snapshot.Snapshot, under string) error {
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return err
	}
	if snap.Attachments == nil {
		snap.Attachments = map[string]snapshot.Attachment{}
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		snap.Attachments[path.Join(under, e.Name())] = tempFile{filepath.Join(t.dir, e.Name()), info.Size()}
	}
	return nil
}

// tempFile is one of them as a snapshot's attachment.
type tempFile struct {
	path string
	size int64
}

func (f tempFile) Open() (io.ReadCloser, error) { return os.Open(f.path) }
func (f tempFile) Size() int64                  { return f.size }

// storedFiles are the rows of a database in a snapshot.
type storedFiles struct {
	snap *snapshot.Snapshot
	db   string
}

func (f storedFiles) Create(string) (io.WriteCloser, error) {
	return nil, errors.New("a stored snapshot is not written to")
}

func (f storedFiles) Open(name string) (io.ReadCloser, error) {
	a, ok := f.snap.Attachments[path.Join(rowsDir, f.db, name)]
	if !ok {
		return nil, fmt.Errorf("the snapshot has no rows of %s", f.db)
	}
	return a.Open()
}

// storedDatabases are the databases of which a snapshot has rows.
func storedDatabases(snap *snapshot.Snapshot) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(snap.Attachments)) {
		if dir, file := path.Split(name); file == rowfile.IndexFile && strings.HasPrefix(dir, rowsDir+"/") {
			names = append(names, path.Base(dir))
		}
	}
	return names
}
