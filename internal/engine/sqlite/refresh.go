package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// A refresh builds a file beside the target and renames it over it. A program that has the old file open keeps reading that, and cannot write to it any
// more (SQLITE_READONLY_DBMOVED): it has to open the file again.

// markTable holds the mark of a refresh. Captures leave it out.
const markTable = "envdiff_refreshed"

// refresh is one refresh of a file. Its lock is flock's on a file of its own: SQLite's locks are fcntl's and would be lost with any descriptor.
type refresh struct {
	target       engine.Target
	path         string // of the target, symbolic links resolved
	exists       bool
	stage, guard string
	lock         *os.File
}

// BeginRefresh takes the lock and removes what a killed refresh left: a file whose journal was in the memory of a killed process cannot be gone on with.
func (sqliteEngine) BeginRefresh(_ context.Context, t engine.Target, _ bool) (engine.Refresh, error) {
	r := &refresh{target: t, path: t.Path}
	path, err := filepath.EvalSymlinks(t.Path)
	switch {
	case err == nil:
		r.path, r.exists = path, true
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file", display(t))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, unreadable(t, err)
	}
	if !r.exists && (size(r.path+"-wal") > 0 || size(r.path+"-journal") > 0) {
		return nil, fmt.Errorf("%s is not there, but its -wal or -journal is, which SQLite would take for a new file's: remove it", display(t))
	}
	dir, base := filepath.Split(r.path)
	r.stage, r.guard = filepath.Join(dir, scratchPrefix+"next-"+base), filepath.Join(dir, scratchPrefix+"lock-"+base)
	if r.lock, err = lockFile(r.guard); err != nil {
		return nil, fmt.Errorf("%s: %w", display(t), err)
	}
	if err := r.dropStage(); err != nil {
		r.unlock()
		return nil, err
	}
	return r, nil
}

// lockFile makes and locks a file, and makes sure that it is still the one of that name: whoever held it before has removed it.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("a refresh makes files beside the database: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, engine.ErrRefreshing
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		held, err := f.Stat()
		named, err2 := os.Stat(path)
		if err == nil && err2 == nil && os.SameFile(held, named) {
			return f, nil
		}
		f.Close()
	}
}

func (r *refresh) unlock() {
	_ = os.Remove(r.guard) // while it is still locked
	r.lock.Close()
}

func (r *refresh) Exists() bool { return r.exists }

func (r *refresh) dropStage() error {
	return sqliteEngine{}.DropScratch(context.Background(), engine.Target{Path: r.stage, Display: "sqlite:" + r.stage})
}

// Stage makes an empty file that only its owner may read until it is swapped in.
func (r *refresh) Stage(context.Context) (engine.Target, error) {
	f, err := os.OpenFile(r.stage, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return engine.Target{}, fmt.Errorf("make a file beside the database: %w", err)
	}
	return engine.Target{Engine: name, DSN: r.stage, Display: "sqlite:" + r.stage, Path: r.stage}, nil
}

// Empty deletes a table's rows.
func (r *refresh) Empty(ctx context.Context, table schema.Name) error {
	c, err := connectScratch(ctx, r.stage)
	if err != nil {
		return err
	}
	s := &session{c: c}
	_, err = s.Exec(ctx, "DELETE FROM "+quote(table.Name))
	return errors.Join(err, s.Close())
}

// Swap writes the mark, makes sure that the old file has nothing beside it that SQLite would take for the new one's, and renames.
func (r *refresh) Swap(ctx context.Context, m engine.Mark) (engine.Swapped, error) {
	var out engine.Swapped
	wal, err := r.walMode(ctx)
	if err != nil {
		return out, err
	}
	if err := r.finish(ctx, m, wal); err != nil {
		return out, err
	}
	if out.Warnings, err = r.inherit(); err != nil {
		return out, err
	}
	held, err := r.quiet(ctx)
	if err != nil {
		return out, err
	}
	if held != nil {
		defer held.close()
	}
	if err := os.Rename(r.stage, r.path); err != nil {
		return out, fmt.Errorf("put the new file in place: %w", err)
	}
	return out, syncPath(filepath.Dir(r.path))
}

// walMode reports whether the target is written in WAL mode, which the new file then is as well.
func (r *refresh) walMode(ctx context.Context) (wal bool, err error) {
	if !r.exists {
		return false, nil
	}
	c, err := connect(uri(r.path, ""), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return false, describe(r.target, err)
	}
	defer c.close()
	release, err := c.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	err = c.query(ctx, "PRAGMA journal_mode", func(row engine.Row) error { wal = string(row[0].Data) == "wal"; return nil })
	return wal, err
}

// finish writes the mark into the stage, in one file without anything beside it, and onto the disk.
func (r *refresh) finish(ctx context.Context, m engine.Mark, wal bool) error {
	c, err := connect(uri(r.stage, ""), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return err
	}
	mode := "DELETE"
	if wal {
		mode = "WAL"
	}
	release, err := c.acquire(ctx)
	if err == nil {
		err = c.exec(ctx, "BEGIN IMMEDIATE; DROP TABLE IF EXISTS "+markTable+"; CREATE TABLE "+markTable+" (mark TEXT NOT NULL); INSERT INTO "+markTable+
			" VALUES ("+literal(m.Text())+"); COMMIT; PRAGMA journal_mode = "+mode)
		release()
	}
	c.close()
	if err != nil {
		return describe(engine.Target{Path: r.stage}, err)
	}
	return syncPath(r.stage)
}

// inherit gives the new file the old one's mode and owner.
func (r *refresh) inherit() ([]string, error) {
	if !r.exists {
		return nil, nil
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return nil, unreadable(r.target, err)
	}
	if err := os.Chmod(r.stage, info.Mode().Perm()); err != nil {
		return nil, err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && os.Chown(r.stage, int(s.Uid), int(s.Gid)) != nil {
		return []string{"the new file belongs to the user that ran envdiff: the old one's owner could not be set"}, nil
	}
	return nil, nil
}

// quiet takes the old file's -wal into it and removes it, and keeps everybody else from writing until the connection that it returns is closed. It
// fails while another program uses the file.
func (r *refresh) quiet(ctx context.Context) (*conn, error) {
	if !r.exists {
		return nil, nil
	}
	c, err := connect(uri(r.path, ""), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return nil, describe(r.target, err)
	}
	lib.Xsqlite3_busy_timeout(c.tls, c.db, 5000)
	release, err := c.acquire(ctx)
	if err == nil {
		err = c.exec(ctx, "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
		release()
	}
	for _, suffix := range []string{"-wal", "-journal"} {
		if err == nil && size(r.path+suffix) > 0 && hot(r.path+suffix) {
			err = fmt.Errorf("%s%s is still there", filepath.Base(r.path), suffix)
		}
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("%s is in use, so it was not replaced: stop what uses it and run again: %w", display(r.target), err)
	}
	return c, nil
}

// Close removes a stage that was not swapped in.
func (r *refresh) Close(context.Context) error {
	defer r.unlock()
	return r.dropStage()
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Mark reads the mark's table.
func (db *database) Mark(ctx context.Context) (m *engine.Mark, err error) {
	there := false
	err = db.Query(ctx, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '"+markTable+"'", func(engine.Row) error { there = true; return nil })
	if err != nil || !there {
		return nil, err
	}
	err = db.Query(ctx, "SELECT mark FROM "+markTable, func(row engine.Row) error { m = engine.ParseMark(string(row[0].Data)); return nil })
	return m, err
}
