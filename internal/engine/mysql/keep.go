package mysql

import (
	"context"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Keep gives the marker a row. dir is not used.
func (mysqlEngine) Keep(ctx context.Context, t engine.Target, _ string, k engine.Kept) (engine.Target, error) {
	text, err := k.Text()
	if err != nil {
		return t, err
	}
	config, err := configure(t)
	if err != nil {
		return t, err
	}
	if !strings.HasPrefix(config.DBName, scratchPrefix) {
		return t, &engine.Error{Code: "55000", Message: t.String() + ": envdiff did not make this database and does not keep it"}
	}
	c, err := connectAs(ctx, t, config)
	if err != nil {
		return t, err
	}
	defer c.close()
	for _, sql := range []string{
		"ALTER TABLE " + quote(scratchMarker) + " ADD COLUMN kept LONGTEXT CHARACTER SET utf8mb4",
		"INSERT INTO " + quote(scratchMarker) + " (made_by_envdiff, kept) VALUES (1, " + literal(text) + ")",
	} {
		if err := c.exec(ctx, sql); err != nil {
			return t, fail(ctx, t, err)
		}
	}
	return t, nil
}

// Kept reads the markers that have a row.
func (mysqlEngine) Kept(ctx context.Context, base engine.Target, _ string) ([]engine.Kept, error) {
	c, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	defer c.close()
	out, err := c.kept(ctx, base)
	slices.SortStableFunc(out, func(a, b engine.Kept) int { return b.MadeAt.Compare(a.MadeAt) })
	return out, fail(ctx, base, err)
}

func (c *conn) kept(ctx context.Context, base engine.Target) ([]engine.Kept, error) {
	var names []string
	err := c.query(ctx, `SELECT TABLE_SCHEMA FROM information_schema.COLUMNS WHERE TABLE_SCHEMA REGEXP '^envdiff_scratch_r[0-9a-f]{16}_[0-9a-f]+$' AND TABLE_NAME = 'envdiff_scratch_marker' AND COLUMN_NAME = 'kept'`,
		func(r engine.Row) error {
			names = append(names, string(r[0].Data))
			return nil
		})
	if err != nil {
		return nil, err
	}
	var out []engine.Kept
	for _, name := range names {
		err := c.query(ctx, "SELECT kept FROM "+quote(name)+"."+quote(scratchMarker)+" WHERE kept IS NOT NULL", func(r engine.Row) error {
			if k, ok := engine.ParseKept(string(r[0].Data)); ok {
				k.Target = sibling(base, c.config, name)
				out = append(out, k)
			}
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}
