package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/sanitize"
)

func refreshCommand() command {
	return command{
		name: "refresh", args: "FROM TO...", captures: true, reports: true,
		short: "replace environments' databases by a sanitised copy of another's",
		long: `Copies each database of FROM, masked by its policy (databases.NAME.sanitize), into each TO: built
beside the old data, indexes and constraints after the rows, brought to the version that TO stood at
by its newer migrations, checked (row counts, foreign keys, raw values), and only then swapped in.
Whatever happens on the way, TO keeps what it has. All targets get the rows of one moment.

FROM may be a stored snapshot with rows (envdiff snapshot production --rows): NAME@latest, NAME@DATE or
a path. Then neither FROM's credentials nor the pseudonym key are needed.

TO is refused when it is protected, or the same database as a protected one whatever its name; when
it is neither empty nor of an earlier refresh; while another refresh of it runs. A column that the
policy does not name stops everything before anything is made.

Tables of TO that the policy preserves keep their rows; the policy's after: runs on the new rows.
Programs that are connected to TO are disconnected by the swap, and the report tells whose they were.

With --resume the tables that a killed run had finished are kept (PostgreSQL, MariaDB, MySQL): those
of a stored snapshot as they are, those of a live FROM only if it still has the same rows in them,
which are read for that; all others are copied. The result is what a run from the start would make:
rows of one moment, checked whole. Where there is nothing to go on with, it begins from the start.

  envdiff refresh production staging
  envdiff refresh production staging uat --only 'main:*' -q -o json=refresh.json
  envdiff refresh production@latest staging`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.BoolVar(&o.resume, "resume", false, "go on with what a run that was interrupted has finished")
		},
		exits: refreshExitStatus,
		run:   runRefresh,
	}
}

const refreshExitStatus = `EXIT STATUS
  0  done: every TO has the new rows      1  a finding at or above --fail-on: a raw value in the copy,
                                             a migration that failed; that TO keeps its old data
  2  not done: refused, usage, configuration, policy, a lost connection, a full disk
  3  done with gaps: something of FROM could not be read and is not in the copy
  130, 143  interrupted. After any other status than 0 and 3, what was not swapped in keeps its old data.`

func runRefresh(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) < 2 {
		return 0, hinted(errors.New("name where the rows come from and where they go"), "envdiff refresh production staging")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	from, err := s.spring(ctx, c, args[0])
	defer from.close()
	if err != nil {
		return 0, err
	}
	if err := from.wants(args[1:]); err != nil {
		return 0, err
	}
	if from.snap == nil {
		if _, err := s.key(c.Keys.Pseudonym, "pseudonym", true); err != nil {
			return 0, err
		}
	}
	r := &ci.Report{Command: "refresh", Refresh: &finding.Refresh{Targets: []finding.RefreshedTarget{}}}
	for _, env := range args {
		r.Environments = append(r.Environments, ci.Environment{Name: env, Source: "live", CapturedAt: s.world.Now().UTC()})
	}
	if r.Environments[0].Source = from.source; from.snap != nil {
		r.Environments[0].CapturedAt = from.snap.Manifest.CapturedAt
	}
	feeds, err := s.feeds(ctx, from, args, r)
	defer func() {
		for _, f := range feeds {
			f.source.Close()
		}
	}()
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	var failed error
	for _, f := range feeds {
		defer sanitize.Awake(ctx, sanitize.AwakeEvery, f.source)()
	}
	for _, f := range feeds {
		for _, t := range f.targets {
			if err := f.refresh(ctx, t); err != nil {
				if ctx.Err() != nil {
					return 0, errors.New("interrupted: what was not swapped in yet keeps its old data")
				}
				failed = errors.Join(failed, fmt.Errorf("%s of %s: %w", f.db, t.env, err))
			}
		}
	}
	s.progress.Close()
	if failed != nil {
		return 0, failed
	}
	if s.opt.quiet && len(s.opt.outputs) == 0 && len(r.Findings)+len(r.Gaps) == 0 {
		j.outputs = nil
	}
	return s.finish(ctx, c, j, r)
}

// refreshed are the databases of an environment that are selected.
func (s *session) refreshed(c *config.Config, from string) []string {
	var names []string
	for _, db := range slices.Sorted(maps.Keys(c.Environments[from].Databases)) {
		if s.selection().MayTake(db + ":*") {
			names = append(names, db)
		}
	}
	return names
}

// feed is one database of the source, open at one moment, and where its rows go.
type feed struct {
	*copier
	s        *session
	c        *config.Config
	r        *ci.Report
	args     []string // environments as given
	identity engine.Identity
	moment   time.Time
	stored   bool   // the rows are a snapshot's
	snapshot string // that snapshot's seal
	targets  []*destination
}

// destination is one target, checked.
type destination struct {
	env      string
	target   engine.Target
	exists   bool
	server   string // its identity
	standing *schema.Database
}

// feeds opens every source and checks every target before anything is made anywhere.
func (s *session) feeds(ctx context.Context, from *spring, args []string, r *ci.Report) ([]*feed, error) {
	var feeds []*feed
	for _, db := range from.dbs {
		cp, moment, err := from.copier(ctx, db)
		if err != nil {
			return feeds, err
		}
		f := &feed{copier: cp, s: s, c: from.c, r: r, args: args, moment: moment, stored: from.snap != nil}
		if f.stored {
			f.snapshot = from.snap.Manifest.Seal
		}
		feeds = append(feeds, f)
		if f.identity, err = f.source.Identity(ctx); err != nil {
			return feeds, fmt.Errorf("%s of %s: %w", db, from.given, err)
		}
		for _, g := range f.schema.Gaps {
			for _, kind := range g.Kinds {
				r.Gaps = append(r.Gaps, finding.Gap{Environment: from.given, Address: db + ":" + kind, Reason: "not copied: " + g.Reason, Hint: g.Hint})
			}
		}
		for _, env := range args[1:] {
			t, err := f.destination(ctx, env)
			if err != nil {
				return feeds, fmt.Errorf("%s of %s: %w", db, env, err)
			}
			f.targets = append(f.targets, t)
		}
	}
	return feeds, nil
}

// refresh fills one target. Findings go into the report and are no error.
func (f *feed) refresh(ctx context.Context, t *destination) error {
	start := f.now()
	doing := fmt.Sprintf("%s/%s", t.env, f.db)
	f.s.progress.Start(doing)
	defer f.s.progress.Done(doing)
	result := finding.RefreshedTarget{Environment: t.env, Database: f.db, Status: "kept", CapturedAt: f.moment.UTC().Format(time.RFC3339), Migrations: []string{}}
	done, findings, err := f.fill(ctx, t, &result)
	result.Seconds = f.now().Sub(start).Seconds()
	var leak *sanitize.LeakError
	switch {
	case errors.As(err, &leak):
		f.r.Findings = append(f.r.Findings, leak.Findings(f.db, t.env)...)
	case len(findings) > 0:
		f.r.Findings = append(f.r.Findings, findings...)
	case err != nil:
		return err
	}
	if done != nil {
		result.Rows = done.Rows
		if done.Resumed+done.Again > 0 {
			f.warn("%s of %s: %s", f.db, t.env, resumedText(done))
		}
		if done.Report != nil {
			result.Tables = len(done.Report.Tables)
		}
		if t == f.targets[0] {
			mergeSanitization(f.r, f.db, done.Report)
		}
		for _, text := range slices.Concat(done.Notes, done.Swapped.Warnings) {
			f.warn("%s of %s: %s", f.db, t.env, text)
		}
		if n := len(done.Swapped.Ended); n > 0 {
			f.warn("%s of %s: %s disconnected: %s", f.db, t.env, countOf(n, "session was", "sessions were"), listed(done.Swapped.Ended))
		}
	}
	f.r.Refresh.Targets = append(f.r.Refresh.Targets, result)
	return nil
}

// resumedText says what was taken over from a run that was interrupted.
func resumedText(done *sanitize.Refreshed) string {
	text := countOf(done.Resumed, "table was", "tables were") + " taken over from the run that was interrupted"
	if done.Again > 0 {
		text += "; " + countOf(done.Again, "that was finished has", "that were finished have") + " changed since and " + map[bool]string{true: "was", false: "were"}[done.Again == 1] + " copied again"
	}
	return text
}

// listed names at most a few, each once.
func listed(names []string) string {
	const most = 5
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	text := ""
	for i, n := range names {
		if i == most {
			return text + fmt.Sprintf(" and %d others", len(names)-most)
		}
		if i > 0 {
			text += "; "
		}
		text += n
	}
	return text
}
