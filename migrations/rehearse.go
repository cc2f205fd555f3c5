package migrations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Input says what to rehearse and with what.
type Input struct {
	Scope        string   // the database's name in envdiff.yaml
	Environment  string   // whose database it is
	Environments []string // as given on the command line: findings' ids are made of them; none is Environment alone

	Engine     engine.Engine
	Production engine.DB        // open, read-only …
	Stored     *Stored          // … or what a snapshot holds of it, with Schema: then nothing is copied
	Schema     *schema.Database // of Production; nil captures it
	Spec       Spec

	ScratchBase engine.Target // where empty clones are made: a server …
	ScratchDir  string        // … or a directory
	// BuildCopy makes the sanitised copy. obligations are what the pending migrations demand, in terms
	// of production's tables and columns: masks must keep what they look at. The copy is dropped after
	// the rehearsal; one of mode "reused" is a clone of what is kept, and where the replay fails on it another copy is asked for.
	BuildCopy func(ctx context.Context, obligations []schema.Obligation) (CopyResult, error)

	// Run runs Spec.Command against a scratch database, and nothing else.
	Run func(ctx context.Context, t engine.Target) error

	// Watch looks at the database on which the migrations are replayed, the copy or where there is none, or where they fail on it, an
	// empty clone, before the first of them and after the last one. It may be nil.
	Watch func(ctx context.Context, moment Moment, t engine.Target) error

	// Queries is how many of production's hot queries are planned on the copy before and after; 0 is none.
	Queries int
	// Down tries, on a clone of the copy, the way back of each migration and the way up again; Twice runs each a second time.
	Down, Twice bool

	Now      func() time.Time
	Progress func(Step) // may be nil
}

// Moment is when Watch is called.
type Moment int

// The moments.
const (
	Before Moment = iota
	After         // when all migrations passed; behind a replay that failed, both moments once more, of an empty clone
)

// CopyResult is the copy that BuildCopy made.
type CopyResult struct {
	Target       engine.Target
	Copy         finding.Copy
	Sanitization *finding.Sanitization
	// Excluded are tables that the copy has without rows: nothing that passes on them is proved by it.
	Excluded []schema.Name
}

// Step is one step of a rehearsal, for progress.
type Step struct {
	Scope string
	What  string
	Done  int // 0 when the step is not counted
	Of    int
}

// Output is what a rehearsal found. Lists are never nil.
type Output struct {
	Pending      Pending
	Database     finding.RehearsedDatabase
	Sanitization *finding.Sanitization // nil when no copy was built
	Findings     []finding.Finding     // sealed and sorted
	Gaps         []finding.Gap
	// After is the schema once all pending migrations are applied; nil when they do not get that far on any clone.
	After *schema.Database
	// Rowless says that Watch saw an empty clone last, for the replay on the copy failed.
	Rowless bool
	// Changes are what the pending migrations do to the schema.
	Changes Changes
}

// rehearsal is one run of Rehearse.
type rehearsal struct {
	in      Input
	out     Output
	src     *Source
	plan    *plan
	answers map[*Demand]*Answer
	failed  *failure
	copy    CopyResult
	redact  redactor
	hot     []hotQuery
	roles   map[string]bool // of production's server; nil unknown
	// unnoticed are the rows of the copy that break demands which the engine does not enforce.
	unnoticed map[*Demand]int64
	// doing is what a deadline interrupted, for the gap.
	doing string
}

// Rehearse replays the pending migrations of one database and asks production what they will meet. Production is only
// read. Everything made on the way is dropped, also after an error or when ctx ends. A deadline gives a gap and what
// is known so far; an error means that nothing can be said: the source or the database could not be read, the copy
// could not be built, or ctx was cancelled.
func Rehearse(ctx context.Context, in Input) (Output, error) {
	r := newRehearsal(in)
	err := r.run(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		r.gapInterrupted()
		err = nil
	}
	r.report()
	return r.out, err
}

func newRehearsal(in Input) *rehearsal {
	if len(in.Environments) == 0 {
		in.Environments = []string{in.Environment}
	}
	r := &rehearsal{in: in, answers: map[*Demand]*Answer{}, unnoticed: map[*Demand]int64{}}
	r.out.Pending = Pending{Scope: in.Scope, Migrations: []Migration{}, Findings: []finding.Finding{}}
	r.out.Findings, r.out.Gaps = []finding.Finding{}, []finding.Gap{}
	r.out.Changes = Changes{objects: map[string]string{}, columns: map[string]string{}}
	r.out.Database = finding.RehearsedDatabase{Name: in.Scope, Engine: in.Engine.Name(), Pending: []string{},
		Migrations: []finding.RehearsedMigration{}, Probes: []finding.Probe{}, Plans: []finding.Plan{}, Passes: []finding.Pass{}}
	return r
}

func (r *rehearsal) run(ctx context.Context) error {
	ready, err := r.prepare(ctx)
	if err != nil || !ready {
		return err
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	r.doing = "asking production"
	if err := r.probe(ctx); err != nil {
		return err
	}
	if r.in.Stored != nil {
		r.judgeStored()
		r.gapPasses("a stored snapshot gives no copy to try them on")
		return nil
	}
	return r.replayOnCopy(ctx)
}

// prepare finds out what is pending. It reports whether there is something to replay.
func (r *rehearsal) prepare(ctx context.Context) (bool, error) {
	r.doing = "reading the applied version"
	if r.in.Spec.Command != "" {
		return r.prepareCommand(ctx)
	}
	src, err := ReadSource(r.in.Spec)
	if err != nil {
		return false, err
	}
	r.src = src
	if r.in.Schema == nil {
		if r.in.Schema, err = r.in.Production.Schema(ctx); err != nil {
			return false, err
		}
	}
	applied, err := ReadApplied(ctx, r.versions(), r.in.Schema, r.in.Spec)
	if err != nil {
		return false, err
	}
	if applied.Other != "" {
		r.gap(snapshot.At(r.in.Scope, "migration", "applied").String(),
			fmt.Sprintf("the database's migrations are kept by %s, and envdiff.yaml names %s", applied.Other, r.in.Spec.tool()),
			"say so: migrations: {tool: …, path: …}, or {command: …}; or remove `migrations:` from this database to go without")
		return false, nil
	}
	p := PendingOf(r.in.Scope, r.in.Environment, r.in.Environments, src, applied)
	r.out.Pending = p
	r.out.Findings = append(r.out.Findings, p.Findings...)
	r.out.Database.AppliedVersion = applied.Version
	r.out.Database.Pending = p.Versions()
	r.redact = newRedactor(r.in.Schema)
	r.plan = readPlan(src, p.Migrations, r.in.Engine)
	if err := r.halfway(ctx); err != nil {
		return false, err
	}
	if len(p.Migrations) == 0 {
		r.out.After = r.in.Schema
		return false, nil
	}
	if !p.Replayable {
		for _, m := range p.Migrations {
			r.gap(r.address(m), "not rehearsed: "+p.refusal(), "resolve the migration-state finding first")
		}
		return false, nil
	}
	if err := r.readRoles(ctx); err != nil {
		return false, err
	}
	return r.refuse(), nil
}

// versions is where the version table's rows are read.
func (r *rehearsal) versions() rowReader {
	if r.in.Stored != nil {
		return r.in.Stored
	}
	return r.in.Production
}

// learn replays on an empty clone, and lets golang-migrate itself do the same on another.
func (r *rehearsal) learn(ctx context.Context) error {
	r.doing = "replaying on an empty clone"
	r.progress("replay on an empty clone", 0, 0)
	clone, err := r.emptyClone(ctx)
	if err != nil {
		return err
	}
	defer r.drop(clone.Target)
	if r.in.Stored != nil {
		if err := r.watch(ctx, Before, clone.Target); err != nil {
			return err
		}
	}
	if err := r.readyForCommand(ctx, clone); err != nil {
		return err
	}
	err = clone.like(r.in.Engine, r.in.Schema).use(ctx, r.in.Engine, func(s engine.Session) error {
		start, err := s.Schema(ctx)
		if err != nil {
			return err
		}
		r.gapDifferent(start)
		return learn(ctx, r.plan, s, r.in.Schema, r.in.Engine, r.in.Spec)
	})
	if err != nil {
		return err
	}
	r.redact = newRedactor(r.in.Schema, r.plan.after)
	r.out.After = r.plan.after
	r.noteChanges()
	if r.in.Stored != nil && r.plan.stop == nil {
		if err := r.watch(ctx, After, clone.Target); err != nil {
			return err
		}
	}
	return r.crossCheck(ctx)
}

func (r *rehearsal) watch(ctx context.Context, moment Moment, t engine.Target) error {
	if r.in.Watch == nil {
		return nil
	}
	return r.in.Watch(ctx, moment, t)
}

// noteChanges fills in what the plan does to the schema, and which columns its statements change rows by.
func (r *rehearsal) noteChanges() {
	for i := range r.plan.migrations {
		m := &r.plan.migrations[i]
		address := r.address(m.Migration)
		r.out.Changes.note(r.in.Scope, address, m.changes)
		for _, st := range m.statements {
			r.noteStatement(st, address)
		}
	}
}

func (r *rehearsal) noteStatement(st plannedStatement, migration string) {
	for _, name := range st.writes {
		r.out.Changes.objects[snapshot.Object(r.in.Scope, "rows", name.Idents()...).String()] = migration
	}
	if word := strings.ToUpper(firstWord(withoutComments(st.Text))); word != "INSERT" {
		for _, name := range st.touched {
			if t, ok := r.in.Schema.Table(name); ok {
				for _, column := range mentioned(st.Text, t) {
					r.out.Changes.touch(name, column, migration)
				}
			}
		}
	}
	for _, d := range st.demands {
		if d.rows == nil || d.rows.query != "" {
			continue // a rebuild demands what the table demanded before; what is new about it is a change of the schema
		}
		for _, column := range d.Obligation.Columns {
			if c, ok := d.rows.find(column); ok && c.from != "" {
				r.out.Changes.touch(d.rows.table, c.from, migration)
			}
		}
	}
}

func (r *rehearsal) progress(what string, done, of int) {
	if r.in.Progress != nil {
		r.in.Progress(Step{r.in.Scope, what, done, of})
	}
}

// address is where everything about a migration is reported.
func (r *rehearsal) address(m Migration) string {
	return snapshot.At(r.in.Scope, "migration", m.id()).String()
}

func (r *rehearsal) gap(address, reason, hint string) {
	r.out.Gaps = append(r.out.Gaps, finding.Gap{Environment: r.in.Environment, Address: address, Reason: reason, Hint: hint})
}

// gapInterrupted says what the deadline left open.
func (r *rehearsal) gapInterrupted() {
	address := snapshot.At(r.in.Scope, "migration", "").String()
	if len(r.out.Pending.Migrations) > 0 {
		address = r.address(r.out.Pending.Migrations[0])
	}
	for i := range r.out.Database.Migrations {
		if r.out.Database.Migrations[i].Status != statusOK {
			address = r.address(r.out.Pending.Migrations[i])
			break
		}
	}
	r.gap(address, "the rehearsal did not finish in time: it was "+r.doing, "raise --timeout, or look at the statement that does not end")
}
