package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
)

const password = "S3cret-Passw0rd!"

func TestConnectionErrorsSayWhatToDoAndNoSecret(t *testing.T) {
	server, base := arrange(t, "")
	server.Exec(t, base.DSN, "CREATE ROLE reader LOGIN PASSWORD 'other'; CREATE ROLE nologin NOLOGIN PASSWORD '"+password+"'")
	t.Cleanup(func() { server.Exec(t, server.DSN("postgres"), "DROP ROLE reader; DROP ROLE nologin") })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	cases := []struct {
		name, dsn, code, says string
	}{
		{"wrong password", server.UserDSN("reader", password, "postgres"), "28P01", "password of user"},
		{"a role that may not log in", server.UserDSN("nologin", password, "postgres"), "28000", "does not let user"},
		{"missing database", server.UserDSN("envdiff_owner", password, "nowhere"), "3D000", "does not exist"},
		{"nobody listens", "postgres://u:" + password + "@" + nobody + "/x", "08001", "connection refused"},
		{"a name that does not resolve", "postgres://u:" + password + "@no.such.host.invalid/x", "08001", "resolve"},
		{"no TLS", server.UserDSN("reader", password, "postgres") + "&sslmode=require", "08001", "sslmode"},
		{"not a URL", "postgres://u:" + password + "@[::1/x?%%%", "08001", "not a usable PostgreSQL URL"},
		{"an unknown option", server.UserDSN("reader", password, "postgres") + "&sslmode=" + password, "08001", "not a usable PostgreSQL URL"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, err := New().Open(ctx, engine.Target{Engine: "postgres", DSN: c.dsn, Display: "postgres://u@db.example/shop"}, engine.ReadOnly)
			var refusal *engine.Error
			if !errors.As(err, &refusal) || refusal.Code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %s and %q", err, c.code, c.says)
			}
			if !strings.HasPrefix(err.Error(), "postgres://u@db.example/shop: ") || strings.Contains(err.Error(), password) {
				t.Errorf("the error names no target, or the password: %v", err)
			}
		})
	}
}

func TestServerThatNeverAnswersIsGivenUp(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = New().Open(ctx, engine.Target{DSN: "postgres://u:" + password + "@" + silent.Addr().String() + "/x", Display: "d"}, engine.ReadOnly)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second || strings.Contains(err.Error(), password) {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}

// asReader opens a database as a role that may connect and nothing more, and returns its name too.
func asReader(t *testing.T, server *testservers.Server, base engine.Target) engine.DB {
	t.Helper()
	server.Exec(t, base.DSN, "CREATE ROLE reader LOGIN PASSWORD 'pw'")
	t.Cleanup(func() { server.Exec(t, base.DSN, "DROP OWNED BY reader; DROP ROLE reader") })
	db := openRead(t, target(server.UserDSN("reader", "pw", strings.TrimPrefix(base.Display[strings.LastIndex(base.Display, "/"):], "/"))))
	return db
}

func openRead(t *testing.T, at engine.Target) engine.DB {
	t.Helper()
	db, err := New().Open(context.Background(), at, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func readAll(db engine.DB, table string) (rows int, err error) {
	err = db.CopyOut(context.Background(), engine.Read{Table: schema.Name{Name: table}, Columns: []string{"id"}}, func(engine.Row) error {
		rows++
		return nil
	})
	return rows, err
}

func TestRoleWithoutPrivilegesSeesTheSchemaAndIsToldTheGrant(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE hidden (id int); CREATE TABLE shown (id int); GRANT SELECT ON shown TO PUBLIC; INSERT INTO shown VALUES (1)")
	db := asReader(t, server, base)
	model, err := db.Schema(context.Background())
	if err != nil || len(model.Tables) != 2 {
		t.Fatalf("schema: %v", err)
	}
	_, err = readAll(db, "hidden")
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "42501" || refusal.Table != "hidden" || !strings.Contains(err.Error(), `GRANT SELECT ON "public"."hidden"`) {
		t.Fatalf("got %v", err)
	}
	if rows, err := readAll(db, "shown"); rows != 1 || err != nil {
		t.Fatalf("one refusal ended the others: %d rows, %v", rows, err)
	}
}

func TestRowsHiddenByPoliciesAreAnErrorAndNotASmallerTable(t *testing.T) {
	server, base := arrange(t, `CREATE TABLE mine (id int, owner text); INSERT INTO mine VALUES (1, 'a'), (2, 'b');
GRANT SELECT ON mine TO PUBLIC; ALTER TABLE mine ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON mine USING (owner = 'a')`)
	_, err := readAll(asReader(t, server, base), "mine")
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Fatalf("got %v", err)
	}
}

func TestIdentityWithoutTheRightToReadTheSystemIdentifier(t *testing.T) {
	server, base := arrange(t, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	id, err := asReader(t, server, base).Identity(context.Background())
	if err != nil || !strings.HasPrefix(id.Server, "127.0.0.1:") || id.Database == "" || id.Version == "" {
		t.Fatalf("got %+v, %v", id, err)
	}
}

func TestLockedTableIsAnErrorAndNotAWait(t *testing.T) {
	server, base := arrange(t, `CREATE TABLE busy (id int PRIMARY KEY, v text DEFAULT 'x' CHECK (v <> ''), g int GENERATED ALWAYS AS (id + 1) STORED); CREATE TABLE free (id int REFERENCES busy);
CREATE VIEW of_busy AS SELECT id FROM busy WHERE v > 'a'; CREATE MATERIALIZED VIEW kept AS SELECT id FROM busy; CREATE INDEX busy_lower ON busy (lower(v)) WHERE id > 1; CREATE POLICY p ON busy USING (id > 0);
CREATE RULE r AS ON DELETE TO busy DO ALSO NOTHING; CREATE STATISTICS st ON id, v FROM busy; CREATE TRIGGER t BEFORE UPDATE ON busy FOR EACH ROW WHEN (new.id > 1) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM busy; END; CREATE PUBLICATION pub_busy FOR TABLE busy WHERE (id > 5)`)
	holder := newSession(t, base)
	if _, err := holder.Exec(context.Background(), "BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	db := openRead(t, target(server.DSN(strings.TrimPrefix(base.Display[strings.LastIndex(base.Display, "/"):], "/"))))
	began := time.Now()
	_, err := readAll(db, "busy")
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "55P03" || time.Since(began) > 15*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	if _, err := readAll(db, "free"); err != nil {
		t.Fatalf("one locked table ended the others: %v", err)
	}
	model, err := db.Schema(context.Background())
	if err != nil || len(model.Tables) != 2 {
		t.Fatalf("the catalogue of tables is not locked: %v", err)
	}
	if len(model.Gaps) != 1 || !strings.Contains(model.Gaps[0].Reason, "exclusive lock on public.busy") {
		t.Errorf("one locked table is one gap: %+v", model.Gaps)
	}
	if len(model.Views) != 2 || len(model.Triggers) != 1 || len(model.Routines) != 1 {
		t.Errorf("what is not locked is read: %d views, %d triggers, %d routines", len(model.Views), len(model.Triggers), len(model.Routines))
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}

func newSession(t *testing.T, at engine.Target) engine.Session {
	t.Helper()
	db, err := New().Open(context.Background(), at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); db.Close() })
	return s
}

func TestConnectionThatIsLostInTheMiddleIsAnError(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE big (id int, more text); INSERT INTO big SELECT n, repeat('x', 2000) FROM generate_series(1, 20000) n")
	db := openRead(t, base)
	rows := 0
	err := db.CopyOut(context.Background(), engine.Read{Table: schema.Name{Name: "big"}, Columns: []string{"id", "more"}}, func(engine.Row) error {
		if rows++; rows == 1 {
			server.Exec(t, server.DSN("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'envdiff' AND datname = '"+base.Display[strings.LastIndex(base.Display, "/")+1:]+"'")
		}
		return nil
	})
	var refusal *engine.Error
	if rows == 20000 || !errors.As(err, &refusal) || refusal.Code != "57P01" && refusal.Code != "08006" {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if _, err := readAll(db, "big"); err == nil {
		t.Fatal("a new connection would see another moment")
	}
}

func TestReadOnlyTransactionCannotBeLeft(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE t (id int)")
	ctx := context.Background()
	nothing := func(engine.Row) error { return nil }
	for _, sql := range []string{"COMMIT", "COMMIT; DROP TABLE t", "ROLLBACK", "SET TRANSACTION READ WRITE", "SELECT nextval('s')", "TRUNCATE t", "DO $$ BEGIN DELETE FROM t; END $$"} {
		db := openRead(t, base)
		if err := db.Query(ctx, "SELECT count(*) FROM t", nothing); err != nil {
			t.Fatal(err)
		}
		if err := db.Query(ctx, sql, nothing); err == nil {
			t.Errorf("%s was run", sql)
		}
		if err := db.Query(ctx, "INSERT INTO t VALUES (1)", nothing); err == nil {
			t.Errorf("after %s a row was written", sql)
		}
	}
	db := openRead(t, base)
	err := db.CopyOut(ctx, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"id"}, Where: "true)) TO STDOUT; COMMIT; DROP TABLE t; --"}, nothing)
	if err == nil {
		t.Error("a condition reached out of its parentheses")
	}
	if rows, err := readAll(openRead(t, base), "t"); rows != 0 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestCallsFromSeveralGoroutinesTakeTurns(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 1000)")
	db := openRead(t, base)
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			rows, err := readAll(db, "t")
			if err == nil && rows != 1000 {
				err = errors.New("rows are missing")
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyMarkedDatabasesAreDropped(t *testing.T) {
	server, _ := arrange(t, "")
	const name = scratchPrefix + "somebody_elses"
	server.Exec(t, server.DSN("postgres"), "CREATE DATABASE "+name)
	t.Cleanup(func() { server.Exec(t, server.DSN("postgres"), "DROP DATABASE "+name) })
	if err := New().DropScratch(context.Background(), target(server.DSN(name))); err == nil {
		t.Fatal("a database without the mark was dropped for its name")
	}
}

func TestScratchNeedsAURLWhoseDatabaseCanBeChanged(t *testing.T) {
	several := engine.Target{DSN: "postgres://u:" + password + "@one.example:5432,two.example:5433/shop", Display: "d"}
	if _, err := New().CreateScratch(context.Background(), several, ""); err == nil || strings.Contains(err.Error(), password) {
		t.Fatalf("got %v", err)
	}
	for dsn, want := range map[string]string{
		"postgres://u:p%40@h:1/a?dbname=b&sslmode=disable": "postgres://u:p%40@h:1/x?sslmode=disable",
		"host=h dbname=a": "host=h dbname=a dbname='x'",
	} {
		if got, err := withDatabase(engine.Target{DSN: dsn}, "x"); err != nil || got != want {
			t.Errorf("%s: %s, %v", dsn, got, err)
		}
	}
}

func TestStandbyIsReadAndKnownAsOne(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
	standby := server.Standby(t)
	database := base.Display[strings.LastIndex(base.Display, "/")+1:]
	ctx := context.Background()
	var rows int
	for range 500 { // until it has caught up
		db, err := New().Open(ctx, target(standby.DSN(database)), engine.ReadOnly)
		if err == nil {
			rows, err = readAll(db, "t")
			db.Close()
		}
		if err == nil && rows == 1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	db := openRead(t, target(standby.DSN(database)))
	if rows, err := readAll(db, "t"); rows != 1 || err != nil {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if model, err := db.Schema(ctx); err != nil || len(model.Tables) != 1 {
		t.Fatalf("schema: %v", err)
	}
	here, err := db.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	there, err := openRead(t, base).Identity(ctx)
	if err != nil || here.Server != there.Server || here.Database != there.Database || !here.Replica || there.Replica {
		t.Fatalf("standby %+v, primary %+v, %v", here, there, err)
	}
}
