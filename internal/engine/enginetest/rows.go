package enginetest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

var nastyTable = dialects{
	"sqlite":   `CREATE TABLE nasty (id INTEGER PRIMARY KEY, s TEXT, b BLOB, n INTEGER, r REAL)`,
	"postgres": `CREATE TABLE nasty (id bigint PRIMARY KEY, s text, b bytea, n bigint, r double precision)`,
	"mysql":    `CREATE TABLE nasty (id BIGINT PRIMARY KEY, s LONGTEXT, b LONGBLOB, n BIGINT, r DOUBLE)`,
}

var nastyColumns = []string{"id", "s", "b", "n", "r"}

// nastyRows are the values that copies get wrong.
func (h Harness) nastyRows(t *testing.T) []engine.Row {
	texts := []string{
		"", "NULL", "null", `\N`, `\.`, `\`, `\\`, `\t`, "a\tb", "a\nb", "a\r\nb", "\n", " lead and trail ", "'", `"`, "''", `','`, ",", ";", "--", "1", "01", "1.0", "1e5", "0x10", "é", "日本語",
		"😀👩‍👩‍👧", "\u202e", "\x01\x1b[31m", strings.Repeat("long ", 20000), "true", "{}", "{a,b}", "[1]", "%s%d", "${x}", "\ufeff",
	}
	numbers := []string{"0", "-1", "9223372036854775807", "-9223372036854775808", "42"}
	reals := []string{"0.5", "-2.25", "0.1", dialects{"": "1.7976931348623157e+308", "mysql": "1.7976931348623157e308"}.of(t, h), "123456789.125"}
	blobs := []string{"", "\x00", "\x00\x01\xff\xfe", "text", "\\x00", "\n", strings.Repeat("\xff", 70000)}
	var rows []engine.Row
	for i, s := range texts {
		rows = append(rows, engine.Row{
			h.integer(fmt.Sprint(i)), text(s), h.blob(blobs[i%len(blobs)]), h.integer(numbers[i%len(numbers)]), h.real(reals[i%len(reals)]),
		})
	}
	return append(rows, engine.Row{h.integer("1000"), null(), null(), null(), null()})
}

// rows moves rows out and in.
func (h Harness) rows(t *testing.T) {
	t.Run("nasty values come back byte for byte", h.roundTrip)
	t.Run("poured from one database to another", h.pour)
	t.Run("many columns", h.manyColumns)
	t.Run("where, match, order and limit", h.selections)
	t.Run("order is binary", h.binaryOrder)
	t.Run("all rows or none", h.allOrNone)
	t.Run("rows older than a constraint stay", h.olderRows)
	t.Run("an error of the callback stops the read", h.callbackError)
	t.Run("a missing table", h.missingTable)
}

func (h Harness) roundTrip(t *testing.T) {
	target := h.with(t, nastyTable.of(t, h))
	want := h.nastyRows(t)
	h.copyIn(t, target, "nasty", nastyColumns, want)
	db := h.open(t, target, engine.ReadOnly)
	got := h.copyOut(t, db, engine.Read{Table: schema.Name{Name: "nasty"}, Columns: nastyColumns, OrderBy: []string{"id"}})
	sameText(t, "the rows", showAll(want), showAll(got))

	second := h.with(t, nastyTable.of(t, h))
	h.copyIn(t, second, "nasty", nastyColumns, got)
	again := h.copyOut(t, h.open(t, second, engine.ReadOnly), engine.Read{Table: schema.Name{Name: "nasty"}, Columns: nastyColumns, OrderBy: []string{"id"}})
	sameText(t, "the rows of the copy", showAll(want), showAll(again))

	reordered := h.copyOut(t, db, engine.Read{Table: schema.Name{Name: "nasty"}, Columns: []string{"s", "id"}, OrderBy: []string{"id"}, Limit: 1})
	sameText(t, "columns in the order asked for", show(engine.Row{want[0][1], want[0][0]}), showAll(reordered))
}

func (h Harness) manyColumns(t *testing.T) {
	const n = 1500
	names, definitions, row := make([]string, n), make([]string, n), make(engine.Row, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
		definitions[i] = names[i] + " VARCHAR(10)"
		row[i] = text(fmt.Sprint(i % 10))
	}
	// InnoDB has no more than 1,017 columns, MySQL's other engines 4,096.
	storage := dialects{"": "", "mysql": " ENGINE = MyISAM"}.of(t, h)
	target := h.with(t, "CREATE TABLE wide ("+strings.Join(definitions, ", ")+")"+storage)
	h.copyIn(t, target, "wide", names, []engine.Row{row, row})
	db := h.open(t, target, engine.ReadOnly)
	got := h.copyOut(t, db, engine.Read{Table: schema.Name{Name: "wide"}, Columns: names})
	sameText(t, "the rows", showAll([]engine.Row{row, row}), showAll(got))
	if captured := table(t, h.capture(t, target), "wide"); len(captured.Columns) != n {
		t.Errorf("%d columns captured, want %d", len(captured.Columns), n)
	}
}

const selectionRows = `CREATE TABLE s (id INTEGER PRIMARY KEY, grp INTEGER, name VARCHAR(20));
INSERT INTO s VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 2, 'three'), (4, NULL, 'four'), (5, 2, NULL)`

func (h Harness) selections(t *testing.T) {
	db := h.open(t, h.selection, engine.ReadOnly)
	pair := func(grp, name string) engine.Row { return engine.Row{h.integer(grp), text(name)} }
	for _, c := range []struct {
		name string
		read engine.Read
		want string
	}{
		{"all", engine.Read{}, "1 2 3 4 5"},
		{"where", engine.Read{Where: "grp = 2 OR grp IS NULL"}, "3 4 5"},
		{"where with a comment", engine.Read{Where: "grp = 2 -- only these"}, "3 5"},
		{"a condition cannot get out of its parentheses", engine.Read{Where: "grp = 1 OR grp = 2", Match: &engine.Match{Columns: []string{"id"}, Tuples: []engine.Row{{h.integer("1")}, {h.integer("4")}}}}, "1"},
		{"match one column", engine.Read{Match: &engine.Match{Columns: []string{"grp"}, Tuples: []engine.Row{{h.integer("1")}}}}, "1 2"},
		{"a tuple given twice matches once", engine.Read{Match: &engine.Match{Columns: []string{"grp"}, Tuples: []engine.Row{{h.integer("1")}, {h.integer("1")}}}}, "1 2"},
		{"match two columns", engine.Read{Match: &engine.Match{Columns: []string{"grp", "name"}, Tuples: []engine.Row{pair("1", "two"), pair("2", "three"), pair("2", "one")}}}, "2 3"},
		{"null never matches", engine.Read{Match: &engine.Match{Columns: []string{"grp"}, Tuples: []engine.Row{{null()}}}}, ""},
		{"no tuples match nothing", engine.Read{Match: &engine.Match{Columns: []string{"grp"}}}, ""},
		{"match and where", engine.Read{Where: "name = 'two' OR id = 4", Match: &engine.Match{Columns: []string{"grp"}, Tuples: []engine.Row{{h.integer("1")}, {h.integer("2")}}}}, "2"},
		{"modulo", engine.Read{Modulo: &engine.Modulo{Column: "id", Of: 3, In: []int64{0, 2}}}, "2 3 5"},
		{"modulo and where", engine.Read{Where: "id < 3 OR id = 5", Modulo: &engine.Modulo{Column: "id", Of: 3, In: []int64{2}}}, "2 5"},
		{"modulo by an index", engine.Read{Modulo: &engine.Modulo{Column: "id", Of: 3, In: []int64{0, 2}, Indexed: 1_000_000}}, "2 3 5"},
		{"modulo by an index and where", engine.Read{Where: "id < 3 OR id = 5", Modulo: &engine.Modulo{Column: "id", Of: 3, In: []int64{2}, Indexed: 1_000_000}}, "2 5"},
		{"modulo by an index of more values than rows", engine.Read{Modulo: &engine.Modulo{Column: "id", Of: 3, In: []int64{0, 2}, Indexed: 1}}, "2 3 5"},
		{"null has no remainder", engine.Read{Modulo: &engine.Modulo{Column: "grp", Of: 1, In: []int64{0}}}, "1 2 3 5"},
		{"no remainders match nothing", engine.Read{Modulo: &engine.Modulo{Column: "id", Of: 3}}, ""},
		{"limit", engine.Read{Limit: 2}, "1 2"},
	} {
		c.read.Table, c.read.Columns = schema.Name{Name: "s"}, []string{"id"}
		for _, order := range [][]string{{"id"}, nil} { // engines read without an order in other ways
			if order == nil && c.read.Limit > 0 {
				continue // which rows come is open
			}
			c.read.OrderBy = order
			var ids []string
			for _, r := range h.copyOut(t, db, c.read) {
				ids = append(ids, string(r[0].Data))
			}
			if order == nil {
				slices.Sort(ids)
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("%s, ordered by %q: rows %q, want %q", c.name, order, got, c.want)
			}
		}
	}
	var many []engine.Row
	for i := range 3000 {
		many = append(many, engine.Row{h.integer(fmt.Sprint(i)), text("three")})
	}
	read := engine.Read{Table: schema.Name{Name: "s"}, Columns: []string{"id"}, Match: &engine.Match{Columns: []string{"id", "name"}, Tuples: many}}
	if got := h.copyOut(t, db, read); len(got) != 1 || string(got[0][0].Data) != "3" {
		t.Errorf("3,000 tuples match %s, want row 3", showAll(got))
	}
}

func (h Harness) binaryOrder(t *testing.T) {
	target := h.with(t, `CREATE TABLE o (v VARCHAR(20))`)
	var rows []engine.Row
	for _, s := range []string{"b", "B", "a", "é", "Z", "", "aa", "_", "日"} {
		rows = append(rows, engine.Row{text(s)})
	}
	h.copyIn(t, target, "o", []string{"v"}, rows)
	got := h.copyOut(t, h.open(t, target, engine.ReadOnly), engine.Read{Table: schema.Name{Name: "o"}, Columns: []string{"v"}, OrderBy: []string{"v"}})
	var values []string
	for _, r := range got {
		values = append(values, string(r[0].Data))
	}
	if order := strings.Join(values, " "); order != " B Z _ a aa b é 日" {
		t.Errorf("order %q, want the order of bytes", order)
	}
}

func (h Harness) allOrNone(t *testing.T) {
	target := h.with(t, `CREATE TABLE n (id INTEGER NOT NULL)`)
	db := h.open(t, target, engine.Scratch)
	given := 0
	broken := errors.New("the source failed")
	_, err := db.CopyIn(h.context(t), schema.Name{Name: "n"}, []string{"id"}, func() (engine.Row, error) {
		if given++; given > 50 {
			return nil, broken
		}
		return engine.Row{h.integer("1")}, nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error of the source is lost: %v", err)
	}
	_, err = db.CopyIn(h.context(t), schema.Name{Name: "n"}, []string{"id"}, feed([]engine.Row{{h.integer("1")}, {null()}}))
	if refusal := refused(t, "a null in a NOT NULL column", err); refusal.Code != h.Codes.NotNull {
		t.Errorf("code %q, want %q", refusal.Code, h.Codes.NotNull)
	}
	if got := h.value(t, db, "SELECT count(*) FROM n"); got != "0" {
		t.Errorf("%s rows stayed of loads that failed", got)
	}
	n, err := db.CopyIn(h.context(t), schema.Name{Name: "n"}, []string{"id"}, func() (engine.Row, error) { return nil, io.EOF })
	if n != 0 || err != nil {
		t.Errorf("no rows: %d, %v", n, err)
	}
}

// olderRows: production may hold rows that predate a constraint. A copy must hold them too, or
// the rehearsal would miss what they break.
func (h Harness) olderRows(t *testing.T) {
	source := h.with(t, dialects{
		"sqlite": `CREATE TABLE p (id INTEGER PRIMARY KEY);
			CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER CONSTRAINT c_p REFERENCES p (id), n INTEGER CONSTRAINT c_n CHECK (n > 0));
			PRAGMA ignore_check_constraints = 1; INSERT INTO c VALUES (1, 99, -5)`,
		"postgres": `CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id integer PRIMARY KEY, p_id integer, n integer); INSERT INTO c VALUES (1, 99, -5);
			ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (p_id) REFERENCES p (id) NOT VALID; ALTER TABLE c ADD CONSTRAINT c_n CHECK (n > 0) NOT VALID`,
		"mysql": `CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER, n INTEGER, CONSTRAINT c_p FOREIGN KEY (p_id) REFERENCES p (id),
			CONSTRAINT c_n CHECK (n > 0)); SET SESSION foreign_key_checks = 0; SET SESSION check_constraint_checks = 0; INSERT INTO c VALUES (1, 99, -5)`,
	}.of(t, h))
	db := h.open(t, source, engine.ReadOnly)
	captured, err := db.Schema(h.context(t))
	if err != nil {
		t.Fatal(err)
	}
	columns := []string{"id", "p_id", "n"}
	rows := h.copyOut(t, db, engine.Read{Table: schema.Name{Name: "c"}, Columns: columns})

	before, after, err := h.Engine.DDL(captured)
	if err != nil {
		t.Fatal(err)
	}
	target := h.empty(t)
	h.applyAll(t, target, before)
	h.copyIn(t, target, "c", columns, rows)
	h.applyAll(t, target, after)
	sameModel(t, "the copy's schema", captured, h.capture(t, target))
	copied := h.copyOut(t, h.open(t, target, engine.ReadOnly), engine.Read{Table: schema.Name{Name: "c"}, Columns: columns})
	sameText(t, "the copy's rows", showAll(rows), showAll(copied))
}

func (h Harness) applyAll(t *testing.T, target engine.Target, statements []string) {
	t.Helper()
	session := h.session(t, h.open(t, target, engine.Scratch))
	defer session.Close()
	for _, sql := range statements {
		if _, err := session.Exec(h.context(t), sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
}

func (h Harness) callbackError(t *testing.T) {
	db := h.open(t, h.selection, engine.ReadOnly)
	stop := errors.New("enough")
	calls := 0
	err := db.CopyOut(h.context(t), engine.Read{Table: schema.Name{Name: "s"}, Columns: []string{"id"}}, func(engine.Row) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	if got := h.value(t, db, "SELECT count(*) FROM s"); got != "5" {
		t.Errorf("the database is not usable afterwards: %s", got)
	}
}

func (h Harness) missingTable(t *testing.T) {
	db := h.open(t, h.selection, engine.ReadOnly)
	err := db.CopyOut(h.context(t), engine.Read{Table: schema.Name{Name: "nowhere"}, Columns: []string{"id"}}, func(engine.Row) error { return nil })
	if refusal := refused(t, "a missing table", err); refusal.Code != h.Codes.NoSuchTable || !strings.Contains(refusal.Message, "nowhere") {
		t.Errorf("code %q, message %q: want %q and the table's name", refusal.Code, refusal.Message, h.Codes.NoSuchTable)
	}
	if got := h.value(t, db, "SELECT count(*) FROM s"); got != "5" {
		t.Errorf("the database is not usable after an error: %s", got)
	}
}
