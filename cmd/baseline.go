package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
)

func baselineCommand() command {
	return command{
		name: "baseline", args: "write|prune ENV [ENV...]", captures: true,
		short: "accept today's drift, so that only new drift fails",
		long: `write compares the environments and accepts every finding that is there now: their ids, and nothing
else, go to the file that gate.baseline names (default envdiff.baseline.json). From then on only new
drift fails. It refuses to replace a baseline that is there unless --force is given. prune removes
ids that are no longer found, of these environments alone: the baseline only shrinks, and not at all
while something cannot be looked at.

  envdiff baseline write staging production
  envdiff baseline prune staging production`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.BoolVar(&o.force, "force", false, "replace a baseline that is there")
		},
		run: runBaseline,
	}
}

func runBaseline(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) < 2 || args[0] != "write" && args[0] != "prune" {
		return 0, hinted(errors.New("say write or prune, and which environments"), "envdiff baseline write staging production")
	}
	c, sides, err := s.resolve(args[1:])
	if err != nil {
		return 0, err
	}
	if c.File == "" {
		return 0, hinted(errors.New("a baseline needs an envdiff.yaml"), "envdiff init writes one")
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	if len(s.opt.only)+len(s.opt.skip) > 0 {
		return 0, hinted(errors.New("a baseline is about everything: --only and --skip do not go with it"), "envdiff baseline %s %s", args[0], strings.Join(args[1:], " "))
	}
	path := c.Path(baselinePath(c))
	old, err := ci.LoadBaseline(path)
	if err != nil {
		return 0, err
	}
	if args[0] == "write" && len(old.IDs) > 0 && !s.opt.force {
		return 0, hinted(fmt.Errorf("%s is there already and accepts %d findings", baselinePath(c), len(old.IDs)),
			"envdiff baseline prune shrinks it; --force accepts today's drift anew")
	}
	defer closeSides(sides)
	if err := s.readSides(ctx, c, sides); err != nil {
		return 0, err
	}
	r, err := s.compareSides(ctx, c, sides)
	if err != nil {
		return 0, err
	}
	ci.Judge(r, j.policy)
	if args[0] == "prune" && len(r.Gaps) > 0 {
		g := r.Gaps[0]
		return 0, hinted(fmt.Errorf("%s could not be looked at (%s): what is not seen is not gone, so nothing is pruned", g.Address, g.Reason), "envdiff doctor %s", g.Environment)
	}
	if args[0] == "prune" && !old.SameEnvironments(r) {
		return 0, hinted(fmt.Errorf("%s was written for %s: comparing others does not tell what is gone", baselinePath(c), strings.Join(old.Environments, ", ")),
			"envdiff baseline prune %s", strings.Join(old.Environments, " "))
	}
	next := old.Prune(r)
	if args[0] == "write" {
		next = ci.NewBaseline(r)
	}
	if err := next.Save(path); err != nil {
		return 0, err
	}
	if !s.opt.quiet {
		fmt.Fprintf(s.world.Stdout, "%s: %d findings accepted, %d before\n", ci.Terminal(baselinePath(c)), len(next.IDs), len(old.IDs))
		if c.Gate.Baseline == "" {
			fmt.Fprintf(s.world.Stdout, "add it to envdiff.yaml:  gate: {baseline: %s}\n", baselinePath(c))
		}
	}
	if len(r.Gaps) > 0 {
		return exitIncomplete, nil
	}
	return exitOK, nil
}

func baselinePath(c *config.Config) string {
	if c.Gate.Baseline == "" {
		return "envdiff.baseline.json"
	}
	return c.Gate.Baseline
}
