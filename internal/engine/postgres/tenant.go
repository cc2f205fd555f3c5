package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// tenancy is a run's session, which holds an advisory lock by the run's id.
type tenancy struct {
	target engine.Target
	pg     *pgconn.PgConn
}

func (p *tenancy) Target() engine.Target { return p.target }

func (p *tenancy) Close() { hangUp(p.pg) }

// Occupy takes the lock. idle_session_timeout, which would end a session that only waits, came with 14.
func (postgres) Occupy(ctx context.Context, base engine.Target, owner string) (engine.Place, error) {
	run, err := engine.NewRun(owner)
	if err != nil {
		return nil, err
	}
	pg, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	_, err = execute(ctx, pg, fmt.Sprintf("SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'idle_session_timeout'; SELECT pg_catalog.pg_advisory_lock(('x%s')::bit(64)::bigint)", run.ID))
	if err != nil {
		hangUp(pg)
		return nil, fail(ctx, base, err)
	}
	base.Run = run
	return &tenancy{base, pg}, nil
}

// scratchQuery lists the scratch databases of the server that carry a run, with their marks and whether that run's session is there. An advisory lock
// by a bigint shows it in two halves; pg_locks shows those of all databases to every role. Databases of a role that this one is no member of are none of its business.
const scratchQuery = `
SELECT datname, coalesce(pg_catalog.shobj_description(d.oid, 'pg_database'), ''), EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
	AND l.classid = ('x' || substr(datname, 18, 8))::bit(32)::bigint::oid AND l.objid = ('x' || substr(datname, 26, 8))::bit(32)::bigint::oid)
FROM pg_catalog.pg_database d WHERE datname ~ '^envdiff_scratch_r[0-9a-f]{16}_[0-9a-f]+$' AND pg_catalog.pg_has_role(datdba, 'MEMBER') ORDER BY datname`

// Sweep drops what a dead run left. A database without a mark is of a run that was killed before it could write one.
func (postgres) Sweep(ctx context.Context, base engine.Target) ([]string, error) {
	pg, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	defer hangUp(pg)
	var left []string
	err = query(ctx, pg, scratchQuery, func(v [][]byte) error {
		mark := string(v[1])
		if _, kept := engine.ParseKept(mark); !kept && string(v[2]) == "f" && (mark == "" || strings.HasPrefix(mark, scratchMark)) {
			left = append(left, string(v[0]))
		}
		return nil
	})
	if err != nil {
		return nil, fail(ctx, base, err)
	}
	var dropped []string
	var failures []error
	for _, name := range left {
		if _, err := execute(ctx, pg, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)"); err != nil {
			failures = append(failures, fail(ctx, base, err))
			continue
		}
		dropped = append(dropped, name)
	}
	return dropped, errors.Join(failures...)
}
