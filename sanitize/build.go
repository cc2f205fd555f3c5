package sanitize

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// Built is a finished copy in a scratch database.
type Built struct {
	Target engine.Target
	Report *finding.Sanitization
	Rows   int64
}

// Build makes a scratch database beside base or in dir, gives it the schema, copies into it and
// checks it. On any error, a *LeakError included, the scratch is dropped again and Built has no
// target; after a leak it still has the report.
func Build(ctx context.Context, src engine.DB, base engine.Target, dir string, sch *schema.Database, plan *Plan, key keys.Key, opt CopyOptions) (built *Built, err error) {
	e := src.Engine()
	target, err := e.CreateScratch(ctx, base, dir)
	if err != nil {
		return nil, fmt.Errorf("making a scratch database: %w", err)
	}
	built = &Built{}
	defer func() {
		if err != nil {
			// The context may be what failed; a copy must not outlive that.
			err = errors.Join(err, e.DropScratch(context.WithoutCancel(ctx), target))
			return
		}
		built.Target = target
	}()
	f := &filling{src: src, target: target, sch: sch, plan: plan, key: key, opt: opt}
	built.Report, err = f.run(ctx)
	if built.Report != nil {
		for _, t := range built.Report.Tables {
			built.Rows += t.Rows
		}
	}
	return built, err
}

// filling gives an empty scratch database a schema and sanitised rows.
type filling struct {
	src    engine.DB
	target engine.Target
	sch    *schema.Database
	plan   *Plan
	key    keys.Key
	opt    CopyOptions
	// print is what a later run knows the copy by; "" where nothing is noted for one. done are the tables that an earlier run has finished in it: nil for a
	// copy that is begun.
	print string
	done  map[schema.Name]*TableDone
	// keptTables counts those that were found unchanged.
	keptTables atomic.Int64
	// late is set when the notes are gone: from here on the copy cannot be gone on with.
	late bool
	// loaded, when set, adds rows of other sources before indexes and constraints are made.
	loaded func(ctx context.Context, dst engine.DB) error
}

// ddl is the schema's statements; those of tables alone are apart where the engine can tell.
func (f *filling) ddl() (before []string, tables map[schema.Name][]string, after []string, err error) {
	if b, ok := f.src.Engine().(engine.Builder); ok {
		return b.BuildDDL(f.sch)
	}
	before, after, err = f.src.Engine().DDL(f.sch)
	return before, nil, after, err
}

// run makes the tables, copies and checks, and makes the rest. After a leak the report says what was copied.
func (f *filling) run(ctx context.Context) (report *finding.Sanitization, err error) {
	before, tables, after, err := f.ddl()
	if err != nil {
		return nil, fmt.Errorf("writing the copy's schema: %w", err)
	}
	e := f.src.Engine()
	f.opt.OpenCopy = func(ctx context.Context) (engine.DB, error) { return e.Open(ctx, f.target, engine.Scratch) }
	dst, err := f.opt.OpenCopy(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the scratch database: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	finish := f.finisher(tables)
	f.opt.Loaded = finish
	if err := f.begin(ctx, dst, before); err != nil {
		return nil, fmt.Errorf("making the copy's tables: %w", err)
	}
	if report, err = Copy(ctx, f.src, dst, f.sch, f.plan, f.key, f.opt); err != nil {
		return report, err
	}
	if f.late = true; f.print != "" {
		if err := unnote(ctx, dst); err != nil {
			return report, err
		}
	}
	if f.loaded != nil {
		if err := f.loaded(ctx, dst); err != nil {
			return report, err
		}
	}
	for i := range f.plan.Tables {
		if t := &f.plan.Tables[i]; t.Exclude || t.Preserve || len(t.Columns) == 0 {
			if err := finish(ctx, dst, &TableDone{Table: t.Table, leaky: true}); err != nil {
				return report, fmt.Errorf("%s: %w", TableKey(t.Table), err)
			}
		}
	}
	if err := ddl(ctx, dst, after); err != nil {
		return report, fmt.Errorf("making the copy's indexes and constraints: %w", err)
	}
	if err := run(ctx, dst, f.plan.After); err != nil {
		return report, fmt.Errorf("running the policy's after: %w", err)
	}
	return report, nil
}

// ddl executes an engine's own statements, as its engine does it best.
func ddl(ctx context.Context, db engine.DB, statements []string) error {
	if m, ok := engine.As[engine.Maker](db); ok {
		return m.Make(ctx, statements)
	}
	return run(ctx, db, statements)
}

// run executes statements on one session.
func run(ctx context.Context, db engine.DB, statements []string) (err error) {
	if len(statements) == 0 {
		return nil
	}
	s, err := db.Session(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, sql := range statements {
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}
