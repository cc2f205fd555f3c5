package postgres

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// A replica that has not applied what it has received is asked again a few times: on an idle primary, the last
// transaction may be hours old when the next record arrives, and its age is then no lag.
const (
	catchUpTries = 5
	catchUpPause = 100 * time.Millisecond
)

// Replication reads the server's own view of it. Its functions are live and not of the session's moment.
func (d *database) Replication(ctx context.Context) (engine.Replication, error) {
	id, err := d.Identity(ctx)
	if err != nil {
		return engine.Replication{}, err
	}
	r := engine.Replication{Server: id.Server, Version: id.Version}
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		if err := readNode(ctx, pg, &r); err != nil {
			return err
		}
		if r.Role == engine.RoleReplica {
			if err := readReceiver(ctx, pg, &r); err != nil {
				return err
			}
		}
		if err := readFollowers(ctx, pg, &r); err != nil {
			return err
		}
		if err := readSlots(ctx, pg, &r); err != nil || r.Role == engine.RoleReplica {
			return err // a physical replica has its primary's subscriptions, and applies none
		}
		return readSubscriptions(ctx, pg, &r)
	})
	if err != nil {
		return engine.Replication{}, err
	}
	if r.Role == engine.RolePrimary && len(r.Followers)+len(r.Slots) == 0 {
		r.Role = engine.RoleStandalone
	}
	return r, nil
}

// nodeQuery leaves out a default_transaction_read_only that is set for envdiff's own role: it does not stop others from
// writing.
const nodeQuery = `
SELECT pg_is_in_recovery(),
	CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
	CASE WHEN pg_is_in_recovery() THEN NULL ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
	EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only' AND setting = 'on'
		AND source NOT IN ('user', 'database user', 'client', 'session'))`

func readNode(ctx context.Context, pg *pgconn.PgConn, r *engine.Replication) error {
	return query(ctx, pg, nodeQuery, func(v [][]byte) error {
		recovering := string(v[0]) == "t"
		r.Role, r.Writable = engine.RolePrimary, !recovering && string(v[3]) != "t"
		if recovering {
			r.Role = engine.RoleReplica
		}
		r.Position = string(v[1])
		r.Timeline = number(v[2])
		return nil
	})
}

// receiverQuery has one row also where no receiver runs. Its columns but pid are NULL for roles without
// pg_read_all_stats; hidden settings have no row.
const receiverQuery = `
SELECT w.pid IS NOT NULL, w.status, w.sender_host, w.sender_port, w.received_tli,
	pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_is_wal_replay_paused(),
	pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn(),
	extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()),
	(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'recovery_min_apply_delay'),
	(SELECT count(*) = 2 FROM pg_catalog.pg_settings WHERE name = 'restore_command' AND setting <> '' OR name = 'primary_conninfo' AND setting = '')
FROM (VALUES (1)) AS one LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON true`

// caughtUpQuery asks whether everything up to an earlier position has been applied.
const caughtUpQuery = `SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn`

func readReceiver(ctx context.Context, pg *pgconn.PgConn, r *engine.Replication) error {
	s := engine.Source{Server: r.Server, Receiving: engine.ThreadStopped, Applying: engine.ThreadRunning}
	received, level := "", false
	var age *time.Duration
	err := query(ctx, pg, receiverQuery, func(v [][]byte) error {
		archive := string(v[11]) == "t"
		switch {
		case string(v[0]) != "t" && archive:
			s.Receiving, s.Upstream = engine.ThreadRunning, "archive"
		case string(v[0]) != "t":
		case v[1] == nil:
			s.Receiving = engine.ThreadUnknown
			r.Unknown = append(r.Unknown, engine.Unknown{About: "the state of the WAL receiver", Privilege: "GRANT pg_read_all_stats TO the role"})
		case string(v[1]) == "streaming":
			s.Receiving = engine.ThreadRunning
		default:
			s.Receiving = engine.ThreadConnecting
		}
		if v[2] != nil {
			s.Upstream = net.JoinHostPort(string(v[2]), string(v[3]))
		}
		r.Timeline = number(v[4])
		received, s.Position = string(v[5]), string(v[6])
		if string(v[7]) == "t" {
			s.Applying = engine.ThreadPaused
		}
		level = string(v[8]) == "t"
		if seconds, err := strconv.ParseFloat(string(v[9]), 64); err == nil {
			d := time.Duration(seconds * float64(time.Second))
			age = &d
		}
		s.Delay = time.Duration(number(v[10])) * time.Millisecond
		return nil
	})
	if err != nil {
		return err
	}
	s.Lag, err = replicaLag(ctx, pg, s, received, level, age)
	r.Sources = []engine.Source{s}
	return err
}

// replicaLag is 0 where all that was received is applied, and the age of the last transaction applied where it is not.
// Without a receiver nobody knows what is missing. A replica that waits on purpose is behind by what it was told at
// most: how old the transaction is that it holds back, it does not say.
func replicaLag(ctx context.Context, pg *pgconn.PgConn, s engine.Source, received string, level bool, age *time.Duration) (*time.Duration, error) {
	if s.Receiving == engine.ThreadStopped || s.Receiving == engine.ThreadConnecting {
		return nil, nil
	}
	if s.Upstream == "archive" || received == "" {
		return age, nil
	}
	for try := 0; ; try++ {
		if level {
			return new(time.Duration), nil
		}
		if s.Delay > 0 && age != nil && *age > s.Delay {
			age = &s.Delay
		}
		if try == catchUpTries || s.Applying != engine.ThreadRunning || s.Delay > 0 {
			return age, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(catchUpPause):
		}
		err := queryWith(ctx, pg, caughtUpQuery, [][]byte{[]byte(received)}, func(v [][]byte) error {
			level = string(v[0]) == "t"
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
}

// followersQuery leaves out base backups and the consumers of logical slots. Other columns than pid are NULL for roles
// without pg_read_all_stats.
const followersQuery = `
SELECT r.application_name, coalesce(host(r.client_addr), 'local'), r.state, r.state IS NULL
FROM pg_catalog.pg_stat_replication r
WHERE r.state IS DISTINCT FROM 'backup'
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
ORDER BY 1, 2, 3, r.pid`

func readFollowers(ctx context.Context, pg *pgconn.PgConn, r *engine.Replication) error {
	hidden := false
	err := query(ctx, pg, followersQuery, func(v [][]byte) error {
		if string(v[3]) == "t" {
			hidden = true
			r.Followers = append(r.Followers, engine.Follower{State: "hidden"})
			return nil
		}
		r.Followers = append(r.Followers, engine.Follower{Name: string(v[0]), Address: string(v[1]), State: string(v[2])})
		return nil
	})
	if hidden {
		r.Unknown = append(r.Unknown, engine.Unknown{About: "the connected replicas", Privilege: "GRANT pg_read_all_stats TO the role"})
	}
	return err
}

const slotsQuery = `
SELECT slot_name, slot_type, active, coalesce(wal_status, ''),
	pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint
FROM pg_catalog.pg_replication_slots WHERE NOT temporary ORDER BY slot_name`

func readSlots(ctx context.Context, pg *pgconn.PgConn, r *engine.Replication) error {
	return query(ctx, pg, slotsQuery, func(v [][]byte) error {
		slot := engine.Slot{Name: string(v[0]), Type: string(v[1]), Active: string(v[2]) == "t", Status: string(v[3]), Retained: -1}
		if v[4] != nil {
			slot.Retained = max(0, number(v[4]))
		}
		r.Slots = append(r.Slots, slot)
		return nil
	})
}

// subscriptionsOf reads what the database takes from publications. The row without a table is the worker that applies changes; others copy tables.
func subscriptionsOf(v major) string {
	return `
SELECT s.subname, s.subenabled, EXISTS (SELECT FROM pg_catalog.pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL),
	NOT s.subenabled AND ` + v.since(15, "s.subdisableonerr", "false") + `, (SELECT count(*) FROM pg_catalog.pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srsubstate NOT IN ('r', 's'))
FROM pg_catalog.pg_subscription s WHERE ` + ofThisDatabase + ` ORDER BY s.subname`
}

func readSubscriptions(ctx context.Context, pg *pgconn.PgConn, r *engine.Replication) error {
	version, err := majorOf(pg.ParameterStatus("server_version"))
	if err != nil {
		return &engine.Error{Code: "0A000", Message: "the server does not say which PostgreSQL it is", Err: err}
	}
	return query(ctx, pg, subscriptionsOf(version), func(v [][]byte) error {
		r.Subscriptions = append(r.Subscriptions, engine.Subscription{Name: string(v[0]), Enabled: string(v[1]) == "t", Running: string(v[2]) == "t",
			SwitchedOff: string(v[3]) == "t", Pending: int(number(v[4]))})
		return nil
	})
}

// number reads an integer of a row; NULL is 0.
func number(text []byte) int64 {
	n, _ := strconv.ParseInt(string(text), 10, 64)
	return n
}

// queryWith is query with parameters.
func queryWith(ctx context.Context, pg *pgconn.PgConn, sql string, values [][]byte, fn func([][]byte) error) error {
	result := pg.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	for _, row := range result.Rows {
		if err := fn(row); err != nil {
			return err
		}
	}
	return result.Err
}
