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
	file    bool // LOAD DATA LOCAL is taken
	// odd counts the cells of a chunk that hold an ENUM's error value: '' where that is no member, left behind by servers without a strict mode. It is stored
	// again only without one, and with one warning each.
	odd int
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

func (l *loader) chunks(ctx context.Context, source *rowSource) (total int64, err error) {
	var chunk []byte
	rows := int64(0)
	for {
		row, err := source.row()
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return 0, err
		}
		if !ended {
			chunk = l.append(chunk, row)
			rows++
		}
		if rows > 0 && (ended || len(chunk) >= chunkBytes) {
			if err := l.send(ctx, chunk, rows); err != nil {
				return 0, err
			}
			total += rows
			chunk, rows, l.odd = chunk[:0], 0, 0
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
func (l *loader) append(chunk []byte, row engine.Row) []byte {
	for i, cell := range row {
		if i > 0 {
			chunk = append(chunk, '\t')
		}
		switch {
		case cell.Type == engine.CellNull:
			chunk = append(chunk, `\N`...)
		case l.hexed(i):
			chunk = hex.AppendEncode(chunk, cell.Data)
		default:
			chunk = appendField(chunk, cell.Data)
			if len(cell.Data) == 0 && l.shape.column(l.columns[i]).withoutEmpty() {
				l.odd++
			}
		}
	}
	return append(chunk, '\n')
}

func (l *loader) hexed(i int) bool { return l.shape.column(l.columns[i]).binary() }

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
func (l *loader) send(ctx context.Context, chunk []byte, rows int64) error {
	if !l.file {
		return l.insert(ctx, chunk)
	}
	if err := l.c.exec(ctx, "SAVEPOINT chunk"); err != nil {
		return err
	}
	loaded, err := l.loadFile(ctx, chunk)
	warnings := ""
	if err == nil {
		warnings, err = l.warnings(ctx)
	}
	var refusal *driver.MySQLError
	if err == nil && warnings == strconv.Itoa(l.odd) && loaded == rows {
		return nil
	}
	if err != nil && !errors.As(err, &refusal) {
		return err
	}
	if err := l.c.exec(ctx, "ROLLBACK TO SAVEPOINT chunk"); err != nil {
		return err
	}
	return l.insert(ctx, chunk)
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
		case l.hexed(i):
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

// insert sends a chunk as INSERTs of many rows.
func (l *loader) insert(ctx context.Context, chunk []byte) (err error) {
	head := "INSERT INTO " + qualified(l.table) + " (" + quoteAll(l.columns) + ") VALUES "
	var b strings.Builder
	if l.odd > 0 {
		if err := l.c.exec(ctx, setMode(strings.TrimPrefix(copyMode, "STRICT_ALL_TABLES,"))); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.c.exec(ctx, setMode(copyMode))) }()
	}
	warned := 0
	flush := func() error {
		if b.Len() == 0 {
			return nil
		}
		err := l.c.exec(ctx, head+b.String())
		b.Reset()
		if err != nil || l.odd == 0 {
			return err
		}
		count, err := l.warnings(ctx)
		n, _ := strconv.Atoi(count)
		warned += n
		return err
	}
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		l.tuple(&b, chunk[:end])
		chunk = chunk[end+1:]
		if b.Len() >= insertBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if warned != l.odd {
		return &engine.Error{Code: "1265", Table: l.table.String(), Message: "a value does not fit into its column of table " + l.table.String()}
	}
	return nil
}

// tuple writes an encoded row as a list of constants.
func (l *loader) tuple(b *strings.Builder, line []byte) {
	b.WriteByte('(')
	for i := range l.columns {
		field, rest, _ := bytes.Cut(line, []byte{'\t'})
		line = rest
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case string(field) == `\N`:
			b.WriteString("NULL")
		case l.hexed(i):
			b.WriteString("X'")
			b.Write(field)
			b.WriteByte('\'')
		default:
			b.WriteString(literal(string(fieldValue(field))))
		}
	}
	b.WriteByte(')')
}

// fieldValue undoes appendField.
func fieldValue(field []byte) []byte {
	if bytes.IndexByte(field, '\\') < 0 {
		return field
	}
	value := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		b := field[i]
		if b == '\\' && i+1 < len(field) {
			i++
			switch b = field[i]; b {
			case 't':
				b = '\t'
			case 'n':
				b = '\n'
			case '0':
				b = 0
			}
		}
		value = append(value, b)
	}
	return value
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
