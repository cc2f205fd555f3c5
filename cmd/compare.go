package cmd

import (
	"context"
	"errors"
	"io"

	"github.com/envdiff/envdiff/ci"
)

func compareCommand() command {
	return command{
		name: "compare", args: "ENV [ENV...]", captures: true, reports: true,
		short: "compare an environment within itself, or several across",
		long: `Compares the hosts, configuration, schema and data of environments. One ENV is compared within itself: the hosts
of a role with each other. Two or more are compared across as well; findings read from the first to the last.
Nothing is written to any environment: files are read, databases are opened read-only.

An ENV is a name in envdiff.yaml (captured now), NAME@latest, NAME@2026-11-01 (the end of that day, UTC) or
NAME@2026-11-01T02:00:00Z (the newest stored snapshot not after it), or the path of a snapshot with a slash in it.

  envdiff production                              web3 has half the memory of its peers
  envdiff staging production -o json=report.json  the table on the terminal, the report in a file
  envdiff production@2026-11-01 production        what changed since
  envdiff staging production --only 'web:config/*'`,
		run: runCompare,
	}
}

func runCompare(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) == 0 {
		return 0, hinted(errors.New("no environment given"), "envdiff staging production")
	}
	// The policy is checked before anything is contacted; a missing configuration is reported by sides.
	if c, err := s.loadConfig(); err == nil {
		if _, err := s.judgement(c); err != nil {
			return 0, err
		}
		s.warnings = nil
	} else if _, err := parseOutputs(s.opt.outputs); err != nil {
		return 0, err
	}
	c, sides, err := s.sides(ctx, args)
	defer closeSides(sides)
	if err != nil {
		return 0, err
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	r, err := s.compareSides(ctx, c, sides)
	if err != nil {
		return 0, err
	}
	return s.finish(c, j, r)
}

// writer adapts a format to atomicfile.
func writer(f ci.FormatWriter, r *ci.Report) func(io.Writer) error {
	return func(w io.Writer) error { return f.Write(w, r, ci.Style{}) }
}
