package onpostgres

import (
	"context"
	"sync"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
)

// read is the production of all tests, which only read it: a database with the shop, and its schema.
var read struct {
	once   sync.Once
	dsn    string
	schema *schema.Database
}

// production opens the shop for one test.
func production(ctx context.Context, t *testing.T, e engine.Engine) (engine.DB, *schema.Database) {
	t.Helper()
	read.once.Do(func() {
		server := testservers.Postgres(t)
		server.Exec(t, server.DSN("postgres"), "CREATE DATABASE shop")
		read.dsn = server.DSN("shop")
		server.Exec(t, read.dsn, shop)
		db, err := postgres.New().Open(ctx, target(t, read.dsn), engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if read.schema, err = db.Schema(ctx); err != nil {
			t.Fatal(err)
		}
	})
	if read.schema == nil {
		t.Fatal("the shop could not be made: another test says why")
	}
	db, err := e.Open(ctx, target(t, read.dsn), engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, read.schema
}
