package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// CopyOut streams a table through COPY TO STDOUT. A table's rows are its own and its partitions', not those of tables that inherit from it.
func (d *database) CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error {
	return passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(pg *pgconn.PgConn) error {
			err := copyOut(ctx, pg, r, fn)
			return d.withGrant(err, r.Table)
		})
	})
}

// copyOut reads rows in COPY's binary form, where all columns' types have one that this package knows.
func copyOut(ctx context.Context, pg *pgconn.PgConn, r engine.Read, fn func(engine.Row) error) error {
	shape, err := describe(ctx, pg, r.Table)
	if err != nil {
		return err
	}
	values, few, err := lookups(ctx, pg, r)
	if err != nil {
		return err
	}
	source, err := shape.source(r)
	if few {
		source, err = shape.lookedUp(r, values)
	}
	if err != nil {
		return err
	}
	return shape.copyRows(ctx, pg, source, r.Columns, fn)
}

// copyRows streams the rows of what COPY copies.
func (s *shape) copyRows(ctx context.Context, pg *pgconn.PgConn, source string, columns []string, fn func(engine.Row) error) error {
	if forms := s.binaryForms(columns); forms != nil {
		return copyFrom(ctx, pg, s.table, source+" TO STDOUT (FORMAT binary)", &binaryRows{forms: forms, fn: fn})
	}
	return copyFrom(ctx, pg, s.table, source+" TO STDOUT", &lines{fn: decoding(len(columns), fn)})
}

// binaryForms are the forms of columns; nil where one of them is read as text.
func (s *shape) binaryForms(columns []string) []binaryForm {
	forms := make([]binaryForm, len(columns))
	for i, name := range columns {
		if forms[i] = s.columns[name].form; forms[i] == noBinaryForm {
			return nil
		}
	}
	return forms
}

// decoding takes lines for a callback that wants rows.
func decoding(columns int, fn func(engine.Row) error) func(line []byte) error {
	d := &rowDecoder{columns: columns}
	return func(line []byte) error {
		row, err := d.decode(line)
		if err != nil {
			return err
		}
		return fn(row)
	}
}

// copyLines streams a read's lines, without their newlines.
func copyLines(ctx context.Context, pg *pgconn.PgConn, r engine.Read, fn func(line []byte) error) error {
	shape, err := describe(ctx, pg, r.Table)
	if err != nil {
		return err
	}
	source, err := shape.source(r)
	if err != nil {
		return err
	}
	return copyFrom(ctx, pg, r.Table, source+" TO STDOUT", &lines{fn: fn})
}

// taker takes a stream of COPY data apart.
type taker interface {
	write(p []byte) error
	// finish reports a stream that ended too early.
	finish() error
}

// copyFrom streams what a COPY copies.
func copyFrom(ctx context.Context, pg *pgconn.PgConn, table schema.Name, what string, to taker) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := &copyWriter{to: to, stop: stop}
	_, err := pg.CopyTo(ctx, w, "COPY "+what)
	if w.failed == nil && err == nil {
		w.failed = to.finish()
	}
	if errors.Is(w.failed, errCopyFormat) || errors.Is(w.failed, errCopyBinary) {
		return misuse("%s: the server's %v", table, w.failed)
	}
	if w.failed != nil {
		return w.failed
	}
	return err
}

// copyWriter takes COPY data. After an error it asks the server to stop and swallows what still comes, so that the connection stays usable.
type copyWriter struct {
	to     taker
	stop   func()
	failed error
}

func (w *copyWriter) Write(p []byte) (int, error) {
	if w.failed == nil {
		if w.failed = w.to.write(p); w.failed != nil {
			w.stop()
		}
	}
	return len(p), nil
}

// withGrant adds what a role needs that may not read a table.
func (d *database) withGrant(err error, table schema.Name) error {
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "42501" {
		return err
	}
	said := refused(refusal)
	said.Table = table.String()
	said.Message += ": GRANT SELECT ON " + qualified(table) + " to the role that envdiff connects as"
	if strings.Contains(refusal.Message, "row-level security") {
		said.Message = "row-level security would hide rows of table " + table.String() + " from envdiff: let its role bypass it (ALTER ROLE … BYPASSRLS)"
	}
	return said
}

// shape is what reading a table needs to know about it.
type shape struct {
	table       schema.Name
	partitioned bool
	plain       bool // a table that COPY reads by itself
	columns     map[string]shapeColumn
	looked      string // a condition beside those of a read
}

type shapeColumn struct {
	sqlType    string
	collatable bool
	nullable   bool
	generated  bool
	form       binaryForm
}

// describe finds a table and the types of its columns. format_type with -1 names types without a length: "character" alone would cut. A domain's
// values are sent as those of its type, and an enum's as texts.
func describe(ctx context.Context, pg *pgconn.PgConn, table schema.Name) (*shape, error) {
	s := &shape{table: table, columns: map[string]shapeColumn{}}
	found := false
	err := query(ctx, pg, `
SELECT c.relkind = 'p', c.relkind = 'r', a.attname, pg_catalog.format_type(a.atttypid, -1), a.attcollation <> 0, NOT a.attnotnull, a.attgenerated <> '',
	CASE t.typtype WHEN 'e' THEN 25 WHEN 'd' THEN t.typbasetype::bigint ELSE t.oid::bigint END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = `+literal(schemaOf(table))+` AND c.relname = `+literal(table.Name),
		func(values [][]byte) error {
			r := &record{values: values}
			found = true
			s.partitioned, s.plain = r.flag(), r.flag()
			s.columns[r.text()] = shapeColumn{sqlType: r.text(), collatable: r.flag(), nullable: r.flag(), generated: r.flag(), form: binaryForms[r.number()]}
			return nil
		})
	if err == nil && !found {
		err = &engine.Error{Code: "42P01", Table: table.String(), Message: "table " + table.String() + " does not exist"}
	}
	return s, err
}

// source is what a COPY copies: a whole table's own rows by its name, which spares the server a query, or the rows of one. A list of columns
// behind a table's name may not hold generated ones, nor one twice, as samplers ask that read a key beside the row.
func (s *shape) source(r engine.Read) (string, error) {
	seen := map[string]bool{}
	for _, name := range r.Columns {
		s.plain = s.plain && !s.columns[name].generated && !seen[name]
		seen[name] = true
	}
	if s.plain && len(r.Columns) > 0 && r.Where == "" && r.Match == nil && r.Modulo == nil && r.Part == nil && r.Limit == 0 && r.Cut == 0 && len(r.OrderBy) == 0 {
		return qualified(r.Table) + " (" + quoteAll(r.Columns) + ")", nil
	}
	sql, err := s.selection(r)
	return "(" + sql + ")", err
}

// selection is the query behind a COPY.
func (s *shape) selection(r engine.Read) (string, error) {
	if len(r.Columns) == 0 {
		return "", misuse("reading %s: no columns were asked for", r.Table)
	}
	from := "ONLY " + qualified(r.Table)
	if s.partitioned {
		from = qualified(r.Table)
	}
	var conditions []string
	if r.Where != "" {
		if err := selfContained("condition on "+r.Table.String(), r.Where); err != nil {
			return "", &engine.Error{Code: "42601", Table: r.Table.String(), Message: err.Error()}
		}
		conditions = append(conditions, "(\n"+r.Where+"\n)")
	}
	if r.Match != nil {
		condition, err := s.match(*r.Match)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, condition)
	}
	if r.Modulo != nil {
		conditions = append(conditions, r.Modulo.Condition(quote(r.Modulo.Column)))
	}
	if r.Part != nil {
		conditions = append(conditions, pagesOf(r.Part))
	}
	if s.looked != "" {
		conditions = append(conditions, s.looked)
	}
	sql := "SELECT " + s.cut(r.Columns, r.Cut) + " FROM " + from
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	sql += s.order(r.OrderBy)
	if r.Limit > 0 {
		sql += " LIMIT " + strconv.FormatInt(r.Limit, 10)
	}
	return sql, nil
}

// cut lists columns, of whose long values only the beginning is read: the server takes no more of what is stored out of line. Types that cannot be cut are told by
// what is stored of them, which may be a hundredth.
func (s *shape) cut(columns []string, at int64) string {
	if at == 0 {
		return quoteAll(columns)
	}
	list := make([]string, len(columns))
	for i, name := range columns {
		switch list[i] = quote(name); s.columns[name].sqlType {
		case "text", "bytea", "character varying":
			list[i] = "substring(" + quote(name) + " FROM 1 FOR " + strconv.FormatInt(at, 10) + ")"
		default:
			list[i] = "CASE WHEN pg_catalog.pg_column_size(" + quote(name) + ") <= " + strconv.FormatInt(at, 10) + " THEN " + quote(name) + " END"
		}
	}
	return strings.Join(list, ", ")
}

// lookups are the values of a remainder's column that an index finds sooner than all rows are read. The planner is told not to read all of them: it takes each
// value for a page of its own.
func lookups(ctx context.Context, pg *pgconn.PgConn, r engine.Read) (values []int64, few bool, err error) {
	if r.Modulo == nil || r.Modulo.Indexed == 0 || r.Limit > 0 {
		return nil, false, nil
	}
	column, known := quote(r.Modulo.Column), false
	var low, high int64
	err = query(ctx, pg, "SELECT min("+column+"), max("+column+") FROM "+qualified(r.Table), func(v [][]byte) error {
		least, errLow := strconv.ParseInt(string(v[0]), 10, 64)
		most, errHigh := strconv.ParseInt(string(v[1]), 10, 64)
		low, high, known = least, most, errLow == nil && errHigh == nil
		return nil
	})
	if err != nil || !known {
		return nil, false, err
	}
	if values, few = r.Modulo.Values(low, high); few {
		_, err = execute(ctx, pg, "SET LOCAL enable_seqscan = off")
	}
	return values, few, err
}

// lookedUp is a source of the rows with such values.
func (s *shape) lookedUp(r engine.Read, values []int64) (string, error) {
	column, list := quote(r.Modulo.Column), make([]byte, 0, 12*len(values))
	for i, n := range values {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, n, 10)
	}
	r.Modulo = nil
	s.looked = column + " = ANY ('{" + string(list) + "}'::bigint[])"
	sql, err := s.selection(r)
	return "(" + sql + ")", err
}

// match writes tuples as a VALUES list. The casts of its first row give the columns' types to all.
func (s *shape) match(m engine.Match) (string, error) {
	var b strings.Builder
	for _, tuple := range m.Tuples {
		if len(tuple) != len(m.Columns) {
			return "", misuse("matching %s: a tuple of %d for %d columns", s.table, len(tuple), len(m.Columns))
		}
		if hasNull(tuple) {
			continue
		}
		first := b.Len() == 0
		if !first {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for i, cell := range tuple {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(cellLiteral(cell))
			if column, known := s.columns[m.Columns[i]]; known && first {
				b.WriteString("::" + column.sqlType)
			}
		}
		b.WriteByte(')')
	}
	if b.Len() == 0 {
		return "false", nil
	}
	return "(" + quoteAll(m.Columns) + ") IN (VALUES " + b.String() + ")", nil
}

func hasNull(tuple engine.Row) bool {
	for _, cell := range tuple {
		if cell.Type == engine.CellNull {
			return true
		}
	}
	return false
}

func cellLiteral(c engine.Cell) string {
	if c.Type == engine.CellBlob {
		return fmt.Sprintf(`'\x%x'`, c.Data)
	}
	return literal(string(c.Data))
}

// order is by bytes where a collation would have its own idea, and with nulls first. Columns without nulls leave that unsaid, so that an index serves.
func (s *shape) order(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	keys := make([]string, len(columns))
	for i, name := range columns {
		keys[i] = quote(name)
		column := s.columns[name]
		if column.collatable {
			keys[i] += ` COLLATE pg_catalog."C"`
		}
		if column.nullable {
			keys[i] += " NULLS FIRST"
		}
	}
	return " ORDER BY " + strings.Join(keys, ", ")
}
