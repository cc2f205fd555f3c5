package sanitize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// Refreshing says what one target gets, and how.
type Refreshing struct {
	Source engine.DB
	Schema *schema.Database
	Plan   *Plan
	Key    keys.Key
	Copy   CopyOptions

	// Stored is set for a source that is no server: its rows were checked when they were stored, and it answers no questions. Snapshot is what tells its rows
	// from any other's.
	Stored   bool
	Snapshot string
	// Resume goes on with what a run that was interrupted has finished, and leaves that for the next one if this run is interrupted, too.
	Resume bool

	Target engine.Refresh // begun; the caller closes it
	// Old opens what the target holds, for reading; nil where there is nothing. Standing is its schema.
	Old      func(context.Context) (engine.DB, error)
	Standing *schema.Database
	// Migrate brings the stage, which has the source's schema and rows, to where the target stands. Nil has nothing to do.
	Migrate func(ctx context.Context, stage engine.Target) error
	Mark    engine.Mark
	Now     func() time.Time
	Step    func(what string) // may be nil
}

// Refreshed is what a refresh did.
type Refreshed struct {
	Report  *finding.Sanitization
	Rows    int64
	Swapped engine.Swapped
	Notes   []string
	// Resumed is how many tables an earlier run had finished and this one kept; Again how many of those it had to copy again, as their rows have changed.
	Resumed, Again int
}

// Refresh builds the sanitised copy beside the target's old content, brings it to the target's version, verifies it, and swaps it in. After an error
// the old content is what it was; a *LeakError comes with the report.
func Refresh(ctx context.Context, in Refreshing) (*Refreshed, error) {
	out := &Refreshed{}
	in.step("make the tables")
	f := &filling{src: in.Source, sch: in.withAccess(), plan: in.Plan, key: in.Key, opt: in.Copy}
	stage, err := in.begin(ctx, f, out)
	if err != nil {
		return out, err
	}
	p := &preserving{in: &in, stage: stage, early: in.Migrate == nil}
	f.target, f.loaded = stage, p.beforeIndexes
	in.step("copy the rows")
	out.Report, err = f.run(ctx)
	if err != nil {
		in.leave(f, err)
		return out, err
	}
	out.Resumed, out.Again = int(f.keptTables.Load()), len(f.done)-int(f.keptTables.Load())
	for _, t := range out.Report.Tables {
		out.Rows += t.Rows
	}
	if in.Migrate != nil {
		in.step("apply the target's newer migrations")
		if err := in.Migrate(ctx, stage); err != nil {
			return out, err
		}
	}
	if err := p.afterMigrations(ctx); err != nil {
		return out, err
	}
	out.Notes = append(out.Notes, p.notes...)
	in.step("verify")
	if err := verify(ctx, &in, stage); err != nil {
		return out, err
	}
	in.step("swap")
	in.Mark.RefreshedAt = in.Now()
	out.Swapped, err = in.Target.Swap(ctx, in.Mark)
	return out, err
}

// begin finds the stage that an earlier run left, or makes a new one.
func (in *Refreshing) begin(ctx context.Context, f *filling, out *Refreshed) (stage engine.Target, err error) {
	if in.Resume {
		why := ""
		if stage, f.done, why, err = in.takeOver(ctx); err != nil {
			return stage, fmt.Errorf("looking for what an interrupted run has left: %w", err)
		}
		if f.done == nil {
			out.Notes = append(out.Notes, "--resume: "+why+"; the refresh begins from the start")
		}
	}
	if _, ok := in.Target.(engine.Resumer); ok && in.resumable() {
		if f.print, err = in.print(); err != nil {
			return stage, err
		}
		f.opt.Sums, f.opt.Unchanging = !in.Stored, in.Stored
	}
	if f.done != nil {
		return stage, nil
	}
	if stage, err = in.Target.Stage(ctx); err != nil {
		return stage, fmt.Errorf("making the database for the new rows: %w", err)
	}
	return stage, nil
}

// leave keeps what is finished for the next run with Resume: not a copy with a raw value in it, nor one that filled the disk.
func (in *Refreshing) leave(f *filling, err error) {
	var leak *LeakError
	if r, ok := in.Target.(engine.Resumer); ok && in.Resume && f.print != "" && !f.late && !errors.As(err, &leak) && !engine.DiskFull(err) {
		r.Keep()
	}
}

func (in *Refreshing) step(what string) {
	if in.Step != nil {
		in.Step(what)
	}
}

// withAccess is the source's schema with the owners and privileges that the target's objects have: its roles are its own.
func (in *Refreshing) withAccess() *schema.Database {
	if in.Standing == nil || len(in.Standing.Access) == 0 {
		return in.Schema
	}
	there := map[schema.Ref]bool{}
	for _, a := range in.Standing.Access {
		there[a.Ref] = true
	}
	made := *in.Schema
	made.Access = nil
	for _, a := range in.Standing.Access {
		if in.makes(a.Ref) {
			made.Access = append(made.Access, a)
		}
	}
	for _, a := range in.Schema.Access {
		if !there[a.Ref] {
			made.Access = append(made.Access, a)
		}
	}
	return &made
}

// makes reports whether the source's schema has what a privilege of the target is on: what only the target's newer migrations make is not there yet.
func (in *Refreshing) makes(r schema.Ref) bool {
	for _, a := range in.Schema.Access {
		if a.Ref == r {
			return true
		}
	}
	return r.Kind == "database"
}

// preserving carries the target's own rows of the tables that the policy preserves.
type preserving struct {
	in    *Refreshing
	stage engine.Target
	early bool // before indexes and constraints: there are no migrations that could change or fill these tables
	notes []string
}

func (p *preserving) tables() []schema.Name {
	var out []schema.Name
	for i := range p.in.Plan.Tables {
		if t := &p.in.Plan.Tables[i]; t.Preserve {
			out = append(out, t.Table)
		}
	}
	return out
}

func (p *preserving) beforeIndexes(ctx context.Context, dst engine.DB) error {
	if !p.early {
		return nil
	}
	return p.load(ctx, dst, p.in.Schema)
}

// afterMigrations takes the place of what migrations put into these tables.
func (p *preserving) afterMigrations(ctx context.Context) (err error) {
	if p.early || len(p.tables()) == 0 {
		return nil
	}
	dst, err := p.in.Source.Engine().Open(ctx, p.stage, engine.Scratch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	sch, err := dst.Schema(ctx)
	if err != nil {
		return err
	}
	for _, name := range p.tables() {
		if _, ok := sch.Table(name); !ok {
			continue // a migration dropped it
		}
		if err := p.in.Target.Empty(ctx, name); err != nil {
			return fmt.Errorf("emptying %s for the target's own rows: %w", TableKey(name), err)
		}
	}
	return p.load(ctx, dst, sch)
}

// load copies the target's own rows, column by name.
func (p *preserving) load(ctx context.Context, dst engine.DB, made *schema.Database) (err error) {
	tables := p.tables()
	if len(tables) == 0 {
		return nil
	}
	var old engine.DB
	if p.in.Old != nil {
		if old, err = p.in.Old(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, old.Close()) }()
	}
	for _, name := range tables {
		to, ok := made.Table(name)
		if !ok {
			continue
		}
		from, ok := p.standing(name)
		if !ok {
			p.notes = append(p.notes, TableKey(name)+" is preserved, and the target has no such table yet: it stays empty")
			continue
		}
		columns, err := common(from, to)
		if err != nil {
			return fmt.Errorf("preserving %s: %w", TableKey(name), err)
		}
		if err := pour(ctx, old, dst, name, columns); err != nil {
			return fmt.Errorf("preserving %s: %w", TableKey(name), err)
		}
	}
	return nil
}

func (p *preserving) standing(name schema.Name) (*schema.Table, bool) {
	if p.in.Standing == nil {
		return nil, false
	}
	return p.in.Standing.Table(name)
}

// common are the columns of the target's table, all of which the new one must have.
func common(from, to *schema.Table) ([]string, error) {
	var columns []string
	for _, c := range from.Columns {
		made, ok := to.Column(c.Name)
		switch {
		case c.Generated != "":
		case !ok:
			return nil, fmt.Errorf("the target's column %s is not in the source's table: its values would be lost; add the migration that made it, or exclude the table", c.Name)
		case made.Generated == "":
			columns = append(columns, c.Name)
		}
	}
	return columns, nil
}

// pour copies rows as they are from one database to another of the same engine.
func pour(ctx context.Context, src, dst engine.DB, table schema.Name, columns []string) error {
	if len(columns) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := newPipe()
	go func() {
		p.finish(src.CopyOut(ctx, engine.Read{Table: table, Columns: columns}, func(row engine.Row) error { return p.add(ctx, row) }))
	}()
	_, err := dst.CopyIn(ctx, table, columns, p.next)
	cancel()
	if readErr := p.drain(); readErr != nil && !errors.Is(readErr, context.Canceled) && !errors.Is(readErr, io.EOF) {
		return readErr
	}
	return err
}
