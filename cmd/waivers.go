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
		long: `Reads envdiff.waivers.yaml, reports every mistake with its line, and lists the waivers with their last day.
Exit 1 when one has expired.`,
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
			fmt.Fprintf(s.world.Stdout, "%d waivers\n", len(j.policy.Waivers))
			return status, nil
		},
	}
}
