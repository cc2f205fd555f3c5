package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// loadQuery counts what runs. Sessions of others have no state for a role without pg_read_all_stats. A standby that has applied all that it received is not
// behind, however old the last transaction is.
const loadQuery = `
SELECT count(*) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), count(*) FILTER (WHERE query = '<insufficient privilege>'),
	coalesce((SELECT extract(epoch FROM max(replay_lag)) FROM pg_catalog.pg_stat_replication), 0),
	CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
		THEN coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) ELSE 0 END
FROM pg_catalog.pg_stat_activity`

// Load forgets what the transaction has seen of the statistics before it looks: within one they stand still.
func (d *database) Load(ctx context.Context) (engine.Load, error) {
	var l engine.Load
	err := d.use(ctx, func(pg *pgconn.PgConn) error {
		if _, err := execute(ctx, pg, "SELECT pg_catalog.pg_stat_clear_snapshot()"); err != nil {
			return err
		}
		return query(ctx, pg, loadQuery, func(v [][]byte) error {
			l.Running = int(number(v[0]))
			if number(v[1]) > 0 {
				l.Running = engine.Unseen
			}
			for _, behind := range v[2:] {
				if seconds, err := strconv.ParseFloat(string(behind), 64); err == nil {
					l.Lag = max(l.Lag, time.Duration(seconds*float64(time.Second)))
				}
			}
			return nil
		})
	})
	return l, err
}
