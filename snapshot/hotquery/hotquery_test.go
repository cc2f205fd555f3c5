package hotquery_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/hotquery"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

func open(t *testing.T, e engine.Engine, dsn string) engine.DB {
	t.Helper()
	db, err := e.Open(t.Context(), engine.Target{Engine: e.Name(), DSN: dsn, Path: dsn, Display: "the test database"}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func collect(t *testing.T, db engine.DB) snapshot.Result {
	t.Helper()
	return hotquery.New().Collect(t.Context(), snapshot.DatabaseInput{Scope: "main", Instance: "primary", DB: db, Redact: snapshot.NewRedactor(testKey, nil)})
}

// planted is a literal that must not be stored.
const planted = "zqtoken"

// byText are the statements as "calls rows", by text.
func byText(t *testing.T, r snapshot.Result) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, f := range r.Facts {
		values[f.Address.Name+"#"+f.Address.Attribute] = f.Value.Display()
		if strings.Contains(f.Value.JSON(), planted) {
			t.Errorf("%s holds a literal: %s", f.Address, f.Value.JSON())
		}
	}
	m := map[string]string{}
	for key, v := range values {
		if name, ok := strings.CutSuffix(key, "#text"); ok {
			m[v] = values[name+"#calls"] + " " + values[name+"#rows"]
		}
	}
	return m
}

// workload is run on both kinds of server: the same statement with other values, a list of another length, a password
// in a statement that is no query.
const workload = `
SELECT id FROM orders WHERE state = 'zqtoken1';
SELECT id FROM orders WHERE state = 'zqtoken2';
SELECT id FROM orders WHERE id IN (1, 2);
select id from orders where id in (3, 4, 5);
UPDATE orders SET state = 'zqtoken3' WHERE id = 1;
`

// askAsEnvdiff reads the rows of a table and asks what a pending NOT NULL and a unique key would refuse, as a gate does.
func askAsEnvdiff(t *testing.T, e engine.Engine, db engine.DB, table schema.Name) {
	t.Helper()
	every := func(engine.Row) error { return nil }
	if err := db.CopyOut(t.Context(), engine.Read{Table: table, Columns: []string{"id", "state"}, OrderBy: []string{"id"}}, every); err != nil {
		t.Fatal(err)
	}
	if _, err := db.(engine.Measurer).Longest(t.Context(), engine.Read{Table: table, Columns: []string{"id", "state"}}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []schema.ObligationKind{schema.NotNull, schema.UniqueKey} {
		sql, err := e.Probe(schema.Obligation{Kind: kind, Table: table, Columns: []string{"state"}}, schema.Relation{Table: table})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Query(t.Context(), sql, every); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostgresCountsBySameForm(t *testing.T) {
	server := testservers.NewPostgres(t, "shared_preload_libraries = 'pg_stat_statements'")
	dsn := server.DSN("postgres")
	server.Exec(t, dsn, "CREATE EXTENSION pg_stat_statements; CREATE TABLE orders (id int PRIMARY KEY, state text); INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 9) n")
	server.Exec(t, dsn, "SELECT pg_stat_statements_reset()")
	for _, sql := range strings.Split(strings.TrimSpace(workload), "\n") {
		server.Exec(t, dsn, sql)
	}
	server.Exec(t, dsn, "CREATE ROLE someone PASSWORD 'zqtoken'")
	db := open(t, postgres.New(), dsn)
	askAsEnvdiff(t, postgres.New(), db, schema.Name{Schema: "public", Name: "orders"})
	got := byText(t, collect(t, db))
	want := map[string]string{"select id from orders where state = ?": "2 0", "select id from orders where id in (?+)": "2 5", "update orders set state = ? where id = ?": "1 1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
	snapshottest.Database(t, hotquery.New(), snapshot.DatabaseSpec{}, func(t *testing.T) engine.DB { return open(t, postgres.New(), dsn) })

	server.Exec(t, dsn, "CREATE ROLE guest LOGIN PASSWORD 'g'")
	r := collect(t, open(t, postgres.New(), server.UserDSN("guest", "g", "postgres")))
	if len(r.Notes) != 1 || r.Notes[0].Count < 3 || r.Notes[0].Detail != "GRANT pg_read_all_stats TO the role" {
		t.Errorf("notes of a role that may not read: %+v", r.Notes)
	}
}

func TestMariaDBCountsBySameForm(t *testing.T) {
	server := testservers.NewMariaDB(t, "--performance-schema=ON")
	server.Exec(t, "", "CREATE DATABASE shop; CREATE TABLE shop.orders (id int PRIMARY KEY, state mediumtext); INSERT INTO shop.orders SELECT seq, 'new' FROM shop.seq_1_to_9")
	server.Exec(t, "", "TRUNCATE performance_schema.events_statements_summary_by_digest")
	for _, sql := range strings.Split(strings.TrimSpace(workload), "\n") {
		server.Exec(t, "shop", strings.TrimSuffix(sql, ";"))
	}
	db := open(t, mysql.New(), server.DSN("shop"))
	askAsEnvdiff(t, mysql.New(), db, schema.Name{Name: "orders"})
	got := byText(t, collect(t, db))
	want := map[string]string{"select id from orders where state = ?": "2 0", "select id from orders where id in (?+)": "2 5", "update orders set state = ? where id = ?": "1 1"}
	for text, counts := range want {
		if got[text] != counts {
			t.Errorf("%s: %q, want %q", text, got[text], counts)
		}
	}
	for text := range got {
		if strings.Contains(text, "orders") && want[text] == "" {
			t.Errorf("envdiff's own: %s", text)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestMariaDBWithoutCountersIsReadFromItsSlowLog(t *testing.T) {
	server := testservers.NewMariaDB(t, "--log-output=FILE,TABLE", "--long-query-time=0")
	server.Exec(t, "", "CREATE DATABASE shop; CREATE TABLE shop.orders (id int PRIMARY KEY, state text); INSERT INTO shop.orders SELECT seq, 'new' FROM shop.seq_1_to_9")
	server.Exec(t, "", "CREATE DATABASE other; CREATE USER guest@'127.0.0.1' IDENTIFIED BY 'g'; GRANT SELECT ON shop.* TO guest@'127.0.0.1'; SET GLOBAL slow_query_log = ON")
	for _, sql := range strings.Split(strings.TrimSpace(workload), "\n") {
		server.Exec(t, "shop", strings.TrimSuffix(sql, ";"))
	}
	server.Exec(t, "shop", "SELECT SLEEP(0.2), 'zqtoken'")
	server.Exec(t, "shop", `SELECT id FROM orders WHERE state = 'it\'s zqtoken'`)
	server.Exec(t, "shop", "SELECT id FROM orders WHERE state = '"+strings.Repeat("zqtoken", 3000)+"'")
	server.Exec(t, "shop", "CREATE USER someone IDENTIFIED BY 'zqtoken'")
	server.Exec(t, "other", "SELECT 'zqtoken' AS elsewhere")
	server.Exec(t, "", "SET GLOBAL slow_query_log = OFF")
	if r := collect(t, open(t, mysql.New(), server.DSN("shop"))); len(r.Notes) != 1 || !strings.HasSuffix(r.Notes[0].Kind, "its slow log is off") {
		t.Errorf("a log that is off: %+v", r)
	}
	server.Exec(t, "", "SET GLOBAL long_query_time = 10; SET GLOBAL slow_query_log = ON") // envdiff's own statements are not logged

	root := open(t, mysql.New(), server.DSN("shop"))
	r := collect(t, root)
	got := byText(t, r)
	want := map[string]string{"select id from orders where state = ?": "2 0", "select id from orders where id in (?+)": "2 5",
		"update orders set state = ? where id = ?": "1 1", "select sleep (?), ?": "1 1"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
	if len(r.Notes) != 1 || r.Notes[0].Count != 2 || !strings.Contains(r.Notes[0].Kind, "literals") {
		t.Errorf("notes: %+v", r.Notes)
	}
	all, slowest := map[string]string{}, 0.0
	for _, f := range r.Facts {
		if f.Address.Name == "all" {
			all[f.Address.Attribute] = f.Value.Display()
		}
		if f.Address.Attribute == "seconds" {
			seconds, err := strconv.ParseFloat(f.Value.Display(), 64)
			if err != nil {
				t.Error(err)
			}
			slowest = max(slowest, seconds)
		}
	}
	if all["source"] != "slow log" || all["forgetful"] != "true" || slowest < 0.2 || slowest > 10 {
		t.Errorf("source %q, forgetful %q, %g seconds at most", all["source"], all["forgetful"], slowest)
	}
	snapshottest.Database(t, hotquery.New(), snapshot.DatabaseSpec{}, func(t *testing.T) engine.DB { return open(t, mysql.New(), server.DSN("shop")) })

	r = collect(t, open(t, mysql.New(), server.UserDSN("guest", "g", "shop")))
	if len(r.Notes) != 1 || r.Notes[0].Detail != "GRANT SELECT ON mysql.slow_log TO the user" {
		t.Errorf("a user who may not read it: %+v", r)
	}
	server.Exec(t, "", "SET GLOBAL log_output = 'FILE'")
	if r = collect(t, root); len(r.Facts) > 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Kind, "goes to a file") {
		t.Errorf("a log in a file: %+v", r)
	}
}

func TestServersWithoutCountersAreNotes(t *testing.T) {
	pg := testservers.Postgres(t)
	maria := testservers.MariaDB(t)
	for name, db := range map[string]engine.DB{
		"the extension pg_stat_statements is not installed in this database":  open(t, postgres.New(), pg.NewDatabase(t)),
		"the server runs without performance_schema, and its slow log is off": open(t, mysql.New(), maria.DSN(maria.NewDatabase(t))),
	} {
		r := collect(t, db)
		if len(r.Facts)+len(r.Gaps) > 0 || len(r.Notes) != 1 || r.Notes[0].Kind != "hot queries: "+name {
			t.Errorf("%s: %+v", name, r)
		}
	}
	dsn := pg.NewDatabase(t)
	pg.Exec(t, dsn, "CREATE EXTENSION pg_stat_statements") // installed, but the server does not load it
	if r := collect(t, open(t, postgres.New(), dsn)); len(r.Notes) != 1 || !strings.Contains(r.Notes[0].Kind, "shared_preload_libraries") {
		t.Errorf("%+v", r)
	}
}

func TestEnginesWithoutCountersSayNothing(t *testing.T) {
	e := sqlite.New()
	target, err := e.CreateScratch(t.Context(), engine.Target{Engine: "sqlite"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db, err := e.Open(t.Context(), target, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if r := collect(t, db); len(r.Facts)+len(r.Gaps)+len(r.Notes) > 0 || r.Looked == nil {
		t.Errorf("%+v", r)
	}
}
