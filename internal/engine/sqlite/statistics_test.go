package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

func TestStatisticsAreWhatANALYZELeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	makeFile(t, path, `CREATE TABLE t (id INTEGER PRIMARY KEY, kind TEXT, n, amount REAL, note TEXT); CREATE INDEX by_kind ON t (kind); CREATE INDEX by_n ON t (n, kind); CREATE INDEX by_amount ON t (amount);
CREATE INDEX by_part ON t (note) WHERE note <> ''; CREATE INDEX by_expr ON t (lower(note)); CREATE TABLE never (id INTEGER);
INSERT INTO t WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 100) SELECT i, CASE WHEN i % 10 = 0 THEN NULL WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END, i % 4 - 1, i * 1.5, 'x' FROM s; ANALYZE`)
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	statistician, ok := engine.As[engine.Statistician](db)
	if !ok {
		t.Fatal("SQLite has no statistics")
	}
	got := map[string]string{}
	if err := statistician.Statistics(t.Context(), func(s engine.TableStatistics) error {
		got[s.Table.Name] = fmt.Sprint(s.Rows, s.Examined, s.Changed, s.Undated)
		for _, c := range s.Columns {
			text := fmt.Sprintf("%.2f nulls, %.0f values", c.NullShare, c.Distinct)
			for _, v := range c.Common[:min(len(c.Common), 4)] {
				text += fmt.Sprintf(" %s %.2f", v.Value, v.Share)
			}
			got[c.Column] = text
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{"t": "100 100 -1 true", "kind": "0.10 nulls, 3 values even 0.40 odd 0.50", "n": "-1.00 nulls, 4 values -1 0.25 0 0.25 1 0.25 2 0.25", "never": "", "note": ""} {
		if got[what] != want {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
	if !strings.HasPrefix(got["amount"], "-1.00 nulls, 100 values ") || !strings.Contains(got["amount"], ".5 0.01") && !strings.Contains(got["amount"], ".0 0.01") {
		t.Errorf("amount: %q", got["amount"])
	}
}

func FuzzFirstOfARecord(f *testing.F) {
	f.Add([]byte{2, 0})
	f.Add([]byte{3, 19, 1, 'a', 'b', 'c', 5})
	f.Add([]byte{2, 6, 0x80, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, record []byte) { firstOf(record) })
}
