package enginetest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// errStop is the caller's own.
var errStop = errors.New("stop")

// pour is the short way from one database to another, where an engine has one: what arrives is what the long way would bring.
func (h Harness) pour(t *testing.T) {
	target := h.with(t, nastyTable.of(t, h))
	rows := h.nastyRows(t)
	h.copyIn(t, target, "nasty", nastyColumns, rows)
	src := h.open(t, target, engine.ReadOnly)
	pourer, ok := engine.As[engine.Pourer](src)
	if !ok {
		return
	}
	table := schema.Name{Name: "nasty"}
	to := h.with(t, nastyTable.of(t, h))
	dst := h.open(t, to, engine.Scratch)
	seen, counted := 0, 0
	p := engine.Pouring{Read: engine.Read{Table: table, Columns: []string{"n", "s", "id", "b"}}, Columns: []engine.Poured{
		{Column: "id", From: 2}, {Column: "s", From: 1, See: func(engine.Cell) { seen++ }, Change: func(to []byte, c engine.Cell) []byte { return append(append(to, "\\\t\n"...), c.Data...) }},
		{Column: "n", From: 0, See: func(engine.Cell) { seen++ }}, {Column: "b", From: 3}, {Column: "r", From: -1, Set: h.real("0.5")}}}
	p.Each = func() error {
		if counted++; counted == len(rows)/2 {
			return errStop
		}
		return nil
	}
	if _, _, err := pourer.Pour(h.context(t), p, dst); !errors.Is(err, errStop) {
		t.Errorf("an error of the caller's own came back as %v", err)
	}
	missing := p
	missing.Read.Table = schema.Name{Name: "nothing"}
	if _, _, err := pourer.Pour(h.context(t), missing, dst); err == nil {
		t.Error("a table that is not there was read")
	}
	p.Read.Where = "id / (id - 1000) < 0"
	if _, _, err := pourer.Pour(h.context(t), p, dst); err == nil {
		t.Error("a read that fails on its way is a table that was read")
	}
	p.Read.Where, p.Each, seen = "", nil, 0
	if got := h.copyOut(t, h.open(t, to, engine.ReadOnly), engine.Read{Table: table, Columns: nastyColumns}); len(got) > 0 {
		t.Errorf("%d rows are left of pourings that failed", len(got))
	}
	n, ok, err := pourer.Pour(h.context(t), p, dst)
	if err != nil || !ok || n != int64(len(rows)) || seen != 2*len(rows) {
		t.Fatalf("%d of %d rows, %d cells seen, %v: %v", n, len(rows), seen, ok, err)
	}
	want := make([]engine.Row, len(rows))
	for i, r := range rows {
		want[i] = copyRow(r)
		if r[1].Type != engine.CellNull {
			want[i][1] = text("\\\t\n" + string(bytes.Clone(r[1].Data)))
		}
		want[i][4] = h.real("0.5")
	}
	got := h.copyOut(t, h.open(t, to, engine.ReadOnly), engine.Read{Table: table, Columns: nastyColumns, OrderBy: []string{"id"}})
	sameText(t, "what was poured", showAll(want), showAll(got))
}
