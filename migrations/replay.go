package migrations

import (
	"context"
	"errors"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// The statuses of a replayed migration.
const (
	statusOK     = "ok"
	statusFailed = "failed"
	statusNotRun = "not_run"
)

// failure is where the replay on the copy stopped.
type failure struct {
	migration int
	statement int // len(statements) for the commit, -1 for a file that could not be read
	err       error
	demand    *Demand // what the copy's rows broke; nil when the statement failed for another reason
	onCopy    int64   // rows of the copy that break it, just before the statement; -1 unknown
}

// replay runs the pending migrations on the copy and stops at the first failure. The error is the context's.
func (r *rehearsal) replay(ctx context.Context, s engine.Session) error {
	r.listMigrations()
	if tracer, ok := s.(engine.Tracer); ok {
		if err := tracer.StartTrace(ctx, r.in.Now); err != nil {
			return err
		}
	}
	for i := range r.plan.migrations {
		m := &r.plan.migrations[i]
		r.doing = "replaying " + m.Label() + " on the copy"
		r.progress("replay "+m.Label(), i+1, len(r.plan.migrations))
		f := r.replayOne(ctx, s, i)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f != nil {
			r.failed = f
			return nil
		}
	}
	after, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	r.out.After = after
	return nil
}

// replayOne runs one file with the tool's transaction semantics.
func (r *rehearsal) replayOne(ctx context.Context, s engine.Session, i int) *failure {
	m, result := &r.plan.migrations[i], &r.out.Database.Migrations[i]
	start := r.in.Now()
	defer func() { result.Seconds = r.in.Now().Sub(start).Seconds() }()
	if m.unreadable != nil {
		result.Status = statusFailed
		return &failure{i, -1, m.unreadable, nil, -1}
	}
	tx := newTransaction(s, r.in.Engine.Name(), r.in.Spec, m)
	if err := tx.begin(ctx); err != nil {
		result.Status = statusFailed
		return &failure{i, -1, err, nil, -1}
	}
	var seen []observed
	defer func() { r.describe(m, result, seen, r.in.Now(), tx.wrapped) }()
	for j, st := range m.statements {
		r.notice(ctx, s, st.demands)
		o := observed{statement: j, began: r.in.Now()}
		rows, trace, err := tx.traced(ctx, st.replayed())
		if o.ended, o.trace = r.in.Now(), trace; trace.Took > 0 {
			o.ended = o.began.Add(trace.Took)
		}
		o.growth = r.growthOf(st, trace)
		seen = append(seen, o)
		result.Statements = append(result.Statements, r.traced(st.Text, rows, o.seconds(), err))
		if err == nil {
			continue
		}
		f := &failure{migration: i, statement: j, err: err, onCopy: -1}
		if ctx.Err() == nil {
			result.Status = statusFailed
			r.blame(ctx, s, f, st.demands)
		}
		tx.rollback(context.WithoutCancel(ctx))
		return f
	}
	began := r.in.Now()
	if err := tx.commit(ctx); err != nil {
		if ctx.Err() == nil {
			result.Status = statusFailed
		}
		result.Statements = append(result.Statements, r.traced(commit, 0, r.in.Now().Sub(began).Seconds(), err))
		tx.rollback(context.WithoutCancel(ctx))
		return &failure{i, len(m.statements), err, nil, -1}
	}
	result.Status = statusOK
	return nil
}

// replayed is the statement's text, or of one that is left out another, so that the file keeps its number of statements, on which transactions depend.
func (s *plannedStatement) replayed() string {
	if s.idle {
		return "SELECT 1"
	}
	return s.Text
}

// notice counts what the engine will not: demands that it does not enforce, and that
// production cannot be asked about for certain.
func (r *rehearsal) notice(ctx context.Context, s engine.Session, demands []*Demand) {
	for _, d := range demands {
		if d.Status == Decisive || !unenforced(r.in.Engine.Name(), d) {
			continue
		}
		if _, n, _, err := count(ctx, r.in.Engine, s, d.local, d.Here); err == nil {
			r.unnoticed[d] = n
		}
	}
}

// unenforced reports whether a statement passes although rows break its demand: SQLite checks foreign keys only for
// connections that ask for it, and golang-migrate's does not.
func unenforced(engineName string, d *Demand) bool {
	return engineName == "sqlite" && d.Obligation.Kind == schema.Reference
}

// traced is one statement as the report shows it.
func (r *rehearsal) traced(sql string, rows int64, seconds float64, err error) finding.Statement {
	if r.in.Spec.Command != "" {
		return finding.Statement{SQL: sql, Seconds: seconds, Error: statementError(err)}
	}
	return finding.Statement{SQL: r.redact.statement(sql), Seconds: seconds, Rows: rows, Error: statementError(err),
		Locks: []finding.Lock{}, Rewrites: []string{}, Scans: []string{}, ProductionSeconds: []float64{}}
}

func statementError(err error) *finding.StatementError {
	var e *engine.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &finding.StatementError{Code: "interrupted", Message: "it was interrupted before it ended"}
	case errors.As(err, &e):
		return &finding.StatementError{Code: e.Code, Constraint: e.Constraint, Table: e.Table, Column: e.Column, Message: e.Message}
	}
	return &finding.StatementError{Message: err.Error()}
}

// blame finds the demand that the copy's rows broke and counts them there, while the session still sees the
// rows as they were before the statement.
func (r *rehearsal) blame(ctx context.Context, s engine.Session, f *failure, demands []*Demand) {
	for _, d := range suspects(f.err, demands) {
		_, violations, _, err := count(ctx, r.in.Engine, s, d.local, d.Here)
		if err == nil && violations > 0 {
			f.demand, f.onCopy = d, violations
			return
		}
	}
}

// suspects are the demands that an error can be about, the ones it names first. A refusal that says nothing of its kind
// (SQLite's "Cannot add a NOT NULL column …") suspects them all.
func suspects(err error, demands []*Demand) []*Demand {
	var e *engine.Error
	var command *CommandError
	if errors.As(err, &command) {
		return demands // what it printed is not read
	}
	if !errors.As(err, &e) {
		return nil
	}
	kind := refusal(e)
	var named, rest []*Demand
	for _, d := range demands {
		switch {
		case kind != "" && d.Obligation.Kind != kind:
		case names(e, d):
			named = append(named, d)
		default:
			rest = append(rest, d)
		}
	}
	return append(named, rest...)
}

// names reports whether an error names the demand's column or constraint.
func names(e *engine.Error, d *Demand) bool {
	o := d.local
	if e.Constraint != "" && e.Constraint == o.Constraint {
		return true
	}
	return e.Column != "" && len(o.Columns) > 0 && contains(o.Columns, e.Column)
}

// position says where in its file a statement stands.
func (m *planned) position(statement int) string {
	switch {
	case statement < 0 || len(m.statements) == 0:
		return m.Up
	case statement >= len(m.statements):
		return "its commit"
	}
	return fmt.Sprintf("statement %d of %d (line %d)", statement+1, len(m.statements), m.statements[statement].Line)
}

// line is the line of a statement; 0 for the whole file.
func (m *planned) line(statement int) int {
	if statement < 0 || statement >= len(m.statements) {
		return 0
	}
	return m.statements[statement].Line
}
