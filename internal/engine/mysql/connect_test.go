package mysql

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

const password = "S3cret-Passw0rd!"

func databaseOf(at engine.Target) string { return at.Display[strings.LastIndex(at.Display, "/")+1:] }

func TestConnectionErrorsSayWhatToDoAndNoSecret(t *testing.T) {
	server, base := arrange(t, "")
	server.Exec(t, "", "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'other'; CREATE USER locked@'127.0.0.1' IDENTIFIED BY '"+password+"' ACCOUNT LOCK; CREATE USER bare@'127.0.0.1' IDENTIFIED BY '"+password+"'")
	t.Cleanup(func() { server.Exec(t, "", "DROP USER reader@'127.0.0.1', locked@'127.0.0.1', bare@'127.0.0.1'") })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	name := databaseOf(base)
	for _, c := range []struct{ name, dsn, code, says string }{
		{"wrong password", server.UserDSN("reader", password, name), "1045", "wrong password"},
		{"an account that is locked", server.UserDSN("locked", password, name), "4151", "locked"},
		{"a database that the account may not use", server.UserDSN("bare", password, name), "1044", "GRANT SELECT"},
		{"missing database", server.DSN("nowhere"), "1049", "does not exist"},
		{"no database", server.DSN(""), "1046", "names no database"},
		{"nobody listens", "u:" + password + "@tcp(" + nobody + ")/x", "08001", "connection refused"},
		{"a name that does not resolve", "u:" + password + "@tcp(no.such.host.invalid:3306)/x", "08001", "resolve"},
		{"no TLS", server.UserDSN("reader", password, name) + "?tls=true", "08001", "TLS"},
		{"no TLS, asked for as other clients do", server.UserDSN("reader", password, name) + "?ssl-mode=VERIFY_IDENTITY", "08001", "TLS"},
		{"an ssl-mode that does not exist", server.UserDSN("reader", password, name) + "?sslmode=" + password, "08001", "not a usable MySQL URL"},
		{"a URL with a wrong password", "mysql://reader:" + password + "@127.0.0.1:" + strconv.Itoa(server.Port) + "/" + name + "?parseTime=true", "1045", "wrong password"},
		{"not a URL", "mysql://u:" + password + "@[::1/x?%%%", "08001", "not a usable MySQL URL"},
		{"an unknown tls", "mysql://u:x@127.0.0.1/x?tls=" + password, "08001", "not a usable MySQL URL"},
		{"not a DSN", "u:" + password + "@tcp(::::/x", "08001", "not a usable MySQL URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, err := New().Open(ctx, engine.Target{Engine: "mysql", DSN: c.dsn, Display: "mysql://u@db.example/shop"}, engine.ReadOnly)
			var refusal *engine.Error
			if !errors.As(err, &refusal) || refusal.Code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v (%+v), want %s and %q", err, refusal, c.code, c.says)
			}
			if !strings.HasPrefix(err.Error(), "mysql://u@db.example/shop: ") || strings.Contains(err.Error(), password) {
				t.Errorf("the error names no target, or the password: %v", err)
			}
		})
	}
}

func TestURLsKeepTheirStrangeParts(t *testing.T) {
	for _, c := range []struct{ dsn, user, password, addr, database, tls string }{
		{"mysql://us%40er:p%40ss%2Fw%3F%3A%23@host:3307/my%2Fdb?tls=skip-verify&sql_mode=ansi", "us@er", "p@ss/w?:#", "host:3307", "my/db", "skip-verify"},
		{"mariadb://u@[::1]/d?ssl-mode=REQUIRED", "u", "", "[::1]:3306", "d", "skip-verify"},
		{"u:p?q=1@tcp(h)/d?loc=Local&parseTime=true&sql_mode=ansi", "u", "p?q=1", "h:3306", "d", ""},
	} {
		got, err := configure(engine.Target{DSN: c.dsn})
		if err != nil {
			t.Errorf("%s: %v", c.dsn, err)
			continue
		}
		if got.User != c.user || got.Passwd != c.password || got.Addr != c.addr || got.DBName != c.database || got.TLSConfig != c.tls || got.ParseTime || got.Params != nil {
			t.Errorf("%s: %q %q %q %q %q", c.dsn, got.User, got.Passwd, got.Addr, got.DBName, got.TLSConfig)
		}
		again, err := configure(sibling(engine.Target{}, got, "other/one"))
		if err != nil || again.User != c.user || again.Passwd != c.password || again.Addr != c.addr || again.DBName != "other/one" || again.TLSConfig != c.tls {
			t.Errorf("beside %s: %+v, %v", c.dsn, again, err)
		}
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
	_, err = New().Open(ctx, engine.Target{DSN: "u:" + password + "@tcp(" + silent.Addr().String() + ")/x", Display: "d"}, engine.ReadOnly)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second || strings.Contains(err.Error(), password) {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}

func rowsOf(db engine.DB, table string) (rows int, err error) {
	err = db.CopyOut(context.Background(), engine.Read{Table: schema.Name{Name: table}, Columns: []string{"id"}}, func(engine.Row) error {
		rows++
		return nil
	})
	return rows, err
}

func TestLockedTableIsAnErrorAndNotAWait(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE busy (id INT PRIMARY KEY, v VARCHAR(9) CHECK (v <> ''), g INT AS (id + 1)); CREATE TABLE free (id INT); INSERT INTO free VALUES (1); CREATE VIEW of_busy AS SELECT id, g FROM busy; CREATE TRIGGER tr BEFORE INSERT ON busy FOR EACH ROW SET NEW.v = 'x'; CREATE FUNCTION f() RETURNS INT READS SQL DATA RETURN (SELECT count(*) FROM busy)")
	holder := holdWrite(t, base, "LOCK TABLES busy WRITE")
	defer holder.Close()
	db := openRead(t, base)
	began := time.Now()
	_, err := rowsOf(db, "busy")
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "1205" || time.Since(began) > 10*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	if rows, err := rowsOf(db, "free"); err != nil || rows != 1 {
		t.Fatalf("one locked table ended the others: %d rows, %v", rows, err)
	}
	if model, err := db.Schema(context.Background()); err != nil || len(model.Tables) != 2 || len(model.Tables[0].Columns) != 3 || len(model.Views) != 1 || model.Views[0].Definition == "" || len(model.Triggers) != 1 {
		t.Fatalf("the catalogue is not locked: %v", err)
	}
}

// holdWrite is a connection of an application that has run a statement and stays.
func holdWrite(t *testing.T, at engine.Target, sql string) engine.Session {
	t.Helper()
	c, err := dial(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
	return &session{target: at, c: c, name: databaseOf(at)}
}

func TestReaderDoesNotStandInTheWayOfDDL(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE t (id INT); INSERT INTO t VALUES (1)")
	db := openRead(t, base)
	if rows, err := rowsOf(db, "t"); rows != 1 || err != nil {
		t.Fatalf("%d rows, %v", rows, err)
	}
	application := holdWrite(t, base, "SET lock_wait_timeout = 1")
	defer application.Close()
	if _, err := application.Exec(context.Background(), "ALTER TABLE t ADD COLUMN a INT, ALGORITHM = COPY"); err != nil {
		t.Fatalf("DDL waits for a reader that has long read the table: %v", err)
	}
	_, err := rowsOf(db, "t")
	var refusal *engine.Error
	if !errors.As(err, &refusal) || refusal.Code != "1412" || !strings.Contains(err.Error(), "run again") {
		t.Errorf("a table that was changed after the snapshot: %v", err)
	}
}

func TestReadOnlyTransactionCannotBeLeft(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE t (id INT)")
	ctx := context.Background()
	nothing := func(engine.Row) error { return nil }
	for _, sql := range []string{
		"COMMIT", "ROLLBACK", "SET SESSION TRANSACTION READ WRITE", "SET @a = 1", "LOCK TABLES t WRITE", "FLUSH TABLES WITH READ LOCK", "SELECT 1; DROP TABLE t", "TRUNCATE t", "CALL p()", "DO SLEEP(0)",
		"SELECT * FROM t INTO OUTFILE '/tmp/envdiff-out'", "SELECT id INTO @a FROM t", "SELECT * FROM t FOR UPDATE", "SELECT * FROM t LOCK IN SHARE MODE", "/*!50000 DROP TABLE t */", "ANALYZE TABLE t", "",
	} {
		db := openRead(t, base)
		if err := db.Query(ctx, sql, nothing); err == nil {
			t.Errorf("%s was run", sql)
		}
		if err := db.Query(ctx, "INSERT INTO t VALUES (1)", nothing); err == nil {
			t.Errorf("after %s a row was written", sql)
		}
	}
	db := openRead(t, base)
	for _, where := range []string{"1=1) INTO OUTFILE '/tmp/x' -- ", "1=1); DROP TABLE t; -- ", "id = 'x", "id = 1 /* ", "/*! 1=1) */ (1", "id IN (SELECT 1 INTO @x)"} {
		if err := db.CopyOut(ctx, engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"id"}, Where: where}, nothing); err == nil {
			t.Errorf("the condition %s was taken", where)
		}
	}
	if rows, err := rowsOf(db, "t"); rows != 0 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestServersOwnModesStayAndReadingIsAlwaysTheSame(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE t (id INT, c CHAR(5), s VARCHAR(9), at TIMESTAMP); INSERT INTO t VALUES (1, 'a', 'b\\\\c', '2026-03-29 02:30:00')")
	server.Exec(t, "", "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT'; SET GLOBAL time_zone = '+05:00'")
	t.Cleanup(func() { server.Exec(t, "", "SET GLOBAL sql_mode = DEFAULT; SET GLOBAL time_zone = DEFAULT") })
	at := base
	at.DSN += "?parseTime=true&loc=Local&sql_mode=ansi&time_zone=%27%2B09%3A00%27"
	db := openRead(t, at)
	var got []string
	read := engine.Read{Table: schema.Name{Name: "t"}, Columns: []string{"c", "s", "at"}, Match: &engine.Match{Columns: []string{"s"}, Tuples: []engine.Row{{{Type: engine.CellText, Data: []byte(`b\c`)}}}}}
	if err := db.CopyOut(context.Background(), read, func(r engine.Row) error {
		for _, c := range r {
			got = append(got, string(c.Data))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "|") != `a|b\c|2026-03-29 02:30:00` {
		t.Errorf("got %q", got)
	}
	mode := ""
	if err := db.Query(context.Background(), "SELECT 'x' || 'y', @@sql_mode", func(r engine.Row) error { mode = string(r[0].Data) + " " + string(r[1].Data); return nil }); err != nil {
		t.Fatal(err)
	}
	if mode != "xy PIPES_AS_CONCAT,ANSI_QUOTES" {
		t.Errorf("the session's mode is %s", mode)
	}
	if m := captured(t, base); m.Settings == nil {
		t.Error("no settings")
	}
}

func TestConnectionThatIsLostInTheMiddleIsAnError(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE big (id INT); INSERT INTO big SELECT seq FROM seq_1_to_300000")
	db, err := New().Open(context.Background(), base, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id := db.(*database).c.id
	rows := 0
	err = db.CopyOut(context.Background(), engine.Read{Table: schema.Name{Name: "big"}, Columns: []string{"id"}}, func(engine.Row) error {
		if rows++; rows == 1 {
			server.Exec(t, "", "KILL CONNECTION "+id)
		}
		return nil
	})
	var refusal *engine.Error
	if rows == 300000 || !errors.As(err, &refusal) {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if _, err := rowsOf(db, "big"); err == nil {
		t.Fatal("a new connection would see another moment")
	}
}

func TestStoppedReadEndsOnTheServerToo(t *testing.T) {
	_, base := arrange(t, "CREATE TABLE big (id INT); INSERT INTO big SELECT seq FROM seq_1_to_300000")
	db := openRead(t, base)
	enough := errors.New("enough")
	began := time.Now()
	err := db.Query(context.Background(), "SELECT a.id FROM big a, big b, big c", func(engine.Row) error { return enough })
	if !errors.Is(err, enough) || time.Since(began) > 5*time.Second {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	if rows, err := rowsOf(db, "big"); rows != 300000 || err != nil {
		t.Errorf("afterwards %d rows, %v", rows, err)
	}
}

func TestIdentityIsTheServersWhateverTheURL(t *testing.T) {
	server, base := arrange(t, "")
	other := target(server.DSN(server.NewDatabase(t)))
	other.DSN = strings.Replace(other.DSN, "127.0.0.1", "localhost", 1)
	ids := map[string]engine.Identity{}
	for name, at := range map[string]engine.Target{"base": base, "other": other} {
		id, err := openRead(t, at).Identity(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = id
	}
	if ids["base"].Server != ids["other"].Server || ids["base"].Database == ids["other"].Database || !strings.Contains(ids["base"].Version, "MariaDB") {
		t.Errorf("%+v", ids)
	}
}

func TestOnlyMarkedDatabasesAreDropped(t *testing.T) {
	server, base := arrange(t, "CREATE DATABASE envdiff_scratch_somebodys")
	t.Cleanup(func() { server.Exec(t, "", "DROP DATABASE IF EXISTS envdiff_scratch_somebodys") })
	for _, name := range []string{"envdiff_scratch_somebodys", databaseOf(base), "mysql"} {
		if err := New().DropScratch(context.Background(), target(server.DSN(name))); err == nil {
			t.Errorf("%s was dropped", name)
		}
	}
	at, err := New().CreateScratch(context.Background(), target(server.DSN("")), "")
	if err != nil {
		t.Fatalf("beside a server without a database: %v", err)
	}
	reader := holdWrite(t, at, "BEGIN")
	defer reader.Close()
	if _, err := reader.Exec(context.Background(), "SELECT * FROM envdiff_scratch_marker"); err != nil {
		t.Fatal(err)
	}
	if err := New().DropScratch(context.Background(), at); err != nil {
		t.Errorf("a scratch in which someone is: %v", err)
	}
}
