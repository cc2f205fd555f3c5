package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/webhook"
)

// mostNamed is how many new findings a message names.
const mostNamed = 10

// notify tells the hooks of envdiff.yaml when the verdict is another one than that of the run before, or when there are
// new critical findings. A hook that cannot be told is a warning: the verdict stands.
func (s *session) notify(ctx context.Context, c *config.Config, before ci.Run, known bool, run ci.Run) {
	var critical []ci.Seen
	for _, f := range run.New {
		if f.Severity == "critical" {
			critical = append(critical, f)
		}
	}
	changed := known && before.Status != run.Status || !known && run.Status != "pass"
	if !changed && len(critical) == 0 {
		return
	}
	for i, hook := range c.Notify {
		if len(hook.Queries) > 0 {
			continue // a channel of its own
		}
		if err := s.tell(ctx, hook, fmt.Sprintf("notify.%d", i), before, run, critical); err != nil {
			fmt.Fprintf(s.world.Stderr, "envdiff: warning: %s\n", ci.Terminal(err.Error()))
		}
	}
}

func (s *session) tell(ctx context.Context, hook config.Hook, purpose string, before, run ci.Run, critical []ci.Seen) error {
	var message any = map[string]string{"text": notification(before, run, critical)}
	if hook.Format == "json" {
		message = map[string]any{"format": "envdiff.notification/1", "before": before.Status, "run": run}
	}
	return s.post(ctx, hook, purpose, message)
}

func (s *session) post(ctx context.Context, hook config.Hook, purpose string, message any) error {
	address, err := hook.URL.Expand(s.lookup, purpose)
	if err != nil {
		return err
	}
	secret, err := hook.Secret.Expand(s.lookup, purpose)
	if err != nil {
		return err
	}
	return webhook.Post(ctx, address, message, []byte(secret))
}

// notification is the text for a chat. Names of hosts and objects are code there, so that none of them is a mention or a link.
func notification(before, run ci.Run, critical []ci.Seen) string {
	was := ""
	if before.Status != "" && before.Status != run.Status {
		was = " (was " + before.Status + ")"
	}
	lines := []string{fmt.Sprintf("envdiff %s: %s%s, %d critical, %d high, %d new, %d gone", ci.Chat(run.Key()), run.Status, was, run.Counts.Critical, run.Counts.High, len(run.New), len(run.Gone))}
	for i, f := range critical {
		if i == mostNamed {
			lines = append(lines, fmt.Sprintf("and %d more", len(critical)-i))
			break
		}
		lines = append(lines, "critical "+f.Rule+" "+ci.Chat(f.Address))
	}
	return strings.Join(lines, "\n")
}
