package migrations

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/database/mysql"
	pgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/database/sqlite"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Our replay cuts files into statements and imitates golang-migrate's transactions. This file lets golang-migrate
// itself run the same files, uncut, on a second empty clone, and compares what comes out. Its database drivers write
// and lock when they open, so they see nothing but scratch databases.

// toolDriver opens golang-migrate's own driver on a scratch database.
func toolDriver(lib engine.Library, t scratch, spec Spec) (database.Driver, error) {
	db, err := lib.SQL(t.Target)
	if err != nil {
		return nil, err
	}
	var d database.Driver
	table := spec.table()
	switch t.Engine {
	case "sqlite":
		d, err = sqlite.WithInstance(db, &sqlite.Config{MigrationsTable: table.Name, NoTxWrap: spec.NoTxWrap})
	case "postgres":
		d, err = pgx.WithInstance(db, &pgx.Config{MigrationsTable: table.Name, SchemaName: table.Schema})
	case "mysql":
		d, err = mysql.WithInstance(db, &mysql.Config{MigrationsTable: table.Name})
	default:
		err = errors.New("golang-migrate has no driver for " + t.Engine)
	}
	if err != nil {
		db.Close()
		return nil, toolError(lib, t, err)
	}
	return d, nil
}

// crossCheck compares our replay on an empty clone with the tool's own; a difference is a gap. It has
// nothing to compare where our replay could not go on, or left out statements that only work where there are
// rows, or where the tool refuses to start.
func (r *rehearsal) crossCheck(ctx context.Context) error {
	lib, opens := r.in.Engine.(engine.Library)
	if r.src.tool != nil || r.in.Spec.Command != "" || r.plan.after == nil || r.plan.skipped > 0 || r.plan.idle() || r.out.Pending.Refused != "" || !opens {
		return nil
	}
	r.doing = "letting golang-migrate run the files"
	r.progress("let golang-migrate run the files on an empty clone", 0, 0)
	clone, err := r.emptyClone(ctx)
	if err != nil {
		return err
	}
	defer r.drop(clone.Target)
	if err := r.markApplied(ctx, clone); err != nil {
		return err
	}
	toolErr := runTool(ctx, lib, clone.like(r.in.Engine, r.in.Schema), r.src.Spec)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	address := r.address(r.out.Pending.Migrations[0])
	if toolErr != nil {
		r.gap(address, "golang-migrate itself fails on an empty clone where the replay passes: "+toolErr.Error(), "run the files with golang-migrate on an empty database to see why")
		return nil
	}
	return clone.use(ctx, r.in.Engine, func(s engine.Session) error {
		result, err := s.Schema(ctx)
		if err != nil {
			return err
		}
		if names := different(r.plan.after, result, r.in.Spec.table()); len(names) > 0 {
			r.gap(address, "the replay differs from golang-migrate's own run in "+joinNames(names), "what the rehearsal says about these tables may not hold")
		}
		return nil
	})
}

// markApplied writes production's version into the clone's version table.
func (r *rehearsal) markApplied(ctx context.Context, c scratch) error {
	a := r.out.Pending.Applied
	if !a.Found || a.Version == "" {
		return nil
	}
	db, err := r.in.Engine.Open(ctx, c.Target, engine.Scratch)
	if err != nil {
		return err
	}
	defer db.Close()
	kind := engine.CellText
	if r.in.Engine.Name() == "sqlite" {
		kind = engine.CellInteger
	}
	rows := []engine.Row{{{Type: kind, Data: []byte(a.Version)}, {Type: kind, Data: []byte("0")}}}
	_, err = db.CopyIn(ctx, a.Table, []string{"version", "dirty"}, func() (engine.Row, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		row := rows[0]
		rows = rows[1:]
		return row, nil
	})
	return err
}

// runTool runs the pending files. golang-migrate's drivers take no context: when ctx ends, the run is told to stop
// after the current file and left behind.
func runTool(ctx context.Context, lib engine.Library, t scratch, spec Spec) error {
	files, err := iofs.New(os.DirFS(spec.Dir), ".")
	if err != nil {
		return err
	}
	driver, err := toolDriver(lib, t, spec)
	if err != nil {
		files.Close()
		return err
	}
	m, err := migrate.NewWithInstance("iofs", files, t.Engine, driver)
	if err != nil {
		driver.Close()
		files.Close()
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil { // another program's code must not end ours
				done <- fmt.Errorf("it panicked: %v", p)
			}
		}()
		err := m.Up()
		sourceErr, databaseErr := m.Close()
		done <- errors.Join(err, sourceErr, databaseErr)
	}()
	select {
	case err := <-done:
		return toolError(lib, t, err)
	case <-ctx.Done():
		m.GracefulStop <- true
		return ctx.Err()
	}
}

// toolError keeps of the tool's error what the database said, without values and SQL: the tool appends the whole file.
func toolError(lib engine.Library, t scratch, err error) error {
	var e database.Error
	var p *database.Error
	switch {
	case err == nil, errors.Is(err, migrate.ErrNoChange):
		return nil
	case errors.As(err, &p):
		return lib.Refused(t.Target, p.OrigErr)
	case errors.As(err, &e):
		return lib.Refused(t.Target, e.OrigErr)
	}
	return err
}

func joinNames(names []schema.Name) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n.String()
	}
	return strings.Join(out, ", ")
}
