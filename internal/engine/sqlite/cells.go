package sqlite

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unsafe"

	lib "modernc.org/sqlite/lib"

	"github.com/envdiff/envdiff/internal/engine"
)

// cells are the current row, without a copy where SQLite has the bytes.
func (s *stmt) cells() engine.Row {
	if s.row == nil {
		s.row = make(engine.Row, s.columns)
	}
	s.numbers = s.numbers[:0]
	for i := range s.row {
		s.row[i] = s.cell(int32(i))
	}
	return s.row
}

func (s *stmt) cell(i int32) engine.Cell {
	tls, p := s.c.tls, s.p
	switch lib.Xsqlite3_column_type(tls, p, i) {
	case lib.SQLITE_INTEGER:
		return engine.Cell{Type: engine.CellInteger, Data: s.number(func(b []byte) []byte {
			return strconv.AppendInt(b, lib.Xsqlite3_column_int64(tls, p, i), 10)
		})}
	case lib.SQLITE_FLOAT:
		return engine.Cell{Type: engine.CellReal, Data: s.number(func(b []byte) []byte {
			return appendReal(b, lib.Xsqlite3_column_double(tls, p, i))
		})}
	case lib.SQLITE_TEXT:
		data := lib.Xsqlite3_column_text(tls, p, i)
		return engine.Cell{Type: engine.CellText, Data: view(data, lib.Xsqlite3_column_bytes(tls, p, i))}
	case lib.SQLITE_BLOB:
		data := lib.Xsqlite3_column_blob(tls, p, i)
		return engine.Cell{Type: engine.CellBlob, Data: view(data, lib.Xsqlite3_column_bytes(tls, p, i))}
	}
	return engine.Cell{Type: engine.CellNull}
}

// number writes a number behind those that the row already has.
func (s *stmt) number(write func([]byte) []byte) []byte {
	from := len(s.numbers)
	s.numbers = write(s.numbers)
	return s.numbers[from:len(s.numbers):len(s.numbers)]
}

// view is the library's memory as a slice.
func view(p uintptr, n int32) []byte {
	if p == 0 || n <= 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(pointer(p)), int(n))
}

// appendReal writes the shortest text that reads back as the same double, always with a point, so that it is no
// integer. SQLite's own conversion to text rounds to 15 digits (before 3.52: printf("%!.15g")).
func appendReal(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "9.0e+999"...)
	case math.IsInf(v, -1):
		return append(b, "-9.0e+999"...)
	}
	// From 1e15 on SQLite writes an exponent, too.
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e15) {
		return appendExponent(b, v)
	}
	from := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, ".0"...)
	}
	return b
}

func appendExponent(b []byte, v float64) []byte {
	text := strconv.FormatFloat(v, 'e', -1, 64)
	digits, exponent, _ := strings.Cut(text, "e")
	b = append(b, digits...)
	if !strings.Contains(digits, ".") {
		b = append(b, ".0"...)
	}
	return append(append(b, 'e'), exponent...)
}

// parseReal reads what appendReal wrote, or any other spelling of a number.
func parseReal(text []byte) (float64, error) {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil && math.IsInf(v, 0) {
		return v, nil // out of range is infinite, as in SQLite
	}
	return v, err
}

// arena is the library's memory that bound values stay in while a statement runs.
type arena struct {
	c    *conn
	p    uintptr
	size int
	used int
}

// reserve makes room for n bytes and forgets what was there.
func (a *arena) reserve(n int) error {
	a.used = 0
	if n <= a.size {
		return nil
	}
	a.c.free(a.p)
	a.size = max(n, 2*a.size, 4096)
	if a.p = a.c.malloc(a.size); a.p == 0 {
		a.size = 0
		return &engine.Error{Code: "SQLITE_NOMEM", Message: "out of memory"}
	}
	return nil
}

func (a *arena) release() {
	a.c.free(a.p)
	a.p, a.size = 0, 0
}

// put copies data and returns its address, which is never null.
func (a *arena) put(data []byte) uintptr {
	p := a.p + uintptr(a.used)
	copy(unsafe.Slice((*byte)(pointer(a.p)), a.size)[a.used:], data)
	a.used += len(data)
	return p
}

// static tells SQLite that bound memory outlives the statement's run (SQLITE_STATIC).
const static = 0

// bytesOf is the room that a row needs in an arena.
func bytesOf(row engine.Row) int {
	n := 1 // an empty value has an address too
	for _, c := range row {
		n += len(c.Data)
	}
	return n
}

// bind binds a row from parameter first on. Values keep their storage class; the column's affinity does the rest.
func (s *stmt) bind(a *arena, first int, row engine.Row) error {
	tls, p := s.c.tls, s.p
	for i, cell := range row {
		n, rc := int32(first+i), int32(lib.SQLITE_OK)
		if len(cell.Data) > math.MaxInt32 {
			return &engine.Error{Code: "SQLITE_TOOBIG", Message: "a value is longer than SQLite takes"}
		}
		switch cell.Type {
		case engine.CellNull:
			rc = lib.Xsqlite3_bind_null(tls, p, n)
		case engine.CellInteger:
			v, err := strconv.ParseInt(string(cell.Data), 10, 64)
			if err != nil {
				return &engine.Error{Code: "SQLITE_MISMATCH", Message: "a value that is marked as an integer is none"}
			}
			rc = lib.Xsqlite3_bind_int64(tls, p, n, v)
		case engine.CellReal:
			v, err := parseReal(cell.Data)
			if err != nil {
				return &engine.Error{Code: "SQLITE_MISMATCH", Message: "a value that is marked as a real number is none"}
			}
			rc = lib.Xsqlite3_bind_double(tls, p, n, v)
		case engine.CellText:
			rc = lib.Xsqlite3_bind_text(tls, p, n, a.put(cell.Data), int32(len(cell.Data)), static)
		case engine.CellBlob:
			rc = lib.Xsqlite3_bind_blob(tls, p, n, a.put(cell.Data), int32(len(cell.Data)), static)
		}
		if rc != lib.SQLITE_OK {
			return s.c.failure(rc, "")
		}
	}
	return nil
}
