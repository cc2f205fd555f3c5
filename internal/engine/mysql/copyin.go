package mysql

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

const (
	// chunkBytes is how much is loaded by one LOAD DATA, and what is replayed when the server took it with warnings.
	chunkBytes = 4 << 20
	// insertBytes is how long an INSERT gets before another begins. The server's max_allowed_packet is 16 MiB by default, 1 MiB at its smallest useful.
	insertBytes = 512 << 10
)

// loadingSession lets rows be loaded that predate a constraint: they are a copy of what is there, not news. unique_checks stays on: without it InnoDB may take
// duplicates silently.
func loadingSession(s server) []string {
	statements := []string{setMode(copyMode), "SET SESSION foreign_key_checks = 0"}
	if s.maria {
		statements = append(statements, "SET SESSION check_constraint_checks = 0")
	}
	return statements
}

// CopyIn loads rows in one transaction through LOAD DATA LOCAL where the server takes it, else by INSERT. Tables of engines without transactions are emptied
// again when a load fails and they were empty before.
func (d *database) CopyIn(ctx context.Context, table schema.Name, columns []string, next func() (engine.Row, error)) (int64, error) {
	if d.mode != engine.Scratch {
		return 0, errProtected(d.target, "rows are loaded")
	}
	source := &rowSource{next: next, columns: len(columns)}
	var rows int64
	err := d.use(ctx, func(*conn) error {
		// A connection of its own: the session's settings must not stay.
		c, err := dial(ctx, d.target)
		if err != nil {
			return err
		}
		defer c.close()
		l := &loader{c: c, columns: columns, table: table}
		if l.shape, err = describe(ctx, c, d.name, table); err != nil {
			return err
		}
		for _, column := range columns {
			l.hexed = append(l.hexed, l.shape.column(column).binary())
		}
		rows, err = l.load(ctx, source)
		return err
	})
	if source.failed != nil {
		return 0, source.failed
	}
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// rowSource keeps an error of the caller's rows apart from the server's.
type rowSource struct {
	next    func() (engine.Row, error)
	columns int
	failed  error
}

func (s *rowSource) row() (engine.Row, error) {
	row, err := s.next()
	if err == nil && len(row) != s.columns {
		err = fmt.Errorf("a row of %d cells for %d columns", len(row), s.columns)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return row, err
}

// loader is one load of one table.
type loader struct {
	c       *conn
	table   schema.Name
	columns []string
	shape   *shape
	file    bool   // LOAD DATA LOCAL is taken
	hexed   []bool // columns of bytes, which travel as hexadecimal digits
}

func (l *loader) load(ctx context.Context, source *rowSource) (int64, error) {
	for _, sql := range append(loadingSession(l.c.server), "SET SESSION time_zone = '+00:00'", "SET SESSION innodb_lock_wait_timeout = 10") {
		if err := l.c.exec(ctx, sql); err != nil {
			return 0, err
		}
	}
	err := l.c.query(ctx, "SELECT @@GLOBAL.local_infile", func(r engine.Row) error {
		l.file = string(r[0].Data) == "1" && l.shape.transactional
		return nil
	})
	if err != nil {
		return 0, err
	}
	wasEmpty := true
	if !l.shape.transactional {
		if err := l.c.query(ctx, "SELECT 1 FROM "+qualified(l.table)+" LIMIT 1", func(engine.Row) error { wasEmpty = false; return nil }); err != nil {
			return 0, err
		}
	}
	if err := l.c.exec(ctx, "START TRANSACTION"); err != nil {
		return 0, err
	}
	rows, err := l.chunks(ctx, source)
	if err == nil {
		return rows, l.c.exec(ctx, "COMMIT")
	}
	// Closing the connection rolls back; an engine without transactions has to be told.
	if !l.shape.transactional && wasEmpty {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
		defer cancel()
		_ = l.c.exec(cleanup, "TRUNCATE TABLE "+qualified(l.table))
	}
	return 0, err
}

// chunk is what one LOAD DATA loads.
type chunk struct {
	data []byte
	rows int64
	// odd counts the cells that hold an ENUM's error value: '' where that is no member, left behind by servers without a strict mode. It is stored
	// again only without one, and with one warning each.
	odd int
}

// chunks encodes one chunk while the server loads the one before.
func (l *loader) chunks(ctx context.Context, source *rowSource) (total int64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full, free, sent := make(chan chunk), make(chan []byte, 2), make(chan error, 1)
	free <- nil
	go func() {
		var err error
		for c := range full {
			if err == nil {
				if err = l.send(ctx, c); err != nil {
					cancel(err) // the rows need not come any more
				}
			}
			free <- c.data[:0]
		}
		sent <- err
	}()
	total, err = l.encode(ctx, source, full, free)
	close(full)
	if failed := <-sent; failed != nil && source.failed == nil {
		return 0, failed
	}
	return total, err
}

func (l *loader) encode(ctx context.Context, source *rowSource, full chan<- chunk, free <-chan []byte) (total int64, err error) {
	var c chunk
	for {
		row, err := source.row()
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return 0, err
		}
		if !ended {
			l.append(&c, row)
		}
		if c.rows > 0 && (ended || len(c.data) >= chunkBytes) {
			full <- c
			total += c.rows
			c = chunk{data: <-free}
		}
		if ended {
			return total, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

// append encodes a row as LOAD DATA reads it: tabs between fields, backslash escapes, \N for null. Binary values are hexadecimal, since the rest is utf8mb4.
func (l *loader) append(c *chunk, row engine.Row) {
	to := c.data
	for i, cell := range row {
		if i > 0 {
			to = append(to, '\t')
		}
		switch {
		case cell.Type == engine.CellNull:
			to = append(to, `\N`...)
		case l.hexed[i]:
			to = hex.AppendEncode(to, cell.Data)
		default:
			to = appendField(to, cell.Data)
			if len(cell.Data) == 0 && l.shape.column(l.columns[i]).withoutEmpty() {
				c.odd++
			}
		}
	}
	c.data, c.rows = append(to, '\n'), c.rows+1
}

func appendField(to, data []byte) []byte {
	for _, b := range data {
		switch b {
		case '\\', '\t', '\n':
			to = append(to, '\\')
			switch b {
			case '\t':
				b = 't'
			case '\n':
				b = 'n'
			}
		case 0:
			to = append(to, '\\')
			b = '0'
		}
		to = append(to, b)
	}
	return to
}

// send loads one chunk. LOAD DATA LOCAL behaves like IGNORE also in strict mode: what does not fit is cut, what is there twice is skipped, each with a warning. So
// a chunk with a warning, or of another number of rows, is taken back and sent by INSERT, which takes a row as it is or says why not.
// (https://dev.mysql.com/doc/refman/8.4/en/load-data.html)
func (l *loader) send(ctx context.Context, c chunk) error {
	if !l.file {
		return l.insert(ctx, c)
	}
	if err := l.c.exec(ctx, "SAVEPOINT chunk"); err != nil {
		return err
	}
	loaded, err := l.loadFile(ctx, c.data)
	warnings := ""
	if err == nil {
		warnings, err = l.warnings(ctx)
	}
	var refusal *driver.MySQLError
	if err == nil && warnings == strconv.Itoa(c.odd) && loaded == c.rows {
		return nil
	}
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	if err := l.c.exec(ctx, "ROLLBACK TO SAVEPOINT chunk"); err != nil {
		return err
	}
	return l.insert(ctx, c)
}

// warnings is how many the last statement gave.
func (l *loader) warnings(ctx context.Context) (count string, err error) {
	err = l.c.query(ctx, "SELECT @@warning_count", func(r engine.Row) error { count = string(r[0].Data); return nil })
	return count, err
}

func (l *loader) loadFile(ctx context.Context, chunk []byte) (int64, error) {
	// The driver's readers are known to the whole process by name.
	name, err := engine.Run{}.Name("envdiff_rows_")
	if err != nil {
		return 0, err
	}
	driver.RegisterReaderHandler(name, func() io.Reader { return bytes.NewReader(chunk) })
	defer driver.DeregisterReaderHandler(name)
	targets, assignments := make([]string, len(l.columns)), []string{}
	for i, column := range l.columns {
		targets[i] = quote(column)
		switch variable := fmt.Sprintf("@envdiff_%d", i); {
		case l.hexed[i]:
			targets[i] = variable
			assignments = append(assignments, quote(column)+" = UNHEX("+variable+")")
		case l.shape.column(column).numbered:
			// With a SET clause, MariaDB 10.11 takes a zero that was read for "the next number" in spite of NO_AUTO_VALUE_ON_ZERO; one that was set it keeps.
			targets[i] = variable
			assignments = append(assignments, quote(column)+" = "+variable)
		}
	}
	sql := "LOAD DATA LOCAL INFILE 'Reader::" + name + "' INTO TABLE " + qualified(l.table) + ` CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (` +
		strings.Join(targets, ", ") + ")"
	if len(assignments) > 0 {
		sql += " SET " + strings.Join(assignments, ", ")
	}
	return l.c.affected(ctx, sql)
}

// writable are the columns that rows are given: not the generated ones.
func writable(t *schema.Table) []string {
	var columns []string
	for _, c := range t.Columns {
		if c.Generated == "" {
			columns = append(columns, c.Name)
		}
	}
	return columns
}
