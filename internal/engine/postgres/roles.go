package postgres

import (
	"context"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// Roles reads pg_roles, which everybody may.
func (d *database) Roles(ctx context.Context) (names []string, err error) {
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, `SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname`, func(v [][]byte) error {
			names = append(names, string(v[0]))
			return nil
		})
	})
	return names, err
}

// MakeRoles is for a server that this run started: roles belong to the whole server.
func (postgres) MakeRoles(ctx context.Context, t engine.Target, names []string) error {
	pg, err := dial(ctx, t)
	if err != nil {
		return err
	}
	defer hangUp(pg)
	there := map[string]bool{}
	err = query(ctx, pg, `SELECT rolname FROM pg_catalog.pg_roles`, func(v [][]byte) error {
		there[string(v[0])] = true
		return nil
	})
	for _, name := range names {
		if err == nil && !there[name] {
			_, err = execute(ctx, pg, "CREATE ROLE "+quote(name)+" NOLOGIN")
		}
	}
	return fail(ctx, t, err)
}
