package sanitize

import (
	"context"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// AwakeEvery is well below the quarter of an hour after which servers are told to end a session that keeps a moment open and asks nothing.
const AwakeEvery = 4 * time.Minute

// Awake asks databases something now and then until the function that it returns is called. The session of a source is silent for as long as the copy's last index
// takes, or another target's whole refresh, and with it the moment of the source would be gone.
func Awake(ctx context.Context, every time.Duration, dbs ...engine.DB) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	for _, db := range dbs {
		go func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				// It waits for whatever reads, and what has been asked is let come to its end: a cancelled statement may cost the connection.
				if db.Query(context.WithoutCancel(ctx), "SELECT 1", func(engine.Row) error { return nil }) != nil {
					return // closed, lost, or no server at all
				}
			}
		}()
	}
	return cancel
}
