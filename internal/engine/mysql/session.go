package mysql

import (
	"context"
	"errors"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// session is a connection as a migration tool opens it: the server's own sql_mode, time zone and settings.
type session struct {
	target engine.Target
	c      *conn
	name   string            // of the database
	trace  *tracer           // nil while nobody asked for it
	filled map[string]string // digests as they were planned, with values
}

func (d *database) Session(ctx context.Context) (engine.Session, error) {
	if d.mode != engine.Scratch {
		return nil, errProtected(d.target, "scripts run")
	}
	c, err := dial(ctx, d.target)
	if err != nil {
		return nil, err
	}
	for sql := range strings.Lines(d.target.Init) {
		var refusal *driver.MySQLError
		if err := c.exec(ctx, strings.TrimSuffix(sql, "\n")); err != nil && !errors.As(err, &refusal) {
			c.close()
			return nil, fail(ctx, d.target, err)
		}
	}
	return &session{target: d.target, c: c, name: d.name}, nil
}

// Exec runs one statement by the text protocol, as the mysql client does.
func (s *session) Exec(ctx context.Context, sql string) (int64, error) {
	rows, err := s.c.affected(ctx, sql)
	return rows, fail(ctx, s.target, err)
}

func (s *session) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	return passing(fn, func(fn func(engine.Row) error) error {
		return fail(ctx, s.target, s.c.query(ctx, sql, fn))
	})
}

func (s *session) Schema(ctx context.Context) (*schema.Database, error) {
	model, err := capture(ctx, s.c, s.name)
	return model, fail(ctx, s.target, err)
}

func (s *session) Close() error {
	if s.trace != nil && s.trace.eye != nil {
		s.trace.eye.c.close()
	}
	s.c.close()
	return nil
}
