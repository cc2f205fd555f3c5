package sqlite

import (
	"context"
	"strings"
	"sync"
	"time"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// conn is one connection to the SQLite library itself. The library's database/sql driver stands between a value and its
// storage class: it turns what is in a column declared BOOLEAN or DATE into bool and time.Time, so that a copy would
// differ. It also cannot open without the right to create, or forbid the checkpoint at close.
//
// One operation runs at a time; the others wait. A callback must not use the connection that calls it.
type conn struct {
	tls  *libc.TLS
	db   uintptr
	busy chan struct{} // holds a token while an operation runs
}

// fixPageSize makes the library ask for the page size where its translation does not (linux/arm64 with 64 KiB
// pages; the driver's init does the same).
var fixPageSize = sync.OnceFunc(lib.PatchIssue199)

// connect opens a file or URI with SQLite's open flags.
func connect(name string, flags int32) (*conn, error) {
	fixPageSize()
	c := &conn{tls: libc.NewTLS(), busy: make(chan struct{}, 1)}
	cname, err := c.text(name)
	if err != nil {
		c.tls.Close()
		return nil, err
	}
	defer c.free(cname)
	handle := c.tls.Alloc(int(unsafe.Sizeof(uintptr(0))))
	rc := lib.Xsqlite3_open_v2(c.tls, cname, handle, flags|lib.SQLITE_OPEN_URI|lib.SQLITE_OPEN_NOMUTEX, 0) // acquire is the mutex
	c.db = *(*uintptr)(pointer(handle))
	c.tls.Free(int(unsafe.Sizeof(uintptr(0))))
	if c.db != 0 {
		lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	}
	if rc != lib.SQLITE_OK {
		err := c.failure(rc, "")
		c.close()
		return nil, err
	}
	return c, nil
}

// close ends the connection. It waits for nobody: the caller knows that no operation runs.
func (c *conn) close() {
	if c.db != 0 {
		lib.Xsqlite3_close_v2(c.tls, c.db)
		c.db = 0
	}
	if c.tls != nil {
		c.tls.Close()
		c.tls = nil
	}
}

// pointer turns an address of the library's memory, which Go's collector does not own, into a pointer.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// text copies s into the library's memory. A NUL would cut it silently.
func (c *conn) text(s string) (uintptr, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, &engine.Error{Code: "SQLITE_ERROR", Message: "the text contains a NUL byte"}
	}
	p, err := libc.CString(s)
	if err != nil {
		return 0, &engine.Error{Code: "SQLITE_NOMEM", Message: "out of memory", Err: err}
	}
	return p, nil
}

func (c *conn) malloc(n int) uintptr { return libc.Xmalloc(c.tls, types.Size_t(n)) }

func (c *conn) free(p uintptr) {
	if p != 0 {
		libc.Xfree(c.tls, p)
	}
}

// configure sets a boolean option of sqlite3_db_config.
func (c *conn) configure(option int32, on bool) {
	var v int32
	if on {
		v = 1
	}
	const slot = 8 // libc.VaList uses 8 bytes for each argument
	args := c.malloc(2 * slot)
	defer c.free(args)
	lib.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(args, v, uintptr(0)))
}

// acquire waits for the connection and interrupts whatever runs on it when ctx ends. The
// returned function gives the connection back.
func (c *conn) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, interrupted(err)
	}
	select {
	case c.busy <- struct{}{}:
	case <-ctx.Done():
		return nil, interrupted(ctx.Err())
	}
	if c.db == 0 {
		<-c.busy
		return nil, &engine.Error{Code: "SQLITE_MISUSE", Message: "the database is closed"}
	}
	done, finished := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(finished)
		// A TLS belongs to one goroutine. The interrupt is repeated because SQLite forgets
		// one that arrives between two statements.
		tls := libc.NewTLS()
		defer tls.Close()
		for {
			lib.Xsqlite3_interrupt(tls, c.db)
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	return func() {
		close(done)
		if !stop() {
			<-finished
		}
		<-c.busy
	}, nil
}

// stmt is one prepared statement.
type stmt struct {
	c       *conn
	p       uintptr
	columns int
	row     engine.Row
	numbers []byte // text of the row's numbers
}

// prepare compiles the first statement of sql and returns the rest. The statement is nil when there is none.
func (c *conn) prepare(sql string) (s *stmt, rest string, err error) {
	csql, err := c.text(sql)
	if err != nil {
		return nil, "", err
	}
	defer c.free(csql)
	const size = int(unsafe.Sizeof(uintptr(0)))
	out := c.tls.Alloc(2 * size)
	defer c.tls.Free(2 * size)
	rc := lib.Xsqlite3_prepare_v2(c.tls, c.db, csql, int32(len(sql)+1), out, out+uintptr(size))
	if rc != lib.SQLITE_OK {
		return nil, "", c.failure(rc, sql)
	}
	p, tail := *(*uintptr)(pointer(out)), *(*uintptr)(pointer(out + uintptr(size)))
	rest = sql[int(tail-csql):]
	if p == 0 {
		return nil, rest, nil
	}
	return &stmt{c: c, p: p, columns: int(lib.Xsqlite3_column_count(c.tls, p))}, rest, nil
}

// one compiles a text that holds exactly one statement.
func (c *conn) one(sql string) (*stmt, error) {
	s, rest, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, &engine.Error{Code: "SQLITE_ERROR", Message: "there is no statement"}
	}
	if !blank(rest) {
		s.finalize()
		return nil, &engine.Error{Code: "SQLITE_ERROR", Message: "there is more than one statement"}
	}
	return s, nil
}

func (s *stmt) finalize() {
	if s.p != 0 {
		lib.Xsqlite3_finalize(s.c.tls, s.p)
		s.p = 0
	}
}

// readOnly reports whether the statement writes to no database file.
func (s *stmt) readOnly() bool { return lib.Xsqlite3_stmt_readonly(s.c.tls, s.p) != 0 }

// step runs to the next row; false is the end.
func (s *stmt) step(ctx context.Context) (bool, error) {
	switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		err := s.c.failure(rc, "")
		if rc&0xff == lib.SQLITE_INTERRUPT && ctx.Err() != nil {
			return false, interrupted(ctx.Err())
		}
		return false, err
	}
}

// reset makes the statement ready for another run.
func (s *stmt) reset() { lib.Xsqlite3_reset(s.c.tls, s.p) }

// each runs the statement and gives its rows to fn. The row is valid until the next step.
func (s *stmt) each(ctx context.Context, fn func(engine.Row) error) error {
	for {
		more, err := s.step(ctx)
		if err != nil || !more {
			return err
		}
		// Rows that come without work, out of a sorter, never look at the interrupt.
		if err := ctx.Err(); err != nil {
			return interrupted(err)
		}
		if err := fn(s.cells()); err != nil {
			return err
		}
	}
}

// query runs one statement under an acquired connection.
func (c *conn) query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	s, err := c.one(sql)
	if err != nil {
		return err
	}
	defer s.finalize()
	return s.each(ctx, fn)
}

// exec runs all statements of a text that is our own, and ignores their rows.
func (c *conn) exec(ctx context.Context, sql string) error {
	for !blank(sql) {
		s, rest, err := c.prepare(sql)
		if err != nil {
			return err
		}
		if s != nil {
			err = s.each(ctx, func(engine.Row) error { return nil })
			s.finalize()
			if err != nil {
				return err
			}
		}
		sql = rest
	}
	return nil
}

// inTransaction reports whether BEGIN is in force.
func (c *conn) inTransaction() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// libraryVersion is SQLite's version.
func (c *conn) libraryVersion() string { return libc.GoString(lib.Xsqlite3_libversion(c.tls)) }
