package cmd

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// occupy is a scratch server's target on which everything that is made is known as this run's, as long as it lives. What killed runs left there
// is removed first.
func (s *session) occupy(ctx context.Context, db string, t engine.Target, e engine.Engine) (engine.Target, error) {
	tenant, ok := e.(engine.Tenant)
	if !ok {
		return t, nil
	}
	key := t.Engine + " " + t.DSN
	if place := s.places[key]; place != nil {
		return place.Target(), nil
	}
	left, err := tenant.Sweep(ctx, t)
	if len(left) > 0 {
		s.warn("%s: removed what killed runs had left on the scratch server: %s", db, strings.Join(left, ", "))
	}
	if err != nil {
		if ctx.Err() != nil {
			return t, err
		}
		s.warn("%s: what a killed run left on the scratch server could not be removed: %v", db, err)
	}
	place, err := tenant.Occupy(ctx, t, s.owner())
	if err != nil {
		return t, err
	}
	if s.places == nil {
		s.places = map[string]engine.Place{}
	}
	s.places[key] = place
	return place.Target(), nil
}

// owner tells people who meet one of this run's databases whose it is.
func (s *session) owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("process %d of %s, since %s", os.Getpid(), host, s.world.Now().UTC().Format(time.RFC3339))
}
