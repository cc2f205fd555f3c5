package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Keep adds a line to the comment on the database. dir is not used.
func (postgres) Keep(ctx context.Context, t engine.Target, _ string, k engine.Kept) (engine.Target, error) {
	text, err := k.Text()
	if err != nil {
		return t, err
	}
	pg, err := dial(ctx, t)
	if err != nil {
		return t, err
	}
	defer hangUp(pg)
	name, mark := "", ""
	err = query(ctx, pg, "SELECT datname, coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database WHERE datname = current_database()", func(v [][]byte) error {
		name, mark = string(v[0]), string(v[1])
		return nil
	})
	if err != nil {
		return t, fail(ctx, t, err)
	}
	if !strings.HasPrefix(name, scratchPrefix) || !strings.HasPrefix(mark, scratchMark) {
		return t, &engine.Error{Code: "55000", Message: t.String() + ": envdiff did not make this database and does not keep it"}
	}
	_, err = execute(ctx, pg, "COMMENT ON DATABASE "+quote(name)+" IS "+literal(mark+"\n"+text))
	return t, fail(ctx, t, err)
}

// Kept reads the comments of the server's scratch databases.
func (postgres) Kept(ctx context.Context, base engine.Target, _ string) ([]engine.Kept, error) {
	pg, err := dial(ctx, base)
	if err != nil {
		return nil, err
	}
	defer hangUp(pg)
	var out []engine.Kept
	here := ""
	if err := query(ctx, pg, "SELECT current_database()", func(v [][]byte) error { here = string(v[0]); return nil }); err != nil {
		return nil, fail(ctx, base, err)
	}
	err = query(ctx, pg, scratchQuery, func(v [][]byte) error {
		k, ok := engine.ParseKept(string(v[1]))
		if !ok || !strings.HasPrefix(string(v[1]), scratchMark) {
			return nil
		}
		k.Target, err = sibling(base, here, string(v[0]))
		out = append(out, k)
		return err
	})
	slices.SortStableFunc(out, func(a, b engine.Kept) int { return b.MadeAt.Compare(a.MadeAt) })
	return out, fail(ctx, base, err)
}
