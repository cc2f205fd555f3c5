package cmd

import (
	"context"
	"errors"
)

func compareCommand() command {
	return command{
		name: "compare", args: "ENV [ENV...]", captures: true, reports: true,
		short: "compare an environment within itself, or several across",
		long: `Compares the hosts, configuration, schema and data of environments. One ENV is compared within
itself: the hosts of a role with each other. Two or more are compared across as well; findings read
from the first to the last. Nothing is written to any environment: files are read, databases are
opened read-only.

An ENV is a name in envdiff.yaml (captured now), NAME@latest, NAME@2026-11-01 (the end of that day,
UTC) or NAME@2026-11-01T02:00:00Z (the newest stored snapshot not after it), or the path of a
snapshot with a slash in it.

  envdiff production                              web3 has half the memory of its peers
  envdiff staging production -o json=report.json  the table on the terminal, the report in a file
  envdiff production@2026-11-01 production        what changed since
  envdiff staging production --only 'web:config/*'
  envdiff staging production --exact orders       which rows of a table differ`,
		flags: exactFlag,
		run:   runCompare,
	}
}

func runCompare(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) == 0 {
		return 0, hinted(errors.New("no environment given"), "envdiff staging production")
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
	if err := s.readSides(ctx, c, sides); err != nil {
		return 0, err
	}
	r, err := s.compareSides(ctx, c, sides)
	if err != nil {
		return 0, err
	}
	gaps, err := s.unread(c, sides)
	if err != nil {
		return 0, err
	}
	r.Gaps = append(r.Gaps, gaps...)
	return s.finish(ctx, c, j, r)
}
