package postgres

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// session is a connection as a migration tool opens it: the role's own search_path and settings.
type session struct {
	target engine.Target
	pg     *pgconn.PgConn
	trace  *tracer // nil while nobody asked for it
}

func (d *database) Session(ctx context.Context) (engine.Session, error) {
	if d.mode != engine.Scratch {
		return nil, errProtected(d.target, "scripts run")
	}
	s := &session{target: d.target}
	pg, err := dialHearing(ctx, d.target, func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if s.trace != nil {
			s.trace.notice.hear(n.Message)
		}
	})
	if err != nil {
		return nil, err
	}
	s.pg = pg
	if err := initialise(ctx, pg, d.target.Init); err != nil {
		hangUp(pg)
		return nil, fail(ctx, d.target, err)
	}
	return s, nil
}

// Exec uses the simple protocol, as psql and migration tools do: some statements behave differently in the extended one.
func (s *session) Exec(ctx context.Context, sql string) (int64, error) {
	rows, err := execute(ctx, s.pg, sql)
	return rows, fail(ctx, s.target, err)
}

func (s *session) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	return passing(fn, func(fn func(engine.Row) error) error {
		return fail(ctx, s.target, queryRows(ctx, s.pg, sql, fn))
	})
}

func (s *session) Schema(ctx context.Context) (*schema.Database, error) {
	model, err := captureAside(ctx, s.pg)
	return model, fail(ctx, s.target, err)
}

func (s *session) Close() error {
	hangUp(s.pg)
	return nil
}
