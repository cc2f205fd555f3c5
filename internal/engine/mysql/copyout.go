package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// CopyOut streams a table by the text protocol.
func (d *database) CopyOut(ctx context.Context, r engine.Read, fn func(engine.Row) error) error {
	return passing(fn, func(fn func(engine.Row) error) error {
		return d.use(ctx, func(c *conn) error {
			shape, err := describe(ctx, c, d.name, r.Table)
			if err != nil {
				return err
			}
			values, few, err := lookups(ctx, c, r)
			if err != nil {
				return d.withAdvice(err, r.Table)
			}
			if few {
				return d.withAdvice(shape.lookUp(ctx, c, r, values, fn), r.Table)
			}
			sql, err := shape.selection(r)
			if err != nil {
				return err
			}
			return d.withAdvice(c.stream(ctx, sql, fn), r.Table)
		})
	})
}

// withAdvice adds what an account needs that may not read a table, and that a column may have been there a moment ago: the catalogue is not of the session's moment.
func (d *database) withAdvice(err error, table schema.Name) error {
	var refusal *driver.MySQLError
	switch {
	case errors.As(err, &refusal) && refusal.Number == 1054:
		said := refused(refusal)
		said.Message += "; if the table was changed meanwhile, run again"
		return said
	case refusal == nil || refusal.Number != 1142 && refusal.Number != 1143:
		return err
	}
	said := refused(refusal)
	said.Table = table.String()
	within := table.Schema
	if within == "" {
		within = d.name
	}
	said.Message = "this account may not read table " + table.String() + ": GRANT SELECT ON " + quote(within) + "." + quote(table.Name) + " to the account that envdiff connects as"
	return said
}

// shape is what reading and loading a table needs to know about it.
type shape struct {
	table         schema.Name
	transactional bool
	columns       map[string]shapeColumn // by lower-case name
}

type shapeColumn struct {
	typ       string // DATA_TYPE
	full      string // COLUMN_TYPE
	charset   string
	collation string
	numbered  bool // AUTO_INCREMENT
}

// describe finds a table and the types of its columns.
func describe(ctx context.Context, c *conn, database string, table schema.Name) (*shape, error) {
	within := table.Schema
	if within == "" {
		within = database
	}
	s := &shape{table: table, columns: map[string]shapeColumn{}}
	at := " WHERE TABLE_SCHEMA = " + literal(within) + " AND TABLE_NAME = " + literal(table.Name)
	err := c.query(ctx, "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA LIKE '%auto_increment%' FROM information_schema.COLUMNS"+at, func(r engine.Row) error {
		s.columns[strings.ToLower(string(r[0].Data))] = shapeColumn{strings.ToLower(string(r[1].Data)), strings.ToLower(string(r[2].Data)), string(r[3].Data), string(r[4].Data), string(r[5].Data) == "1"}
		return nil
	})
	if err == nil {
		err = c.query(ctx, "SELECT 1 FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE"+at+" AND e.TRANSACTIONS = 'YES'", func(engine.Row) error {
			s.transactional = true
			return nil
		})
	}
	if err == nil && len(s.columns) == 0 {
		err = &engine.Error{Code: fmt.Sprint(errNoSuchTable), Table: table.String(), Message: "table " + table.String() + " does not exist, or the account may not see it; if it was renamed or dropped meanwhile, run again"}
	}
	return s, err
}

func (s *shape) column(name string) shapeColumn { return s.columns[strings.ToLower(name)] }

// binary reports a column of bytes, which travel as they are.
func (c shapeColumn) binary() bool {
	switch c.typ {
	case "binary", "varbinary", "bit", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "vector":
		return true
	}
	return strings.HasSuffix(c.typ, "blob")
}

// withoutEmpty reports an ENUM of which ” is no member.
func (c shapeColumn) withoutEmpty() bool {
	members, err := tokens(c.full)
	if c.typ != "enum" || err != nil {
		return false
	}
	return !slices.ContainsFunc(members, func(t token) bool { return t.kind == tokenString && t.end-t.start == len("''") })
}

func (c shapeColumn) integer() bool { return strings.HasSuffix(c.typ, "int") }

// selection is the query behind a read.
func (s *shape) selection(r engine.Read) (string, error) {
	if len(r.Columns) == 0 {
		return "", misuse("reading %s: no columns were asked for", r.Table)
	}
	list := make([]string, len(r.Columns))
	for i, name := range r.Columns {
		list[i] = s.selected(name)
		if typ := s.column(name).typ; r.Cut > 0 && (longTypes[typ] || typ == "text" || typ == "blob") {
			list[i] = "LEFT(" + list[i] + ", " + strconv.FormatInt(r.Cut, 10) + ")"
		}
	}
	list[0] += " AS " + engine.OwnPrefix + "first"
	sql := "SELECT " + strings.Join(list, ", ") + " FROM " + qualified(r.Table)
	var conditions []string
	if r.Where != "" {
		if err := selfContained("condition on "+r.Table.String(), r.Where); err != nil {
			return "", err
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
		conditions = append(conditions, keysIn(r.Part))
	}
	if len(conditions) > 0 {
		sql += " WHERE " + strings.Join(conditions, " AND ")
	}
	if len(r.OrderBy) > 0 {
		keys := make([]string, len(r.OrderBy))
		for i, name := range r.OrderBy {
			keys[i] = s.order(name)
		}
		sql += " ORDER BY " + strings.Join(keys, ", ")
	}
	if r.Limit > 0 {
		sql += " LIMIT " + strconv.FormatInt(r.Limit, 10)
	}
	return sql, nil
}

// selected is a column as it is read. FLOAT prints six digits; as a double it prints all that it takes to be read back. The driver parses numbers, and would
// write floating point ones, years and leading zeros in its own way, so they come as text.
func (s *shape) selected(name string) string {
	c := s.column(name)
	switch {
	case c.typ == "float":
		return "CONCAT(" + quote(name) + " * 1e0)"
	case c.typ == "double", c.typ == "year", strings.Contains(c.full, "zerofill"):
		return "CONCAT(" + quote(name) + ")"
	}
	return quote(name)
}

// order is by bytes where a collation would have its own idea. Nulls come first.
func (s *shape) order(name string) string {
	c := s.column(name)
	switch {
	case c.charset == "" && c.typ != "json":
		return quote(name)
	case c.charset == "utf8mb4" || c.charset == "utf8mb3" || c.charset == "utf8" || c.charset == "ascii":
		return "CAST(" + quote(name) + " AS BINARY)"
	}
	return "CAST(CONVERT(" + quote(name) + " USING utf8mb4) AS BINARY)"
}

// match writes tuples as a list of rows. Numbers stand without quotes: compared with texts, large ones would be rounded.
func (s *shape) match(m engine.Match) (string, error) {
	var b strings.Builder
	for _, tuple := range m.Tuples {
		if len(tuple) != len(m.Columns) {
			return "", misuse("matching %s: a tuple of %d for %d columns", s.table, len(tuple), len(m.Columns))
		}
		if hasNull(tuple) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for i, cell := range tuple {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(s.constant(m.Columns[i], cell))
		}
		b.WriteByte(')')
	}
	if b.Len() == 0 {
		return "FALSE", nil
	}
	return "(" + quoteAll(m.Columns) + ") IN (" + b.String() + ")", nil
}

func hasNull(tuple engine.Row) bool {
	for _, cell := range tuple {
		if cell.Type == engine.CellNull {
			return true
		}
	}
	return false
}

var numeral = regexp.MustCompile(`^-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$`)

// constant writes a cell for a column.
func (s *shape) constant(column string, cell engine.Cell) string {
	c := s.column(column)
	switch {
	case cell.Type == engine.CellNull:
		return "NULL"
	case cell.Type == engine.CellBlob || c.binary():
		return fmt.Sprintf("X'%x'", cell.Data)
	case (c.integer() || c.typ == "decimal" || c.typ == "float" || c.typ == "double") && numeral.Match(cell.Data):
		return string(cell.Data)
	}
	return literal(string(cell.Data))
}
