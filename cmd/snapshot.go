package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/snapshot"
)

func snapshotCommand() command {
	return command{
		name: "snapshot", args: "ENV", captures: true,
		short: "capture an environment into the store, or a file",
		long: `Captures an environment and keeps it: in the store (store: in envdiff.yaml, a directory, default
.envdiff, or s3://BUCKET/PREFIX) under its name and time, or with -f in a directory or, for a PATH
that ends in .zip, in one file. A snapshot is plain: manifest.json, facts.jsonl (one line per
address), gaps.jsonl, coverage.jsonl, row digests. Secrets are keyed digests in it; raw rows are never
in it.

--rows adds the databases' rows, masked by the policy (databases.NAME.sanitize), as one zstd-compressed
text per table in copy/DATABASE: envdiff refresh production@latest staging then needs neither
production's credentials nor the pseudonym key. A column that the policy does not name stops it
(exit 2); a raw value in them is exit 1, and nothing is kept.

Needs keys.redact: digests of two snapshots compare only under one key. Exit 3 when something could
not be looked at: the snapshot is kept and holds the gaps.

  envdiff snapshot production
  envdiff snapshot production -f production.zip && envdiff ./production.zip staging`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVarP(&o.file, "file", "f", "", "write to `PATH` instead of the store: a directory, or one .zip file")
			exactFlag(fs, o)
			fs.BoolVar(&o.rows, "rows", false, "add the rows of the databases, sanitised by their policies, for envdiff refresh")
		},
		run: runSnapshot,
	}
}

func runSnapshot(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 1 {
		return 0, hinted(errors.New("name one environment"), "envdiff snapshot production")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	key, err := s.key(c.Keys.Redact, "redact", true)
	if err != nil {
		return 0, err
	}
	plan, err := s.plan(c, args[0], snapshot.NewRedactor(key, c.Secrets))
	if err != nil {
		return 0, err
	}
	if err := s.checkSelection(c, args[0]); err != nil {
		return 0, err
	}
	for i := range plan.Databases {
		if t := &plan.Databases[i]; t.Instance == "primary" && c.Databases[t.Scope].Migrations != nil {
			t.Spec.Versions = migrationsSpec(c, t.Scope).VersionColumns()
		}
	}
	var store *snapshot.Store
	if s.opt.file == "" {
		if store, err = s.writableStore(c); err != nil { // before an hour of capturing
			return 0, err
		}
	}
	snap, err := snapshot.Capture(ctx, plan, s.world.Collectors)
	s.progress.Close()
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	defer snap.Close()
	if s.opt.rows {
		if status, err := s.storeRows(ctx, c, args[0], snap); err != nil || status != exitOK {
			return status, interrupted(ctx, err)
		}
		s.progress.Close()
	}
	where, err := s.keep(ctx, store, snap)
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	if store != nil {
		s.tellQueries(ctx, c, store, args[0], snap)
	}
	if err := plan.Unfinished.Forget(); err != nil {
		s.warn("removing what an interrupted run would have gone on from: %v", err)
	}
	return s.snapshotResult(snap, where), nil
}

// keep writes the snapshot to -f or to the store and says where.
func (s *session) keep(ctx context.Context, store *snapshot.Store, snap *snapshot.Snapshot) (string, error) {
	if store == nil {
		return s.opt.file, snapshot.Write(s.path(s.opt.file), snap)
	}
	if _, err := store.Clean(ctx, s.world.Now()); err != nil {
		s.warn("cleaning the store: %v", err)
	}
	return store.Save(ctx, snap)
}

func (s *session) snapshotResult(snap *snapshot.Snapshot, where string) int {
	status := exitOK
	if len(snap.Gaps) > 0 {
		status = exitIncomplete
	}
	if s.opt.quiet {
		return status
	}
	for _, g := range snap.Gaps {
		at := g.Address.String()
		if g.Instance != "" {
			at += " on " + g.Instance
		}
		fmt.Fprintf(s.world.Stderr, "envdiff: gap: %s: %s\n", ci.Terminal(at), ci.Terminal(g.Reason))
		if g.Hint != "" {
			fmt.Fprintf(s.world.Stderr, "envdiff: hint: %s\n", ci.Terminal(g.Hint))
		}
	}
	for _, w := range s.warnings {
		fmt.Fprintf(s.world.Stderr, "envdiff: warning: %s\n", ci.Terminal(w))
	}
	fmt.Fprintf(s.world.Stdout, "%s: %s, %s\n", ci.Terminal(where), countOf(len(snap.Lines), "address", "addresses"), count(len(snap.Gaps), "gap"))
	return status
}
