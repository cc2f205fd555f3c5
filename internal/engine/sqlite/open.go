package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// files are a database file and what lies beside it.
type files struct {
	path       string // symbolic links resolved: SQLite looks for the others beside the real file
	main       fileState
	wal        int64 // size; -1 is absent
	shm        bool
	journal    int64 // size; -1 is absent
	hotJournal bool
	counter    [8]byte // of an immutable file: what changeCounter read before it was opened
	tail       string  // beside a -wal: what walTail read before it was opened
}

// fileState is what changes when somebody writes.
type fileState struct {
	size           int64
	modified       time.Time
	device, number uint64
}

// look finds the files, and says clearly what is wrong with them. It opens none but the journal: closing a file drops
// this process's POSIX locks on it, and with them those of another connection to the same database.
func look(t engine.Target) (*files, error) {
	if t.Path == "" {
		return nil, fmt.Errorf("%s: no file is named", display(t))
	}
	path, err := filepath.EvalSymlinks(t.Path)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, unreadable(t, err)
	}
	f := &files{path: path}
	if f.main, err = state(t, path); err != nil {
		return nil, err
	}
	f.wal, f.journal = size(path+"-wal"), size(path+"-journal")
	f.shm = size(path+"-shm") >= 0
	if f.journal > 0 {
		f.hotJournal = hot(path + "-journal")
	}
	return f, nil
}

func state(t engine.Target, path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, unreadable(t, err)
	}
	switch {
	case info.IsDir():
		return fileState{}, fmt.Errorf("%s is a directory, not a SQLite file", display(t))
	case !info.Mode().IsRegular():
		return fileState{}, fmt.Errorf("%s is not a regular file", display(t))
	}
	const readable = 4 // R_OK
	if err := syscall.Access(path, readable); err != nil {
		return fileState{}, fmt.Errorf("%s cannot be read: %w; run as a user that may read it", display(t), err)
	}
	s := fileState{size: info.Size(), modified: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.device, s.number = uint64(sys.Dev), sys.Ino
	}
	return s, nil
}

func unreadable(t engine.Target, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: there is no such file", display(t))
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s cannot be read: %w", display(t), err)
}

// size is a file's size, -1 when it is not there.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// hot reports whether a rollback journal has a header. journal_mode=PERSIST leaves journals whose header is zero; they
// roll nothing back (https://sqlite.org/lockingv3.html#hot_journals).
func hot(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	var first [1]byte
	n, err := f.Read(first[:])
	return err != nil || n == 1 && first[0] != 0
}

func display(t engine.Target) string {
	if t.Display != "" {
		return t.Display
	}
	return t.Path
}

// uri is the file as SQLite's URI with parameters.
func uri(path, parameters string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: parameters}).String()
}

// openReadOnly opens an environment's file so that its directory has the same files with the same bytes afterwards:
//
//   - without a -wal, or with an empty one without its -shm, the file is opened as immutable: no locks, nothing beside it is looked at. A
//     writer that comes meanwhile is noticed by the file's size and time when a read is done.
//   - with a -wal and its -shm, whether a writer lives or was killed, read-only with a read-only -shm: SQLite follows the writer's index,
//     or rebuilds it in memory. Where it cannot do without its place in the -shm, it may write there, and only there. One read
//     transaction is held until Close; a writer goes on, its checkpoints cannot finish until then.
//   - a -wal without its -shm, or a journal that would be rolled back, is an error: SQLite would have to write. So is a -wal beside an
//     empty file: SQLite would remove it.
func openReadOnly(ctx context.Context, t engine.Target) (*database, error) {
	f, err := lookBetweenTransactions(ctx, t)
	if err != nil {
		return nil, err
	}
	switch {
	case f.hotJournal:
		return nil, fmt.Errorf("%s: a transaction is running or was interrupted (%s-journal is there): reading now could see half of it; try again, or let the application open the database once, which rolls it back", display(t), filepath.Base(f.path))
	case f.wal > 0 && f.main.size == 0:
		return nil, fmt.Errorf("%s is empty, but has a -wal: is it a file that was replaced while in use? SQLite would remove the -wal; move it away if nothing needs it", display(t))
	case f.wal > 0 && !f.shm:
		return nil, fmt.Errorf("%s: %w; let the application open it, or run `sqlite3 %s 'PRAGMA wal_checkpoint'` while nothing else uses it", display(t), engine.ErrUnsafeWAL, filepath.Base(f.path))
	case f.wal >= 0 && f.shm && f.main.size > 0:
		return openBesideWAL(ctx, t, f)
	}
	if f.counter, err = changeCounter(f.path); err != nil {
		return nil, unreadable(t, err)
	}
	db, err := openWith(ctx, t, f, "immutable=1")
	if err != nil {
		return nil, err
	}
	db.immutable = true
	return db, nil
}

// lookBetweenTransactions gives a short transaction of a writer without a -wal the time to end.
func lookBetweenTransactions(ctx context.Context, t engine.Target) (*files, error) {
	const tries = 20
	for i := 1; ; i++ {
		f, err := look(t)
		if err != nil || !f.hotJournal || i == tries {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, interrupted(ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// changeCounter reads the header's change counter and size, which every transaction without a -wal sets (bytes 24 to
// 31, https://sqlite.org/fileformat2.html#file_change_counter): two writes may fall into one tick of the file's time.
// Closing the file drops no lock that matters: an immutable connection has none.
func changeCounter(path string) (counter [8]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return counter, err
	}
	defer f.Close()
	if _, err = f.ReadAt(counter[:], 24); errors.Is(err, io.EOF) {
		err = nil // a file without a header
	}
	return counter, err
}

func openBesideWAL(ctx context.Context, t engine.Target, f *files) (*database, error) {
	f.tail = walTail(f.path + "-wal")
	db, err := openWith(ctx, t, f, "mode=ro&readonly_shm=1")
	var refusal *engine.Error
	if errors.As(err, &refusal) && ctx.Err() == nil && (refusal.Code == "SQLITE_READONLY" || refusal.Code == "SQLITE_CANTOPEN" || refusal.Code == "SQLITE_BUSY") {
		db, err = openWith(ctx, t, f, "mode=ro")
	}
	return db, err
}

// openWith opens the file read-only and begins the one transaction that all reads are in.
func openWith(ctx context.Context, t engine.Target, f *files, parameters string) (*database, error) {
	c, err := connect(uri(f.path, parameters), lib.SQLITE_OPEN_READONLY)
	if err != nil {
		return nil, describe(t, err)
	}
	// The schema may be hostile, and a query a policy's: no checkpoint when the last connection closes, no functions
	// with side effects out of views and defaults, nothing attached (VACUUM INTO attaches, too).
	c.configure(lib.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
	c.configure(lib.SQLITE_DBCONFIG_DEFENSIVE, true)
	c.configure(lib.SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
	lib.Xsqlite3_limit(c.tls, c.db, lib.SQLITE_LIMIT_ATTACHED, 0)
	lib.Xsqlite3_busy_timeout(c.tls, c.db, 2000)
	db := &database{target: t, c: c, files: f, mode: engine.ReadOnly}
	release, err := c.acquire(ctx)
	if err == nil {
		// The first read, not BEGIN, fixes the moment.
		err = c.exec(ctx, "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA temp_store = MEMORY; BEGIN; SELECT count(*) FROM sqlite_schema")
		release()
	}
	if err != nil {
		c.close()
		return nil, describe(t, err)
	}
	return db, nil
}

// describe names the target in an error of opening, and says what it means.
func describe(t engine.Target, err error) error {
	var refusal *engine.Error
	if !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", display(t), err)
	}
	switch refusal.Code {
	case "SQLITE_NOTADB":
		return fmt.Errorf("%s is not a SQLite database, or it is encrypted: %w", display(t), err)
	case "SQLITE_CORRUPT":
		return fmt.Errorf("%s is damaged: %w; `PRAGMA integrity_check` says more", display(t), err)
	case "SQLITE_CANTOPEN":
		return fmt.Errorf("%s cannot be opened: %w", display(t), err)
	case "SQLITE_BUSY":
		return fmt.Errorf("%s is locked by another process: %w; try again", display(t), err)
	}
	return fmt.Errorf("%s: %w", display(t), err)
}

// unchanged is the check behind every read of an immutable file: SQLite took no lock,
// so a writer may have torn what was read.
func (f *files) unchanged(t engine.Target) error {
	now, err := state(t, f.path)
	if err != nil {
		return fmt.Errorf("the file changed while it was read: %w", err)
	}
	counter, err := changeCounter(f.path)
	if err != nil {
		return fmt.Errorf("the file changed while it was read: %w", unreadable(t, err))
	}
	if now != f.main || counter != f.counter {
		return fmt.Errorf("%s: the file changed while it was read: try again when nothing writes to it, or switch it to WAL (PRAGMA journal_mode = WAL), where readers and a writer do not meet", display(t))
	}
	return nil
}
