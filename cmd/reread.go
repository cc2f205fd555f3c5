package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/snapshot"
)

// rereadTimeout bounds one second look at a table where --timeout does not.
const rereadTimeout = 60 * time.Second

// reread looks at rows of a live side once more, over a connection of its own: it sees what is there now, under the key of the capture.
func (s *session) reread(plan snapshot.Plan) compare.Reread {
	reader := s.world.Collectors.RowReader()
	if reader == nil {
		return nil
	}
	return func(ctx context.Context, scope, instance, table string, buckets []uint16) (snapshot.Attachment, error) {
		for _, t := range plan.Databases {
			if t.Scope != scope || t.Instance != instance {
				continue
			}
			limit := plan.Timeout
			if limit == 0 {
				limit = rereadTimeout
			}
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			db, err := t.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer db.Close()
			in := snapshot.DatabaseInput{Scope: scope, Instance: instance, Spec: t.Spec, DB: plan.Known.Of(t, db), Redact: plan.Redact}
			return reader.Reread(ctx, in, table, buckets)
		}
		return nil, fmt.Errorf("%s has no instance %s", scope, instance)
	}
}
