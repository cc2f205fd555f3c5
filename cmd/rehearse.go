package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/migrations"
	"github.com/envdiff/envdiff/sanitize"
	"github.com/envdiff/envdiff/snapshot"
)

func rehearseCommand() command {
	return command{
		name: "rehearse", args: "ENV", captures: true, reports: true,
		short: "replay an environment's pending migrations on a sanitised copy of it",
		long: `Reads which migration the environment's database is at, without writing or locking; finds the
pending files of golang-migrate, goose, dbmate, sql-migrate, Flyway, Liquibase (SQL), Prisma, Atlas,
sqlx or Diesel (migrations: {tool:, path:}); replays them on a sanitised, temporary copy; and asks the environment
itself, read-only and by counts alone, how many rows break what each pending statement demands. A
migration that fails is critical: the statement, why, how many rows, what to do.

The copy is masked by the policy (databases.NAME.sanitize, default sanitize.yaml); a column that the
policy does not name stops the copy (exit 2). No row value is in any output. Nothing of the copy
remains, unless copy: {max_age: 24h} keeps it: later rehearsals then run on clones of it, as long as
schema, policy, key and what the migrations demand are the same.

Optional passes, in databases.NAME.rehearsal: queries: N plans production's hot queries before and after
the migrations; down: true tries each migration's way back and the way up again, twice: true a second
run, both on clones of the copy.

A stored ENV (production@latest) needs no connection to it: the migrations are tried on an empty
database with its schema, and what they demand of rows is answered by the profile of the columns;
what that does not answer is a gap.

Rails, Django, Alembic and any other tool are run by command: (migrations: {command: "bin/rails
db:migrate"}): in the directory of envdiff.yaml, with DATABASE_URL set to the copy, and none of our
other variables but PATH, HOME and those of the languages.

  envdiff rehearse production
  envdiff rehearse production --only 'main:*' -o json=rehearsal.json`,
		run: runRehearse,
	}
}

func runRehearse(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 1 {
		return 0, hinted(errors.New("name one environment"), "envdiff rehearse production")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	of, r, err := s.rehearsedSide(ctx, c, args[0])
	if err != nil {
		return 0, err
	}
	if of.snap != nil {
		defer of.snap.Close()
	}
	names, err := s.rehearsable(c, of.environment())
	if err != nil {
		return 0, err
	}
	for _, db := range names {
		if _, err := s.rehearseDatabase(ctx, c, rehearsed{of, db, nil}, r); err != nil {
			return 0, interrupted(ctx, fmt.Errorf("%s: %w", db, err))
		}
	}
	s.progress.Close()
	return s.finish(ctx, c, j, r)
}

// rehearsedSide is the one ENV of the command line, which may be stored.
func (s *session) rehearsedSide(ctx context.Context, c *config.Config, arg string) (side, *ci.Report, error) {
	r := &ci.Report{Command: "rehearse", Rehearsal: &finding.Rehearsal{}}
	ref, err := snapshot.ParseRef(arg)
	if err != nil {
		return side{}, nil, err
	}
	of := side{ref: ref, source: "live"}
	if !ref.Live() {
		if of.snap, of.source, err = s.readStored(ctx, c, ref); err != nil {
			return of, nil, err
		}
		r.Environments = s.newReport("rehearse", []side{of}).Environments
	} else {
		r.Environments = []ci.Environment{{Name: ref.Text, Source: "live", CapturedAt: s.world.Now().UTC()}}
	}
	if _, ok := c.Environments[of.environment()]; !ok {
		return of, nil, s.unknownEnvironment(c, of.environment())
	}
	return of, r, nil
}

// rehearsable is migrated where at least one is wanted.
func (s *session) rehearsable(c *config.Config, env string) ([]string, error) {
	names, err := s.migrated(c, env)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && len(s.opt.only)+len(s.opt.skip) > 0 {
		return nil, fmt.Errorf("--only and --skip leave no database of %s with migrations", env)
	}
	if len(names) == 0 {
		return nil, hinted(fmt.Errorf("no database of %s has migrations in envdiff.yaml", env), "databases: {main: {migrations: file://db/migrations}}")
	}
	return names, nil
}

// migrated lists the environment's databases that have migrations and are selected.
func (s *session) migrated(c *config.Config, env string) ([]string, error) {
	var names []string
	for _, db := range slices.Sorted(maps.Keys(c.Environments[env].Databases)) {
		m := c.Databases[db].Migrations
		if m == nil || !s.selection().MayTake(db+":*") {
			continue
		}
		names = append(names, db)
	}
	return names, nil
}

func migrationsSpec(c *config.Config, db string) migrations.Spec {
	m := c.Databases[db].Migrations
	spec := migrations.Spec{Tool: m.Tool, Table: m.Table, Command: m.Command}
	if m.Path != "" {
		spec.Dir = c.Path(strings.TrimPrefix(m.Path, "file://"))
	}
	return spec
}

// rehearsed is one database of one environment, and who looks at its copy.
type rehearsed struct {
	of    side
	db    string
	watch func(ctx context.Context, moment migrations.Moment, e engine.Engine, copy engine.Target) error // may be nil
}

// rehearseDatabase adds one database's rehearsal to the report. A database that cannot be reached is a gap.
func (s *session) rehearseDatabase(ctx context.Context, c *config.Config, of rehearsed, r *ci.Report) (migrations.Output, error) {
	if !of.of.ref.Live() {
		return s.rehearseStored(ctx, c, of, r)
	}
	env, db := of.of.environment(), of.db
	source, err := s.openReadOnly(ctx, c, env, db, "primary", c.Environments[env].Databases[db].URL)
	if err != nil {
		if ctx.Err() != nil {
			return migrations.Output{}, err
		}
		r.Gaps = append(r.Gaps, finding.Gap{Environment: env, Address: snapshot.At(db, "database", "reachable").String(), Instance: "primary",
			Reason: err.Error(), Hint: "envdiff doctor " + env})
		return migrations.Output{}, nil
	}
	defer source.Close()
	copier, err := s.newCopier(ctx, c, env, db, source, sanitize.Rehearsal)
	if err != nil {
		return migrations.Output{}, err
	}
	base, dir, err := s.scratchPlace(ctx, c, env, db, source.Engine(), copier.schema.Version)
	if err != nil {
		return migrations.Output{}, err
	}
	if err := s.gapScratch(ctx, c, env, db, source.Engine(), base, copier.schema, r); err != nil {
		return migrations.Output{}, err
	}
	if err := s.giveRoles(ctx, c, db, source, base); err != nil {
		return migrations.Output{}, err
	}
	in := migrations.Input{
		Scope: db, Environment: env, Environments: []string{env},
		Engine: source.Engine(), Production: source, Schema: copier.schema, Spec: migrationsSpec(c, db),
		ScratchBase: base, ScratchDir: dir, Queries: c.Databases[db].Rehearsal.Queries, Down: c.Databases[db].Rehearsal.Down, Twice: c.Databases[db].Rehearsal.Twice,
		BuildCopy: func(ctx context.Context, demands []schema.Obligation) (migrations.CopyResult, error) {
			return copier.build(ctx, base, dir, demands)
		},
	}
	if in.Spec.Command != "" {
		in.Run = func(ctx context.Context, t engine.Target) error { return s.runMigrations(ctx, c, db, t) }
	}
	return s.rehearse(ctx, in, of, r)
}

// rehearse runs a rehearsal, telling its steps, and adds what it found to the report.
func (s *session) rehearse(ctx context.Context, in migrations.Input, of rehearsed, r *ci.Report) (migrations.Output, error) {
	if of.watch != nil {
		in.Watch = func(ctx context.Context, moment migrations.Moment, t engine.Target) error {
			return of.watch(ctx, moment, in.Engine, t)
		}
	}
	doing := ""
	step := func(text string) {
		if doing != "" {
			s.progress.Done(doing)
		}
		if doing = text; doing != "" {
			s.progress.Start(doing)
		}
	}
	defer step("")
	in.Now = s.world.Now
	in.Progress = func(st migrations.Step) {
		text := fmt.Sprintf("%s/%s %s", in.Environment, in.Scope, st.What)
		if st.Of > 0 {
			text += fmt.Sprintf(" (%d of %d)", st.Done, st.Of)
		}
		step(text)
	}
	limited, cancel := context.WithTimeout(ctx, s.opt.rehearsalLimit())
	defer cancel()
	out, err := migrations.Rehearse(limited, in)
	var leak *sanitize.LeakError
	if errors.As(err, &leak) {
		r.Findings = append(r.Findings, leak.Findings(in.Scope, in.Environment)...)
	} else if err != nil {
		return out, err
	}
	r.Rehearsal.Databases = append(r.Rehearsal.Databases, out.Database)
	r.Findings = append(r.Findings, out.Findings...)
	r.Gaps = append(r.Gaps, out.Gaps...)
	mergeSanitization(r, in.Scope, out.Sanitization)
	return out, nil
}

// mergeSanitization adds one database's section; with several databases the tables carry the database's name.
func mergeSanitization(r *ci.Report, db string, s *finding.Sanitization) {
	if s == nil {
		return
	}
	if r.Sanitize == nil {
		r.Sanitize = &finding.Sanitization{}
	}
	r.Sanitize.Leaks += s.Leaks
	r.Sanitize.Searched = s.Searched.With(r.Sanitize.Searched)
	for _, t := range s.Tables {
		t.Table = db + ":" + t.Table
		r.Sanitize.Tables = append(r.Sanitize.Tables, t)
	}
	for _, f := range s.Features {
		f.Column = db + ":" + f.Column
		r.Sanitize.Features = append(r.Sanitize.Features, f)
	}
}
