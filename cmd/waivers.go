package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/ci"
)

func waiversCommand() command {
	return command{
		name:  "waivers",
		short: "list and check the accepted exceptions",
		long: `Reads envdiff.waivers.yaml, reports every mistake with its line, and lists the waivers with their
last day. Exit 1 when one has expired. The file is a list:

  - match: "web:config/etc/php/*#PHP.memory_limit"    # an address; in its name and attribute, * is any text
    rule: config-value                                # optional: this rule alone
    environments: [production]                        # optional: differences that involve all of these
    instances: [web3]                                 # optional: when no other instance is concerned
    reason: web3 is being resized
    approved_by: [ops@shop.example, dba@shop.example] # two different people
    until: 2026-12-31                                 # the last day, UTC; afterwards it is a finding itself
  - {match: "db:host/reachable", gap: true, reason: …, approved_by: [a, b], until: 2026-12-31}   # a gap`,
		run: func(_ context.Context, s *session, _ []string) (int, error) {
			c, err := s.loadConfig()
			if err != nil {
				return 0, err
			}
			j, err := s.judgement(c)
			if err != nil {
				return 0, err
			}
			status := exitOK
			for _, w := range j.policy.Waivers {
				state := "valid"
				if w.Expired(s.world.Now()) {
					state, status = "EXPIRED", exitFinding
				}
				fmt.Fprintf(s.world.Stdout, "%-8s until %s  %s\n         %s (%s)\n", state, w.Until, ci.Terminal(w.Match), ci.Terminal(w.Reason), ci.Terminal(strings.Join(w.ApprovedBy, ", ")))
			}
			fmt.Fprintf(s.world.Stdout, "%s\n", count(len(j.policy.Waivers), "waiver"))
			return status, nil
		},
	}
}
