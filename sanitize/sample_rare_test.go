package sanitize

import (
	"fmt"
	"slices"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

// TestRareValuesAndShapesAreKept: the one odd status and the one odd code are among the rows, however many there are of the others.
func TestRareValuesAndShapesAreKept(t *testing.T) {
	var status, code, free rarities
	for h := uint64(1); h <= 5000; h++ {
		s, c := "paid", fmt.Sprintf("A%05d", h)
		if h == 4711 {
			s, c = "stuck", "A12x"
		}
		status.add(engine.Cell{Type: engine.CellText, Data: []byte(s)}, h)
		code.add(engine.Cell{Type: engine.CellText, Data: []byte(c)}, h)
		free.add(engine.Cell{Type: engine.CellText, Data: []byte(fmt.Sprintf("%x-%o", h*h, h)[h%7%4:])}, h)
	}
	for name, r := range map[string]*rarities{"value": &status, "shape": &code} {
		if rows := r.rows(); !slices.Contains(rows, 4711) || len(rows) > 4 {
			t.Errorf("%s: rows %v", name, rows)
		}
	}
	if rows := free.rows(); len(rows) > maxVariety {
		t.Errorf("a column of many shapes keeps %d rows", len(rows))
	}
}

func TestOutlines(t *testing.T) {
	for text, want := range map[string]string{"A12-x": "A9-a", "": "", "née 42": "a\x80a 9"} {
		if got := string(appendOutline(nil, []byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestImpossibleDates(t *testing.T) {
	for text, want := range map[string]bool{"1980-13-45": true, "2026-02-30 10:00": true, "0000-00-00": true, "2026-02-28": false, "2026-02-28T10:00:00Z": false, "12-34": false, "abcd-ef-gh": false} {
		if impossibleDate([]byte(text)) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}
