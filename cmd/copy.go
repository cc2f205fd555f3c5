package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/sanitize"
)

// copier makes the sanitised copy of one database.
type copier struct {
	now    func() time.Time
	warn   func(format string, args ...any)
	env    string
	db     string
	source engine.DB
	schema *schema.Database
	policy *sanitize.Policy
	key    keys.Key
	spec   *config.Copy
	use    sanitize.Use
	// storedKey is the id of the key of rows that were stored with their pseudonyms.
	storedKey string
	versions  []schema.Name // the version table, copied as it is
	keep      *keeping      // nil: copies are dropped
	scans     *scans        // nil: samples scan
}

// newCopier checks everything that a copy needs before anything is made: policy, key,
// and that the policy names every column.
func (s *session) newCopier(ctx context.Context, c *config.Config, env, db string, source engine.DB, use sanitize.Use) (*copier, error) {
	scans := s.scans(ctx, c, env, db, source)
	sch, err := source.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if err := whole(sch); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", db, env, err)
	}
	policy, err := s.policy(c, db)
	if errors.Is(err, sanitize.ErrNoPolicy) {
		return nil, hinted(fmt.Errorf("there is no sanitising policy %s, so nothing is copied", policyPath(c, db)),
			"envdiff scan %s -w %s, then review what it proposes", env, policyPath(c, db))
	}
	if err != nil {
		return nil, err
	}
	key, err := s.key(c.Keys.Pseudonym, "pseudonym", false)
	if err != nil {
		return nil, err
	}
	cp := &copier{now: s.world.Now, warn: s.warn, env: env, db: db, source: source, schema: sch, policy: policy, key: key,
		spec: c.Databases[db].Copy, use: use, versions: versionTables(c, db), scans: scans}
	if use == sanitize.Rehearsal {
		if cp.keep, err = s.keeping(c, db, source.Engine()); err != nil {
			return nil, err
		}
	}
	_, err = cp.plan(nil)
	return cp, err
}

// whole refuses a schema that could not be read to its end because of somebody's lock: a copy made by it would lack indexes, checks or definitions
// that are there, and a migration that stumbles over them would pass.
func whole(sch *schema.Database) error {
	var busy []string
	hint := ""
	for _, g := range sch.Gaps {
		if g.Busy {
			busy = append(busy, g.Reason)
			hint = g.Hint
		}
	}
	if len(busy) == 0 {
		return nil
	}
	return hinted(fmt.Errorf("the schema could not be read whole, so nothing is copied: %s", strings.Join(busy, "; ")), "%s", hint)
}

// plan joins policy and schema; what the policy does not name is an error with the command that adds it.
func (cp *copier) plan(demands []schema.Obligation) (*sanitize.Plan, error) {
	plan, err := sanitize.NewPlan(cp.policy, cp.schema, cp.use, demands, cp.versions...)
	var open *sanitize.PlanError
	if errors.As(err, &open) && len(open.Missing) > 0 {
		return nil, hinted(err, "envdiff scan %s -w %s", cp.env, cp.policy.File)
	}
	return plan, err
}

// build is migrations.Input.BuildCopy: what an earlier run has kept, or a new copy.
func (cp *copier) build(ctx context.Context, base engine.Target, dir string, demands []schema.Obligation) (migrations.CopyResult, error) {
	plan, err := cp.plan(demands)
	if err != nil {
		return migrations.CopyResult{}, err
	}
	for _, text := range plan.Warnings {
		cp.warn("%s: %s", cp.db, text)
	}
	key, out, found := "", migrations.CopyResult{}, false
	if cp.keep != nil {
		if key, err = cp.keptKey(ctx, demands); err == nil {
			out, found, err = cp.reuse(ctx, key, base, dir)
		}
	}
	if err == nil && !found {
		out, err = cp.make(ctx, base, dir, plan, demands)
		if err == nil && cp.keep != nil {
			out, err = cp.keepCopy(ctx, key, out, base, dir)
		}
	}
	for _, t := range plan.Tables {
		if t.Exclude || t.Preserve {
			out.Excluded = append(out.Excluded, t.Table)
		}
	}
	return out, err
}

// make builds a new copy.
func (cp *copier) make(ctx context.Context, base engine.Target, dir string, plan *sanitize.Plan, demands []schema.Obligation) (migrations.CopyResult, error) {
	sample, err := cp.sample(demands)
	if err != nil {
		return migrations.CopyResult{}, err
	}
	start := cp.now()
	note := func(text string) { cp.warn("%s: %s", cp.db, text) }
	options := sanitize.CopyOptions{Sample: sample, Note: note}
	built, err := sanitize.Build(ctx, cp.source, base, dir, cp.schema, plan, cp.key, options)
	if err != nil && ctx.Err() == nil && cp.scans.stale(sample) {
		built, err = sanitize.Build(ctx, cp.source, base, dir, cp.schema, plan, cp.key, options)
	}
	if err != nil {
		return migrations.CopyResult{}, err
	}
	cp.keepScans()
	out := migrations.CopyResult{Target: built.Target, Sanitization: built.Report,
		Copy: finding.Copy{Mode: "full", Rows: built.Rows, Seconds: cp.now().Sub(start).Seconds(), MadeAt: start.UTC().Format(time.RFC3339), Sampled: sample != nil}}
	if sample != nil {
		out.Copy.Mode = "sample"
	}
	if info, err := os.Stat(built.Target.Path); built.Target.Path != "" && err == nil {
		out.Copy.Bytes = info.Size()
	}
	return out, nil
}

// sample is how much of the database is copied; nil is all of it. The demands of the pending
// migrations choose rows that must be in it.
func (cp *copier) sample(demands []schema.Obligation) (*sanitize.Sample, error) {
	percent, err := cp.spec.Percent()
	if err != nil {
		return nil, err
	}
	out := &sanitize.Sample{Percent: percent, Obligations: demands}
	if cp.spec != nil && cp.spec.Rows > 0 {
		out.Rows, out.Percent = cp.spec.Rows, 0
	} else if percent >= 100 {
		return nil, nil
	}
	cp.scans.take(out)
	return out, nil
}

// keepScans stores what the sample has found.
func (cp *copier) keepScans() {
	if err := cp.scans.keep(); err != nil {
		cp.warn("%s: %v", cp.db, err)
	}
}
