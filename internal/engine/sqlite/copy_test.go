package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// classes prints rows with the storage class of each value.
func classes(t *testing.T, path string, columns ...string) string {
	t.Helper()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var lines []string
	err = db.CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "t"}, Columns: columns}, func(r engine.Row) error {
		var cells []string
		for _, c := range r {
			cells = append(cells, fmt.Sprintf("%c%s", "ntirb"[c.Type], c.Data))
		}
		lines = append(lines, strings.Join(cells, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// copied copies table t of one file into another file with the same definition.
func copied(t *testing.T, from, to string, columns ...string) {
	t.Helper()
	source, err := New().Open(t.Context(), engine.Target{Engine: name, Path: from}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var rows []engine.Row
	err = source.CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "t"}, Columns: columns}, func(r engine.Row) error {
		row := make(engine.Row, len(r))
		for i, c := range r {
			row[i] = engine.Cell{Type: c.Type, Data: append([]byte(nil), c.Data...)}
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	target, err := New().Open(t.Context(), engine.Target{Engine: name, Path: to}, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	_, err = target.CopyIn(t.Context(), schema.Name{Name: "t"}, columns, func() (engine.Row, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		row := rows[0]
		rows = rows[1:]
		return row, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A value is what SQLite stores, not what its column is called: no driver may turn it
// into a date or a truth value on the way.
func TestValuesKeepTheirStorageClass(t *testing.T) {
	const definition = "CREATE TABLE t (a BOOLEAN, b DATETIME, c DATE, d TIMESTAMP, e TEXT, f, g DECIMAL(10,2))"
	rows := `INSERT INTO t VALUES (2, '2024-01-02 03:04:05', 19000, 1700000000, 5, 5, '1.10'), ('yes', 1.5, x'00', '', 1.0, 1.0, 'text'), (NULL, x'', 'NULL', 9e999, x'ff', -9e999, 1e15),
		(1, 0.1, 1e-5, 123456789012345678, '5', '1.0', 3.0), (0, 2.5e-320, 1.7976931348623157e308, -0.0, char(0, 65), cast(x'ff' AS TEXT), 100000000000000000000)`
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	makeFile(t, from, definition+";"+rows)
	makeFile(t, to, definition)
	columns := []string{"a", "b", "c", "d", "e", "f", "g"}
	copied(t, from, to, columns...)
	want := classes(t, from, columns...)
	if got := classes(t, to, columns...); got != want {
		t.Errorf("copied:\n%q\nwant:\n%q", got, want)
	}
	first := "i2 t2024-01-02 03:04:05 i19000 i1700000000 t5 i5 r1.1"
	if got, _, _ := strings.Cut(want, "\n"); got != first {
		t.Errorf("first row %q, want %q", got, first)
	}
	typeof := "SELECT group_concat(typeof(a) || typeof(b) || typeof(c) || typeof(d) || typeof(e) || typeof(f) || typeof(g)) FROM t"
	for _, path := range []string{from, to} {
		db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		if got := one(t, db, typeof); !strings.HasPrefix(got, "integertextintegerintegertextintegerreal,textreal") {
			t.Errorf("%s: %s", path, got)
		}
		db.Close()
	}
}

func TestRealNumbersReadBackTheSame(t *testing.T) {
	for _, v := range []float64{0, 1, -1, 0.1, 1.0 / 3, 1e14, 1e15, 1e16, 123456789012345678, 1e-4, 9.99e-5, 1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.Copysign(0, -1)} {
		text := appendReal(nil, v)
		back, err := parseReal(text)
		if err != nil || back != v {
			t.Errorf("%v is written %s and read as %v", v, text, back)
		}
		if !strings.Contains(string(text), ".") {
			t.Errorf("%s could be an integer", text)
		}
	}
}

func TestUTF16DatabasesAreReadAsUTF8(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.db"), filepath.Join(dir, "to.db")
	makeFile(t, from, "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('é😀'), (''), ('日')")
	makeFile(t, to, "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a TEXT)")
	copied(t, from, to, "a")
	if got := classes(t, to, "a"); got != "té😀\nt\nt日" {
		t.Errorf("%q", got)
	}
}

func TestGeneratedColumnsCanBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "g.db")
	makeFile(t, path, "CREATE TABLE t (a INT, v AS (a + 1), s AS (a * 2) STORED); INSERT INTO t VALUES (5)")
	if got := classes(t, path, "a", "v", "s"); got != "i5 i6 i10" {
		t.Errorf("%q", got)
	}
}

// A file's time moves in ticks, and a change may keep its size: the header's counter tells all the same.
func TestChangeWithinOneTickIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, shop)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := startWriter(t, path)
	w.run("UPDATE users SET email = 'c@x.example' WHERE id = 1")
	w.stop()
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	err = db.Query(t.Context(), "SELECT count(*) FROM users", func(engine.Row) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("want an error about the change, got %v", err)
	}
}

func TestCloneCanBeCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.db")
	makeFile(t, path, "CREATE TABLE t (a); INSERT INTO t SELECT randomblob(3000) FROM "+series(2000))
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Clone(ctx, engine.Target{}, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("clone: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("a cancelled clone leaves %v", entries)
	}
	clone, err := db.Clone(t.Context(), engine.Target{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(clone.Path)
	if err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(info.Name(), scratchPrefix) {
		t.Errorf("clone %v, %v", info, err)
	}
	fresh, err := New().Open(t.Context(), clone, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if got := one(t, fresh, "SELECT count(*) FROM t"); got != strconv.Itoa(2000) {
		t.Errorf("%s rows in the clone", got)
	}
}

func TestDropScratchRemovesNothingElse(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"shop.db", "x-envdiff-scratch-1.db", "shop.db-wal"} {
		touch(t, filepath.Join(dir, file), "x")
		if err := New().DropScratch(t.Context(), engine.Target{Engine: name, Path: filepath.Join(dir, file)}); err == nil {
			t.Errorf("%s was removed", file)
		}
	}
	link := filepath.Join(dir, scratchPrefix+"link.db")
	if err := os.Symlink(filepath.Join(dir, "shop.db"), link); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, scratchPrefix+"dir")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, sub, ""} {
		if err := New().DropScratch(t.Context(), engine.Target{Engine: name, Path: path}); err == nil {
			t.Errorf("%q was removed", path)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 5 {
		t.Errorf("%d files are left of 5", len(entries))
	}
}
