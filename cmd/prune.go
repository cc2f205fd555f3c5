package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

func pruneCommand() command {
	return command{
		name: "prune", args: "[ENV...]",
		short: "remove stored snapshots that are older than the retention",
		long: `Removes stored snapshots by retention: in envdiff.yaml (default: older than 90 days, but for the newest
7 of each environment). The newest snapshot that can be read, and the newest that looked at everything,
are never removed, however old they are. What the history remembers stays.

  retention: {age: 90d, last: 7}
  envdiff prune --dry-run`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.BoolVar(&o.dryRun, "dry-run", false, "say what would be removed, and remove nothing")
		},
		run: runPrune,
	}
}

const (
	defaultAge  = 90 * 24 * time.Hour
	defaultLast = 7
)

func retention(c *config.Config) snapshot.Retention {
	keep := snapshot.Retention{Age: defaultAge, Last: defaultLast}
	if age, err := config.Duration(c.Retention.Age); err == nil && age > 0 { // checked when the file was read
		keep.Age = age
	}
	if c.Retention.Last > 0 {
		keep.Last = c.Retention.Last
	}
	return keep
}

func runPrune(ctx context.Context, s *session, args []string) (int, error) {
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	store, err := s.store(c)
	if err != nil {
		return 0, err
	}
	if there, err := store.Exists(); err != nil || !there {
		return 0, hinted(errors.New("there is no store"), "envdiff snapshot ENV makes one")
	}
	envs, err := store.Environments(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range args {
		if !slices.Contains(envs, a) {
			return 0, fmt.Errorf("no snapshot of %s is stored", a)
		}
	}
	if len(args) > 0 {
		envs = args
	}
	removed := 0
	for _, env := range envs {
		gone, err := store.Expired(ctx, env, retention(c), s.world.Now())
		if err != nil {
			return 0, err
		}
		for _, e := range gone {
			if err := ctx.Err(); err != nil {
				return 0, errors.New("interrupted: the rest is kept")
			}
			if !s.opt.dryRun {
				if err := store.Remove(ctx, e); err != nil {
					return 0, fmt.Errorf("removing %s: %w", e.Name, err)
				}
			}
			removed++
			if !s.opt.quiet {
				fmt.Fprintf(s.world.Stdout, "%s\n", ci.Terminal(e.Name))
			}
		}
	}
	if !s.opt.dryRun {
		if _, err := store.Clean(ctx, s.world.Now()); err != nil {
			return 0, err
		}
	}
	what := "removed"
	if s.opt.dryRun {
		what = "would be removed"
	}
	fmt.Fprintf(s.world.Stdout, "%s %s\n", count(removed, "snapshot"), what)
	return exitOK, nil
}
