package sqlite

import (
	"io"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var benchColumns = []string{"id", "name", "email", "age"}

// benchRows gives n small rows.
func benchRows(n int) func() (engine.Row, error) {
	i := 0
	row := make(engine.Row, 4)
	var id, name, email []byte
	return func() (engine.Row, error) {
		if i++; i > n {
			return nil, io.EOF
		}
		id = strconv.AppendInt(id[:0], int64(i), 10)
		name = append(append(name[:0], "customer "...), id...)
		email = append(append(email[:0], id...), "@shop.example"...)
		row[0] = engine.Cell{Type: engine.CellInteger, Data: id}
		row[1] = engine.Cell{Type: engine.CellText, Data: name}
		row[2] = engine.Cell{Type: engine.CellText, Data: email}
		row[3] = engine.Cell{Type: engine.CellInteger, Data: id[:1]}
		return row, nil
	}
}

func benchFile(b *testing.B) engine.DB {
	path := filepath.Join(b.TempDir(), "b.db")
	target, err := New().CreateScratch(b.Context(), engine.Target{}, filepath.Dir(path))
	if err != nil {
		b.Fatal(err)
	}
	db, err := New().Open(b.Context(), target, engine.Scratch)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	s, err := db.Session(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(b.Context(), "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER)"); err != nil {
		b.Fatal(err)
	}
	return db
}

func BenchmarkCopyIn(b *testing.B) {
	db := benchFile(b)
	b.ResetTimer()
	if _, err := db.CopyIn(b.Context(), schema.Name{Name: "users"}, benchColumns, benchRows(b.N)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCopyOut(b *testing.B) {
	db := benchFile(b)
	if _, err := db.CopyIn(b.Context(), schema.Name{Name: "users"}, benchColumns, benchRows(b.N)); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	n := 0
	err := db.CopyOut(b.Context(), engine.Read{Table: schema.Name{Name: "users"}, Columns: benchColumns}, func(engine.Row) error {
		n++
		return nil
	})
	if err != nil || n != b.N {
		b.Fatal(n, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
