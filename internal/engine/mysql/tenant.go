package mysql

import (
	"context"
	"errors"
	"slices"

	"github.com/envdiff/envdiff/internal/engine"
)

// tenancy is a run's session, which holds a named lock of the server.
type tenancy struct {
	target engine.Target
	c      *conn
}

func (p *tenancy) Target() engine.Target { return p.target }

func (p *tenancy) Close() { p.c.close() }

// Occupy takes the lock. wait_timeout, which would end a session that only waits, is at most a year.
func (mysqlEngine) Occupy(ctx context.Context, base engine.Target, owner string) (engine.Place, error) {
	run, err := engine.NewRun(owner)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	err = c.exec(ctx, "SET SESSION wait_timeout = 31536000")
	if err == nil {
		taken := false
		err = c.query(ctx, "SELECT GET_LOCK("+literal(scratchPrefix+run.ID)+", 5)", func(r engine.Row) error {
			taken = string(r[0].Data) == "1"
			return nil
		})
		if err == nil && !taken {
			err = &engine.Error{Code: "1205", Message: base.String() + ": the server gives no named lock to this run"}
		}
	}
	if err != nil {
		c.close()
		return nil, fail(ctx, base, err)
	}
	base.Run = run
	return &tenancy{base, c}, nil
}

// scratchQuery lists the scratch databases that carry a run which is gone: nobody holds its lock. Either the marker is in them, or nothing is
// because the run was killed before it could make it.
const scratchQuery = `
SELECT SCHEMA_NAME FROM information_schema.SCHEMATA s WHERE SCHEMA_NAME REGEXP '^envdiff_scratch_r[0-9a-f]{16}_[0-9a-f]+$'
AND IS_USED_LOCK(CONCAT('envdiff_scratch_', SUBSTR(SCHEMA_NAME, 18, 16))) IS NULL
AND (EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME AND TABLE_NAME = 'envdiff_scratch_marker')
	OR NOT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME)) ORDER BY SCHEMA_NAME`

// Sweep drops what a dead run left.
func (mysqlEngine) Sweep(ctx context.Context, base engine.Target) ([]string, error) {
	c, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var left []string
	err = c.query(ctx, scratchQuery, func(r engine.Row) error {
		left = append(left, string(r[0].Data))
		return nil
	})
	if err != nil {
		return nil, fail(ctx, base, err)
	}
	kept, err := c.kept(ctx, base)
	if err != nil {
		return nil, fail(ctx, base, err)
	}
	for _, k := range kept {
		config, err := configure(k.Target)
		if err != nil {
			return nil, err
		}
		left = slices.DeleteFunc(left, func(name string) bool { return name == config.DBName })
	}
	var dropped []string
	var failures []error
	for _, name := range left {
		err := c.endSessions(ctx, name)
		if err == nil {
			err = c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
		}
		if err != nil {
			failures = append(failures, fail(ctx, base, err))
			continue
		}
		dropped = append(dropped, name)
	}
	return dropped, errors.Join(failures...)
}
