package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
)

func waiversCommand() command {
	return command{
		name:  "waivers",
		short: "list and check the accepted exceptions",
		long: `Reads envdiff.waivers.yaml, reports every mistake with its line, and lists the waivers with their
last day. Waivers that are there twice, or that cover nothing in the newest report, are called out.
Exit 1 when one has expired.

--verify-approvals asks git: the commit that last wrote a waiver must have its two approvers as author
or in Reviewed-by or Approved-by trailers, and the last change of envdiff.yaml and of each sanitising
policy a second person there. What is not approved so is listed, with exit 1. Without a history there
is nothing to ask, which is a note. The file is a list:

  - match: "web:config/etc/php/*#PHP.memory_limit"    # an address; in its name and attribute, * is any text
    rule: config-value                                # optional: this rule alone
    environments: [production]                        # optional: differences that involve all of these
    instances: [web3]                                 # optional: when no other instance is concerned
    reason: web3 is being resized
    approved_by: [ops@shop.example, dba@shop.example] # two different people
    until: 2026-12-31                                 # the last day, UTC; afterwards it is a finding itself
  - {match: "db:host/reachable", gap: true, reason: …, approved_by: [a, b], until: 2026-12-31}   # a gap`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.BoolVar(&o.verify, "verify-approvals", false, "hold the approvers against the authors and trailers of the commits")
		},
		run: runWaivers,
	}
}

// expiringSoon is from how many days before its end on a waiver is called out.
const expiringSoon = 14

func runWaivers(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) > 0 {
		return 0, hinted(errors.New("waivers takes no arguments"), "envdiff waive ADDRESS writes one")
	}
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	j, err := s.judgement(c)
	if err != nil {
		return 0, err
	}
	status, now := exitOK, s.world.Now()
	for _, w := range j.policy.Waivers {
		state := "valid"
		switch days := w.DaysLeft(now); {
		case days <= 0:
			state, status = "EXPIRED", exitFinding
		case days <= expiringSoon:
			state = fmt.Sprintf("%d days", days)
		}
		fmt.Fprintf(s.world.Stdout, "%-8s until %s  %s\n         %s (%s)\n", state, w.Until, ci.Terminal(w.Match), ci.Terminal(w.Reason), ci.Terminal(strings.Join(w.ApprovedBy, ", ")))
	}
	report, err := s.newestReport(ctx)
	if err != nil {
		report = nil // nothing was compared yet
	}
	for _, text := range ci.Lint(j.policy.Waivers, report) {
		fmt.Fprintf(s.world.Stdout, "warning: %s\n", ci.Terminal(text))
	}
	if s.opt.verify {
		problems, notes, err := s.approvals(ctx, c, j.policy.Waivers)
		if err != nil {
			return 0, interrupted(ctx, err)
		}
		for _, text := range notes {
			fmt.Fprintf(s.world.Stdout, "note: %s\n", ci.Terminal(text))
		}
		for _, text := range problems {
			fmt.Fprintf(s.world.Stdout, "NOT APPROVED %s\n", ci.Terminal(text))
			status = exitFinding
		}
	}
	fmt.Fprintf(s.world.Stdout, "%s\n", count(len(j.policy.Waivers), "waiver"))
	return status, nil
}
