package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// database is an open database on one connection, used by one call at a time; callbacks must not call it again.
type database struct {
	target engine.Target
	mode   engine.Mode
	turn   chan struct{} // holds one token while nobody uses the database
	c      *conn
	name   string // of the database
	closed bool
}

// Open connects. A ReadOnly database is one READ ONLY transaction on a consistent snapshot of InnoDB. Nothing is locked for it, so tables of other
// engines, and the catalogue, show what they hold when they are read.
func (mysqlEngine) Open(ctx context.Context, t engine.Target, m engine.Mode) (engine.DB, error) {
	d := &database{target: t, mode: m, turn: make(chan struct{}, 1)}
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	d.turn <- struct{}{}
	return d, nil
}

func (d *database) connect(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.begin(ctx)
}

// prepare opens a session up to where its transaction begins.
func (d *database) prepare(ctx context.Context) error {
	c, err := dial(ctx, d.target)
	if err != nil {
		return err
	}
	if c.config.DBName == "" {
		c.close()
		return &engine.Error{Code: "1046", Message: d.target.String() + ": the URL names no database"}
	}
	statements := []string{"SET " + strings.Join(textDialect(c), ", ")}
	if d.mode == engine.ReadOnly {
		statements = append(statements, "SET "+strings.Join(protectedLimits(c.server), ", "),
			"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET SESSION TRANSACTION READ ONLY")
	}
	for _, sql := range statements {
		if err := c.execUnprepared(ctx, sql); err != nil {
			c.close()
			return fail(ctx, d.target, err)
		}
	}
	d.c, d.name = c, c.config.DBName
	return nil
}

// begin takes the snapshot that all reads of an environment see.
func (d *database) begin(ctx context.Context) error {
	if d.mode != engine.ReadOnly {
		return nil
	}
	err := d.c.execUnprepared(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
	if err != nil {
		d.c.close()
	}
	return fail(ctx, d.target, err)
}

// execUnprepared runs a statement also on a Galera member without quorum, which refuses transactions and tables until the session says that old rows
// will do. That it is cut off is then told by what it says of replication.
func (c *conn) execUnprepared(ctx context.Context, sql string) error {
	err := c.exec(ctx, sql)
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) && refusal.Number == errNotPrepared {
		if err = c.exec(ctx, "SET SESSION wsrep_dirty_reads = ON"); err == nil {
			err = c.exec(ctx, sql)
		}
	}
	return err
}

// textDialect fixes how values are written and read. The server's own sql_mode stays, but for what changes the meaning of constants and the text
// of values.
func textDialect(c *conn) []string {
	var modes []string
	for _, m := range strings.Split(c.mode, ",") {
		if m != "" && m != "NO_BACKSLASH_ESCAPES" && m != "PAD_CHAR_TO_FULL_LENGTH" {
			modes = append(modes, m)
		}
	}
	return []string{"SESSION time_zone = '+00:00'", "SESSION sql_mode = " + literal(strings.Join(modes, ","))}
}

// protectedLimits are the timeouts of a session on an environment: it waits for nobody's lock, and the server ends it when envdiff stalls.
// max_sort_length covers every key that InnoDB can index (3072 bytes), so that order is by all of it.
func protectedLimits(s server) []string {
	limits := []string{
		"SESSION lock_wait_timeout = 2", "SESSION innodb_lock_wait_timeout = 2", "SESSION wait_timeout = 900", "SESSION net_write_timeout = 600",
		"SESSION max_sort_length = 4096",
	}
	if s.maria {
		return append(limits, "SESSION max_statement_time = 1800") // seconds
	}
	return append(limits, "SESSION max_execution_time = 1800000") // milliseconds, SELECT only
}

func (d *database) Engine() engine.Engine { return mysqlEngine{} }

// use runs f alone on the connection. On an environment every use ends by going back to a savepoint: that gives back the metadata locks on the tables
// it has read, behind which the application's DDL, and then every query of the table, would wait. (mysqldump --single-transaction does the same.)
func (d *database) use(ctx context.Context, f func(*conn) error) error {
	select {
	case <-d.turn:
	case <-ctx.Done():
		return fail(ctx, d.target, ctx.Err())
	}
	defer func() { d.turn <- struct{}{} }()
	if d.closed {
		return &engine.Error{Code: "08003", Message: d.target.String() + ": used after it was closed"}
	}
	if d.mode == engine.Scratch {
		if d.c.broken {
			d.c.close()
			if err := d.connect(ctx); err != nil {
				return err
			}
		}
		return fail(ctx, d.target, f(d.c))
	}
	if err := d.c.exec(ctx, "SAVEPOINT envdiff"); err != nil {
		return fail(ctx, d.target, err)
	}
	err := fail(ctx, d.target, f(d.c))
	if lost := d.undo(ctx); err == nil {
		err = lost
	}
	return err
}

// undo goes back to the savepoint, also after the caller's context has ended. Where that fails, the snapshot is gone and the database with it.
func (d *database) undo(ctx context.Context) error {
	if d.c.broken {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	if err := d.c.exec(ctx, "ROLLBACK TO SAVEPOINT envdiff"); err != nil {
		d.c.broken = true
		return &engine.Error{Code: "25000", Message: d.target.String() + ": the statement ended envdiff's read-only transaction, so the connection was closed"}
	}
	return nil
}

// Close ends the session. Nothing is committed.
func (d *database) Close() error {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	if !d.closed {
		d.closed = true
		d.c.close()
	}
	return nil
}

// Query runs one statement; the connection takes no second one in the same text. On an environment it has to be a question.
func (d *database) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	if d.mode == engine.ReadOnly {
		if err := onlyReads(sql); err != nil {
			return err
		}
	}
	return passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(c *conn) error { return c.query(ctx, sql, fn) })
	})
}

// onlyReads refuses what a READ ONLY transaction lets pass: statements that end it or change the session, files written on the server, and rows
// locked for others.
func onlyReads(sql string) error {
	all, err := tokens(sql)
	if err != nil {
		return misuse("%s", err)
	}
	if len(all) == 0 {
		return misuse("an empty query")
	}
	switch all[0].lower(sql) {
	case "select", "with", "show", "explain", "(", "values", "table", "describe", "desc":
	default:
		return &engine.Error{Code: "1792", Message: "only questions are asked of a database that is opened for reading"}
	}
	for i, t := range all {
		if t.kind != tokenWord {
			continue
		}
		next := ""
		if i+1 < len(all) {
			next = all[i+1].lower(sql)
		}
		switch word := t.lower(sql); {
		case word == "into", word == "for" && (next == "update" || next == "share"), word == "lock" && next == "in", word == "analyze":
			return &engine.Error{Code: "1792", Message: "a question to a database that is opened for reading writes nothing and locks nothing"}
		}
	}
	return nil
}

// Identity prefers the server's own unique id: server_uuid of MySQL, server_uid of MariaDB. Servers without one are told apart by host, port and directory.
func (d *database) Identity(ctx context.Context) (engine.Identity, error) {
	v := map[string]string{}
	err := d.use(ctx, func(c *conn) error {
		return c.query(ctx, `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', 'hostname', 'port', 'datadir', 'server_id', 'socket')`, func(r engine.Row) error {
			v[string(r[0].Data)] = string(r[1].Data)
			return nil
		})
	})
	if err != nil {
		return engine.Identity{}, err
	}
	id := engine.Identity{Server: v["server_uuid"], Database: d.name, Version: d.c.server.version}
	if id.Server == "" {
		id.Server = v["server_uid"]
	}
	if id.Server == "" {
		sum := sha256.Sum256([]byte(strings.Join([]string{v["hostname"], v["port"], v["datadir"], v["server_id"], v["socket"]}, "\x00")))
		id.Server = hex.EncodeToString(sum[:16])
	}
	id.Replica, err = d.replicates(ctx)
	return id, err
}

// replicates reports whether the server follows another. SHOW SLAVE STATUS is MariaDB's and old MySQL's name of it; a role that may not ask is told by
// whether the server takes writes.
func (d *database) replicates(ctx context.Context) (bool, error) {
	ask := func(sql string) (found bool, err error) {
		err = d.use(ctx, func(c *conn) error {
			return c.query(ctx, sql, func(r engine.Row) error { found = true; return nil })
		})
		return found, err
	}
	show := "SHOW REPLICA STATUS"
	if d.c.server.maria {
		show = "SHOW ALL SLAVES STATUS"
	}
	found, err := ask(show)
	var refusal *engine.Error
	if errors.As(err, &refusal) && (refusal.Code == "1227" || refusal.Code == "1064") {
		return ask("SELECT 1 FROM DUAL WHERE @@GLOBAL.read_only = 1")
	}
	return found, err
}

// Schema captures the typed model.
func (d *database) Schema(ctx context.Context) (*schema.Database, error) {
	var s *schema.Database
	err := d.use(ctx, func(c *conn) (err error) {
		s, err = capture(ctx, c, d.name)
		return err
	})
	return s, err
}

// passing runs f with a callback whose error, if any, is what f's caller gets: it is the caller's own and not mapped.
func passing(fn func(engine.Row) error, f func(func(engine.Row) error) error) error {
	var own error
	err := f(func(r engine.Row) error {
		own = fn(r)
		return own
	})
	if own != nil {
		return own
	}
	return err
}

func errProtected(t engine.Target, what string) error {
	return &engine.Error{Code: "1792", Message: t.String() + " is opened for reading; " + what + " in scratch databases only"}
}
