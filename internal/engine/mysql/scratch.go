package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

const (
	scratchPrefix = "envdiff_scratch_"
	// scratchMarker is the table that marks a database that envdiff made. Captures leave it out. (A comment on the database, as elsewhere, MySQL does not have.)
	scratchMarker = "envdiff_scratch_marker"
)

// CreateScratch makes a database with the character set and collation of base's, or of the server where base names none. dir is not used.
func (mysqlEngine) CreateScratch(ctx context.Context, base engine.Target, _ string) (engine.Target, error) {
	config, err := configure(base)
	if err != nil {
		return engine.Target{}, err
	}
	c, err := connectAs(ctx, base, config)
	if err != nil {
		return engine.Target{}, err
	}
	defer c.close()
	defaults := ""
	if config.DBName != "" {
		err = c.query(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(config.DBName), func(r engine.Row) error {
			defaults = " CHARACTER SET " + string(r[0].Data) + " COLLATE " + string(r[1].Data)
			return nil
		})
		if err != nil {
			return engine.Target{}, fail(ctx, base, err)
		}
	}
	name, err := base.Run.Name(scratchPrefix)
	if err != nil {
		return engine.Target{}, err
	}
	if err := c.exec(ctx, "CREATE DATABASE "+quote(name)+defaults); err != nil {
		return engine.Target{}, createError(ctx, base, err)
	}
	if err := c.exec(ctx, "CREATE TABLE "+quote(name)+"."+quote(scratchMarker)+" (made_by_envdiff INTEGER) COMMENT = "+literal(base.Run.Text())); err != nil {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
		_ = c.exec(cleanup, "DROP DATABASE IF EXISTS "+quote(name))
		return engine.Target{}, fail(ctx, base, err)
	}
	return sibling(base, config, name), nil
}

func createError(ctx context.Context, base engine.Target, err error) error {
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) && (refusal.Number == 1044 || refusal.Number == 1227) {
		return &engine.Error{Code: fmt.Sprint(refusal.Number), Message: base.String() + ": this account may not create databases: GRANT ALL ON `" + strings.ReplaceAll(scratchPrefix, "_", `\_`) + "%`.* on the scratch server", Err: err}
	}
	return fail(ctx, base, err)
}

// DropScratch drops a marked database and ends the sessions in it. One that is gone already is no error.
func (mysqlEngine) DropScratch(ctx context.Context, t engine.Target) error {
	config, err := configure(t)
	if err != nil {
		return err
	}
	name := config.DBName
	refusal := &engine.Error{Code: "55000", Message: t.String() + ": envdiff did not make this database and does not drop it"}
	if !strings.HasPrefix(name, scratchPrefix) {
		return refusal
	}
	config.DBName = ""
	c, err := connectAs(ctx, t, config)
	if err != nil {
		return err
	}
	defer c.close()
	found, marked := false, false
	err = c.query(ctx, "SELECT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+literal(name)+" AND TABLE_NAME = "+literal(scratchMarker)+
		") FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(name), func(r engine.Row) error {
		found, marked = true, string(r[0].Data) == "1"
		return nil
	})
	switch {
	case err != nil:
		return fail(ctx, t, err)
	case !found:
		return nil
	case !marked:
		return refusal
	}
	if err := c.endSessions(ctx, name); err != nil {
		return fail(ctx, t, err)
	}
	return fail(ctx, t, c.exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)))
}

// endSessions ends what still uses a database: a table that someone reads cannot be dropped.
func (c *conn) endSessions(ctx context.Context, database string) error {
	var ids []string
	err := c.query(ctx, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = "+literal(database)+" AND ID <> "+c.id, func(r engine.Row) error {
		ids = append(ids, string(r[0].Data))
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		var refusal *driver.MySQLError // gone in the meantime, or another account's
		if err := c.exec(ctx, "KILL "+id); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}

// sibling is the target of another database on the same server.
func sibling(t engine.Target, config *driver.Config, name string) engine.Target {
	was := config.DBName
	clone := config.Clone()
	clone.DBName, clone.Logger = name, nil
	t.Engine, t.DSN, t.Run = "mysql", clone.FormatDSN(), engine.Run{}
	if head, found := strings.CutSuffix(t.Display, "/"+was); found {
		t.Display = head + "/" + name
	} else {
		t.Display = fmt.Sprintf("%s (database %s)", t.Display, name)
	}
	return t
}

// Clone copies a scratch database on its own server, table by table inside the server. The raw rows of an environment are never cloned.
func (d *database) Clone(ctx context.Context, base engine.Target, dir string) (target engine.Target, err error) {
	if d.mode != engine.Scratch {
		return engine.Target{}, errProtected(d.target, "clones are made")
	}
	model, err := d.Schema(ctx)
	if err != nil {
		return engine.Target{}, err
	}
	before, after, err := mysqlEngine{}.DDL(model)
	if err != nil {
		return engine.Target{}, err
	}
	target, err = mysqlEngine{}.CreateScratch(ctx, d.beside(base), dir)
	if err != nil {
		return engine.Target{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, mysqlEngine{}.DropScratch(context.WithoutCancel(ctx), target))
			target = engine.Target{}
		}
	}()
	// Without a strict mode: between columns of one type nothing is cut, and an ENUM's error value is taken.
	statements := append(append(before, loadingSession(d.c.server)...), setMode(strings.TrimPrefix(copyMode, "STRICT_ALL_TABLES,")))
	for i := range model.Tables {
		t := &model.Tables[i]
		columns := writable(t)
		if len(columns) == 0 {
			continue
		}
		statements = append(statements, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s.%s", quote(t.Name.Name), quoteAll(columns), quoteAll(columns), quote(d.name), quote(t.Name.Name)))
	}
	copied, err := mysqlEngine{}.Open(ctx, target, engine.Scratch)
	if err != nil {
		return target, err
	}
	defer copied.Close()
	session, err := copied.Session(ctx)
	if err != nil {
		return target, err
	}
	defer session.Close()
	for _, sql := range append(statements, after...) {
		if _, err := session.Exec(ctx, sql); err != nil {
			return target, err
		}
	}
	return target, nil
}

// beside is base with the defaults of the database that is cloned: a clone has them too.
func (d *database) beside(base engine.Target) engine.Target {
	config, err := configure(base)
	if err != nil {
		return base
	}
	home := sibling(base, config, d.name)
	home.Run = base.Run
	return home
}
