package sqlite

import (
	"context"
	"strconv"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// StartTrace begins to observe.
func (s *session) StartTrace(_ context.Context, now func() time.Time) error {
	s.clock = now
	return nil
}

// Traced runs a statement. SQLite has one lock for the whole file: whoever takes it first keeps all other writers waiting until the
// transaction ends.
func (s *session) Traced(ctx context.Context, sql string) (int64, engine.Trace, error) {
	if s.clock == nil {
		rows, err := s.Exec(ctx, sql)
		return rows, engine.Trace{}, err
	}
	wrote, before := s.writing(), s.size(ctx)
	began := s.clock()
	rows, err := s.Exec(ctx, sql)
	took := s.clock().Sub(began)
	if err != nil {
		return rows, engine.Trace{}, err
	}
	t := engine.Trace{Took: took}
	alone := !s.c.inTransaction() && writes(sql)
	if !wrote && (s.writing() || alone) {
		t.Locks = []engine.TableLock{{Mode: "RESERVED", Blocks: engine.BlocksWrites}}
	}
	t.DiskBytes = max(0, s.size(ctx)-before)
	return rows, t, nil
}

// writing reports whether the open transaction holds the lock.
func (s *session) writing() bool {
	return lib.Xsqlite3_txn_state(s.c.tls, s.c.db, 0) == lib.SQLITE_TXN_WRITE
}

// writes reports a statement that takes the lock for itself.
func writes(sql string) bool {
	for at := 0; at < len(sql); {
		t := nextToken(sql, at)
		at += len(t.text)
		switch t.kind {
		case tokenSpace, tokenComment, tokenSemi:
			continue
		case tokenWord:
			for _, word := range []string{"SELECT", "PRAGMA", "EXPLAIN", "BEGIN", "COMMIT", "END", "ROLLBACK", "ATTACH", "DETACH", "ANALYZE"} {
				if t.is(word) {
					return false
				}
			}
			return true
		}
		return false
	}
	return false
}

// size is the file's, as this session sees it.
func (s *session) size(ctx context.Context) int64 {
	ask := func(sql string) (n int64) {
		_ = s.Query(ctx, sql, func(r engine.Row) error {
			n, _ = strconv.ParseInt(string(r[0].Data), 10, 64)
			return nil
		})
		return n
	}
	return ask("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
}
