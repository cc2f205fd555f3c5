package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/envdiff/envdiff/ci"
)

func renderCommand() command {
	return command{
		name: "render", args: "REPORT.json", reports: true,
		short: "write a saved report in other formats, capturing nothing",
		long: `Reads a report that -o json wrote and writes it in other formats. The exit status is that of the
saved verdict; --fail-on is not applied again.

  envdiff staging production -o json=report.json
  envdiff render report.json -o markdown=comment.md`,
		run: func(_ context.Context, s *session, args []string) (int, error) {
			if len(args) != 1 {
				return 0, hinted(errors.New("name one report"), "envdiff render report.json -o markdown")
			}
			r, err := s.readReport(args[0])
			if err != nil {
				return 0, err
			}
			outs, err := s.outputs()
			if err != nil {
				return 0, err
			}
			return r.Verdict.ExitStatus(), s.writeOutputs(outs, r)
		},
	}
}

// maxReport bounds a report that is read back.
const maxReport = 1 << 30

func (s *session) readReport(path string) (*ci.Report, error) {
	full := s.path(path)
	info, err := os.Stat(full)
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxReport {
		return nil, fmt.Errorf("%s is no report: want a file of at most %d MiB", path, maxReport>>20)
	}
	src, err := os.ReadFile(full)
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	r, err := ci.ReadReport(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
