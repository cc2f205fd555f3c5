package migrations

import (
	"context"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
)

// replayOnCopy builds the copy and replays on it. What fails on a copy that was kept is tried again on a new one: production's rows may have been corrected since.
func (r *rehearsal) replayOnCopy(ctx context.Context) error {
	findings, gaps, after := len(r.out.Findings), len(r.out.Gaps), r.out.After
	mode, err := r.replayOnce(ctx)
	if err == nil && r.failed != nil && mode != "reused" {
		return r.watchWithoutRows(ctx)
	}
	if err != nil || r.failed == nil {
		return err
	}
	r.out.Findings, r.out.Gaps, r.out.After = r.out.Findings[:findings], r.out.Gaps[:gaps], after
	r.failed, r.unnoticed, r.out.Database.Migrations = nil, map[*Demand]int64{}, []finding.RehearsedMigration{}
	if _, err = r.replayOnce(ctx); err == nil && r.failed != nil {
		return r.watchWithoutRows(ctx)
	}
	return err
}

// watchWithoutRows shows the watcher, once the replay has failed, what the migrations would make of the schema: on an empty clone, where they pass without the rows that
// stop them. Else all that the deploy brings would look like drift beside the one migration that is to be corrected.
func (r *rehearsal) watchWithoutRows(ctx context.Context) error {
	if r.in.Watch == nil || r.plan.stop != nil || r.plan.after == nil || r.in.Spec.Command != "" {
		return nil
	}
	r.doing = "replaying on an empty clone"
	clone, err := r.emptyClone(ctx)
	if err != nil {
		return err
	}
	defer r.drop(clone.Target)
	if err := r.watch(ctx, Before, clone.Target); err != nil {
		return err
	}
	again := plan{migrations: make([]planned, len(r.plan.migrations))}
	for i, m := range r.plan.migrations {
		again.migrations[i] = m.bare()
	}
	err = clone.like(r.in.Engine, r.in.Schema).use(ctx, r.in.Engine, func(s engine.Session) error {
		return learn(ctx, &again, s, r.in.Schema, r.in.Engine, r.in.Spec)
	})
	if err != nil || again.stop != nil {
		return err
	}
	r.out.Rowless = true
	return r.watch(ctx, After, clone.Target)
}

// bare is a migration without what was learnt of it.
func (m *planned) bare() planned {
	out := planned{Migration: m.Migration, noTx: m.noTx, unreadable: m.unreadable}
	for _, st := range m.statements {
		out.statements = append(out.statements, plannedStatement{Statement: st.Statement, idle: st.idle})
	}
	return out
}

// replayOnce also tells the mode of the copy.
func (r *rehearsal) replayOnce(ctx context.Context) (mode string, err error) {
	r.doing = "building the copy"
	r.progress("build the copy", 0, 0)
	result, err := r.in.BuildCopy(ctx, r.plan.forCopy())
	if err != nil {
		return "", fmt.Errorf("build the copy of %s: %w", r.in.Scope, err)
	}
	r.copy = result
	r.out.Sanitization, r.out.Database.Copy = result.Sanitization, result.Copy
	defer r.drop(result.Target)
	passes, err := r.clonePasses(ctx, result.Target)
	defer func() { r.dropPasses(passes) }()
	if err != nil {
		return "", fmt.Errorf("clone the copy of %s: %w", r.in.Scope, err)
	}
	r.doing = "replaying on the copy"
	r.aim(result.Target)
	if err := r.watch(ctx, Before, result.Target); err != nil {
		return "", err
	}
	if err := (scratch{result.Target}).like(r.in.Engine, r.in.Schema).use(ctx, r.in.Engine, func(s engine.Session) error { return r.replayAndPlan(ctx, s) }); err != nil || r.failed != nil {
		return result.Copy.Mode, err
	}
	if err := r.watch(ctx, After, result.Target); err != nil {
		return result.Copy.Mode, err
	}
	return result.Copy.Mode, r.tryPasses(ctx, passes)
}

// replayAndPlan also plans the hot queries of production before and after.
func (r *rehearsal) replayAndPlan(ctx context.Context, s engine.Session) error {
	r.doing = "planning production's hot queries"
	if err := r.planBefore(ctx, s); err != nil {
		return err
	}
	r.doing = "replaying on the copy"
	if err := r.replay(ctx, s); err != nil || r.failed != nil {
		return err
	}
	return r.planAfter(ctx, s)
}
