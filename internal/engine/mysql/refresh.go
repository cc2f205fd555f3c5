package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// A refresh builds a schema beside the target and exchanges the tables by one RENAME TABLE, which is all or nothing. What cannot be renamed is made again:
// triggers go before it and come after it, views, routines and events are replaced after it. The statements for both ways out are written down before the
// first of them runs, so that the next refresh can end what a killed one began.

const (
	// markTable holds the mark of a refresh. Captures leave it out.
	markTable = "envdiff_refreshed"
	// journalTable holds the statements that end a swap.
	journalTable = "envdiff_refresh_journal"
	// lockSeconds is how long a refresh waits for another one: the server needs a moment to notice that a killed envdiff is gone.
	lockSeconds = 5
	// renameTries is how often the tables are exchanged anew after sessions that used them were ended.
	renameTries = 5
)

// refresh is one refresh of a database. Its connection holds a lock of the server by the database's name.
type refresh struct {
	target    engine.Target
	config    *driver.Config
	c         *conn
	name      string // of the target
	next, old string
	probe     string // a scratch database beside the stage
	stage     engine.Target
	built     bool // the stage may be there
	kept      bool // it stays there
}

// BeginRefresh takes the lock and ends what a killed refresh began.
func (mysqlEngine) BeginRefresh(ctx context.Context, t engine.Target, resume bool) (engine.Refresh, error) {
	config, err := configure(t)
	if err != nil {
		return nil, err
	}
	if config.DBName == "" {
		return nil, &engine.Error{Code: "1046", Message: t.String() + ": the URL names no database"}
	}
	c, err := connectAs(ctx, t, config)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(config.DBName))
	id := hex.EncodeToString(sum[:8])
	r := &refresh{target: t, config: config, c: c, name: config.DBName, next: scratchPrefix + "next_" + id, old: scratchPrefix + "old_" + id, probe: scratchPrefix + "probe_" + id}
	if err := r.begin(ctx, "envdiff refresh "+id, resume); err != nil {
		c.close()
		return nil, fail(ctx, t, err)
	}
	return r, nil
}

func (r *refresh) begin(ctx context.Context, lock string, resume bool) error {
	taken := false
	err := r.c.query(ctx, fmt.Sprintf("SELECT GET_LOCK(%s, %d)", literal(lock), lockSeconds), func(row engine.Row) error { taken = string(row[0].Data) == "1"; return nil })
	if err != nil {
		return err
	}
	if !taken {
		return fmt.Errorf("%s: %w", r.target, engine.ErrRefreshing)
	}
	for _, sql := range []string{"SET SESSION wait_timeout = 86400", "SET SESSION lock_wait_timeout = 3"} {
		if err := r.c.exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := r.recover(ctx); err != nil {
		return err
	}
	if resume {
		return r.clear(ctx, r.old, r.probe)
	}
	return r.clear(ctx, r.next, r.old, r.probe)
}

// recover ends a swap that was interrupted: forward where the tables were exchanged, else back.
func (r *refresh) recover(ctx context.Context) error {
	if journal, err := r.has(ctx, r.old, journalTable); err != nil || !journal {
		return err
	}
	before, err := r.has(ctx, r.next, markTable)
	if err != nil {
		return err
	}
	way := "forward"
	if before {
		way = "back"
	}
	var statements []string
	err = r.c.query(ctx, "SELECT statement FROM "+quote(r.old)+"."+quote(journalTable)+" WHERE way = "+literal(way)+" ORDER BY step", func(row engine.Row) error {
		statements = append(statements, string(row[0].Data))
		return nil
	})
	if err != nil {
		return err
	}
	return r.runHere(ctx, statements)
}

// runHere runs statements on a connection of its own to the target.
func (r *refresh) runHere(ctx context.Context, statements []string) error {
	c, err := connectAs(ctx, r.target, r.config)
	if err != nil {
		return err
	}
	defer c.close()
	for _, sql := range statements {
		if err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (r *refresh) has(ctx context.Context, database, table string) (found bool, err error) {
	err = r.c.query(ctx, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+literal(database)+" AND TABLE_NAME = "+literal(table), func(engine.Row) error { found = true; return nil })
	return found, err
}

// clear drops schemas of a refresh. Nobody but envdiff has reason for their names.
func (r *refresh) clear(ctx context.Context, schemas ...string) error {
	for _, name := range schemas {
		if err := r.c.endSessions(ctx, name); err != nil {
			return err
		}
		if err := r.c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)); err != nil {
			return err
		}
	}
	return nil
}

// Exists is always true: connecting to a database that is not there is an error already.
func (r *refresh) Exists() bool { return true }

// Stage makes a schema with the target's character set and collation.
func (r *refresh) Stage(ctx context.Context) (engine.Target, error) {
	if err := r.clear(ctx, r.next); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	r.built = true
	if err := r.make(ctx, r.next); err != nil {
		return engine.Target{}, createError(ctx, r.target, err)
	}
	r.stage = sibling(r.target, r.config, r.next)
	return r.stage, nil
}

// make makes a marked schema.
func (r *refresh) make(ctx context.Context, name string) error {
	defaults := ""
	err := r.c.query(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(r.name), func(row engine.Row) error {
		defaults = " CHARACTER SET " + string(row[0].Data) + " COLLATE " + string(row[1].Data)
		return nil
	})
	if err == nil {
		err = r.c.exec(ctx, "CREATE DATABASE "+quote(name)+defaults)
	}
	if err == nil {
		err = r.c.exec(ctx, "CREATE TABLE "+quote(name)+"."+quote(scratchMarker)+" (made_by_envdiff INTEGER)")
	}
	return err
}

// Empty deletes a table's rows.
func (r *refresh) Empty(ctx context.Context, table schema.Name) error {
	return fail(ctx, r.target, r.runAt(ctx, r.next, []string{"SET SESSION foreign_key_checks = 0", "DELETE FROM " + quote(table.Name)}))
}

func (r *refresh) runAt(ctx context.Context, database string, statements []string) error {
	config := r.config.Clone()
	config.DBName = database
	c, err := connectAs(ctx, r.target, config)
	if err != nil {
		return err
	}
	defer c.close()
	for _, sql := range statements {
		if err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Close drops the stage and gives the lock back with its connection.
func (r *refresh) Close(ctx context.Context) error {
	defer r.c.close()
	if !r.built || r.kept {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 6*cancelGrace)
	defer cancel()
	return fail(ctx, r.target, errors.Join(r.recover(ctx), r.clear(ctx, r.next, r.old)))
}

// Mark reads the mark's table.
func (d *database) Mark(ctx context.Context) (m *engine.Mark, err error) {
	err = d.use(ctx, func(c *conn) error {
		there := false
		err := c.query(ctx, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+literal(d.name)+" AND TABLE_NAME = "+literal(markTable), func(engine.Row) error { there = true; return nil })
		if err != nil || !there {
			return err
		}
		return c.query(ctx, "SELECT mark FROM "+quote(markTable), func(row engine.Row) error { m = engine.ParseMark(strings.TrimSpace(string(row[0].Data))); return nil })
	})
	return m, err
}
