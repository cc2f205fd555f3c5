package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
)

// binaryValues are literals of each type that is read in binary, of all that its text has a special form for.
var binaryValues = map[string][]string{
	"boolean":  {"true", "false"},
	"smallint": {"0", "-32768", "32767"}, "integer": {"0", "-2147483648", "2147483647"}, "bigint": {"0", "-9223372036854775808", "9223372036854775807"}, "oid": {"0", "4294967295"},
	"real":              {"0", "-0", "1", "1.5", "-0.1", "999999", "1000000", "123456.7", "1e-4", "0.0001234", "9.999e-5", "1e38", "1e-45", "NaN", "Infinity", "-Infinity"},
	"double precision":  {"0", "-0", "1", "0.1", "1e14", "999999999999999", "1e15", "123456789012345678", "1e-4", "9.99e-5", "1e308", "5e-324", "0.30000000000000004", "NaN", "Infinity", "-Infinity"},
	"numeric":           {"0", "0.00", "-0.0001", "1", "10000", "9999.9999", "100000000", "12345678901234567890.123456789", "1e50", "-1e-50", "0.00001234", "NaN"},
	"numeric(12,2)":     {"0", "1", "1.10", "-99999.99", "0.05", "1234567890.00"},
	"text":              {"", " ", "a\tb\nc\\d", "\\N", "é😀", "NULL"},
	"character varying": {"", "x "}, "character(5)": {"", "ab"}, "mood": {"fine", "so so"}, "email": {"a@b", ""},
	"date":                        {"2000-01-01", "1999-12-31", "1970-01-01", "2024-02-29", "1900-03-01", "0001-01-01", "4713-01-01 BC", "0044-03-15 BC", "9999-12-31", "12345-06-07", "infinity", "-infinity"},
	"time":                        {"00:00:00", "23:59:59.999999", "24:00:00", "12:30:00.5", "01:02:03.000001"},
	"timestamp":                   {"2000-01-01", "1999-12-31 23:59:59.999999", "2024-02-29 12:00:00.120", "0001-01-01", "4713-01-01 BC", "0044-03-15 11:00:00.5 BC", "294276-12-31 23:59:59", "infinity", "-infinity"},
	"timestamptz":                 {"2000-01-01+00", "1969-07-20 20:17:40-05", "2024-06-01 12:00:00.000100+05:30", "infinity", "-infinity", "0044-03-15 11:00:00 BC"},
	"uuid":                        {"00000000-0000-0000-0000-000000000000", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
	"bytea":                       {"", `\x00ff5c`},
	"json":                        {`{"b": 1,  "a": 1.0}`, "null"},
	"jsonb":                       {`{"b": 1,  "a": [1.0, "é"]}`, "null", `""`},
	"inet":                        {"10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "::", "::1", "::/0", "::1.2.3.4", "::ffff:1.2.3.4", "::0.0.1.2", "::0.1.0.2", "::1.2.0.0", "::5:0:0", "2001:db8::1", "2001:db8:0:0:1:0:0:1", "2001:0:1:2:3:4:5:6", "fe80::1/64", "1::", "0:0:0:1::"},
	"cidr":                        {"10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "::/0", "::1/128"},
	"timestamp without time zone": {"2024-06-01 00:00:00"},
}

// binaryOn reads values as they are sent in binary and as the server writes them, and wants the same texts.
func binaryOn(t *testing.T, server *testservers.Server) {
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, "CREATE TYPE mood AS ENUM ('fine', 'so so'); CREATE DOMAIN email AS text")
	random := rand.New(rand.NewPCG(3, 4))
	for typ, values := range binaryValues {
		table := "of_" + strings.Map(func(r rune) rune {
			if r < 'a' || r > 'z' {
				return '_'
			}
			return r
		}, typ)
		list := slices.Clone(values)
		if server.Major >= 14 && typ == "numeric" {
			list = append(list, "Infinity", "-Infinity")
		}
		for range 300 {
			switch typ {
			case "real":
				list = append(list, fmt.Sprintf("%g", float32(random.NormFloat64())*float32(random.ExpFloat64()*1e6)))
			case "double precision":
				list = append(list, fmt.Sprintf("%g", random.NormFloat64()*random.ExpFloat64()*1e12))
			case "numeric":
				list = append(list, fmt.Sprintf("%.*f", random.IntN(12), random.NormFloat64()*random.ExpFloat64()*1e6))
			case "timestamp":
				list = append(list, fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d.%06d", 1+random.IntN(9999), 1+random.IntN(12), 1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60), random.IntN(1e6)))
			}
		}
		rows := make([]string, len(list))
		for i, v := range list {
			rows[i] = fmt.Sprintf("(%d, %s)", i, literal(v))
		}
		server.Exec(t, dsn, "CREATE TABLE "+table+" (n integer, v "+typ+"); INSERT INTO "+table+" SELECT n, v::"+typ+" FROM (VALUES (-1, NULL), "+strings.Join(rows, ", ")+") x(n, v)")
		d, _ := engine.As[*database](openRead(t, target(dsn)))
		read := engine.Read{Table: schema.Name{Name: table}, Columns: []string{"n", "v"}}
		var binaries, texts []string
		remember := func(to *[]string) func(engine.Row) error {
			return func(r engine.Row) error {
				*to = append(*to, fmt.Sprintf("%s: %d %q", r[0].Data, r[1].Type, r[1].Data))
				return nil
			}
		}
		failed := d.use(t.Context(), func(pg *pgconn.PgConn) error {
			shape, err := describe(t.Context(), pg, read.Table)
			if err != nil {
				return err
			}
			if shape.binaryForms(read.Columns) == nil {
				t.Errorf("%s is not read in binary", typ)
			}
			if err := copyOut(t.Context(), pg, read, remember(&binaries)); err != nil {
				return err
			}
			return copyLines(t.Context(), pg, read, decoding(2, remember(&texts)))
		})
		if failed != nil || len(texts) != len(list)+1 {
			t.Fatalf("%s: %d rows, %v", typ, len(texts), failed)
		}
		for i := range texts {
			if i >= len(binaries) || texts[i] != binaries[i] {
				t.Errorf("%s: the server writes %s, read in binary it is %v", typ, texts[i], binaries[min(i, len(binaries)-1)])
			}
		}
	}
}

func TestCopyBinaryIsWhatTheServerWrites(t *testing.T) { binaryOn(t, testservers.Postgres(t)) }

// A table with one column of a type that is not known in binary is read as text.
func TestCopyBinaryLeavesOtherTypesAlone(t *testing.T) {
	_, at := arrange(t, `CREATE TABLE odd (id int, span int4range, list int[], pause interval, late timetz); INSERT INTO odd VALUES (1, '[1,5)', '{1,NULL}', '1 day', '12:00:00+02')`)
	got := ""
	err := openRead(t, at).CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "odd"}, Columns: []string{"id", "span", "list", "pause", "late"}}, func(r engine.Row) error {
		for _, c := range r {
			got += string(c.Data) + "|"
		}
		return nil
	})
	if want := "1|[1,5)|{1,NULL}|1 day|12:00:00+02|"; got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// binaryStream is a COPY of rows of an integer and a text.
func binaryStream(texts ...string) []byte {
	p := append(slices.Clone(binarySignature), 0, 0, 0, 0, 0, 0, 0, 0)
	for i, s := range texts {
		p = append(p, 0, 2, 0, 0, 0, 4)
		p = binary.BigEndian.AppendUint32(p, uint32(i))
		p = binary.BigEndian.AppendUint32(p, uint32(len(s)))
		p = append(p, s...)
	}
	return append(p, 0xff, 0xff)
}

func TestCopyBinaryIsReadHoweverItIsCut(t *testing.T) {
	stream := binaryStream("a", "", strings.Repeat("long", 1000))
	for _, size := range []int{1, 2, 7, 100, len(stream)} {
		var rows []string
		b := &binaryRows{forms: []binaryForm{binaryInteger, binaryText}, fn: func(r engine.Row) error {
			rows = append(rows, string(r[0].Data)+"="+string(r[1].Data))
			return nil
		}}
		for piece := range slices.Chunk(stream, size) {
			if err := b.write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.finish(); err != nil || len(rows) != 3 || rows[0] != "0=a" || rows[1] != "1=" || len(rows[2]) != 4002 {
			t.Fatalf("pieces of %d: %q, %v", size, rows, err)
		}
	}
}

func TestCopyBinaryRefuses(t *testing.T) {
	whole := binaryStream("a", "b")
	for name, stream := range map[string][]byte{
		"another signature": append([]byte("PGCOPY\n\xfe"), whole[8:]...), "a stream that ends early": whole[:len(whole)-2], "a cut row": whole[:len(whole)-4],
		"rows after the end": append(slices.Clone(whole), whole[19:]...), "another number of fields": append(slices.Clone(whole[:19]), 0, 3, 0, 0), "a length below none": append(slices.Clone(whole[:21]), 0x80, 0, 0, 0),
	} {
		b := &binaryRows{forms: []binaryForm{binaryInteger, binaryText}, fn: func(engine.Row) error { return nil }}
		err := b.write(stream)
		if err == nil {
			err = b.finish()
		}
		if !errors.Is(err, errCopyBinary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCopyBinary(f *testing.F) {
	f.Add(binaryStream("a", "b"), byte(binaryNumeric))
	f.Add([]byte{0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x26, 0x94}, byte(binaryNumeric))
	f.Fuzz(func(_ *testing.T, stream []byte, form byte) {
		b := &binaryRows{forms: []binaryForm{binaryForm(form%byte(binaryNetwork) + 1), binaryText}, fn: func(engine.Row) error { return nil }}
		if b.write(stream) == nil {
			_ = b.finish()
		}
		for form := binaryText; form <= binaryNetwork; form++ {
			_, _ = form.appendText(nil, stream)
		}
	})
}
