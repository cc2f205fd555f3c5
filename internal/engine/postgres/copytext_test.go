package postgres

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
)

func text(s string) engine.Cell { return engine.Cell{Type: engine.CellText, Data: []byte(s)} }

func TestCopyTextDecodes(t *testing.T) {
	cases := []struct {
		name, line string
		want       engine.Row
	}{
		{"null", `\N`, engine.Row{{}}},
		{"the two characters of a null", `\\N`, engine.Row{text(`\N`)}},
		{"empty", ``, engine.Row{text("")}},
		{"tab, newline, return, backslash", `a\tb\nc\rd\\e`, engine.Row{text("a\tb\nc\rd\\e")}},
		{"bell and friends", `\b\f\v`, engine.Row{text("\b\f\v")}},
		{"octal and hexadecimal", `\101\x42\x4\60`, engine.Row{text("AB\x040")}},
		{"x without digits", `\xg`, engine.Row{text("xg")}},
		{"end-of-data mark inside", `a\.b`, engine.Row{text("a.b")}},
		{"bytes that are no UTF-8", "\xff\xfe", engine.Row{text("\xff\xfe")}},
		{"several columns", "1\t\\N\t", engine.Row{text("1"), {}, text("")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := &rowDecoder{columns: len(c.want)}
			row, err := d.decode([]byte(c.line))
			if err != nil || !equalRows(row, c.want) {
				t.Fatalf("got %q, %v", row, err)
			}
		})
	}
}

func TestCopyTextRefuses(t *testing.T) {
	for name, line := range map[string]string{"a trailing backslash": `a\`, "too few columns": "a", "too many columns": "a\tb\tc"} {
		t.Run(name, func(t *testing.T) {
			if _, err := (&rowDecoder{columns: 2}).decode([]byte(line)); !errors.Is(err, errCopyFormat) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestCopyTextIsReadHoweverItIsCut(t *testing.T) {
	stream := "1\ta\\tb\n2\t\\N\n3\t" + strings.Repeat("long", 1000) + "\n"
	for _, size := range []int{1, 2, 7, len(stream)} {
		d := &rowDecoder{columns: 2}
		var rows []string
		l := &lines{fn: func(line []byte) error {
			r, err := d.decode(line)
			if err == nil {
				rows = append(rows, string(r[0].Data)+"="+string(r[1].Data))
			}
			return err
		}}
		for rest := []byte(stream); len(rest) > 0; {
			n := min(size, len(rest))
			if err := l.write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if len(rows) != 3 || rows[0] != "1=a\tb" || rows[1] != "2=" || len(rows[2]) != 4002 {
			t.Fatalf("pieces of %d: %q", size, rows)
		}
	}
}

func TestCopyTextRefusesNULBytes(t *testing.T) {
	if _, err := appendRow(nil, engine.Row{text("a\x00b")}); err == nil {
		t.Fatal("a NUL byte was written")
	}
}

func FuzzCopyTextRoundTrip(f *testing.F) {
	f.Add([]byte("plain"), []byte(`\N`), true)
	f.Add([]byte("a\tb\nc\rd\\"), []byte{0xff, 0x5c}, false)
	f.Add([]byte(`\.`), []byte(""), true)
	f.Fuzz(func(t *testing.T, a, b []byte, null bool) {
		row := engine.Row{{Type: engine.CellText, Data: a}, {}, {Type: engine.CellText, Data: b}}
		if !null {
			row[1] = engine.Cell{Type: engine.CellText, Data: b}
		}
		line, err := appendRow(nil, row)
		if err != nil {
			if bytes.IndexByte(a, 0) < 0 && bytes.IndexByte(b, 0) < 0 {
				t.Fatal(err)
			}
			return
		}
		seen := 0
		d := &rowDecoder{columns: 3}
		err = (&lines{fn: func(text []byte) error {
			got, err := d.decode(text)
			if err != nil {
				return err
			}
			seen++
			if !equalRows(got, row) {
				t.Fatalf("%q became %q", row, got)
			}
			return nil
		}}).write(line)
		if err != nil || seen != 1 {
			t.Fatalf("%d rows, %v", seen, err)
		}
	})
}

func FuzzCopyTextDecode(f *testing.F) {
	f.Add([]byte("a\\x4\\777\t\\N\nb\\"))
	f.Fuzz(func(_ *testing.T, stream []byte) {
		d := &rowDecoder{columns: 2}
		_ = (&lines{fn: func(line []byte) error { _, err := d.decode(line); return err }}).write(stream)
	})
}

func equalRows(a, b engine.Row) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}
