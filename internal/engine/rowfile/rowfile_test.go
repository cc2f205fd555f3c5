package rowfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/schema"
)

// memory is files that are not.
type memory map[string]*bytes.Buffer

type closer struct{ io.Writer }

func (closer) Close() error { return nil }

func (m memory) Create(name string) (io.WriteCloser, error) {
	m[name] = &bytes.Buffer{}
	return closer{m[name]}, nil
}

func (m memory) Open(name string) (io.ReadCloser, error) {
	b, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("no %s", name)
	}
	return io.NopCloser(bytes.NewReader(b.Bytes())), nil
}

func text(s string) engine.Cell { return engine.Cell{Type: engine.CellText, Data: []byte(s)} }

var odd = []engine.Row{
	{text(""), {}, {Type: engine.CellBlob, Data: []byte{0, 9, 10, 255}}},
	{text(`\N`), text(`\I7`), {Type: engine.CellInteger, Data: []byte("-7")}},
	{text("tab\tline\nreturn\rback\\slash\xff"), {Type: engine.CellReal, Data: []byte("1.5")}, text("\\")},
}

func TestRowsComeBackAsTheyWere(t *testing.T) {
	files := memory{}
	name := schema.Name{Name: "t"}
	d := New(sqlite.New(), files, &schema.Database{Engine: "sqlite", Tables: []schema.Table{{Name: name}}}, time.Unix(1, 0), "key")
	left := odd
	n, err := d.CopyIn(context.Background(), name, []string{"a", "b", "c"}, func() (engine.Row, error) {
		if len(left) == 0 {
			return nil, io.EOF
		}
		row := left[0]
		left = left[1:]
		return row, nil
	})
	if err != nil || n != 3 {
		t.Fatal(n, err)
	}
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(map[string]engine.Engine{"sqlite": sqlite.New()}, files)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	err = again.CopyOut(context.Background(), engine.Read{Table: name, Columns: []string{"c", "a"}}, func(r engine.Row) error {
		if want := (engine.Row{odd[i][2], odd[i][0]}); fmt.Sprintf("%q", r) != fmt.Sprintf("%q", want) {
			t.Errorf("row %d is %q, want %q", i, r, want)
		}
		i++
		return nil
	})
	if err != nil || i != 3 {
		t.Errorf("%d rows: %v", i, err)
	}
	if err := again.CopyOut(context.Background(), engine.Read{Table: name, Columns: []string{"a"}, Where: "true"}, nil); err == nil {
		t.Error("a condition was ignored")
	}
	whole := files["1.tsv.zst"].Bytes()
	files["1.tsv.zst"] = bytes.NewBuffer(whole[:len(whole)/2])
	if err := again.CopyOut(context.Background(), engine.Read{Table: name, Columns: []string{"a"}}, func(engine.Row) error { return nil }); err == nil {
		t.Error("half a file is a whole one")
	}
}

// FuzzLine reads what nobody wrote: what is taken is written again as it was read.
func FuzzLine(f *testing.F) {
	for _, row := range odd {
		f.Add(bytes.TrimSuffix(appendRow(nil, row), []byte{'\n'}))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\n\r") {
			return
		}
		cells, err := decodeRow(nil, line)
		if err != nil {
			return
		}
		again, err := decodeRow(nil, bytes.TrimSuffix(appendRow(nil, cells), []byte{'\n'}))
		if err != nil {
			t.Fatalf("%q is read and cannot be written: %v", line, err)
		}
		for i := range cells {
			if cells[i].Type != again[i].Type || !bytes.Equal(cells[i].Data, again[i].Data) {
				t.Fatalf("%q: %q and then %q", line, cells[i], again[i])
			}
		}
	})
}
