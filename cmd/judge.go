package cmd

import (
	"bytes"
	"context"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
)

// judgement is the policy of a run, read before anything is captured so that a mistake in it costs nothing.
type judgement struct {
	policy  ci.Policy
	outputs []output
}

// judgement reads fail_on, waivers, baseline and the -o flags.
func (s *session) judgement(c *config.Config) (judgement, error) {
	var j judgement
	var err error
	if j.outputs, err = s.outputs(); err != nil {
		return j, err
	}
	failOn := s.opt.failOn
	if failOn == "" {
		failOn = c.Gate.FailOn
	}
	if j.policy.FailOn, err = ci.ParseThreshold(failOn); err != nil {
		return j, err
	}
	j.policy.Severities = severities(c)
	j.policy.Now = s.world.Now()
	if c.File == "" {
		return j, nil
	}
	waivers, optional := waiverFile(c)
	if j.policy.Waivers, err = ci.LoadWaivers(waivers, inRepository(c, waivers), optional); err != nil {
		return j, shortPaths(err, s.world.Dir)
	}
	if c.Gate.Baseline != "" {
		j.policy.Baseline, err = ci.LoadBaseline(c.Path(c.Gate.Baseline))
	}
	return j, err
}

// finish judges a report, writes every output, keeps it for explain, and returns the exit status.
func (s *session) finish(ctx context.Context, c *config.Config, j judgement, r *ci.Report) (int, error) {
	r.Warnings = append(r.Warnings, s.warnings...)
	// A rehearsal says nothing of drift, and a selection leaves parts out: a
	// waiver that covers nothing then is no news.
	j.policy.Partial = r.Command == "rehearse" || len(s.opt.only)+len(s.opt.skip) > 0
	ci.Judge(r, j.policy)
	s.describe(c, r)
	s.remember(ctx, c, r)
	if store, err := s.memory(c); err == nil && store != nil && !s.opt.quiet {
		s.explains = "envdiff explain"
		if s.opt.config != "" {
			s.explains += " --config " + ci.ShellWord(s.opt.config)
		}
	}
	if err := s.writeOutputs(j.outputs, r); err != nil {
		return 0, err
	}
	s.keepReport(ctx, c, r)
	return r.Verdict.ExitStatus(), nil
}

// lastReport is where explain finds the newest report, inside a store that exists.
const lastReport = "last-report.json"

// keepReport is a convenience: a store that cannot be written to is no reason to fail.
func (s *session) keepReport(ctx context.Context, c *config.Config, r *ci.Report) {
	store, err := s.memory(c)
	if err != nil || store == nil {
		return
	}
	format, err := ci.FormatByName("json")
	if err != nil {
		return
	}
	var text bytes.Buffer
	if err := writer(format, r)(&text); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, inPassing)
	defer cancel()
	_ = store.WriteNote(ctx, lastReport, text.Bytes())
}
