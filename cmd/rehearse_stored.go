package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/snapshot"
)

// rehearseStored rehearses on what a snapshot holds of a database, without a connection to it.
func (s *session) rehearseStored(ctx context.Context, c *config.Config, of rehearsed, r *ci.Report) (migrations.Output, error) {
	env, db, snap := of.of.environment(), of.db, of.of.snap
	typed, ok, err := snap.Typed(db, "primary")
	if err != nil {
		return migrations.Output{}, err
	}
	e, known := s.world.Engines[snap.Manifest.Scopes[db].Engine]
	if !ok || !known {
		r.Gaps = append(r.Gaps, finding.Gap{Environment: of.of.ref.Text, Address: snapshot.At(db, "migration", "schema").String(),
			Reason: fmt.Sprintf("the snapshot of %s does not hold the schema of %s, so nothing was rehearsed", snap.Manifest.CapturedAt.Format(time.RFC3339), db),
			Hint:   "envdiff snapshot " + env + " with a version that keeps it"})
		return migrations.Output{}, nil
	}
	if c.Databases[db].Migrations.Command != "" {
		r.Gaps = append(r.Gaps, finding.Gap{Environment: of.of.ref.Text, Address: snapshot.At(db, "migration", "command").String(),
			Reason: "a command is run against a copy of production only, which a stored snapshot is not", Hint: "envdiff rehearse " + env + " where production can be reached"})
		return migrations.Output{}, nil
	}
	base, dir, err := s.scratchPlace(ctx, c, env, db, e, typed.Schema.Version)
	if err != nil {
		return migrations.Output{}, err
	}
	stored := &migrations.Stored{Snapshot: snap, Rows: func(table schema.Name) ([]string, [][]*string, bool) {
		for _, v := range typed.Versions {
			if v.Table == table {
				return v.Columns, v.Rows, true
			}
		}
		return nil, nil, false
	}}
	return s.rehearse(ctx, migrations.Input{
		Scope: db, Environment: env, Environments: []string{env}, Engine: e, Stored: stored, Schema: typed.Schema, Spec: migrationsSpec(c, db),
		ScratchBase: base, ScratchDir: dir,
	}, of, r)
}
