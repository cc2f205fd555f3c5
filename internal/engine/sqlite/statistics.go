package sqlite

import (
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// What ANALYZE leaves in a file (https://sqlite.org/fileformat2.html#stat1tab, #stat4tab): of each index how many rows there are and how many share a value of its first
// column, on average; and, where the program that ran it was built with STAT4, some values with the number of their rows. Nothing says when that was.
const (
	analysedQuery = `SELECT name FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'sqlite_stat4')`
	stat1Query    = `SELECT s.tbl, s.stat, (SELECT i.name FROM pragma_index_info(s.idx) i WHERE i.seqno = 0), (SELECT l.partial FROM pragma_index_list(s.tbl) l WHERE l.name = s.idx) FROM sqlite_stat1 s ORDER BY s.tbl, s.idx`
	stat4Query    = `SELECT s.tbl, s.neq, s.sample, (SELECT i.name FROM pragma_index_info(s.idx) i WHERE i.seqno = 0), (SELECT l.partial FROM pragma_index_list(s.tbl) l WHERE l.name = s.idx) FROM sqlite_stat4 s ORDER BY s.tbl, s.idx, s.rowid`
)

// Statistics reads what ANALYZE left, and no table.
func (db *database) Statistics(ctx context.Context, fn func(engine.TableStatistics) error) error {
	var order []string
	tables := map[string]*engine.TableStatistics{}
	err := db.read(ctx, func() error {
		has := map[string]bool{}
		err := db.c.query(ctx, analysedQuery, func(r engine.Row) error { has[string(r[0].Data)] = true; return nil })
		if err != nil || !has["sqlite_stat1"] {
			return err
		}
		err = db.c.query(ctx, stat1Query, func(r engine.Row) error {
			name := string(r[0].Data)
			if tables[name] == nil {
				tables[name], order = &engine.TableStatistics{Table: schema.Name{Name: name}, Rows: -1, Changed: -1, Undated: true}, append(order, name)
			}
			return stat1(tables[name], r)
		})
		if err != nil || !has["sqlite_stat4"] {
			return err
		}
		return db.c.query(ctx, stat4Query, func(r engine.Row) error { stat4(tables[string(r[0].Data)], r); return nil })
	})
	if err != nil {
		return err
	}
	for _, name := range order {
		if err := fn(*tables[name]); err != nil {
			return err
		}
	}
	return nil
}

// stat1 reads "ROWS SHARING …". A partial index says nothing of the table.
func stat1(t *engine.TableStatistics, r engine.Row) error {
	numbers := strings.Fields(string(r[1].Data))
	if len(numbers) == 0 || string(r[3].Data) == "1" {
		return nil
	}
	rows, err := strconv.ParseInt(numbers[0], 10, 64)
	if err != nil || rows < 0 {
		return nil // anybody may write into this table
	}
	t.Rows, t.Examined = rows, rows
	if len(numbers) < 2 || r[2].Type == engine.CellNull {
		return nil
	}
	if sharing, err := strconv.ParseFloat(numbers[1], 64); err == nil && sharing >= 1 {
		s := statisticsOf(t, string(r[2].Data))
		s.Distinct = max(s.Distinct, float64(rows)/sharing)
	}
	return nil
}

// stat4 reads a value of an index's first column and how many rows have it.
func stat4(t *engine.TableStatistics, r engine.Row) {
	if t == nil || t.Rows <= 0 || r[3].Type == engine.CellNull || string(r[4].Data) == "1" {
		return
	}
	first, _, _ := strings.Cut(string(r[1].Data), " ")
	equal, err := strconv.ParseInt(first, 10, 64)
	value, ok := firstOf(r[2].Data)
	if err != nil || equal < 1 || !ok {
		return
	}
	s, share := statisticsOf(t, string(r[3].Data)), min(1, float64(equal)/float64(t.Rows))
	switch {
	case value.Type == engine.CellNull:
		s.NullShare = share
	case value.Type != engine.CellBlob:
		for i := range s.Common {
			if s.Common[i].Value == string(value.Data) {
				return // of an index over more columns a value comes more than once
			}
		}
		s.Common = append(s.Common, engine.CommonValue{Value: string(value.Data), Share: share})
	}
}

// statisticsOf are a column's.
func statisticsOf(t *engine.TableStatistics, column string) *engine.ColumnStatistics {
	for i := range t.Columns {
		if t.Columns[i].Column == column {
			return &t.Columns[i]
		}
	}
	t.Columns = append(t.Columns, engine.ColumnStatistics{Column: column, NullShare: -1, Loose: true})
	return &t.Columns[len(t.Columns)-1]
}

// firstOf reads the first value of a record (https://sqlite.org/fileformat2.html#record_format).
func firstOf(record []byte) (c engine.Cell, ok bool) {
	header, n := varint(record)
	if n == 0 || header > uint64(len(record)) {
		return c, false
	}
	serial, m := varint(record[n:])
	body := record[header:]
	if m == 0 {
		return c, false
	}
	size := 0
	switch {
	case serial >= 12:
		if serial-12 > 2*uint64(len(body))+1 {
			return c, false
		}
		size = int(serial-12) / 2
	case serial >= 1 && serial <= 7:
		size = [...]int{0, 1, 2, 3, 4, 6, 8, 8}[serial]
	}
	if size > len(body) {
		return c, false
	}
	body = body[:size]
	switch {
	case serial == 0:
		return c, true
	case serial == 7:
		return engine.Cell{Type: engine.CellReal, Data: appendReal(nil, math.Float64frombits(binary.BigEndian.Uint64(body)))}, true
	case serial <= 6:
		n := int64(0)
		for i, b := range body {
			if i == 0 {
				n = int64(int8(b))
				continue
			}
			n = n<<8 | int64(b)
		}
		return engine.Cell{Type: engine.CellInteger, Data: strconv.AppendInt(nil, n, 10)}, true
	case serial == 8 || serial == 9:
		return engine.Cell{Type: engine.CellInteger, Data: strconv.AppendInt(nil, int64(serial-8), 10)}, true
	case serial >= 12 && serial%2 == 0:
		return engine.Cell{Type: engine.CellBlob, Data: body}, true
	case serial >= 13:
		return engine.Cell{Type: engine.CellText, Data: body}, true
	}
	return c, false
}

// varint reads a number of up to nine bytes and says how many it took; 0 where it is not all there.
func varint(p []byte) (v uint64, n int) {
	for n < len(p) && n < 9 {
		b := p[n]
		n++
		if n == 9 {
			return v<<8 | uint64(b), n
		}
		v = v<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return v, n
		}
	}
	return 0, 0
}
