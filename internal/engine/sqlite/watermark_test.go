package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// rested gives the file one time of long ago, so that nothing but what it holds can tell one state from another.
func rested(t *testing.T, path string) {
	t.Helper()
	past := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
}

func watermark(t *testing.T, path string) string {
	t.Helper()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	marks, err := db.(engine.Watermarker).Watermarks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return marks[schema.Name{Name: "users"}]
}

func TestAFileTellsThatItWasWrittenTo(t *testing.T) {
	for _, journal := range []string{"DELETE", "WAL"} {
		path := filepath.Join(t.TempDir(), "shop.db")
		makeFile(t, path, "PRAGMA journal_mode = "+journal+";"+shop)
		if got := watermark(t, path); got != "" {
			t.Errorf("%s: a file that was just written has the mark %q", journal, got)
		}
		rested(t, path)
		first := watermark(t, path)
		if first == "" || watermark(t, path) != first {
			t.Errorf("%s: %q, then another of the same file", journal, first)
		}
		run(t, path, "UPDATE users SET email = 'z@x.example' WHERE id = 1")
		if journal == "WAL" {
			past := time.Date(2021, 1, 2, 3, 4, 5, 0, time.UTC)
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
		} else {
			rested(t, path) // two writes in one tick of the clock
		}
		if second := watermark(t, path); second == "" || second == first {
			t.Errorf("%s: %q after a write, %q before", journal, second, first)
		}
	}
}

// Commits in a -wal leave the file itself, and the size of a -wal that was used before, as they were.
func TestAWALTellsThatItWasWrittenTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	seen := map[string]bool{}
	for _, sql := range []string{
		"INSERT INTO users VALUES (3, 'c@x.example')", "UPDATE users SET email = 'd@x.example' WHERE id = 3", "DELETE FROM users WHERE id = 3", "PRAGMA wal_checkpoint(RESTART)",
		"UPDATE users SET email = 'e@x.example' WHERE id = 2", "UPDATE users SET email = 'f@x.example' WHERE id = 2",
	} {
		w.run(sql)
		if strings.HasPrefix(sql, "PRAGMA") {
			continue // what was written is in the file, and the next frame comes first again
		}
		rested(t, path)
		mark := watermark(t, path)
		if mark == "" || seen[mark] || watermark(t, path) != mark {
			t.Errorf("%s: %q", sql, mark)
		}
		seen[mark] = true
	}
	w.stop()
}
