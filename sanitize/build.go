package sanitize

import (
	"context"
	"errors"
	"fmt"

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
	before, after, err := e.DDL(sch)
	if err != nil {
		return nil, fmt.Errorf("writing the copy's schema: %w", err)
	}
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
	dst, err := e.Open(ctx, target, engine.Scratch)
	if err != nil {
		return built, fmt.Errorf("opening the scratch database: %w", err)
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if err := run(ctx, dst, before); err != nil {
		return built, fmt.Errorf("making the copy's tables: %w", err)
	}
	if built.Report, err = Copy(ctx, src, dst, sch, plan, key, opt); err != nil {
		return built, err
	}
	for _, t := range built.Report.Tables {
		built.Rows += t.Rows
	}
	if err := run(ctx, dst, append(append([]string(nil), after...), plan.After...)); err != nil {
		return built, fmt.Errorf("making the copy's indexes and constraints: %w", err)
	}
	return built, nil
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
