package mysql

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

// everyType is a table of every type, with what its text has a special form for.
const everyType = `CREATE TABLE odd (id INT PRIMARY KEY, a BIGINT UNSIGNED, b TINYINT(1), c DECIMAL(20,4), d FLOAT, e DOUBLE, f YEAR, g INT(6) ZEROFILL, h DATE, i DATETIME(6), j TIMESTAMP NULL, k TIME(3),
	l CHAR(5), m VARCHAR(300), n TEXT, o VARCHAR(20) CHARACTER SET latin1, p BINARY(4), q VARBINARY(300), r BLOB, s BIT(12), t ENUM('x', 'y'), u SET('x', 'y'), v JSON, w POINT, x LONGTEXT, y MEDIUMBLOB,
	z VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, aa UUID, bb INET6);
INSERT INTO odd VALUES (1, 18446744073709551615, 1, -1234567890.1200, 1.5, 1e300, 2024, 42, '2024-02-29', '2024-02-29 12:00:00.000001', '2024-02-29 12:00:00', '-12:00:00.5',
	'ab', 'é', 'text', 'é', 'ab', x'00ff', x'', b'101', 'y', 'x,y', '{"b": 1, "a": 2}', POINT(1, 2), REPEAT('long ', 30000), REPEAT(x'00ff', 100000), '', '123e4567-e89b-12d3-a456-426614174000', '::1'),
(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(3, 0, 0, 0, -0.1, 0.1, 1901, 0, '0000-00-00', '0000-00-00', NULL, '838:59:59', '', REPEAT('x', 300), REPEAT('y', 251), '', '', REPEAT(x'01', 252), REPEAT(x'02', 65535), b'0', 'x', '', '[]', POINT(0, 0), '', '', 'z', NULL, '10.0.0.1')`

// TestRowsAreThoseThatTheDriverReads reads every type without the driver and with it, small results and none.
func TestRowsAreThoseThatTheDriverReads(t *testing.T) {
	_, at := arrange(t, "SET sql_mode = ''; "+everyType)
	c, err := dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if !bare(c.config) || c.wire == nil {
		t.Fatal("the test's own connection is not read without the driver")
	}
	said := func(read func(context.Context, string, func(engine.Row) error) error, sql string) (lines []string) {
		err := read(t.Context(), sql, func(r engine.Row) error {
			for _, cell := range r {
				lines = append(lines, fmt.Sprintf("%d %q", cell.Type, cell.Data))
			}
			return nil
		})
		if err != nil {
			lines = append(lines, err.Error())
		}
		return lines
	}
	for _, sql := range []string{
		// Floating point numbers and leading zeros are asked for as texts: the driver would print them in its own way.
		"SELECT id, a, b, c, f, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb FROM odd", "SELECT * FROM odd WHERE id = 7", "SELECT id, CONCAT(d), CONCAT(e), CONCAT(g) FROM odd", "SELECT x FROM odd", "SELECT REPEAT('a', 250), REPEAT('a', 251), REPEAT('a', 65535), REPEAT('a', 65536)",
		"SELECT nothing FROM odd", "SELECT (SELECT id FROM odd)", "SELEC", "SELECT seq FROM seq_1_to_20000", "SELECT NULL",
	} {
		if got, want := said(c.stream, sql), said(c.query, sql); !slices.Equal(got, want) {
			t.Errorf("%s: %.300q, the driver reads %.300q", sql, got, want)
		}
	}
}

// TestConnectionIsUsableAfterAnAbandonedAnswer: the driver and the reader beside it never get each other's packets.
func TestConnectionIsUsableAfterAnAbandonedAnswer(t *testing.T) {
	_, at := arrange(t, "")
	c, err := dial(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	enough := errors.New("enough")
	for range 3 {
		rows := 0
		if err := c.stream(t.Context(), "SELECT seq, REPEAT('x', 100) FROM seq_1_to_3000000", func(engine.Row) error {
			if rows++; rows == 2 {
				return enough
			}
			return nil
		}); err != enough {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.stream(ctx, "SELECT seq, REPEAT('x', 100) FROM seq_1_to_3000000", func(engine.Row) error { cancel(); return nil }); err == nil || ctx.Err() == nil {
			t.Fatal("a cancelled read went on")
		}
		for _, read := range []func(context.Context, string, func(engine.Row) error) error{c.query, c.stream} {
			got := ""
			if err := read(t.Context(), "SELECT 42", func(r engine.Row) error { got = string(r[0].Data); return nil }); err != nil || got != "42" {
				t.Fatalf("%q, %v", got, err)
			}
		}
	}
}

func TestOverTLSTheDriverReads(t *testing.T) {
	for dsn, want := range map[string]bool{
		"mysql://u:p@h/d": true, "mysql://u:p@h/d?ssl-mode=DISABLED": true, "mysql://u:p@h/d?ssl-mode=REQUIRED": false, "mysql://u:p@h/d?ssl-mode=PREFERRED": false, "mysql://u:p@h/d?ssl-mode=VERIFY_IDENTITY": false,
		"mysql://u:p@h/d?tls=true": false, "mysql://u:p@h/d?compress=true": false, "mysql://u:p@h/d?readTimeout=5s": false, "u:p@unix(/run/s)/d": true,
	} {
		config, err := configure(engine.Target{DSN: dsn})
		if err != nil || bare(config) != want {
			t.Errorf("%s: %v, %v", dsn, err, !want)
		}
	}
}

// packets frames payloads as a server does.
func packets(payloads ...[]byte) []byte {
	var out []byte
	for i, p := range payloads {
		for {
			n := min(len(p), packetMost)
			out = append(out, byte(n), byte(n>>8), byte(n>>16), byte(i+1))
			out = append(out, p[:n]...)
			if p = p[n:]; n < packetMost {
				break
			}
		}
	}
	return out
}

// definition is a column's, with a name in front.
func definition(typ, charset byte) []byte {
	return append([]byte("\x03def\x00\x00\x00\x01a\x00\x0c"), charset, 0, 1, 0, 0, 0, typ, 0, 0, 0, 0, 0)
}

func TestLongAndBrokenAnswers(t *testing.T) {
	end := []byte{iEOF, 0, 0, 2, 0, 0, 0}
	long := bytes.Repeat([]byte("x"), packetMost+1000)
	cell := func(v []byte) []byte {
		n := len(v)
		return append([]byte{0xfe, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), 0, 0, 0, 0}, v...)
	}
	exact := cell(long[:packetMost-9]) // a packet that is full is followed by an empty one
	column := definition(253, 45)
	for _, c := range []struct {
		name   string
		answer []byte
		rows   int
		broken bool
	}{
		{"a row of several packets", packets([]byte{1}, column, cell(long), end), 1, false},
		{"a row that fills its packet", packets([]byte{1}, column, exact, []byte("\x01a"), end), 2, false},
		{"definitions with an end", packets([]byte{1}, column, []byte{iEOF, 0, 0, 2, 0}, []byte("\x01a"), []byte{iEOF, 0, 0, 2, 0}), 1, false},
		{"a refusal after a row", packets([]byte{1}, column, []byte("\x01a"), []byte("\xff\x25\x05#70100no")), 1, false},
		{"a file is wanted", packets([]byte("\xfb/etc/passwd")), 0, true},
		{"no columns", packets([]byte{0, 0, 0, 2, 0, 0, 0}), 0, true},
		{"a cell beyond its packet", packets([]byte{1}, column, []byte("\x05a"), end), 0, true},
		{"more cells than columns", packets([]byte{1}, column, []byte("\x01a\x01b"), end), 0, true},
		{"fewer", packets([]byte{2}, column, column, []byte("\x01a"), end), 0, true},
		{"the end of the line", packets([]byte{1}, column)[:20], 0, true},
		{"a short definition", packets([]byte{1}, []byte("def")), 0, true},
	} {
		r := &textRows{from: bufio.NewReaderSize(bytes.NewReader(c.answer), 4096)}
		rows, err := 0, r.ask(io.Discard, "SELECT 1")
		for err == nil {
			if _, err = r.next(); err != nil || r.done {
				break
			}
			rows++
		}
		var refusal *driver.MySQLError
		if rows != c.rows || (err != nil && !errors.As(err, &refusal)) != c.broken {
			t.Errorf("%s: %d rows, %v", c.name, rows, err)
		}
		if strings.HasPrefix(c.name, "a refusal") && (refusal == nil || refusal.Number != 1317 || refusal.Message != "no") {
			t.Errorf("%v", err)
		}
	}
}

func FuzzTextRows(f *testing.F) {
	f.Add(packets([]byte{1}, definition(253, 45), []byte("\x01a"), []byte{iEOF, 0, 0, 2, 0}))
	f.Add(packets([]byte("\xff\x25\x05#70100no")))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		r := &textRows{from: bufio.NewReaderSize(bytes.NewReader(answer), 64)}
		err := r.ask(io.Discard, "SELECT 1")
		for err == nil && !r.done {
			_, err = r.next()
		}
	})
}
