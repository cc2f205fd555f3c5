package postgres

import (
	"context"
	"errors"

	"github.com/envdiff/envdiff/internal/engine"
)

// Aligned opens sessions on the exported snapshot of this one, all at its moment.
func (d *database) Aligned(ctx context.Context, connections int) ([]engine.DB, error) {
	var opened []engine.DB
	for range connections {
		db, err := d.Share(ctx)
		if err != nil {
			for _, o := range opened {
				err = errors.Join(err, o.Close())
			}
			return nil, err
		}
		opened = append(opened, db)
	}
	return opened, nil
}
