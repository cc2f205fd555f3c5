package onpostgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// TestOddCellsAreCopied: what COPY's text format writes in a special way, dates at the ends of the calendar, a large value, and as many columns as a table can have.
func TestOddCellsAreCopied(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	var columns, values []string
	for i := range 1598 {
		columns, values = append(columns, fmt.Sprintf(`c%d "char"`, i)), append(values, "'x'")
	}
	server.Exec(t, dsn, `CREATE TABLE odd (id int PRIMARY KEY, body text, raw bytea, day date, at timestamptz, n numeric, big bytea);
		INSERT INTO odd VALUES (1, '\N', '\x', 'infinity', '-infinity', 'NaN', NULL), (2, NULL, NULL, NULL, NULL, NULL, NULL), (3, '', '\x00', '0044-03-15 BC', '0044-03-15 10:00:00 BC', 0, NULL),
			(4, E'\\.', '\xff00fe', '10000-01-01', '294276-12-31 23:59:59', -0.00, NULL), (5, E'a\tb\nc\rd\be\ff\vg\\h', '\x5c4e', '1987-05-12', '1987-05-12 10:11:12.345+02', '1e100', NULL),
			(6, E'\\N\\N', '\x0a', '2024-02-29', '2024-02-29 00:00:00+00', 12.50, NULL), (7, U&'\200B\FEFFzero width \+01F600', '\x09', '0001-01-01', '0001-01-01', 'Infinity', NULL);
		UPDATE odd SET big = (SELECT string_agg(decode(md5(n::text), 'hex'), '') FROM generate_series(1, 500000) n) WHERE id = 1;
		CREATE TABLE wide (id int PRIMARY KEY, told text, `+strings.Join(columns, ", ")+`); INSERT INTO wide VALUES (1, 'told to nobody', `+strings.Join(values, ", ")+`)`)
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy := scanned(t, src, sch)
	odd, _ := policy.Table("odd")
	for _, name := range []string{"body", "raw", "day", "at", "n", "big"} {
		c, _ := odd.Column(name)
		c.Action, c.Mask, c.Domain = sanitize.Mask, map[string]string{"day": "date", "at": "date", "n": "number"}[name], ""
		if c.Mask == "" {
			c.Mask = "text"
		}
	}
	wide, _ := policy.Table("wide")
	for i := range wide.Columns {
		if strings.HasPrefix(wide.Columns[i].Column, "c") {
			wide.Columns[i].Action = sanitize.Keep
		}
	}
	for _, use := range []sanitize.Use{sanitize.Keepable, sanitize.Rehearsal} {
		copied, _ := built(t, server, src, sch, policy, use)
		for sql, want := range map[string]string{
			`SELECT string_agg(coalesce(body ~ '^\\[A-Z]$', false)::text, ' ' ORDER BY id) FROM odd WHERE id <= 3`: "true false false",
			`SELECT string_agg((body IS NULL)::text || (body = '')::text, ' ' ORDER BY id) FROM odd WHERE id <> 2`: "falsefalse falsetrue falsefalse falsefalse falsefalse falsefalse",
			`SELECT count(*) FROM odd WHERE body ~ E'^[a-z]\t[a-z]\n[a-z]\r[a-z]\b[a-z]\f[a-z]{3}\\\\[a-z]$'`:      "1",
			`SELECT count(*) FROM odd WHERE octet_length(raw) = (ARRAY[0, NULL, 1, 3, 2, 1, 1])[id]`:               "6",
			`SELECT string_agg(day::text, ' ' ORDER BY id) FROM odd WHERE id IN (1, 3, 4, 7)`:                      "infinity 0044-03-15 BC 10000-01-01 0001-01-01",
			`SELECT count(*) FROM odd WHERE id = 5 AND abs(day - date '1987-05-12') < 512 AND day <> '1987-05-12'`: "1",
			`SELECT string_agg(n::text, ' ' ORDER BY id) FROM odd WHERE id IN (1, 3, 4, 7)`:                        "NaN 0 0.00 Infinity",
			`SELECT octet_length(big) FROM odd WHERE id = 1`:                                                       "8000000",
			`SELECT (told <> 'told to nobody')::text || c1597::text FROM wide`:                                     "truex",
		} {
			if got := server.Ask(t, copied.DSN, sql); got != want {
				t.Errorf("use %d: %s is %s, want %s", use, sql, got, want)
			}
		}
	}
}

// A database of bytes (SQL_ASCII) may hold texts that are valid in no encoding: they are masked as such. A copy beside such a database has its encoding.
func TestTextsOfNoEncodingAreCopied(t *testing.T) {
	server := testservers.Postgres(t)
	server.Exec(t, server.DSN("postgres"), "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	t.Cleanup(func() { server.Exec(t, server.DSN("postgres"), "DROP DATABASE bytes WITH (FORCE)") })
	dsn := server.DSN("bytes")
	server.Exec(t, dsn, `CREATE TABLE t (id int PRIMARY KEY, name text, kept text); INSERT INTO t SELECT n, E'M\xfcller-' || n, E'caf\xe9 \\N' FROM generate_series(1, 40) n`)
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy := scanned(t, src, sch)
	table, _ := policy.Table("t")
	kept, _ := table.Column("kept")
	kept.Action = sanitize.Keep
	for _, use := range []sanitize.Use{sanitize.Keepable, sanitize.Rehearsal} {
		copied, _ := builtBeside(t, dsn, src, sch, policy, use)
		const sql = `SELECT count(*) || ' ' || count(DISTINCT name) || ' ' || sum((name LIKE 'M%ller-%')::int) || ' ' || sum((kept = E'caf\xe9 \\N')::int) || ' ' || current_setting('server_encoding') FROM t`
		if got := server.Ask(t, copied.DSN, sql); got != "40 40 0 40 SQL_ASCII" {
			t.Errorf("use %d: %s", use, got)
		}
	}
}
