package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestThroughATransactionPooler: one transaction is one server connection, so that everything that envdiff reads of a database it reads through the pooler too, and no
// setting of its sessions stays behind on a connection that others get.
func TestThroughATransactionPooler(t *testing.T) {
	server, base := arrange(t, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 1000) n; CREATE VIEW v AS SELECT id FROM t")
	pooler := server.NewPooler(t, "default_pool_size = 1", "max_client_conn = 10")
	database := strings.TrimPrefix(base.Display[strings.LastIndex(base.Display, "/"):], "/")
	through := target(pooler.DSN(database))
	ctx := context.Background()
	before := server.Ask(t, pooler.DSN(database), "SELECT current_setting('default_transaction_read_only') || current_setting('statement_timeout') || current_setting('search_path')")

	db, err := New().Open(ctx, through, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	direct := openRead(t, base)
	there, err := db.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	here, err := direct.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "the schema through the pooler", printed(here), printed(there))
	if rows, err := readAll(db, "t"); rows != 1000 || err != nil {
		t.Errorf("%d rows, %v", rows, err)
	}
	mine, err := db.Identity(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if own, err := direct.Identity(ctx); err != nil || own.Server != mine.Server || own.Database != mine.Database {
		t.Errorf("the pooler's database is %+v, the server's %+v, %v", mine, own, err)
	}
	if err := db.Query(ctx, "DELETE FROM t", func(engine.Row) error { return nil }); err == nil {
		t.Error("rows were deleted")
	}
	db.Close()
	if after := server.Ask(t, pooler.DSN(database), "SELECT current_setting('default_transaction_read_only') || current_setting('statement_timeout') || current_setting('search_path')"); after != before {
		t.Errorf("the pooler's connection was left with %s, it had %s", after, before)
	}
}

// TestAPoolerWhoseServerIsGone is an error with what to do, and not a wait.
func TestAPoolerWhoseServerIsGone(t *testing.T) {
	server := testservers.NewPostgres(t)
	pooler := server.NewPooler(t, "server_connect_timeout = 1", "query_wait_timeout = 2", "server_login_retry = 1")
	server.Kill(t)
	_, err := New().Open(context.Background(), target(pooler.DSN("postgres")), engine.ReadOnly)
	if err == nil || !strings.Contains(err.Error(), "refused the connection") && !strings.Contains(err.Error(), "cannot connect") && !strings.Contains(err.Error(), "lost") {
		t.Fatalf("got %v", err)
	}
}
