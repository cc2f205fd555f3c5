package engine

import (
	"context"
	"errors"
	"strings"
)

// Advice is what to do about a table that cannot be read: about a missing right, a deadline, or damage.
// Codes are SQLSTATEs and SQLite's names.
func Advice(err error) string {
	var e *Error
	code := ""
	if errors.As(err, &e) {
		code = e.Code
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "raise --timeout, or add the table to ignore"
	case strings.HasPrefix(code, "SQLITE_CORRUPT"), strings.HasPrefix(code, "SQLITE_IOERR"), code == "SQLITE_NOTADB", code == "XX001", code == "XX002":
		return "the database is damaged: check it (PRAGMA integrity_check, pg_amcheck) and restore it from a backup"
	}
	return "grant SELECT on it, or add it to ignore"
}
