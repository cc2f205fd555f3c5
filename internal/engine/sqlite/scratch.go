package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// scratchPrefix begins the name of every file that CreateScratch makes. DropScratch removes nothing else.
const scratchPrefix = "envdiff-scratch-"

// CreateScratch makes an empty file in dir that only its owner may read.
func (sqliteEngine) CreateScratch(ctx context.Context, _ engine.Target, dir string) (engine.Target, error) {
	if err := ctx.Err(); err != nil {
		return engine.Target{}, interrupted(err)
	}
	f, err := os.CreateTemp(dir, scratchPrefix+"*.db") // mode 0600
	if err != nil {
		return engine.Target{}, fmt.Errorf("create a scratch database: %w", err)
	}
	if err := f.Close(); err != nil {
		return engine.Target{}, fmt.Errorf("create a scratch database: %w", err)
	}
	return engine.Target{Engine: name, DSN: f.Name(), Display: "sqlite:" + f.Name(), Path: f.Name()}, nil
}

// DropScratch removes a scratch file and what lies beside it. That it is gone already is no error.
func (sqliteEngine) DropScratch(_ context.Context, t engine.Target) error {
	if !strings.HasPrefix(filepath.Base(t.Path), scratchPrefix) {
		return fmt.Errorf("%s is not a scratch database of envdiff: it is not removed", display(t))
	}
	info, err := os.Lstat(t.Path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: it is not removed", display(t))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("remove a scratch database: %w", err)
	}
	for _, suffix := range []string{"-journal", "-wal", "-shm", "", keptSuffix} {
		if err := os.Remove(t.Path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a scratch database: %w", err)
		}
	}
	return nil
}

// Clone copies the database page by page. It is for scratch databases: the rows of an
// environment leave it through sanitize only.
func (db *database) Clone(ctx context.Context, base engine.Target, dir string) (engine.Target, error) {
	if err := db.writable("a clone"); err != nil {
		return engine.Target{}, err
	}
	e := sqliteEngine{}
	target, err := e.CreateScratch(ctx, base, dir)
	if err != nil {
		return engine.Target{}, err
	}
	if err := db.backup(ctx, target); err != nil {
		// The caller gets no target to drop.
		return engine.Target{}, errors.Join(fmt.Errorf("clone %s: %w", display(db.target), err), e.DropScratch(ctx, target))
	}
	return target, nil
}

// backup runs SQLite's online backup in steps, between which it can be cancelled.
func (db *database) backup(ctx context.Context, target engine.Target) error {
	to, err := connect(uri(target.Path, ""), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return err
	}
	defer to.close()
	release, err := db.c.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := to.exec(ctx, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF"); err != nil {
		return err
	}
	main, err := to.text("main")
	if err != nil {
		return err
	}
	defer to.free(main)
	b := lib.Xsqlite3_backup_init(to.tls, to.db, main, db.c.db, main)
	if b == 0 {
		return to.failure(lib.SQLITE_ERROR, "")
	}
	const pages = 4096
	rc := int32(lib.SQLITE_OK)
	for rc == lib.SQLITE_OK && ctx.Err() == nil {
		rc = lib.Xsqlite3_backup_step(to.tls, b, pages)
	}
	finished := lib.Xsqlite3_backup_finish(to.tls, b)
	switch {
	case ctx.Err() != nil:
		return interrupted(ctx.Err())
	case rc != lib.SQLITE_DONE:
		return to.failure(rc, "")
	case finished != lib.SQLITE_OK:
		return to.failure(finished, "")
	}
	return nil
}
