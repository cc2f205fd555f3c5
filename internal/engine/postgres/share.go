package postgres

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
)

// Share opens a session on the exported snapshot of this one. A pooler or load balancer may lead it to another server, which does not know the snapshot: then
// there is an error, and this session stays as it was.
func (d *database) Share(ctx context.Context) (engine.DB, error) {
	if d.mode != engine.ReadOnly {
		return nil, misuse("%s: only a database that is opened for reading is shared", d.target)
	}
	snapshot, err := d.export(ctx)
	if err != nil {
		return nil, err
	}
	shared := &database{target: d.target, mode: engine.ReadOnly, turn: make(chan struct{}, 1), snapshot: snapshot}
	if shared.pg, err = shared.connect(ctx); err != nil {
		return nil, err
	}
	shared.turn <- struct{}{}
	return shared, nil
}

// export runs outside of use: a snapshot is not exported from within a savepoint.
func (d *database) export(ctx context.Context) (snapshot string, err error) {
	select {
	case <-d.turn:
	case <-ctx.Done():
		return "", fail(ctx, d.target, ctx.Err())
	}
	defer func() { d.turn <- struct{}{} }()
	if d.closed {
		return "", misuse("%s: used after it was closed", d.target)
	}
	err = query(ctx, d.pg, "SELECT pg_catalog.pg_export_snapshot()", func(v [][]byte) error { snapshot = string(v[0]); return nil })
	return snapshot, fail(ctx, d.target, err)
}
