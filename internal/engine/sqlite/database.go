package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// database is an open file.
type database struct {
	target    engine.Target
	mode      engine.Mode
	c         *conn
	files     *files
	immutable bool // no lock is held: every read ends with a look at the file
}

// scratchSetup suits files that nobody misses after a crash: no waiting for the disk. A file in WAL mode stays in it.
const scratchSetup = "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536"

// openScratch opens a file that may be written.
func openScratch(ctx context.Context, t engine.Target) (*database, error) {
	f, err := look(t)
	if err != nil {
		return nil, err
	}
	c, err := connectScratch(ctx, f.path)
	if err != nil {
		return nil, describe(t, err)
	}
	return &database{target: t, mode: engine.Scratch, c: c, files: f}, nil
}

func connectScratch(ctx context.Context, path string) (*conn, error) {
	c, err := connect(uri(path, ""), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return nil, err
	}
	lib.Xsqlite3_busy_timeout(c.tls, c.db, 5000)
	release, err := c.acquire(ctx)
	if err == nil {
		journal := ""
		if err = c.exec(ctx, scratchSetup); err == nil {
			err = c.query(ctx, "PRAGMA journal_mode", func(r engine.Row) error {
				journal = string(r[0].Data)
				return nil
			})
		}
		if err == nil && journal == "delete" {
			err = c.exec(ctx, "PRAGMA journal_mode = MEMORY")
		}
		release()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (db *database) Engine() engine.Engine { return sqliteEngine{} }

// Identity is the file's device and inode, whatever path leads to it.
func (db *database) Identity(ctx context.Context) (engine.Identity, error) {
	if err := ctx.Err(); err != nil {
		return engine.Identity{}, interrupted(err)
	}
	return engine.Identity{
		Server:   "device " + strconv.FormatUint(db.files.main.device, 10),
		Database: "inode " + strconv.FormatUint(db.files.main.number, 10),
		Version:  db.c.libraryVersion(),
	}, nil
}

// read runs one reading operation: alone, interruptible, and checked afterwards where no lock protected it.
func (db *database) read(ctx context.Context, fn func() error) error {
	release, err := db.c.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	err = fn()
	if db.immutable && ctx.Err() == nil {
		if changed := db.files.unchanged(db.target); changed != nil && !ownError(err) {
			return changed // a torn read may also look like damage
		}
	}
	return err
}

// callbackError carries an error of the caller's function through SQLite, so that it is not taken for one of the read.
type callbackError struct{ err error }

func (e callbackError) Error() string { return e.err.Error() }
func (e callbackError) Unwrap() error { return e.err }

func ownError(err error) bool {
	var own callbackError
	return errors.As(err, &own)
}

// guarded marks the errors of a caller's function.
func guarded(fn func(engine.Row) error) func(engine.Row) error {
	return func(r engine.Row) error {
		if err := fn(r); err != nil {
			return callbackError{err}
		}
		return nil
	}
}

// unwrapped gives the caller's own error back.
func unwrapped(err error) error {
	var own callbackError
	if errors.As(err, &own) {
		return own.err
	}
	return err
}

func (db *database) Schema(ctx context.Context) (*schema.Database, error) {
	var model *schema.Database
	err := db.read(ctx, func() (err error) {
		model, err = consistentSchema(ctx, db.c)
		return err
	})
	return model, err
}

// consistentSchema reads the catalogue in one transaction.
func consistentSchema(ctx context.Context, c *conn) (*schema.Database, error) {
	if c.inTransaction() {
		return readSchema(ctx, c)
	}
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return nil, err
	}
	model, err := readSchema(ctx, c)
	// The context may be over; the transaction must end all the same.
	if end := c.exec(context.WithoutCancel(ctx), "COMMIT"); err == nil {
		err = end
	}
	return model, err
}

func (db *database) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	return unwrapped(db.read(ctx, func() error { return readOnlyQuery(ctx, db.c, sql, guarded(fn)) }))
}

// readOnlyQuery refuses what would write, also where SQLite would let it.
func readOnlyQuery(ctx context.Context, c *conn, sql string, fn func(engine.Row) error) error {
	s, err := c.one(sql)
	if err != nil {
		return err
	}
	defer s.finalize()
	if !s.readOnly() {
		return &engine.Error{Code: "SQLITE_READONLY", Message: "a query may not write"}
	}
	return s.each(ctx, fn)
}

func (db *database) writable(what string) error {
	if db.mode != engine.Scratch {
		return &engine.Error{Code: "SQLITE_READONLY", Message: fmt.Sprintf("%s is open for reading only: %s is for scratch databases", display(db.target), what)}
	}
	return nil
}

func (db *database) Session(ctx context.Context) (engine.Session, error) {
	if err := db.writable("running statements"); err != nil {
		return nil, err
	}
	c, err := connectScratch(ctx, db.files.path)
	if err != nil {
		return nil, describe(db.target, err)
	}
	return &session{c: c}, nil
}

// Close ends the read transaction and the connection. It does not fail on a file that changed: the reads have said so.
func (db *database) Close() error {
	db.c.busy <- struct{}{}
	db.c.close()
	<-db.c.busy
	return nil
}
