package migrations

import (
	"context"
	"regexp"
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
	s      engine.Session
	engine string
	// wrapped is set for a file that runs in one transaction that it did not open itself.
	wrapped bool
	// savepoints are needed where a failed statement aborts its transaction, to look
	// at the rows as they were just before it.
	savepoints bool
	// command stands for a statement that is no SQL.
	command func(ctx context.Context) error
}

func newTransaction(s engine.Session, engineName string, spec Spec, m *planned) *transaction {
	script := m.script()
	if m.run != nil {
		return &transaction{s: s, engine: engineName, command: m.run}
	}
	if t, err := toolByName(spec.tool()); err == nil && t != nil {
		return toolTransaction(s, engineName, t, m)
	}
	switch engineName {
	case "sqlite":
		return &transaction{s: s, engine: engineName, wrapped: !spec.NoTxWrap}
	case "postgres":
		wrapped := len(script) > 1 && !opensOwn(script)
		return &transaction{s: s, engine: engineName, wrapped: wrapped, savepoints: wrapped}
	}
	return &transaction{s: s, engine: engineName}
}

// toolTransaction is what the other tools do: a transaction around the file unless it asks for none. Prisma sends the file as
// it is. MySQL ends a transaction at every statement that changes the schema.
func toolTransaction(s engine.Session, engineName string, t *tool, m *planned) *transaction {
	wrapped := t.wrapped && !m.noTx && len(m.statements) > 0
	if !t.wrapped {
		wrapped = engineName == "postgres" && len(m.statements) > 1 && !opensOwn(m.script())
	}
	if t.name == "flyway" && wrapped { // it looks for statements that refuse a transaction, and leaves it out for their file
		for _, st := range m.statements {
			wrapped = wrapped && !refusesTransaction.MatchString(withoutComments(st.Text))
		}
	}
	if engineName == "mysql" {
		return &transaction{s: s, engine: engineName}
	}
	return &transaction{s: s, engine: engineName, wrapped: wrapped, savepoints: wrapped && engineName == "postgres"}
}

var refusesTransaction = regexp.MustCompile(`(?is)^\s*(create\s+(unique\s+)?index\s+concurrently|drop\s+index\s+concurrently|reindex|vacuum|alter\s+type\s+.*\badd\s+value|(create|drop)\s+(database|tablespace|subscription)|alter\s+system)\b`)

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
	if t.command != nil {
		return 0, engine.Trace{}, t.command(ctx)
	}
	if err := refuseText(ctx, t.s, t.engine, sql); err != nil {
		return 0, engine.Trace{}, err
	}
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
