package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// shown are the rows of a table as text, binary values in hexadecimal.
func shown(t *testing.T, at engine.Target, read engine.Read) []string {
	t.Helper()
	var lines []string
	err := openRead(t, at).CopyOut(context.Background(), read, func(r engine.Row) error {
		var cells []string
		for _, c := range r {
			switch c.Type {
			case engine.CellNull:
				cells = append(cells, "NULL")
			case engine.CellBlob:
				cells = append(cells, fmt.Sprintf("x%x", c.Data))
			default:
				cells = append(cells, string(c.Data))
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// copied moves all rows of a table to a scratch with the same schema.
func copied(t *testing.T, from engine.Target, read engine.Read) engine.Target {
	t.Helper()
	ctx := context.Background()
	to := rebuilt(t, from, captured(t, from))
	var rows []engine.Row
	if err := openRead(t, from).CopyOut(ctx, read, func(r engine.Row) error {
		kept := make(engine.Row, len(r))
		for i, c := range r {
			kept[i] = engine.Cell{Type: c.Type, Data: append([]byte{}, c.Data...)}
		}
		rows = append(rows, kept)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, to, read.Table.Name, read.Columns, rows...); err != nil {
		t.Fatal(err)
	}
	return to
}

func load(t *testing.T, at engine.Target, table string, columns []string, rows ...engine.Row) (int64, error) {
	t.Helper()
	db, err := New().Open(context.Background(), at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return db.CopyIn(context.Background(), schema.Name{Name: table}, columns, func() (engine.Row, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		r := rows[0]
		rows = rows[1:]
		return r, nil
	})
}

func text(values ...string) engine.Row {
	row := make(engine.Row, len(values))
	for i, v := range values {
		row[i] = engine.Cell{Type: engine.CellText, Data: []byte(v)}
	}
	return row
}

// oddRows are values that reading or loading changes when nobody watches.
const oddRows = `SET sql_mode = '';
CREATE TABLE odd (id INT PRIMARY KEY AUTO_INCREMENT, f FLOAT, d DOUBLE, de DECIMAL(65,30), bi BIGINT UNSIGNED, z INT(6) ZEROFILL, ye YEAR, da DATE, dt DATETIME(6), ts TIMESTAMP(6) NULL, ti TIME(3), b BIT(9), bin BINARY(4), vb VARBINARY(20),
 l1 VARCHAR(40) CHARACTER SET latin1, g VARCHAR(40) CHARACTER SET gbk, u3 VARCHAR(40) CHARACTER SET utf8mb3, en ENUM('a','b'), st SET('x','y'), js JSON, po POINT, u UUID, i6 INET6, c CHAR(5));
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO odd VALUES (0, 1.23456789, 1e300, 1234567890.123456789012345678901234567890, 18446744073709551615, 42, 0, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '-838:59:59.000', b'100000001', 'a', 0x00ff5c270a, 0xC3A9, 'é', 'x', '', '', '{"a": 1.0, "b": 1e2}', POINT(1.5, -2), '123e4567-e89b-12d3-a456-426614174000', '::1', 'a');
INSERT INTO odd VALUES (7, 1e-38, 0.1, -0.5, 0, 1, 2026, '2024-00-00', '2024-02-30 25:00:00', '2026-01-01 00:00:00.123456', '00:00:00.001', b'0', '', '', CAST(0x8190A0FF AS CHAR CHARACTER SET latin1), 'x', 'ü', 'b', 'x,y', 'null', NULL, NULL, NULL, ' b');
UPDATE odd SET l1 = UNHEX('8190A0FF27') WHERE id = 7; SET sql_mode = 'ALLOW_INVALID_DATES'; UPDATE odd SET da = '2024-02-31' WHERE id = 7; SET sql_mode = DEFAULT;`

var oddColumns = strings.Fields("id f d de bi z ye da dt ts ti b bin vb l1 g u3 en st js po u i6 c")

// TestOddValuesAreCopiedAsTheyAre: zero dates, dates that do not exist, bytes that are no UTF-8 in their column's character set, numbers to their last digit.
func TestOddValuesAreCopiedAsTheyAre(t *testing.T) {
	_, at := arrange(t, oddRows)
	read := engine.Read{Table: schema.Name{Name: "odd"}, Columns: oddColumns, OrderBy: []string{"id"}}
	want := shown(t, at, read)
	for _, part := range []string{"1.2345678806304932|1e300|1234567890.123456789012345678901234567890|18446744073709551615|000042|0000|0000-00-00|0000-00-00 00:00:00.000000|0000-00-00", "|x0101|x61000000|x00ff5c270a|Ã©|é|x||", `{"a": 1.0, "b": 1e2}`} {
		if !strings.Contains(want[0], part) {
			t.Errorf("%s is not in %s", part, want[0])
		}
	}
	to := copied(t, at, read)
	got := shown(t, to, read)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("row %d\nwant %s\ngot  %s", i, want[i], strings.Join(got, "\n"))
		}
	}
	raw := func(at engine.Target) (found string) {
		err := openRead(t, at).Query(context.Background(), "SELECT GROUP_CONCAT(HEX(l1), HEX(g), HEX(po), HEX(f), en + 0 ORDER BY id) FROM odd", func(r engine.Row) error { found = string(r[0].Data); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if a, b := raw(at), raw(to); a != b {
		t.Errorf("stored bytes\nwant %s\ngot  %s", a, b)
	}
	db, err := New().Open(context.Background(), to, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	clone, err := db.Clone(context.Background(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	defer New().DropScratch(context.Background(), clone)
	if a, b := raw(at), raw(clone); a != b {
		t.Errorf("stored bytes of the clone\nwant %s\ngot  %s", a, b)
	}
}

// TestRowsThatDoNotFitAreRefusedAndNotCut: LOAD DATA LOCAL would clip and skip them with a warning.
func TestRowsThatDoNotFitAreRefusedAndNotCut(t *testing.T) {
	server, base := arrange(t, "")
	for _, infile := range []string{"ON", "OFF"} {
		server.Exec(t, "", "SET GLOBAL local_infile = "+infile)
		t.Cleanup(func() { server.Exec(t, "", "SET GLOBAL local_infile = ON") })
		at := scratch(t, base, "CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(5), n TINYINT)", "CREATE TABLE m (id INT PRIMARY KEY, s VARCHAR(5)) ENGINE = MyISAM")
		for _, c := range []struct {
			name, code string
			rows       []engine.Row
		}{
			{"too long", "1406", []engine.Row{text("1", "fine", "1"), text("2", "Tok3n-Zebra", "1")}},
			{"twice", "1062", []engine.Row{text("1", "a", "1"), text("1", "b", "1")}},
			{"out of range", "1264", []engine.Row{text("1", "a", "1000")}},
			{"no number", "1366", []engine.Row{text("1", "a", "Tok3n-Zebra")}},
			{"no UTF-8", "1366", []engine.Row{text("1", "\xff\xfe", "1")}},
		} {
			n, err := load(t, at, "t", []string{"id", "s", "n"}, c.rows...)
			var refusal *engine.Error
			if n != 0 || !errors.As(err, &refusal) || refusal.Code != c.code || strings.Contains(err.Error(), "Tok3n") {
				t.Errorf("%s with local_infile %s: %d rows, %v", c.name, infile, n, err)
			}
		}
		if _, err := load(t, at, "m", []string{"id", "s"}, text("1", "a"), text("1", "b")); err == nil {
			t.Error("a duplicate was taken")
		}
		if got := append(shown(t, at, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"id"}}), shown(t, at, engine.Read{Table: schema.Name{Name: "m"}, Columns: []string{"id"}})...); len(got) > 0 {
			t.Errorf("rows of loads that failed stayed: %v", got)
		}
		if n, err := load(t, at, "t", []string{"id", "s", "n"}, text("1", `\N`, "1"), engine.Row{{Type: engine.CellText, Data: []byte("2")}, {}, {}}); n != 2 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		if got := shown(t, at, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"s", "n"}, OrderBy: []string{"id"}}); strings.Join(got, " ") != `\N|1 NULL|NULL` {
			t.Errorf("got %v", got)
		}
	}
}

func TestManyChunksAreOneTransaction(t *testing.T) {
	_, base := arrange(t, "")
	at := scratch(t, base, "CREATE TABLE t (id INT PRIMARY KEY, s LONGTEXT)")
	long := strings.Repeat("x", 100<<10)
	var rows []engine.Row
	for i := range 120 { // three chunks
		rows = append(rows, text(fmt.Sprint(i), long))
	}
	if n, err := load(t, at, "t", []string{"id", "s"}, append(rows, text("5", "again"))...); n != 0 || err == nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if n, err := load(t, at, "t", []string{"id", "s"}, rows...); n != 120 || err != nil {
		t.Errorf("after a load that failed: %d rows, %v", n, err)
	}
}

func TestLargeNumbersMatchExactly(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, s VARCHAR(20), b VARBINARY(9), da DATE); INSERT INTO t VALUES (9223372036854775807, 'a', 0xff, '2026-01-01'), (9223372036854775806, 'A', 0xfe, '2026-01-02')")
	for columns, tuple := range map[string]engine.Row{"id": text("9223372036854775806"), "b": {{Type: engine.CellBlob, Data: []byte{0xfe}}}, "da": text("2026-01-02")} {
		got := shown(t, at, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"s"}, Match: &engine.Match{Columns: []string{columns}, Tuples: []engine.Row{tuple}}})
		if strings.Join(got, " ") != "A" {
			t.Errorf("%s: %v", columns, got)
		}
	}
}

func TestOrderIsByBytesInEveryCharacterSet(t *testing.T) {
	_, at := arrange(t, "CREATE TABLE t (l VARCHAR(9) CHARACTER SET latin1, u VARCHAR(9)); INSERT INTO t VALUES ('é','é'), ('z','z'), ('B','B'), ('a','a'), (NULL,NULL), ('ä','ä')")
	for _, column := range []string{"l", "u"} {
		if got := shown(t, at, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{column}, OrderBy: []string{column}}); strings.Join(got, " ") != "NULL B a z ä é" {
			t.Errorf("%s: %v", column, got)
		}
	}
}
