package mysql

import (
	"context"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
)

// Load reads Threads_running, which everybody may, and how far the server is behind its sources. A primary does not know that of its replicas.
func (d *database) Load(ctx context.Context) (engine.Load, error) {
	l := engine.Load{Running: engine.Unseen}
	err := d.use(ctx, func(c *conn) error {
		v, err := c.named(ctx, "SHOW GLOBAL STATUS LIKE 'Threads_running'")
		if n, wrong := strconv.Atoi(v["threads_running"]); err == nil && wrong == nil {
			l.Running = n - 1 // this one
		}
		return err
	})
	if err != nil {
		return l, err
	}
	var r engine.Replication
	if err := d.readSources(ctx, &r); err != nil {
		return l, err
	}
	for _, s := range r.Sources {
		if s.Lag != nil {
			l.Lag = max(l.Lag, *s.Lag-s.Delay)
		}
	}
	return l, nil
}
