package sanitize

import (
	"errors"
	"math"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// A cell that is its own mask is a leak whatever its length; what holds nothing to mask is none.
func TestACellThatIsItsOwnMaskIsALeak(t *testing.T) {
	s := newLeakSet(0)
	col := &outColumn{plan: &ColumnPlan{Mask: "name"}, id: s.column(place{schema.Name{Name: "people"}, "name"}, &ColumnPlan{Mask: "name"}), masker: testColumn(t, "name", faithful)}
	l := s.lane()
	for _, v := range []string{"Bo", "Bob", "somebody with a long name", "", "  ", "--"} {
		l.add(col, engine.Cell{Type: engine.CellText, Data: []byte(v)}, []byte(v))
	}
	l.flush()
	if got := s.columns[col.id].own; got != 3 {
		t.Errorf("%d leaks, want 3", got)
	}
}

// A value of 64 bits is looked for however often it occurs, alone and inside a text; one of fewer only where chance does not explain it, and both numbers are
// in the report.
func TestARichValueIsALeakWhereverItIsMet(t *testing.T) {
	const policy = `tables: {people: {columns: {id: {keep: true}, email: {mask: email}, code: {mask: text}}}, notes: {columns: {id: {keep: true}, text: {keep: true}}}}`
	const people = `CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT, code TEXT); CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO people SELECT i, 'somebody' || (i / 4) || '@mail.example', 'ab-' || (10000 + i) FROM n;
		INSERT INTO notes VALUES (1, 'nothing'), (2, 'twelve of us'), (3, 'ab-99999');`
	for _, c := range []struct {
		name, note string
		leaks      []Leak
	}{
		{"none", "harmless words", nil},
		{"the whole cell", "somebody17@mail.example", []Leak{{"people.email", "notes.text", 1}}},
		{"inside a text", "wrote to <somebody17@mail.example>, again", []Leak{{"people.email", "notes.text", 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, sch := openSource(t, makeDatabase(t, people+"INSERT INTO notes VALUES (4, '"+c.note+"')"))
			plan, err := NewPlan(mustPolicy(t, policy), sch, Keepable, nil)
			if err != nil {
				t.Fatal(err)
			}
			built, err := Build(t.Context(), src, engine.Target{}, t.TempDir(), sch, plan, testKey(t), CopyOptions{})
			var leak *LeakError
			if errors.As(err, &leak); (leak == nil) != (c.leaks == nil) {
				t.Fatalf("got %v", err)
			}
			if leak != nil && (len(leak.Leaks) != 1 || leak.Leaks[0] != c.leaks[0]) {
				t.Errorf("got %v, want %v", leak.Leaks, c.leaks)
			}
			s := built.Report.Searched
			if s.Values != 2501 && s.Values != 2500 || s.Share != 1 || s.Expected <= 0 || s.Expected > 100 || math.IsNaN(s.Expected) {
				t.Errorf("the search says of itself: %+v", *s)
			}
		})
	}
}
