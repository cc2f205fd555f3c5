package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// textDialect fixes how values are written, so that one value has one text on any server.
var textDialect = [][2]string{
	{"client_encoding", "UTF8"},
	{"standard_conforming_strings", "on"},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"bytea_output", "hex"},
	{"extra_float_digits", "1"},
	{"xmloption", "content"},
}

// protectedLimits are the timeouts of a session on an environment: it waits for nobody's lock, and the server ends it when envdiff stalls.
// row_security off makes a policy that would hide rows an error instead of a smaller table.
var protectedLimits = [][2]string{
	{"lock_timeout", "2s"},
	{"statement_timeout", "30min"},
	{"idle_in_transaction_session_timeout", "15min"},
	{"row_security", "off"},
}

// database is an open database, used by one call at a time; callbacks must not call it again. On an environment it is one connection. On a
// scratch it connects for each call: a database with a session in it can be neither cloned nor dropped.
type database struct {
	target engine.Target
	mode   engine.Mode
	turn   chan struct{} // holds one token while nobody uses the database
	pg     *pgconn.PgConn
	closed bool
	// snapshot is another session's, whose moment this one sees; "" is its own.
	snapshot string
}

// Open connects. A ReadOnly database is one REPEATABLE READ READ ONLY transaction; settings are local to it, so that nothing of it stays
// behind in a connection pooler.
func (postgres) Open(ctx context.Context, t engine.Target, m engine.Mode) (engine.DB, error) {
	d := &database{target: t, mode: m, turn: make(chan struct{}, 1)}
	pg, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	if m == engine.ReadOnly {
		d.pg = pg
	} else {
		hangUp(pg)
	}
	d.turn <- struct{}{}
	return d, nil
}

func (d *database) connect(ctx context.Context) (*pgconn.PgConn, error) {
	pg, err := dial(ctx, d.target)
	if err != nil {
		return nil, err
	}
	begin, local, settings := "", "", textDialect
	if d.mode == engine.ReadOnly {
		begin, local = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ", "LOCAL "
		if d.snapshot != "" {
			begin += "SET TRANSACTION SNAPSHOT " + literal(d.snapshot) + "; "
		}
		settings = append(append([][2]string{}, textDialect...), protectedLimits...)
	}
	sql := begin
	for _, s := range settings {
		sql += "SET " + local + s[0] + " = " + literal(s[1]) + "; "
	}
	if pg.ParameterStatus("server_encoding") == "SQL_ASCII" { // it knows no characters: asked for UTF-8, it would refuse all bytes that are none
		sql += "SET " + local + "client_encoding = SQL_ASCII; "
	}
	if _, err := execute(ctx, pg, sql); err != nil {
		hangUp(pg)
		return nil, fail(ctx, d.target, err)
	}
	if d.mode == engine.ReadOnly {
		if err := watchClient(ctx, pg); err != nil {
			hangUp(pg)
			return nil, fail(ctx, d.target, err)
		}
	}
	return pg, nil
}

// watchClient makes the server notice within seconds that envdiff was killed, and stop what it was doing. The setting came with 14 and not all
// systems take it.
func watchClient(ctx context.Context, pg *pgconn.PgConn) error {
	_, err := execute(ctx, pg, `SAVEPOINT envdiff_watch;
SELECT set_config(name, '5s', true) FROM pg_catalog.pg_settings WHERE name = 'client_connection_check_interval'; RELEASE SAVEPOINT envdiff_watch`)
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		_, err = execute(ctx, pg, "ROLLBACK TO SAVEPOINT envdiff_watch")
	}
	return err
}

func (d *database) Engine() engine.Engine { return postgres{} }

// use runs f alone on the connection. On an environment every use is a savepoint that is rolled back: a refusal, such as a missing privilege
// on one table, must not end the transaction that all reads share, and a setting made on the way is gone afterwards.
func (d *database) use(ctx context.Context, f func(*pgconn.PgConn) error) error {
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
		pg, err := d.connect(ctx)
		if err != nil {
			return err
		}
		defer hangUp(pg)
		return fail(ctx, d.target, f(pg))
	}
	if _, err := execute(ctx, d.pg, "SAVEPOINT envdiff"); err != nil {
		return fail(ctx, d.target, err)
	}
	err := fail(ctx, d.target, f(d.pg))
	if lost := d.undo(ctx); err == nil {
		err = lost
	}
	return err
}

// undo goes back to the savepoint, also after the caller's context has ended. Where that fails, the transaction or the connection is gone.
func (d *database) undo(ctx context.Context) error {
	if d.pg.IsClosed() {
		return nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, err := execute(ctx, d.pg, "ROLLBACK TO SAVEPOINT envdiff; RELEASE SAVEPOINT envdiff"); err != nil {
		hangUp(d.pg)
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || class(refusal.Code) != "25" && class(refusal.Code) != "3B" {
			return fail(ctx, d.target, err)
		}
		return &engine.Error{Code: "25000", Message: d.target.String() + ": the statement ended envdiff's read-only transaction, so the connection was closed"}
	}
	return nil
}

// Close ends the session. Nothing is committed.
func (d *database) Close() error {
	<-d.turn
	defer func() { d.turn <- struct{}{} }()
	d.closed = true
	if d.pg != nil {
		hangUp(d.pg)
	}
	return nil
}

// Query runs one statement of the extended protocol, which refuses a second one in the same text.
func (d *database) Query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	return passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(pg *pgconn.PgConn) error { return queryRows(ctx, pg, sql, fn) })
	})
}

// Identity prefers the cluster's system identifier, which primary and standbys share; where a role may not read it, the server's address stands in.
func (d *database) Identity(ctx context.Context) (engine.Identity, error) {
	var id engine.Identity
	err := d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, identityQuery, func(v [][]byte) error {
			id = engine.Identity{Server: string(v[0]), Database: string(v[1]), Version: string(v[2]), Replica: string(v[3]) == "t"}
			return nil
		})
	})
	if err != nil {
		return engine.Identity{}, err
	}
	system := ""
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, "SELECT system_identifier FROM pg_catalog.pg_control_system()", func(v [][]byte) error {
			system = string(v[0])
			return nil
		})
	})
	var refusal *engine.Error
	switch {
	case err == nil:
		id.Server = system
	case errors.As(err, &refusal) && refusal.Code == "42501":
	default:
		return engine.Identity{}, err
	}
	return id, nil
}

const identityQuery = `
SELECT coalesce(host(inet_server_addr()), 'local') || ':' || coalesce(inet_server_port(), current_setting('port')::int),
	(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()),
	split_part(current_setting('server_version'), ' ', 1),
	pg_catalog.pg_is_in_recovery()`

// Schema captures the typed model as the session's moment shows it.
func (d *database) Schema(ctx context.Context) (*schema.Database, error) {
	var s *schema.Database
	err := d.use(ctx, func(pg *pgconn.PgConn) (err error) {
		if d.mode == engine.Scratch {
			s, err = captureAside(ctx, pg)
			return err
		}
		s, err = capture(ctx, pg)
		return err
	})
	return s, err
}

// hangUp closes a connection within a bound; an open transaction is rolled back by the server.
func hangUp(pg *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	_ = pg.Close(ctx)
}

// execute runs a script by the simple protocol and returns how many rows its last statement changed. Rows that it yields are dropped.
func execute(ctx context.Context, pg *pgconn.PgConn, sql string) (rows int64, err error) {
	results := pg.Exec(ctx, sql)
	for results.NextResult() {
		r := results.ResultReader()
		yields := len(r.FieldDescriptions()) > 0
		for r.NextRow() {
			yields = true
		}
		tag, err := r.Close()
		if err == nil {
			rows = changed(tag, yields)
		}
	}
	return rows, results.Close()
}

// changed reads a command tag. CREATE TABLE AS has the tag of a SELECT, but yields no rows; INSERT … RETURNING yields and changes them.
func changed(tag pgconn.CommandTag, yields bool) int64 {
	if yields && !tag.Insert() && !tag.Update() && !tag.Delete() && !strings.HasPrefix(tag.String(), "MERGE") {
		return 0
	}
	return tag.RowsAffected()
}

// query streams the rows of one statement as text; a nil value is NULL. An error of fn stops the statement on the server and is returned.
func query(ctx context.Context, pg *pgconn.PgConn, sql string, fn func([][]byte) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := pg.ExecParams(ctx, sql, nil, nil, nil, nil)
	var failed error
	for failed == nil && r.NextRow() {
		failed = fn(r.Values())
	}
	if failed != nil {
		stop()
	}
	_, err := r.Close()
	if failed != nil {
		return failed
	}
	return err
}

// queryRows is query with the seam's rows.
func queryRows(ctx context.Context, pg *pgconn.PgConn, sql string, fn func(engine.Row) error) error {
	var row engine.Row
	return query(ctx, pg, sql, func(values [][]byte) error {
		row = row[:0]
		for _, v := range values {
			if v == nil {
				row = append(row, engine.Cell{})
				continue
			}
			row = append(row, engine.Cell{Type: engine.CellText, Data: v})
		}
		return fn(row)
	})
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

// bounded is a context for cleaning up after ctx.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
}
