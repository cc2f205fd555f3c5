package sanitize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/schema"
)

// makeDatabase runs a script in a new SQLite file and returns its target.
func makeDatabase(t testing.TB, script ...string) engine.Target {
	t.Helper()
	ctx := context.Background()
	target, err := sqlite.New().CreateScratch(ctx, engine.Target{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db := openDatabase(t, target, engine.Scratch)
	for _, s := range script {
		stmts, err := sqlite.New().Split(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range stmts {
			if err := run(ctx, db, []string{st.Text}); err != nil {
				t.Fatalf("%s: %v", st.Text, err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return target
}

func openDatabase(t testing.TB, target engine.Target, m engine.Mode) engine.DB {
	t.Helper()
	db, err := sqlite.New().Open(context.Background(), target, m)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func openSource(t testing.TB, target engine.Target) (engine.DB, *schema.Database) {
	t.Helper()
	db := openDatabase(t, target, engine.ReadOnly)
	t.Cleanup(func() { db.Close() })
	sch, err := db.Schema(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return db, sch
}

func mustPolicy(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := ParsePolicy([]byte(text), "sanitize.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// strings1 runs a query and returns its first column.
func query(t testing.TB, db engine.DB, sql string) []string {
	t.Helper()
	var out []string
	err := db.Query(context.Background(), sql, func(r engine.Row) error {
		var cells []string
		for _, c := range r {
			if c.Type == engine.CellNull {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, string(c.Data))
			}
		}
		out = append(out, strings.Join(cells, "|"))
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

const shopSchema = `
CREATE TABLE schema_migrations (version INTEGER NOT NULL PRIMARY KEY, dirty BOOLEAN NOT NULL);
INSERT INTO schema_migrations VALUES (41, 0);
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT COLLATE NOCASE,
  full_name TEXT NOT NULL,
  phone TEXT,
  birth_date DATE,
  iban TEXT,
  notes TEXT,
  settings JSON,
  plan TEXT NOT NULL CHECK (plan IN ('free', 'pro')),
  email_domain TEXT GENERATED ALWAYS AS (substr(email, instr(email, '@') + 1)) VIRTUAL,
  last_ip TEXT,
  tax_number INTEGER
);
CREATE UNIQUE INDEX users_email ON users (lower(email));
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  user_id INTEGER REFERENCES users (id),
  contact TEXT,
  total NUMERIC NOT NULL CHECK (total >= 0),
  created_at TEXT NOT NULL
);
CREATE TABLE sessions (id TEXT PRIMARY KEY, payload BLOB);
`

const shopPolicy = `
tables:
  users:
    columns:
      id: {keep: true, reason: surrogate key}
      email: {mask: email, domain: email}
      full_name: {mask: name}
      phone: {mask: phone}
      birth_date: {mask: birth-date}
      iban: {mask: iban}
      notes: {mask: text}
      settings: {mask: json}
      plan: {keep: true}
      last_ip: {mask: ip}
      tax_number: {mask: number}
  orders:
    columns:
      id: {keep: true}
      user_id: {keep: true}
      contact: {mask: email, domain: email}
      total: {keep: true}
      created_at: {keep: true}
  sessions: {exclude: true}
`

// words make realistic values; none of the people exists.
var (
	givenWords  = strings.Fields("Ana Bruno Carla Dieter Elena Farid Greta Hugo Ines Jonas Katja Luis Maria Nils Olga Pablo Rosa Sven Tomasz Ulla Vera Wanda Xaver Yusuf Zofia Jürgen Søren Łukasz")
	familyWords = strings.Fields("Albers Bianchi Costa Dupont Eriksen Fischer Garcia Hoffmann Ivanova Jansen Kowalski Lopez Moreau Nowak Oliveira Petrov Quint Rossi Schmidt Torres Ullrich Vogel Weber Zimmermann Müller Nuñez")
	noteWords   = strings.Fields("customer called about the late parcel and asked for refund because colour was wrong please deliver to neighbour next time thanks very friendly person will order again soon invoice was lost")
)

// fillShop adds n users and 2n orders.
func fillShop(t testing.TB, target engine.Target, n int) {
	t.Helper()
	db := openDatabase(t, target, engine.Scratch)
	defer db.Close()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	text := func(s string) engine.Cell { return engine.Cell{Type: engine.CellText, Data: []byte(s)} }
	number := func(i int) engine.Cell { return engine.Cell{Type: engine.CellInteger, Data: fmt.Appendf(nil, "%d", i)} }
	load := func(table string, columns []string, n int, row func(i int) engine.Row) {
		i := 0
		if _, err := db.CopyIn(context.Background(), schema.Name{Name: table}, columns, func() (engine.Row, error) {
			if i == n {
				return nil, io.EOF
			}
			i++
			return row(i), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	emails := make([]string, n+1)
	load("users", strings.Fields("id email full_name phone birth_date iban notes settings plan last_ip tax_number"), n, func(i int) engine.Row {
		given, family := pick(givenWords), pick(familyWords)
		emails[i] = fmt.Sprintf("%s.%s%d@mail%d.example", given, family, i, r.IntN(9))
		y, m, d := civil(r.IntN(20000) - 5000)
		account := fmt.Sprintf("%018d", r.Uint64N(1e18))
		iban := &iban{}
		raw := []byte("DE00" + account)
		iban.at = ibanPositions(nil, raw)
		check := (98 - iban.mod97(raw))
		copy(raw[2:], fmt.Sprintf("%02d", check))
		row := engine.Row{number(i), text(emails[i]), text(given + " " + family + fmt.Sprintf(" %c.", 'A'+r.IntN(26))),
			text(fmt.Sprintf("+49 1%09d", r.IntN(1e9))), text(fmt.Sprintf("%04d-%02d-%02d", y, m, d)), text(string(raw)),
			text(fmt.Sprintf("%s %s %s wrote from %s", pick(noteWords), pick(noteWords), given, emails[i])),
			text(fmt.Sprintf(`{"mail":"%s","theme":"dark","visits":%d}`, emails[i], r.IntN(1e6))), text([]string{"free", "pro"}[r.IntN(2)]),
			text(fmt.Sprintf("91.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))), number(100000000 + r.IntN(900000000))}
		switch i % 1000 {
		case 7:
			row[1] = engine.Cell{}
		case 8:
			row[3], row[6] = text("  "), text("")
		}
		return row
	})
	load("orders", strings.Fields("id user_id contact total created_at"), 2*n, func(i int) engine.Row {
		u := 1 + r.IntN(n)
		return engine.Row{number(i), number(u), text(emails[u]), number(r.IntN(10000)), text(fmt.Sprintf("2026-%02d-%02d 10:00:00", 1+r.IntN(12), 1+r.IntN(28)))}
	})
}

func TestNoRawValueIsInTheCopysFile(t *testing.T) {
	users := 20000
	if raceDetector {
		users = 2000
	}
	source := makeDatabase(t, shopSchema)
	fillShop(t, source, users)
	src, sch := openSource(t, source)
	for _, use := range []Use{Rehearsal, Keepable} {
		plan, err := NewPlan(mustPolicy(t, shopPolicy), sch, use, nil)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		built, err := Build(context.Background(), src, engine.Target{}, dir, sch, plan, testKey(t), CopyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if built.Rows != int64(3*users+1) || built.Report.Leaks != 0 {
			t.Errorf("%d rows, %d leaks", built.Rows, built.Report.Leaks)
		}
		file, err := os.ReadFile(built.Target.Path)
		if err != nil {
			t.Fatal(err)
		}
		grepRawValues(t, src, file, 5*users)
		dst := openDatabase(t, built.Target, engine.ReadOnly)
		checkShop(t, dst, src)
		dst.Close()
	}
}

// grepRawValues looks in the bytes of a file for every value of at least 8 characters that occurs once in a masked
// column whose masks do not meet other rows' values by chance.
func grepRawValues(t *testing.T, src engine.DB, file []byte, least int) {
	t.Helper()
	index := map[string]bool{}
	for _, column := range strings.Fields("email full_name phone iban notes settings last_ip") {
		for _, v := range query(t, src, "SELECT "+column+" FROM users WHERE length("+column+") >= 8 GROUP BY 1 HAVING count(*) = 1") {
			index[v] = true
		}
	}
	if len(index) < least {
		t.Fatalf("only %d values to look for", len(index))
	}
	// Every value is found by its middle eight bytes, which differ more than its first.
	middles := map[[8]byte][]string{}
	for v := range index {
		k := [8]byte([]byte(v)[(len(v)-8)/2:])
		middles[k] = append(middles[k], v)
	}
	leaks := 0
	for i := 0; i+8 <= len(file); i++ {
		for _, v := range middles[[8]byte(file[i:i+8])] {
			if from := i - (len(v)-8)/2; from >= 0 && bytes.HasPrefix(file[from:], []byte(v)) {
				leaks++
			}
		}
	}
	if leaks > 0 {
		t.Errorf("%d raw values are in the copy", leaks)
	}
}

func checkShop(t *testing.T, dst, src engine.DB) {
	t.Helper()
	for _, c := range []struct{ what, sql string }{
		{"users", "SELECT count(*), count(email), count(DISTINCT lower(email)), min(length(full_name)), max(length(full_name)), count(DISTINCT iban), count(DISTINCT tax_number), sum(typeof(tax_number) = 'integer') FROM users"},
		{"blank values", "SELECT sum(phone = '  '), sum(notes = ''), sum(json_valid(settings)) FROM users"},
		{"orders joined by address", "SELECT count(*) FROM orders o JOIN users u ON u.id = o.user_id AND u.email = o.contact"},
		{"valid dates", "SELECT count(date(birth_date)) FROM users"},
		{"version", "SELECT version, dirty FROM schema_migrations"},
		{"plans", "SELECT plan, count(*) FROM users GROUP BY 1 ORDER BY 1"},
	} {
		if got, want := query(t, dst, c.sql), query(t, src, c.sql); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: copy has %v, source %v", c.what, got, want)
		}
	}
	for what, sql := range map[string]string{
		"addresses outside .invalid":   "SELECT count(*) FROM users WHERE email NOT LIKE '%.invalid'",
		"phones that can be called":    "SELECT count(*) FROM users WHERE phone NOT LIKE '+99 9%' AND trim(phone) <> ''",
		"rows of an excluded table":    "SELECT count(*) FROM sessions",
		"generated from a raw address": "SELECT count(*) FROM users WHERE email_domain NOT LIKE '%.invalid'",
	} {
		if got := query(t, dst, sql)[0]; got != "0" {
			t.Errorf("%s: %s", what, got)
		}
	}
}

func TestARawValueInAKeptColumnIsALeakAndTheCopyIsDropped(t *testing.T) {
	source := makeDatabase(t, shopSchema, `
		INSERT INTO users (id, email, full_name, plan) VALUES (1, 'somebody.unique@mail.example', 'Somebody Unique', 'free');
		INSERT INTO orders VALUES (1, 1, NULL, 5, 'see somebody.unique@mail.example, please');`)
	src, sch := openSource(t, source)
	plan, err := NewPlan(mustPolicy(t, shopPolicy), sch, Rehearsal, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	built, err := Build(context.Background(), src, engine.Target{}, dir, sch, plan, testKey(t), CopyOptions{})
	var leak *LeakError
	if !errors.As(err, &leak) || len(leak.Leaks) != 1 || leak.Leaks[0] != (Leak{"users.email", "orders.created_at", 1}) {
		t.Fatalf("got %v", err)
	}
	if strings.Contains(strings.ToLower(err.Error()), "somebody") {
		t.Errorf("the error quotes the value: %v", err)
	}
	if built.Report.Leaks != 1 || built.Target.Path != "" {
		t.Errorf("built %+v", built)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("the copy is still there: %v", left)
	}
	if f := leak.Findings("main", "production"); len(f) != 1 || f[0].Rule != "leak" || f[0].Address != "main:column/orders.created_at" {
		t.Errorf("findings: %+v", f)
	}
}
