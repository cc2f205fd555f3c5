package postgres

import (
	"context"
	"database/sql"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// SQL opens a scratch database for another library. Its name tells: nothing else is called so.
func (postgres) SQL(t engine.Target) (*sql.DB, error) {
	config, err := pgx.ParseConfig(t.DSN)
	if err != nil {
		return nil, misuse("%s: not a usable PostgreSQL URL", t)
	}
	if !strings.HasPrefix(config.Database, scratchPrefix) {
		return nil, errProtected(t, "other programs' code runs")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error { return initialise(ctx, c.PgConn(), t.Init) })), nil
}

// Refused is a library's error in our own words.
func (postgres) Refused(t engine.Target, err error) error {
	return fail(context.Background(), t, err)
}
