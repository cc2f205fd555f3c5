package migrations

import (
	"context"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// The words of transaction control are the same in every engine that is rehearsed.
const (
	begin         = "BEGIN"
	commit        = "COMMIT"
	rollback      = "ROLLBACK"
	savepoint     = "SAVEPOINT envdiff_statement"
	backToIt      = "ROLLBACK TO SAVEPOINT envdiff_statement"
	releaseIt     = "RELEASE SAVEPOINT envdiff_statement"
	startsByWords = "START TRANSACTION"
)

// transaction runs the statements of one file as golang-migrate (v4.20.1) would: its SQLite driver wraps the
// file in a transaction whatever it holds (so a BEGIN in it fails and PRAGMA foreign_keys does nothing) unless
// its x-no-tx-wrap is set; its PostgreSQL drivers send the file as one query, which is a transaction unless it
// is a single statement or brings its own.
type transaction struct {
	s engine.Session
	// wrapped is set for a file that runs in one transaction that it did not open itself.
	wrapped bool
	// savepoints are needed where a failed statement aborts its transaction, to look
	// at the rows as they were just before it.
	savepoints bool
}

func newTransaction(s engine.Session, engineName string, spec Spec, script []engine.Statement) *transaction {
	switch engineName {
	case "sqlite":
		return &transaction{s: s, wrapped: !spec.NoTxWrap}
	case "postgres":
		wrapped := len(script) > 1 && !opensOwn(script)
		return &transaction{s: s, wrapped: wrapped, savepoints: wrapped}
	}
	return &transaction{s: s}
}

// opensOwn reports whether a script opens a transaction itself.
func opensOwn(script []engine.Statement) bool {
	for _, st := range script {
		if text := strings.ToUpper(withoutComments(st.Text)); strings.HasPrefix(text, begin) || strings.HasPrefix(text, startsByWords) {
			return true
		}
	}
	return false
}

func (t *transaction) begin(ctx context.Context) error {
	if !t.wrapped {
		return nil
	}
	_, err := t.s.Exec(ctx, begin)
	return err
}

// exec runs one statement. After an error the session sees the rows as they were
// before it, where the engine can do that.
func (t *transaction) exec(ctx context.Context, sql string) (int64, error) {
	n, _, err := t.execBy(ctx, sql, func(ctx context.Context, sql string) (int64, engine.Trace, error) {
		n, err := t.s.Exec(ctx, sql)
		return n, engine.Trace{}, err
	})
	return n, err
}

// traced is exec that tells what the statement did.
func (t *transaction) traced(ctx context.Context, sql string) (int64, engine.Trace, error) {
	return t.execBy(ctx, sql, t.run)
}

func (t *transaction) execBy(ctx context.Context, sql string, run func(context.Context, string) (int64, engine.Trace, error)) (int64, engine.Trace, error) {
	if !t.savepoints {
		return run(ctx, sql)
	}
	if _, err := t.s.Exec(ctx, savepoint); err != nil {
		return 0, engine.Trace{}, err
	}
	n, trace, err := run(ctx, sql)
	if err != nil {
		_, _ = t.s.Exec(ctx, backToIt) // the statement's own error tells more
		return n, trace, err
	}
	_, err = t.s.Exec(ctx, releaseIt)
	return n, trace, err
}

func (t *transaction) commit(ctx context.Context) error {
	if !t.wrapped {
		return nil
	}
	_, err := t.s.Exec(ctx, commit)
	return err
}

// rollback ends a failed file. Its error says nothing new: a statement may have ended the transaction itself.
func (t *transaction) rollback(ctx context.Context) {
	_, _ = t.s.Exec(ctx, rollback)
}
