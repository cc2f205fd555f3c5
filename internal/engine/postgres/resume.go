package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// notes is the table in which a refresh notes what it has finished, in a schema of its own, so that nothing of a copied database has its name.
const (
	notesSchema = scratchPrefix + "notes"
	notes       = notesSchema + ".notes"
)

// leaveTries and leaveEvery are how long a killed refresh's sessions may take to leave its stage after they were ended.
const (
	leaveTries = 300
	leaveEvery = 100 * time.Millisecond
)

// Left ends what a killed refresh still runs in its stage: its server does not notice at once, and an index may be half made.
func (r *refresh) Left(ctx context.Context) (stage engine.Target, found []string, err error) {
	there, others := false, 1
	for try := 0; others > 0 && try < leaveTries; try++ {
		if try > 0 {
			select {
			case <-ctx.Done():
				return stage, nil, fail(ctx, r.target, ctx.Err())
			case <-time.After(leaveEvery):
			}
		}
		others = 0
		err = query(ctx, r.pg, "SELECT count(a.pid), count(pg_catalog.pg_terminate_backend(a.pid)) FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_stat_activity a ON a.datid = d.oid WHERE d.datname = "+literal(r.next)+
			" AND pg_catalog.shobj_description(d.oid, 'pg_database') LIKE "+literal(strings.ReplaceAll(scratchMark, "_", `\_`)+"%")+" GROUP BY d.oid", func(v [][]byte) error {
			there, others = true, int(number(v[0]))
			return nil
		})
		if err != nil {
			return stage, nil, fail(ctx, r.target, err)
		}
	}
	if !there || others > 0 {
		return stage, nil, nil
	}
	if stage, err = sibling(r.target, r.name, r.next); err != nil {
		return stage, nil, err
	}
	pg, err := dial(ctx, stage)
	if err != nil {
		return stage, nil, err
	}
	defer hangUp(pg)
	noted := false
	err = query(ctx, pg, "SELECT to_regclass("+literal(notes)+") IS NOT NULL", func(v [][]byte) error { noted = string(v[0]) == "t"; return nil })
	if err == nil && noted {
		err = query(ctx, pg, "SELECT note FROM "+notes, func(v [][]byte) error { found = append(found, string(v[0])); return nil })
	}
	if err != nil {
		return stage, nil, fail(ctx, stage, err)
	}
	if len(found) > 0 {
		r.built, r.stage = true, stage
	}
	return stage, found, nil
}

// Keep lets Close leave the stage.
func (r *refresh) Keep() { r.kept = true }

// Beside makes the other scratch database.
func (r *refresh) Beside(ctx context.Context) (engine.Target, error) {
	if err := r.drop(ctx, r.probe); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	return r.create(ctx, r.probe)
}

// Note is one transaction.
func (d *database) Note(ctx context.Context, statements []string, name, note string) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "notes are made")
	}
	return d.use(ctx, func(pg *pgconn.PgConn) error {
		noted := false
		err := query(ctx, pg, "SELECT to_regclass("+literal(notes)+") IS NOT NULL", func(v [][]byte) error { noted = string(v[0]) == "t"; return nil })
		if err != nil {
			return err
		}
		list := append([]string{making, "BEGIN"}, statements...)
		if !noted {
			list = append(list, "CREATE SCHEMA "+notesSchema, "CREATE TABLE "+notes+" (name text NOT NULL, note text NOT NULL)")
		}
		return runAll(ctx, pg, append(list, "DELETE FROM "+notes+" WHERE name = "+literal(name), "INSERT INTO "+notes+" VALUES ("+literal(name)+", "+literal(note)+")", "COMMIT"))
	})
}

// Clear leaves alone what inherits from the table: its rows are its own.
func (d *database) Clear(ctx context.Context, table schema.Name) error {
	if d.mode != engine.Scratch {
		return errProtected(d.target, "rows are deleted")
	}
	return d.use(ctx, func(pg *pgconn.PgConn) error {
		shape, err := describe(ctx, pg, table)
		if err != nil {
			return err
		}
		only := "ONLY "
		if shape.partitioned {
			only = ""
		}
		_, err = execute(ctx, pg, "TRUNCATE "+only+qualified(table))
		return err
	})
}

// Recount knows a counter's statement by how it begins.
func (d *database) Recount(ctx context.Context, statements []string) error {
	var counters []string
	for _, sql := range statements {
		if strings.HasPrefix(sql, setCounter) {
			counters = append(counters, sql)
		}
	}
	return d.Make(ctx, counters)
}

// Unnote drops the schema of the notes.
func (d *database) Unnote(ctx context.Context) error {
	return d.Make(ctx, []string{"DROP SCHEMA IF EXISTS " + notesSchema + " CASCADE"})
}
