package sqlite

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // registers itself with database/sql

	"github.com/envdiff/envdiff/internal/engine"
)

// SQL opens a scratch file for another library. It need not survive a power cut.
func (sqliteEngine) SQL(t engine.Target) (*sql.DB, error) {
	if !strings.HasPrefix(filepath.Base(t.Path), scratchPrefix) {
		return nil, fmt.Errorf("%s is not a scratch database of envdiff: no other program's code is let in", display(t))
	}
	return sql.Open("sqlite", t.Path+"?_pragma=synchronous(off)")
}

// Refused keeps the library's text: it is asked about empty clones.
func (sqliteEngine) Refused(_ engine.Target, err error) error { return err }
