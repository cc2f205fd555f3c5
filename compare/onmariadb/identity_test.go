package onmariadb

import (
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestACopyIsNoDifference: the world beside one restored from its dump by MariaDB's own tools, one on another server, and one rebuilt from our own DDL.
func TestACopyIsNoDifference(t *testing.T) {
	server := testservers.MariaDB(t)
	name := arranged(t, server)
	original := taken(t, server.DSN(name))

	t.Run("restored", func(t *testing.T) {
		copied := server.NewDatabase(t)
		restore(t, server, name, copied)
		server.Exec(t, copied, granted(copied))
		if differ := lines(found(t, original, taken(t, server.DSN(copied)))); differ != "" {
			t.Errorf("the restored dump differs:\n%s", differ)
		}
	})
	t.Run("on another server", func(t *testing.T) {
		other := testservers.NewMariaDB(t)
		if differ := lines(found(t, original, taken(t, other.DSN(arranged(t, other))))); differ != "" {
			t.Errorf("the same script on another server differs:\n%s", differ)
		}
	})
	t.Run("rebuilt by DDL", func(t *testing.T) {
		for _, f := range found(t, original, taken(t, rebuilt(t, server, name))) {
			if !leftOut(f.Rule, f.Address) {
				t.Errorf("%s %s %s", f.Rule, f.Address, f.Message)
			}
		}
	})
}

// leftOut is what DDL leaves out: privileges are the server's, definers too, and nothing on a copy runs by itself.
func leftOut(rule, address string) bool {
	return rule == "grant-different" || rule == "owner-different" || strings.HasPrefix(address, "main:routine/nightly#status")
}

// restore copies a database by its dump.
func restore(t *testing.T, server *testservers.MariaServer, from, to string) {
	t.Helper()
	connect := []string{"--no-defaults", "--protocol=tcp", "-h127.0.0.1", "-P" + strconv.Itoa(server.Port), "-uroot", "--default-character-set=utf8mb4"}
	var script, errs bytes.Buffer
	dump := exec.Command("mariadb-dump", append(connect, "--routines", "--events", "--triggers", from)...)
	dump.Stdout, dump.Stderr = &script, &errs
	if err := dump.Run(); err != nil {
		t.Fatalf("dump: %v\n%s", err, errs.String())
	}
	load := exec.Command("mariadb", append(connect, to)...)
	load.Stdin = &script
	if said, err := load.CombinedOutput(); err != nil {
		t.Fatalf("restore: %v\n%s", err, said)
	}
}

// rebuilt makes a scratch from a database's captured schema and returns its DSN.
func rebuilt(t *testing.T, server *testservers.MariaServer, name string) string {
	t.Helper()
	ctx := context.Background()
	e, from := mysql.New(), engine.Target{Engine: "mysql", DSN: server.DSN(name), Display: "the test database"}
	db, err := e.Open(ctx, from, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	model, err := db.Schema(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := e.DDL(model)
	if err != nil {
		t.Fatal(err)
	}
	at, err := e.CreateScratch(ctx, from, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.DropScratch(context.Background(), at); err != nil {
			t.Error(err)
		}
	})
	scratch, err := e.Open(ctx, at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	session, err := scratch.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for _, sql := range append(before, after...) {
		if _, err := session.Exec(ctx, sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	return at.DSN
}
