package mysql

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

const (
	// cancelGrace is how long a cancelled statement may take to end before its connection is given up.
	cancelGrace = 5 * time.Second
	// cancelEvery is the pause between KILL QUERYs: one that comes before the statement has begun does nothing.
	cancelEvery = 250 * time.Millisecond
)

// rawConn is what this package uses of the driver's connection. database/sql is left out: it converts every value, and hides which connection it uses.
type rawConn interface {
	sqldriver.Conn
	sqldriver.ExecerContext
	sqldriver.QueryerContext
}

// conn is one connection. It is used by one call at a time.
type conn struct {
	target engine.Target
	config *driver.Config
	raw    rawConn
	wire   *aheadConn // beneath raw
	id     string     // of the connection on the server
	server server
	mode   string // the sql_mode that the server gave the session
	broken bool
}

// server tells which server answers.
type server struct {
	version string // "10.11.6-MariaDB"
	maria   bool
	major   int
	minor   int
}

func newServer(version string) server {
	version = strings.TrimPrefix(version, "5.5.5-") // what MariaDB 10 tells old replicas
	s := server{version: version, maria: strings.Contains(strings.ToLower(version), "mariadb")}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) > 1 {
		s.major, _ = strconv.Atoi(parts[0])
		s.minor, _ = strconv.Atoi(parts[1])
	}
	// Distributions append their own revision: "10.11.6-MariaDB-0+deb12u1".
	if i := strings.Index(version, "-MariaDB"); i >= 0 {
		s.version = version[:i+len("-MariaDB")]
	}
	return s
}

func newConn(t engine.Target, config *driver.Config, raw sqldriver.Conn) (*conn, error) {
	usable, ok := raw.(rawConn)
	if !ok {
		_ = raw.Close()
		return nil, errors.New("the driver's connection lacks what envdiff uses")
	}
	return &conn{target: t, config: config, raw: usable}, nil
}

// greet learns who answers.
func (c *conn) greet(ctx context.Context) error {
	if err := c.exec(ctx, "SET NAMES utf8mb4"); err != nil {
		return err
	}
	return c.query(ctx, "SELECT CONNECTION_ID(), VERSION(), @@SESSION.sql_mode", func(r engine.Row) error {
		c.id, c.server, c.mode = string(r[0].Data), newServer(string(r[1].Data)), string(r[2].Data)
		return nil
	})
}

func (c *conn) close() { _ = c.raw.Close() }

// run runs f under a watch: when ctx ends, the statement is stopped on the server, not only our waiting for it. f gets a context that ends when
// the connection is given up.
func (c *conn) run(ctx context.Context, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.broken {
		return sqldriver.ErrBadConn
	}
	inner, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	done, stopped := make(chan struct{}), make(chan struct{})
	killed := false
	go func() {
		defer close(stopped)
		select {
		case <-done:
		case <-ctx.Done():
			killed = true
			c.kill(done, giveUp)
		}
	}()
	err := f(inner)
	close(done)
	<-stopped
	if killed {
		c.settle(err)
		if err == nil {
			err = ctx.Err() // a function that was interrupted may have made up a result
		}
	}
	if errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, driver.ErrInvalidConn) || errors.Is(err, context.Canceled) && inner.Err() != nil {
		c.broken = true
	}
	return err
}

// kill asks the server to stop the statement until it has ended, over a connection of its own, and gives the connection up after the grace.
func (c *conn) kill(done <-chan struct{}, giveUp func()) {
	deadline := time.NewTimer(cancelGrace)
	defer deadline.Stop()
	for {
		c.killQuery()
		select {
		case <-done:
			return
		case <-deadline.C:
			giveUp()
			return
		case <-time.After(cancelEvery):
		}
	}
}

func (c *conn) killQuery() {
	if c.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace/2)
	defer cancel()
	connector, err := driver.NewConnector(c.config)
	if err != nil {
		return
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return
	}
	defer raw.Close()
	if killer, ok := raw.(sqldriver.ExecerContext); ok {
		_, _ = killer.ExecContext(ctx, "KILL QUERY "+c.id, nil)
	}
}

// settle takes a kill that came too late for its statement away from the next one.
func (c *conn) settle(err error) {
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) && refusal.Number == errInterrupted {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	_, _ = c.raw.ExecContext(ctx, "DO 0", nil)
}

// exec runs a statement without rows.
func (c *conn) exec(ctx context.Context, sql string) error {
	_, err := c.affected(ctx, sql)
	return err
}

// affected runs a statement and returns how many rows it changed. Rows that it yields are thrown away.
func (c *conn) affected(ctx context.Context, sql string) (rows int64, err error) {
	err = c.run(ctx, func(inner context.Context) error {
		result, err := c.raw.ExecContext(inner, sql, nil)
		if err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	return rows, err
}

// query streams the rows of one statement; an error of fn stops it on the server and is returned.
func (c *conn) query(ctx context.Context, sql string, fn func(engine.Row) error) error {
	_, err := c.queryNamed(ctx, sql, func([]string) error { return nil }, fn)
	return err
}

// queryNamed is query that first tells the names of the columns. It returns whether it was fn that failed.
func (c *conn) queryNamed(ctx context.Context, sql string, head func([]string) error, fn func(engine.Row) error) (own bool, err error) {
	err = c.run(ctx, func(inner context.Context) error {
		rows, err := c.raw.QueryContext(inner, sql, nil)
		if err != nil {
			return err
		}
		failed, err := readRows(rows, head, fn)
		if failed {
			own = true
			// The driver reads to the end of what it is asked to close: without this, to the end of the table.
			c.killQuery()
		}
		closing := rows.Close()
		if failed {
			c.settle(closing)
			return err
		}
		if err == nil {
			err = unlessInterrupted(closing)
		}
		return err
	})
	return own, err
}

func unlessInterrupted(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// readRows gives every row to fn and reports whether the error is fn's.
func readRows(rows sqldriver.Rows, head func([]string) error, fn func(engine.Row) error) (own bool, err error) {
	names := rows.Columns()
	if err := head(names); err != nil {
		return true, err
	}
	d := newDecoder(rows, len(names))
	for {
		row, err := d.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err := fn(row); err != nil {
			return true, err
		}
	}
}

// decoder turns the driver's values into cells.
type decoder struct {
	rows   sqldriver.Rows
	values []sqldriver.Value
	binary []bool
	row    engine.Row
	digits []byte
}

func newDecoder(rows sqldriver.Rows, columns int) *decoder {
	d := &decoder{rows: rows, values: make([]sqldriver.Value, columns), binary: make([]bool, columns), row: make(engine.Row, columns)}
	if typed, ok := rows.(sqldriver.RowsColumnTypeDatabaseTypeName); ok {
		for i := range d.binary {
			switch name := typed.ColumnTypeDatabaseTypeName(i); name {
			case "BINARY", "VARBINARY", "BIT", "GEOMETRY", "VECTOR":
				d.binary[i] = true
			default:
				d.binary[i] = strings.HasSuffix(name, "BLOB")
			}
		}
	}
	return d
}

func (d *decoder) next() (engine.Row, error) {
	if err := d.rows.Next(d.values); err != nil {
		return nil, err
	}
	d.digits = d.digits[:0]
	for i, v := range d.values {
		d.row[i] = d.cell(i, v)
	}
	return d.row, nil
}

// cell writes numbers, which the driver parses, as the server does: in digits. CopyOut asks for floating point numbers as text.
func (d *decoder) cell(i int, v sqldriver.Value) engine.Cell {
	from := len(d.digits)
	switch v := v.(type) {
	case nil:
		return engine.Cell{}
	case []byte:
		if d.binary[i] {
			return engine.Cell{Type: engine.CellBlob, Data: v}
		}
		return engine.Cell{Type: engine.CellText, Data: v}
	case string:
		return engine.Cell{Type: engine.CellText, Data: []byte(v)}
	case int64:
		d.digits = strconv.AppendInt(d.digits, v, 10)
	case uint64:
		d.digits = strconv.AppendUint(d.digits, v, 10)
	case float32:
		d.digits = strconv.AppendFloat(d.digits, float64(v), 'g', -1, 32)
	case float64:
		d.digits = strconv.AppendFloat(d.digits, v, 'g', -1, 64)
	}
	return engine.Cell{Type: engine.CellText, Data: d.digits[from:len(d.digits):len(d.digits)]}
}
