package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// Advance says how a copy of one environment becomes one for another, which stands further: by the migrations between.
type Advance struct {
	Scope        string
	Environment  string   // whose database it will be
	Environments []string // as given on the command line

	Engine engine.Engine
	Spec   Spec
	Schema *schema.Database // of the source
	From   Applied          // what the source's version table says
	To     Applied          // and the target's

	Now func() time.Time
}

// ErrMigration is returned with the findings when a migration fails.
var ErrMigration = errors.New("a migration fails on the new rows")

// Needed reports whether there is something to apply. What cannot be told is an error: a target that stands at a version without a file, for instance.
func (a Advance) Needed() (bool, error) {
	if !a.From.Found || !a.To.Found || a.To.number <= a.From.number {
		return false, nil
	}
	for side, at := range map[string]Applied{"the source": a.From, a.Environment: a.To} {
		if at.Dirty || at.Rows > 1 {
			return false, fmt.Errorf("the version table %s of %s is dirty or holds several rows: resolve that first", at.Table, side)
		}
	}
	src, err := ReadSource(a.Spec)
	if err != nil {
		return false, err
	}
	if src.Refused != "" {
		return false, fmt.Errorf("the migrations in %s cannot be run: %s", a.Spec.Dir, src.Refused)
	}
	if _, ok := src.find(a.To.Version); !ok {
		return false, fmt.Errorf("%s stands at version %s, which has no file in %s: refresh it from a checkout that has the file", a.Environment, a.To.Version, a.Spec.Dir)
	}
	return true, nil
}

// Versions are those that Run applies.
func (a Advance) Versions() []string {
	out := []string{}
	src, err := ReadSource(a.Spec)
	if err != nil {
		return out
	}
	for _, m := range a.between(src) {
		out = append(out, m.Version)
	}
	return out
}

// between are the migrations that the target has and the source lacks.
func (a Advance) between(src *Source) []Migration {
	var out []Migration
	for _, m := range PendingOf(a.Scope, a.Environment, a.Environments, src, a.From).Migrations {
		if m.number <= uint64(a.To.number) {
			out = append(out, m)
		}
	}
	return out
}

// Run applies them to a scratch database whose version table is empty, and writes the version. A failure is ErrMigration and the findings that a
// rehearsal would give.
func (a Advance) Run(ctx context.Context, stage engine.Target) ([]finding.Finding, error) {
	src, err := ReadSource(a.Spec)
	if err != nil {
		return nil, err
	}
	r := newRehearsal(Input{Scope: a.Scope, Environment: a.Environment, Environments: a.Environments, Engine: a.Engine, Schema: a.Schema, Spec: a.Spec, Now: a.Now})
	r.src, r.redact = src, newRedactor(a.Schema)
	r.out.Pending.Applied = a.From
	r.out.Pending.Migrations = a.between(src)
	r.plan = readPlan(src, r.out.Pending.Migrations, a.Engine)
	if err := (scratch{stage}).use(ctx, a.Engine, func(s engine.Session) error { return r.replay(ctx, s) }); err != nil {
		return nil, err
	}
	if r.failed != nil {
		r.report()
		return r.out.Findings, ErrMigration
	}
	r.out.Pending.Applied = a.To
	return nil, r.markApplied(ctx, scratch{stage})
}

// Demands is what an environment's pending migrations demand of its rows, learnt on an empty clone: masks must keep what they look at.
func Demands(ctx context.Context, in Input) ([]schema.Obligation, error) {
	r := newRehearsal(in)
	ready, err := r.prepare(ctx)
	if err != nil || !ready {
		return nil, err
	}
	if err := r.learn(ctx); err != nil {
		return nil, err
	}
	return r.plan.forCopy(), nil
}
