package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

func tableName(name string) schema.Name { return schema.Name{Name: name} }

// sessions checks what a session or a connection may do, and what it sees.
func (h Harness) sessions(t *testing.T) {
	t.Run("a read-only session refuses every write", h.readOnlyRefuses)
	t.Run("all reads see one moment", h.oneMoment)
	t.Run("a schema inside its transaction", h.schemaInTransaction)
	t.Run("rows of a statement are counted", h.countedRows)
	t.Run("a failed statement leaves the session usable", h.usableAfterError)
	t.Run("cancellation", h.cancellation)
	t.Run("cancellation in the middle of a copy", h.cancelledCopies)
	t.Run("one database, several goroutines", h.concurrentUse)
	t.Run("a query is one statement", h.oneStatement)
	t.Run("identity", h.identity)
}

func (h Harness) readOnlyRefuses(t *testing.T) {
	target := h.with(t, selectionRows)
	db := h.open(t, target, engine.ReadOnly)
	for _, sql := range []string{
		"INSERT INTO s (id) VALUES (99)", "UPDATE s SET grp = 1", "DELETE FROM s", "DROP TABLE s", "CREATE TABLE x (a INTEGER)", "ALTER TABLE s ADD COLUMN x INTEGER", "CREATE INDEX x ON s (grp)",
	} {
		if err := db.Query(h.context(t), sql, func(engine.Row) error { return nil }); err == nil {
			t.Errorf("a read-only session ran %s", sql)
		}
	}
	if _, err := db.CopyIn(h.context(t), tableName("s"), []string{"id"}, feed([]engine.Row{{h.integer("99")}})); err == nil {
		t.Error("a read-only session took rows")
	}
	if session, err := db.Session(h.context(t)); err == nil {
		session.Close()
		t.Error("a read-only database gave a session for scripts")
	}
	if clone, err := db.Clone(h.context(t), h.Base, t.TempDir()); err == nil {
		h.drop(t, clone)
		t.Error("the raw rows of a database that is read were cloned")
	}
	fresh := h.open(t, target, engine.ReadOnly)
	if got := h.value(t, fresh, "SELECT count(*) FROM s WHERE grp = 1"); got != "2" {
		t.Errorf("the rows changed: %s", got)
	}
	if len(h.capture(t, target).Tables) != 1 {
		t.Error("the schema changed")
	}
}

func (h Harness) oneMoment(t *testing.T) {
	target := h.with(t, dialects{"sqlite": "PRAGMA journal_mode = WAL;", "": ""}.of(t, h)+selectionRows)
	writer := h.session(t, h.open(t, target, engine.Scratch))
	h.exec(t, writer, "INSERT INTO s VALUES (6, 1, 'six')")
	reader := h.open(t, target, engine.ReadOnly)
	h.exec(t, writer, "INSERT INTO s VALUES (7, 1, 'seven')")
	if got := h.value(t, reader, "SELECT count(*) FROM s"); got != "6" && got != "7" {
		t.Fatalf("%s rows", got)
	}
	first := h.value(t, reader, "SELECT count(*) FROM s")
	h.exec(t, writer, "DELETE FROM s WHERE id < 3; CREATE TABLE later (a INTEGER)")
	if got := h.value(t, reader, "SELECT count(*) FROM s"); got != first {
		t.Errorf("a reader saw %s rows and later %s", first, got)
	}
	if got := h.copyOut(t, reader, engine.Read{Table: tableName("s"), Columns: []string{"id"}, Where: "id < 3"}); len(got) != 2 {
		t.Errorf("the copy sees %d of the 2 rows that the count saw", len(got))
	}
	model, err := reader.Schema(h.context(t))
	if err != nil {
		t.Fatal(err)
	}
	// MySQL's catalogue has no versions: what DDL makes is there for everybody at once.
	tables := map[string]int{"sqlite": 1, "postgres": 1, "mysql": 2}[h.Engine.Name()]
	if _, ok := model.Table(tableName("s")); !ok || len(model.Tables) != tables {
		t.Errorf("the reader's schema has %d tables, want %d", len(model.Tables), tables)
	}
	if got := h.value(t, h.open(t, target, engine.ReadOnly), "SELECT count(*) FROM s"); got != "5" {
		t.Errorf("a new reader sees %s rows, want 5", got)
	}
}

func (h Harness) schemaInTransaction(t *testing.T) {
	target := h.with(t, selectionRows)
	session := h.session(t, h.open(t, target, engine.Scratch))
	h.exec(t, session, "BEGIN; ALTER TABLE s ADD COLUMN extra INTEGER; INSERT INTO s (id) VALUES (50)")
	inside, err := session.Schema(h.context(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := table(t, inside, "s").Column("extra"); !ok {
		t.Error("the session does not see its own column")
	}
	if got := h.value(t, session, "SELECT count(*) FROM s"); got != "6" {
		t.Errorf("the session sees %s rows, want 6", got)
	}
	h.exec(t, session, "ROLLBACK")
	after, err := session.Schema(h.context(t))
	if err != nil {
		t.Fatal(err)
	}
	// DDL of MySQL commits: there is nothing to take back.
	stays := h.Engine.Name() == "mysql"
	if _, ok := table(t, after, "s").Column("extra"); ok != stays {
		t.Errorf("the column is there after the rollback: %v, want %v", ok, stays)
	}
}

func (h Harness) countedRows(t *testing.T) {
	session := h.session(t, h.open(t, h.with(t, selectionRows), engine.Scratch))
	for _, c := range []struct {
		sql  string
		rows int64
	}{
		{"UPDATE s SET grp = 9 WHERE id < 4", 3},
		{"CREATE TABLE copy (id INTEGER)", 0},
		{"INSERT INTO copy SELECT id FROM s", 5},
		{"ALTER TABLE copy ADD COLUMN x INTEGER", 0},
		{"DELETE FROM copy WHERE id > 100", 0},
		{"DELETE FROM copy", 5},
	} {
		rows, err := session.Exec(h.context(t), c.sql)
		if err != nil || rows != c.rows {
			t.Errorf("%s: %d rows, %v; want %d", c.sql, rows, err, c.rows)
		}
	}
}

func (h Harness) usableAfterError(t *testing.T) {
	session := h.session(t, h.open(t, h.with(t, selectionRows), engine.Scratch))
	if _, err := session.Exec(h.context(t), "INSERT INTO s (id) VALUES (1)"); err == nil {
		t.Error("a duplicate key was taken")
	}
	if rows, err := session.Exec(h.context(t), "INSERT INTO s (id) VALUES (100)"); err != nil || rows != 1 {
		t.Errorf("after the error: %d rows, %v", rows, err)
	}
}

// endless runs for minutes unless it is stopped.
var endless = dialects{
	"sqlite":   "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100000000000) SELECT count(*) FROM c",
	"postgres": "SELECT count(*) FROM generate_series(1, 100000000000)",
	"mysql":    "SELECT count(*) FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b, information_schema.COLLATIONS c, information_schema.COLLATIONS d, information_schema.COLLATIONS e",
}

func (h Harness) cancellation(t *testing.T) {
	target := h.with(t, selectionRows)
	reader := h.open(t, target, engine.ReadOnly)
	session := h.session(t, h.open(t, target, engine.Scratch))
	nothing := func(engine.Row) error { return nil }
	for name, run := range map[string]func(context.Context) error{
		"query of a reader":  func(ctx context.Context) error { return reader.Query(ctx, endless.of(t, h), nothing) },
		"query of a session": func(ctx context.Context) error { return session.Query(ctx, endless.of(t, h), nothing) },
		"statement of a session": func(ctx context.Context) error {
			_, err := session.Exec(ctx, "INSERT INTO s (id) "+endless.of(t, h))
			return err
		},
	} {
		ctx, cancel := context.WithCancel(h.context(t))
		stop := time.AfterFunc(100*time.Millisecond, cancel)
		began := time.Now()
		err := run(ctx)
		stop.Stop()
		cancel()
		if took := time.Since(began); took > 5*time.Second { // far from the minutes that it would take, and kind to a busy machine
			t.Errorf("%s: ended %v after it was cancelled", name, took)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
	}
	ctx, cancel := context.WithCancel(h.context(t))
	cancel()
	if _, err := h.Engine.Open(ctx, target, engine.ReadOnly); !errors.Is(err, context.Canceled) {
		t.Errorf("opened under a cancelled context: %v", err)
	}
}

func (h Harness) cancelledCopies(t *testing.T) {
	// More rows than any buffer between here and there holds.
	target := h.with(t, selectionRows+"; CREATE TABLE big (id INTEGER, v VARCHAR(50)); INSERT INTO big SELECT id, 'some text that takes room' FROM s"+strings.Repeat("; INSERT INTO big SELECT id, v FROM big", 15))
	ctx, cancel := context.WithCancel(h.context(t))
	err := h.open(t, target, engine.ReadOnly).CopyOut(ctx, engine.Read{Table: tableName("big"), Columns: []string{"id", "v"}}, func(engine.Row) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("copy out: %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithCancel(h.context(t))
	db := h.open(t, target, engine.Scratch)
	id := 100
	_, err = db.CopyIn(ctx, tableName("s"), []string{"id"}, func() (engine.Row, error) {
		if id++; id == 200 {
			cancel()
		}
		if id > 100_000_000 {
			return nil, errors.New("the copy went on for ever")
		}
		return engine.Row{h.integer(strconv.Itoa(id))}, nil
	})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("copy in: %v, want context.Canceled", err)
	}
	if got := h.value(t, h.open(t, target, engine.ReadOnly), "SELECT count(*) FROM s"); got != "5" {
		t.Errorf("%s rows after a load that was cancelled, want 5", got)
	}
}

// concurrentUse: calls wait for each other; none fails, none mixes up rows.
func (h Harness) concurrentUse(t *testing.T) {
	db := h.open(t, h.selection, engine.ReadOnly)
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			n := 0
			err := db.CopyOut(h.context(t), engine.Read{Table: tableName("s"), Columns: []string{"id", "name"}}, func(engine.Row) error { n++; return nil })
			if err == nil {
				_, err = db.Schema(h.context(t))
			}
			if err == nil && n != 5 {
				err = fmt.Errorf("%d rows, want 5", n)
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

func (h Harness) oneStatement(t *testing.T) {
	db := h.open(t, h.selection, engine.ReadOnly)
	for _, sql := range []string{"SELECT 1; SELECT 2", "SELECT 1; DELETE FROM s"} {
		if err := db.Query(h.context(t), sql, func(engine.Row) error { return nil }); err == nil {
			t.Errorf("%s was run", sql)
		}
	}
	if got := h.value(t, db, "SELECT count(*) FROM s -- all;"); got != "5" {
		t.Errorf("%s rows", got)
	}
}

func (h Harness) identity(t *testing.T) {
	one, two := h.with(t, selectionRows), h.with(t, selectionRows)
	ask := func(target engine.Target, mode engine.Mode) engine.Identity {
		id, err := h.open(t, target, mode).Identity(h.context(t))
		if err != nil {
			t.Fatalf("identity: %v", err)
		}
		return id
	}
	a := ask(one, engine.ReadOnly)
	if a.Server == "" || a.Database == "" || a.Version == "" || a.Replica {
		t.Errorf("identity %+v", a)
	}
	if b := ask(one, engine.Scratch); a != b {
		t.Errorf("one database has the identities %+v and %+v", a, b)
	}
	if c := ask(two, engine.ReadOnly); a.Database == c.Database {
		t.Errorf("two databases share the identity %+v", a)
	}
}
