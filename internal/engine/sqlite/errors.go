package sqlite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// resultCode is SQLite's extended result code: all that is kept of the library's own
// error, whose text may hold values of rows.
type resultCode int32

func (c resultCode) Error() string { return codeName(int32(c)) }

// interrupted is the end of an operation whose context ended.
func interrupted(cause error) error {
	message := "interrupted"
	if errors.Is(cause, context.DeadlineExceeded) {
		message = "interrupted: the time that it was given is over"
	}
	return &engine.Error{Code: "SQLITE_INTERRUPT", Message: message, Err: cause}
}

// failure makes an error of a result code. sql is the text when it was refused before it ran: only then does
// SQLite's message speak of the text and the schema alone, and may be shown. What a running statement says
// may hold values: only known forms pass.
func (c *conn) failure(rc int32, sql string) error {
	message := ""
	if c.db != 0 {
		message = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
		// The handle's error is of the same operation, and says more than the code that step returned.
		if extended := lib.Xsqlite3_extended_errcode(c.tls, c.db); extended&0xff == rc&0xff {
			rc = extended
		}
	}
	e := &engine.Error{Code: codeName(rc), Err: resultCode(rc)}
	generic := libc.GoString(lib.Xsqlite3_errstr(c.tls, rc))
	switch {
	case rc == lib.SQLITE_ERROR && (message == "CHECK constraint failed" || message == "NOT NULL constraint failed"):
		// ALTER TABLE ADD COLUMN raises its refusal with the plainest code.
		e.Code, e.Message = "SQLITE_CONSTRAINT_CHECK", message
		if strings.HasPrefix(message, "NOT NULL") {
			e.Code = "SQLITE_CONSTRAINT_NOTNULL"
		}
	case rc&0xff == lib.SQLITE_CONSTRAINT:
		c.constraint(e, rc, message)
	case sql != "" && rc&0xff == lib.SQLITE_ERROR:
		e.Message = withoutLiterals(message)
	case safeAtRunTime.MatchString(message):
		e.Message = withoutLiterals(message)
	default:
		e.Message = generic
	}
	return e
}

// safeAtRunTime are messages of running statements that name objects of the schema, never values.
var safeAtRunTime = regexp.MustCompile(`^(error in (view|trigger|index|table|generated column) |no such (table|column|index|view|trigger|function|module|savepoint|constraint): |object name reserved for internal use: |(table|index|view|trigger) .* already exists$|` +
	`database table is locked|cannot (commit|rollback|start|VACUUM|drop|add|store)|Cannot add |duplicate column name: |attempt to write a readonly database|database disk image is malformed|file is not a database|unable to open database file|integer overflow$|database is locked|abort due to ROLLBACK$|interrupted$|too many )`)

// codeNames are the extended codes that a migration meets, by https://sqlite.org/rescode.html.
var codeNames = map[int32]string{
	lib.SQLITE_CONSTRAINT_CHECK: "SQLITE_CONSTRAINT_CHECK", lib.SQLITE_CONSTRAINT_COMMITHOOK: "SQLITE_CONSTRAINT_COMMITHOOK",
	lib.SQLITE_CONSTRAINT_DATATYPE: "SQLITE_CONSTRAINT_DATATYPE", lib.SQLITE_CONSTRAINT_FOREIGNKEY: "SQLITE_CONSTRAINT_FOREIGNKEY",
	lib.SQLITE_CONSTRAINT_FUNCTION: "SQLITE_CONSTRAINT_FUNCTION", lib.SQLITE_CONSTRAINT_NOTNULL: "SQLITE_CONSTRAINT_NOTNULL",
	lib.SQLITE_CONSTRAINT_PRIMARYKEY: "SQLITE_CONSTRAINT_PRIMARYKEY", lib.SQLITE_CONSTRAINT_ROWID: "SQLITE_CONSTRAINT_ROWID",
	lib.SQLITE_CONSTRAINT_TRIGGER: "SQLITE_CONSTRAINT_TRIGGER", lib.SQLITE_CONSTRAINT_UNIQUE: "SQLITE_CONSTRAINT_UNIQUE",
	lib.SQLITE_CONSTRAINT_VTAB: "SQLITE_CONSTRAINT_VTAB",
	lib.SQLITE_ERROR:           "SQLITE_ERROR", lib.SQLITE_PERM: "SQLITE_PERM", lib.SQLITE_ABORT: "SQLITE_ABORT", lib.SQLITE_BUSY: "SQLITE_BUSY",
	lib.SQLITE_LOCKED: "SQLITE_LOCKED", lib.SQLITE_NOMEM: "SQLITE_NOMEM", lib.SQLITE_READONLY: "SQLITE_READONLY", lib.SQLITE_INTERRUPT: "SQLITE_INTERRUPT",
	lib.SQLITE_IOERR: "SQLITE_IOERR", lib.SQLITE_CORRUPT: "SQLITE_CORRUPT", lib.SQLITE_FULL: "SQLITE_FULL", lib.SQLITE_CANTOPEN: "SQLITE_CANTOPEN",
	lib.SQLITE_SCHEMA: "SQLITE_SCHEMA", lib.SQLITE_TOOBIG: "SQLITE_TOOBIG", lib.SQLITE_CONSTRAINT: "SQLITE_CONSTRAINT", lib.SQLITE_MISMATCH: "SQLITE_MISMATCH",
	lib.SQLITE_MISUSE: "SQLITE_MISUSE", lib.SQLITE_AUTH: "SQLITE_AUTH", lib.SQLITE_RANGE: "SQLITE_RANGE", lib.SQLITE_NOTADB: "SQLITE_NOTADB",
}

func codeName(rc int32) string {
	if name, ok := codeNames[rc]; ok {
		return name
	}
	if name, ok := codeNames[rc&0xff]; ok {
		return name
	}
	return fmt.Sprintf("SQLITE_%d", rc)
}

// constraint fills in what SQLite's message says about a constraint. The forms are those of sqlite3UniqueConstraint and
// its neighbours (insert.c and build.c of SQLite 3.53): "NOT NULL constraint failed: t.c", "UNIQUE constraint failed:
// t.a, t.b" or ": index 'i'", "CHECK constraint failed: NAME OR EXPRESSION", "FOREIGN KEY constraint failed", "cannot
// store TEXT value in INTEGER column t.c".
func (c *conn) constraint(e *engine.Error, rc int32, message string) {
	what, where, found := strings.Cut(message, " constraint failed: ")
	switch {
	case rc == lib.SQLITE_CONSTRAINT_TRIGGER:
		// RAISE's text may be an expression over the row.
		e.Message = "a trigger refused the change"
	case rc == lib.SQLITE_CONSTRAINT_DATATYPE:
		kind, column, ok := strings.Cut(message, " column ")
		if ok && dataTypeMessage.MatchString(kind) {
			e.Table, e.Column = c.splitColumn(column)
			e.Message = message
			return
		}
		e.Message = "a value does not have the type of its column"
	case rc == lib.SQLITE_CONSTRAINT_CHECK && found:
		e.Constraint, e.Message = where, message
	case rc == lib.SQLITE_CONSTRAINT_FOREIGNKEY:
		e.Message = "FOREIGN KEY constraint failed"
	case found && (what == "UNIQUE" || what == "NOT NULL"):
		e.Message = message
		if index, ok := strings.CutPrefix(where, "index '"); ok {
			e.Constraint = strings.TrimSuffix(index, "'")
			return
		}
		c.splitColumns(e, where)
	case rc == lib.SQLITE_CONSTRAINT:
		// ALTER TABLE … SET NOT NULL and ADD CHECK (since 3.53) say no more.
		e.Message = "constraint failed"
	default:
		e.Message = "a constraint refused the change"
	}
}

var dataTypeMessage = regexp.MustCompile(`^cannot store (NULL|INT|INTEGER|REAL|TEXT|BLOB) value in [A-Z]+$`)

// splitColumns reads "t.a, t.b". Names may hold dots and commas, so the catalogue decides what is a table.
func (c *conn) splitColumns(e *engine.Error, where string) {
	table, first := c.splitColumn(where)
	e.Table = table
	columns := strings.Split(first, ", "+table+".")
	e.Column = strings.Join(columns, ", ")
}

// splitColumn cuts "table.column" behind the longest table that exists.
func (c *conn) splitColumn(s string) (table, column string) {
	tables := map[string]bool{}
	// The failed statement's context may be over; the catalogue is small and this is the way to a clear message.
	_ = c.query(context.Background(), "SELECT name FROM sqlite_schema WHERE type = 'table' UNION ALL SELECT name FROM sqlite_temp_schema WHERE type = 'table'", func(r engine.Row) error {
		tables[string(r[0].Data)] = true
		return nil
	})
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == '.' && tables[s[:i]] {
			return s[:i], s[i+1:]
		}
	}
	table, column, _ = strings.Cut(s, ".")
	return table, column
}

// withoutLiterals takes quoted texts out of a message about a statement: an identifier stays, a string does not.
func withoutLiterals(message string) string {
	message = stringLiteral.ReplaceAllString(message, "'…'")
	return unterminated.ReplaceAllString(message, "unrecognized token")
}

var (
	stringLiteral = regexp.MustCompile(`'(?:[^']|'')*'`)
	unterminated  = regexp.MustCompile(`(?s)^unrecognized token: .*`)
)
