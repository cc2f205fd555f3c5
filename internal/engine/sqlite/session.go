package sqlite

import (
	"context"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// session is a connection of its own, with SQLite's defaults (foreign keys are not
// enforced unless a statement asks for it).
type session struct {
	clock func() time.Time // of what is traced; nil while nothing is
	c     *conn
}

// Exec runs all statements of a text, as a migration tool does with a file, and counts the rows that they changed.
func (s *session) Exec(ctx context.Context, sql string) (rows int64, err error) {
	release, err := s.c.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer release()
	for !blank(sql) {
		changed, rest, err := s.step(ctx, sql)
		if err != nil {
			return rows, err
		}
		rows += changed
		sql = rest
	}
	return rows, nil
}

func (s *session) step(ctx context.Context, sql string) (changed int64, rest string, err error) {
	statement, rest, err := s.c.prepare(sql)
	if err != nil || statement == nil {
		return 0, rest, err
	}
	defer statement.finalize()
	if err := statement.each(ctx, func(engine.Row) error { return nil }); err != nil {
		return 0, "", err
	}
	// The counter keeps the value of the last statement that changes rows.
	if changesRows(sql) {
		changed = lib.Xsqlite3_changes64(s.c.tls, s.c.db)
	}
	return changed, rest, nil
}

// changesRows reports whether the first statement of a text is one whose changed rows SQLite counts.
func changesRows(sql string) bool {
	for at := 0; at < len(sql); {
		t := nextToken(sql, at)
		at += len(t.text)
		switch t.kind {
		case tokenSpace, tokenComment, tokenSemi:
			continue
		case tokenWord:
			if t.is("WITH") {
				return withChangesRows(sql)
			}
			return t.is("INSERT") || t.is("REPLACE") || t.is("UPDATE") || t.is("DELETE")
		}
		return false
	}
	return false
}

// withChangesRows looks behind the common table expressions of the first statement.
func withChangesRows(sql string) bool {
	statements := split(sql)
	if len(statements) == 0 {
		return false
	}
	list := meaningful(statements[0].Text)
	main := mainVerb(list)
	return main < len(list) && !list[main].is("SELECT") && !list[main].is("VALUES")
}

// Schema captures the model as this session sees it.
func (s *session) Schema(ctx context.Context) (*schema.Database, error) {
	release, err := s.c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return consistentSchema(ctx, s.c)
}

func (s *session) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	release, err := s.c.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	return unwrapped(readOnlyQuery(ctx, s.c, sql, guarded(fn)))
}

// Close ends the session; an open transaction is rolled back.
func (s *session) Close() error {
	s.c.busy <- struct{}{}
	defer func() { <-s.c.busy }()
	if s.c.db != 0 && s.c.inTransaction() {
		if err := s.c.exec(context.Background(), "ROLLBACK"); err != nil {
			s.c.close()
			return fmt.Errorf("roll back: %w", err)
		}
	}
	s.c.close()
	return nil
}
