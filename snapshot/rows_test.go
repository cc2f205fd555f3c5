package snapshot

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// rowsFile packs lines as an attachment.
func rowsFile(t *testing.T, header string, rows int, lines ...string) memory {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"format":"envdiff.rows/1",%s,"rows":%d}`, header, rows) + "\n"
	for _, l := range lines {
		text += l + "\n"
	}
	return z.EncodeAll([]byte(text), nil)
}

func hex16(n int) string { return fmt.Sprintf("%032x", n) }

// keyed is a line of a table with a key.
func keyed(key, row int) string {
	return hex16(key) + "\t" + hex16(row) + fmt.Sprintf("\t[\"k%d\"]", key)
}

// bag is a line of a table without one.
func bag(row, count int) string { return fmt.Sprintf("%s\t%d", hex16(row), count) }

func TestCompareRows(t *testing.T) {
	const key, none = `"key":["id"],"columns":["id","name"]`, `"key":[],"columns":["id","name"]`
	for _, c := range []struct {
		name   string
		header string
		a, b   []string
		rows   [2]int
		want   RowDiff
	}{
		{"equal", key, []string{keyed(1, 10), keyed(2, 20)}, []string{keyed(1, 10), keyed(2, 20)}, [2]int{2, 2}, RowDiff{}},
		{"both empty", key, nil, nil, [2]int{}, RowDiff{}},
		{"one empty", key, nil, []string{keyed(1, 10), keyed(2, 20)}, [2]int{0, 2}, RowDiff{Added: 2, Examples: []string{"k1", "k2"}}},
		{"added, removed and changed", key, []string{keyed(1, 10), keyed(2, 20), keyed(4, 40)}, []string{keyed(2, 21), keyed(3, 30), keyed(4, 40)}, [2]int{3, 3},
			RowDiff{Added: 1, Removed: 1, Changed: 1, Examples: []string{"k1", "k2", "k3"}}},
		{"a change to a smaller digest", key, []string{keyed(1, 99)}, []string{keyed(1, 10)}, [2]int{1, 1}, RowDiff{Changed: 1, Examples: []string{"k1"}}},
		{"examples are capped", key, nil, []string{keyed(1, 1), keyed(2, 1), keyed(3, 1), keyed(4, 1), keyed(5, 1), keyed(6, 1)}, [2]int{0, 6},
			RowDiff{Added: 6, Examples: []string{"k1", "k2", "k3", "k4", "k5"}}},
		{"a bag", none, []string{bag(1, 3), bag(2, 1)}, []string{bag(1, 1), bag(3, 2)}, [2]int{4, 3}, RowDiff{Added: 2, Removed: 3}},
		{"more of the same row", none, []string{bag(1, 1)}, []string{bag(1, 2)}, [2]int{1, 2}, RowDiff{Added: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := CompareRows(rowsFile(t, c.header, c.rows[0], c.a...), rowsFile(t, c.header, c.rows[1], c.b...))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	whole := rowsFile(t, key, 1, keyed(1, 10))
	for name, other := range map[string]memory{
		"other columns": rowsFile(t, `"key":["id"],"columns":["id"]`, 1, keyed(1, 10)),
		"another key":   rowsFile(t, `"key":["name"],"columns":["id","name"]`, 1, keyed(1, 10)),
		"no key":        rowsFile(t, none, 1, bag(1, 1)),
	} {
		if _, err := CompareRows(whole, other); !errors.Is(err, ErrRowsNotComparable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, other := range map[string]memory{
		"a row less than the header says": rowsFile(t, key, 2, keyed(1, 10)),
		"unsorted":                        rowsFile(t, key, 2, keyed(2, 10), keyed(1, 10)),
		"a short digest":                  rowsFile(t, key, 1, "00\t00"),
		"a count of none":                 rowsFile(t, none, 0, bag(1, 0)),
		"no header":                       memory("x"),
		"truncated":                       whole[:len(whole)-5],
		"another format":                  rowsFile(t, key+`,"format":"x"`, 1, keyed(1, 10)),
	} {
		if _, err := CompareRows(other, other); err == nil || errors.Is(err, ErrRowsNotComparable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRowsAttachmentNamesAreFilesOfASnapshot(t *testing.T) {
	for _, table := range []string{"countries", "a/b", `a\b`, ".", "..", "a:b", "x\n", strings.Repeat("ü", 300)} {
		if name := RowsAttachment("main", "db1:5432", table); !validFile(name) {
			t.Errorf("%q is no file", name)
		}
	}
}
