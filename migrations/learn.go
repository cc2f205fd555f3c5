package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// planned is one pending migration with what the empty clone taught about it.
type planned struct {
	Migration
	statements []plannedStatement
	// changes are what it does to the schema; as far as the clone got when it stopped there.
	changes []changed
	// run stands for the statements of what a command runs.
	run func(ctx context.Context) error
	// noTx says that the file wants no transaction.
	noTx bool
	// unreadable is why the file could not be read or cut into statements.
	unreadable error
}

// plannedStatement is one statement and what it demands of rows that exist.
type plannedStatement struct {
	engine.Statement
	demands []*Demand
	// idle statements do nothing on production, and would do something to the scratch server: the replay leaves them out.
	idle bool
	// touched are production's tables whose rows it reads or writes.
	touched []schema.Name
	// writes are the tables whose rows it writes, under the names that they have then.
	writes []schema.Name
}

// plan is the pending sequence as replayed on an empty clone.
type plan struct {
	migrations []planned
	// after is the schema once everything ran; nil when the clone did not get that far.
	after *schema.Database
	// skipped counts statements that only work where there are rows: an INSERT of a
	// looked-up id finds nothing on an empty clone.
	skipped int
	// stop is where and why the clone could not go on; demands of later statements are not known.
	stop *stopped
}

// stopped is a statement that failed on the empty clone.
type stopped struct {
	migration, statement int
	err                  error
}

// idle reports whether a statement is left out of the replay.
func (p *plan) idle() bool {
	for _, m := range p.migrations {
		for _, s := range m.statements {
			if s.idle {
				return true
			}
		}
	}
	return false
}

// demands lists everything that is demanded, in order.
func (p *plan) demands() []*Demand {
	var out []*Demand
	for _, m := range p.migrations {
		for _, s := range m.statements {
			out = append(out, s.demands...)
		}
	}
	return out
}

// readPlan reads and cuts the pending files.
func readPlan(src *Source, pending []Migration, e engine.Engine) *plan {
	p := &plan{}
	for _, m := range pending {
		pm := planned{Migration: m}
		script, err := src.script(m)
		pm.noTx = script.noTx
		if err == nil {
			var statements []engine.Statement
			statements, err = e.Split(script.text)
			for _, s := range statements {
				pm.statements = append(pm.statements, plannedStatement{Statement: s})
			}
		}
		pm.unreadable = err
		p.migrations = append(p.migrations, pm)
	}
	return p
}

// learner replays the plan on an empty clone and asks the schema, not the text, what each statement demands.
type learner struct {
	session engine.Session
	engine  string
	spec    Spec
	lineage *lineage
	schema  *schema.Database
	// stale is set while quiet statements have run since the schema was read.
	stale bool
}

// learn fills in the plan's demands. The error is the context's; what fails otherwise is part of the plan.
func learn(ctx context.Context, p *plan, session engine.Session, production *schema.Database, e engine.Engine, spec Spec) error {
	start, err := session.Schema(ctx)
	if err != nil {
		return fmt.Errorf("read the schema of the empty clone: %w", err)
	}
	l := learner{session: session, engine: e.Name(), spec: spec, lineage: newLineage(production, e.Quote), schema: start}
	for i := range p.migrations {
		at, err := l.changes(ctx, &p.migrations[i], p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			p.stop = &stopped{i, at, err}
			return nil
		}
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	p.after = l.schema
	return nil
}

// changes runs one migration and notes what it does to the schema.
func (l *learner) changes(ctx context.Context, m *planned, p *plan) (int, error) {
	var made []changed
	for _, st := range m.statements {
		if x, ok := quiet(st.Text); ok {
			made = append(made, x)
		}
	}
	if len(made) == len(m.statements) {
		m.changes = made
		return l.migration(ctx, m, p)
	}
	if err := l.catchUp(ctx); err != nil {
		return 0, err
	}
	before := l.schema
	at, err := l.migration(ctx, m, p)
	if err == nil {
		err = l.catchUp(ctx)
	}
	m.changes = changesBetween(before, l.schema)
	return at, err
}

// catchUp reads the schema where quiet statements have run since.
func (l *learner) catchUp(ctx context.Context) error {
	if !l.stale {
		return nil
	}
	after, err := l.session.Schema(ctx)
	if err != nil {
		return err
	}
	l.lineage.step("", l.schema, after, engine.Effects{})
	l.schema, l.stale = after, false
	return nil
}

func (l *learner) migration(ctx context.Context, m *planned, p *plan) (int, error) {
	if m.unreadable != nil {
		return 0, m.unreadable
	}
	tx := newTransaction(l.session, l.engine, l.spec, m)
	if err := tx.begin(ctx); err != nil {
		return 0, err
	}
	for j := range m.statements {
		if err := l.statement(ctx, tx, &m.statements[j], p); err != nil {
			tx.rollback(ctx)
			return j, err
		}
	}
	if err := tx.commit(ctx); err != nil {
		tx.rollback(ctx)
		return len(m.statements), err
	}
	return 0, nil
}

// statement runs one statement on the clone and records its demands.
func (l *learner) statement(ctx context.Context, tx *transaction, s *plannedStatement, p *plan) error {
	if s.idle {
		return nil
	}
	if _, ok := quiet(s.Text); ok {
		_, err := tx.exec(ctx, s.Text)
		l.stale = true
		return err
	}
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	effects, effectsErr := l.session.Effects(ctx, s.Text)
	bearsRows := effectsErr == nil && len(effects.Writes) > 0 && isDML(s.Text)
	if _, err := tx.exec(ctx, s.Text); err != nil {
		if !bearsRows || !isConstraint(err) {
			return err
		}
		p.skipped++
	}
	if effectsErr != nil {
		l.lineage.distrust()
	}
	after := l.schema
	if !bearsRows {
		var err error
		if after, err = l.session.Schema(ctx); err != nil {
			return err
		}
	}
	if bearsRows {
		s.touched, s.writes = l.lineage.touched(effects), effects.Writes
	}
	s.demands = l.lineage.step(s.Text, l.schema, after, effects)
	l.schema = after
	return nil
}

// script is the statements alone.
func (m *planned) script() []engine.Statement {
	out := make([]engine.Statement, len(m.statements))
	for i, s := range m.statements {
		out[i] = s.Statement
	}
	return out
}

// isDML reports whether a statement writes rows and nothing else: it cannot change the schema.
func isDML(sql string) bool {
	word := strings.ToUpper(firstWord(withoutComments(sql)))
	return word == "INSERT" || word == "UPDATE" || word == "DELETE" || word == "REPLACE" || word == "WITH" || word == "MERGE"
}

func firstWord(sql string) string { return sql[:wordEnd(sql)] }

// isConstraint reports whether an error is a constraint's refusal.
func isConstraint(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && refusal(e) != ""
}

// mysqlRefusals are the errors about rows; 1265 is also what MariaDB says of a null where a changed column takes none.
var mysqlRefusals = map[string]schema.ObligationKind{
	"1048": schema.NotNull, "1138": schema.NotNull, "1364": schema.NotNull,
	"1062": schema.UniqueKey, "1586": schema.UniqueKey,
	"1452": schema.Reference, "1451": schema.Reference, "1216": schema.Reference, "1217": schema.Reference,
	"3819": schema.CheckExpr, "4025": schema.CheckExpr,
	"1264": schema.Convertible, "1265": schema.Convertible, "1292": schema.Convertible, "1366": schema.Convertible, "1406": schema.Convertible,
}

// refusal is the kind of constraint that refused, or "" for any other error: PostgreSQL's SQLSTATE class 23, SQLite's
// extended result codes, and the error numbers of MySQL and MariaDB.
func refusal(e *engine.Error) schema.ObligationKind {
	code := strings.ToUpper(e.Code)
	if kind, ok := mysqlRefusals[code]; ok {
		return kind
	}
	for _, c := range []struct {
		part string
		kind schema.ObligationKind
	}{
		{"23502", schema.NotNull}, {"NOTNULL", schema.NotNull},
		{"23505", schema.UniqueKey}, {"23P01", schema.UniqueKey}, {"UNIQUE", schema.UniqueKey}, {"PRIMARYKEY", schema.UniqueKey}, {"ROWID", schema.UniqueKey},
		{"23503", schema.Reference}, {"FOREIGNKEY", schema.Reference},
		{"23514", schema.CheckExpr}, {"CHECK", schema.CheckExpr},
		{"22P02", schema.Convertible}, {"22003", schema.Convertible}, {"22001", schema.Convertible}, {"22007", schema.Convertible}, {"22008", schema.Convertible}, {"DATATYPE", schema.Convertible},
	} {
		if strings.Contains(code, c.part) {
			return c.kind
		}
	}
	return ""
}
