package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/snapshot"
)

func gateCommand() command {
	return command{
		name: "gate", args: "FROM TO", captures: true, reports: true,
		short: "before a deploy: rehearse TO's pending migrations and compare FROM with what TO will be",
		long: `One verdict before a deploy. TO's pending migrations are rehearsed, as by envdiff rehearse; FROM is
compared with TO as it is, and with TO as it will be after them. A difference that the deploy itself
removes is information, with the migration that explains it; what the deploy leaves, or brings, is a
finding. What a pending migration touches is looked at twice: a trait of production's data that
staging's lacks is data-one-sided-pending there, drift weighs one level more, and both name the
migration.

Both may be stored snapshots, so that a CI job needs no production credentials: see envdiff help
rehearse for what a stored TO can prove.

  envdiff gate staging production
  envdiff gate staging production@latest
  envdiff gate staging@latest production -o table -o json=gate.json`,
		run: runGate,
	}
}

func runGate(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 2 {
		return 0, hinted(errors.New("name two environments: where the release was tested, and where it goes"), "envdiff gate staging production")
	}
	c, sides, err := s.resolve(args)
	if err != nil {
		return 0, err
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	defer closeSides(sides)
	redact, err := s.readSidesRedacted(ctx, c, sides)
	if err != nil {
		return 0, err
	}
	g := gate{session: s, config: c, from: sides[0], to: sides[1], redact: redact, report: s.newReport("gate", sides), changes: map[string]migrations.Changes{}, rowless: map[string]bool{}}
	defer g.close()
	if err := g.rehearse(ctx); err != nil {
		return 0, err
	}
	if err := g.compare(ctx); err != nil {
		return 0, err
	}
	return s.finish(ctx, c, j, g.report)
}

// gate is one run of the gate command.
type gate struct {
	*session
	config   *config.Config
	from, to side
	redact   *snapshot.Redactor
	report   *ci.Report
	changes  map[string]migrations.Changes // scope → what its pending migrations do
	rowless  map[string]bool               // scope → its copy could not show what rows will be, for a migration fails on it
	// after is TO as it will be; nil while nothing is pending or the migrations do not pass.
	after  *snapshot.Snapshot
	copies []*snapshot.Snapshot
}

func (g *gate) close() {
	for _, c := range g.copies {
		c.Close()
	}
}

// rehearse replays what is pending in TO. Without migrations there is nothing to rehearse, and that is no mistake here.
func (g *gate) rehearse(ctx context.Context) error {
	g.report.Rehearsal = &finding.Rehearsal{}
	names, err := g.migrated(g.config, g.to.environment())
	if err != nil {
		return err
	}
	for _, db := range names {
		if err := g.rehearseOne(ctx, db); err != nil {
			return interrupted(ctx, fmt.Errorf("%s: %w", db, err))
		}
	}
	g.progress.Close()
	return nil
}

// rehearseOne rehearses one database, captures its copy before and after, and lets TO change alike.
func (g *gate) rehearseOne(ctx context.Context, db string) error {
	moments := map[migrations.Moment]*snapshot.Snapshot{}
	watch := func(ctx context.Context, moment migrations.Moment, e engine.Engine, copy engine.Target) error {
		snap, err := g.captureCopy(ctx, db, e, copy)
		if err != nil {
			return err
		}
		g.copies = append(g.copies, snap)
		moments[moment] = snap
		return nil
	}
	out, err := g.rehearseDatabase(ctx, g.config, rehearsed{g.to, db, watch}, g.report)
	if err != nil {
		return err
	}
	g.changes[db], g.rowless[db] = out.Changes, out.Rowless
	if moments[migrations.After] == nil {
		return nil
	}
	if g.after == nil {
		g.after = g.to.snap
	}
	applied := snapshot.Address{Scope: db, Kind: "migration", Name: "applied"}.Attr(out.Pending.Applied.Table.String())
	setApplied(out.Pending.Applied.OneRow(), moments[migrations.After], applied, snapshot.String(lastReplayed(out)))
	g.after = g.after.After(db, moments[migrations.Before], moments[migrations.After])
	return nil
}

// lastReplayed is the version that the copy is at in the end: the last one that is not refused.
func lastReplayed(out migrations.Output) string {
	last := out.Pending.Applied.Version
	for _, m := range out.Database.Migrations {
		if m.Status == "ok" || out.Database.Copy.Mode == "" || out.Rowless {
			last = m.Version
		}
	}
	return last
}

// setApplied lets a snapshot hold the last version, which the replay itself does not write. Where the tool keeps a row for each, the fact, which is
// about all of them, is taken out.
func setApplied(oneRow bool, s *snapshot.Snapshot, a snapshot.Address, v snapshot.Value) {
	for i := range s.Lines {
		if s.Lines[i].Address != a || len(s.Lines[i].Values) == 0 {
			continue
		}
		if !oneRow {
			s.Lines = slices.Delete(s.Lines, i, i+1)
			return
		}
		s.Lines[i].Values[0].Value = v
	}
}

// captureCopy captures what a migration can change of a copy: its schema, and the rows that are to be equal.
func (g *gate) captureCopy(ctx context.Context, db string, e engine.Engine, copy engine.Target) (*snapshot.Snapshot, error) {
	dir, err := g.scratch()
	if err != nil {
		return nil, err
	}
	spec, err := g.databaseSpec(g.config, db, false)
	if err != nil {
		return nil, err
	}
	spec.Profile = ""
	plan := snapshot.Plan{
		Environment: g.to.environment(), Version: version(), Redact: g.redact, Now: g.world.Now, Timeout: g.opt.timeout, TempDir: dir,
		Databases: []snapshot.DatabaseTarget{{Scope: db, Instance: "primary", Spec: spec,
			Open: func(ctx context.Context) (engine.DB, error) { return e.Open(ctx, copy, engine.ReadOnly) }}},
	}
	var reg snapshot.Registry
	for _, col := range g.world.Collectors.Databases {
		if name := col.Name(); name == "schema" || name == "rows" {
			reg.Databases = append(reg.Databases, col)
		}
	}
	return snapshot.Capture(ctx, plan, reg)
}
