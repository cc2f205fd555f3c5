package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// rowsFile packs lines as an attachment.
func rowsFile(t *testing.T, header string, rows int, lines ...string) memory {
	t.Helper()
	if !strings.Contains(header, `"form"`) {
		header = `"form":"rows",` + header
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"format":"envdiff.rows/4",%s,"rows":%d}`, header, rows) + "\n"
	for _, l := range lines {
		text += l + "\n"
	}
	return z.EncodeAll([]byte(text), nil)
}

func hex16(n int) string { return fmt.Sprintf("%032x", n) }

// keyed is a line of a table with a key.
func keyed(key, row int) string {
	return hex16(key) + "\t" + hex16(row) + fmt.Sprintf("\t%08x%08x\t[\"k%d\"]", key, row, key)
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
		{"one empty", key, nil, []string{keyed(1, 10), keyed(2, 20)}, [2]int{0, 2}, RowDiff{Added: 2, Examples: examples("added", "k1", "k2")}},
		{"added, removed and changed", key, []string{keyed(1, 10), keyed(2, 20), keyed(4, 40)}, []string{keyed(2, 21), keyed(3, 30), keyed(4, 40)}, [2]int{3, 3},
			RowDiff{Added: 1, Removed: 1, Changed: 1, Columns: []ColumnDiff{{"name", 1}},
				Examples: []RowExample{{Key: "k1", Change: "removed"}, {Key: "k2", Change: "changed", Columns: []string{"name"}}, {Key: "k3", Change: "added"}}}},
		{"a change to a smaller digest", key, []string{keyed(1, 99)}, []string{keyed(1, 10)}, [2]int{1, 1}, RowDiff{Changed: 1, Columns: []ColumnDiff{{"name", 1}}, Examples: []RowExample{{Key: "k1", Change: "changed", Columns: []string{"name"}}}}},
		{"examples are capped", key, nil, []string{keyed(1, 1), keyed(2, 1), keyed(3, 1), keyed(4, 1), keyed(5, 1), keyed(6, 1)}, [2]int{0, 6},
			RowDiff{Added: 6, Examples: examples("added", "k1", "k2", "k3", "k4", "k5")}},
		{"a bag", none, []string{bag(1, 3), bag(2, 1)}, []string{bag(1, 1), bag(3, 2)}, [2]int{4, 3}, RowDiff{Added: 2, Removed: 3}},
		{"more of the same row", none, []string{bag(1, 1)}, []string{bag(1, 2)}, [2]int{1, 2}, RowDiff{Added: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := CompareRows(rowsFile(t, c.header, c.rows[0], c.a...), rowsFile(t, c.header, c.rows[1], c.b...))
			if err != nil {
				t.Fatal(err)
			}
			if n := int64(len(got.Differing)); len(c.a) < 4 && got.Added+got.Removed+got.Changed > 0 && n == 0 {
				t.Error("no pair of rows")
			}
			got.Differing, got.Buckets = nil, nil
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	whole := rowsFile(t, key, 1, keyed(1, 10))
	for name, other := range map[string]memory{
		"other columns in buckets": rowsFile(t, `"form":"buckets","key":["id"],"columns":["id"]`, 1, "0001\t1\t"+hex16(10)),
		"another key":              rowsFile(t, `"key":["name"],"columns":["id","name"]`, 1, keyed(1, 10)),
		"no key":                   rowsFile(t, none, 1, bag(1, 1)),
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

// examples are rows that are there on one side.
func examples(change string, keys ...string) []RowExample {
	var list []RowExample
	for _, k := range keys {
		list = append(list, RowExample{Key: k, Change: change})
	}
	return list
}

func TestRowsOfTablesWithOtherColumnsAreComparedByWhatBothHave(t *testing.T) {
	a := rowsFile(t, `"key":["id"],"columns":["id","name"]`, 2, keyed(1, 10), keyed(2, 20))
	line := func(key, name, more int) string {
		return hex16(key) + "\t" + hex16(99*key) + fmt.Sprintf("\t%08x%08x%08x", key, more, name)
	}
	b := rowsFile(t, `"key":["id"],"columns":["id","made","name"]`, 2, line(1, 10, 7), line(2, 21, 7))
	got, err := CompareRows(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Changed != 1 || !slices.Equal(got.Skipped, []string{"made"}) || len(got.Columns) != 1 || got.Columns[0].Column != "name" {
		t.Errorf("%+v", got)
	}
}

func TestBucketsTellWhichDifferAndFoldRows(t *testing.T) {
	key := func(bucket, n int) string { return fmt.Sprintf("%04x%028x", bucket, n) }
	row := func(bucket, n, digest int) string {
		return key(bucket, n) + "\t" + hex16(digest) + "\t0000000100000002"
	}
	const columns = `"key":["id"],"columns":["id","name"]`
	rows := rowsFile(t, columns, 4, row(1, 1, 10), row(1, 2, 20), row(2, 1, 5), row(9, 1, 7))
	same := rowsFile(t, `"form":"buckets",`+columns, 4, "0001\t2\t"+hex16(30), "0002\t1\t"+hex16(5), "0009\t1\t"+hex16(7))
	other := rowsFile(t, `"form":"buckets",`+columns, 5, "0001\t3\t"+hex16(30), "0002\t1\t"+hex16(6), "0009\t1\t"+hex16(7))
	for _, c := range []struct {
		a, b memory
		want []uint16
	}{{rows, same, nil}, {same, same, nil}, {rows, other, []uint16{1, 2}}, {other, same, []uint16{1, 2}}} {
		got, err := CompareRows(c.a, c.b)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Buckets, c.want) || got.Unread != len(c.want) {
			t.Errorf("%+v, want %v", got, c.want)
		}
	}
	sums, err := SumBuckets(rows, []uint16{1, 3})
	if err != nil || sums[1] != (BucketSum{Rows: 2, Low: 30}) || sums[3] != (BucketSum{}) {
		t.Errorf("%v, %v", sums, err)
	}
}

func TestRowsAttachmentNamesAreFilesOfASnapshot(t *testing.T) {
	for _, table := range []string{"countries", "a/b", `a\b`, ".", "..", "a:b", "x\n", strings.Repeat("ü", 300)} {
		if name := RowsAttachment("main", "db1:5432", table); !validFile(name) {
			t.Errorf("%q is no file", name)
		}
	}
}
