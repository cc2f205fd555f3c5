package onpostgres

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
)

// unlike lists what a comparison of what should be alike finds.
func unlike(t *testing.T, what string, a, b *snapshot.Snapshot) {
	t.Helper()
	if differ := lines(found(t, a, b)); differ != "" {
		t.Errorf("%s differs:\n%s", what, differ)
	}
}

// worldOn makes the world on a server.
func worldOn(t *testing.T, server *testservers.Server) (dsn string) {
	t.Helper()
	return scriptOn(t, server, worldOf(server.Major))
}

// scriptOn makes a database by a script that names the roles.
func scriptOn(t *testing.T, server *testservers.Server, script string) (dsn string) {
	t.Helper()
	server.Exec(t, server.DSN("postgres"), "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'w_app') THEN "+roles+" END IF; END $$")
	dsn = server.NewDatabase(t)
	server.Exec(t, dsn, script)
	return dsn
}

// TestACopyIsNoDifference: the world, restored from its dump by PostgreSQL's own tools, on
// another server, and rebuilt from our own DDL.
func TestACopyIsNoDifference(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := worldOn(t, server)
	original := taken(t, dsn)

	t.Run("restored", func(t *testing.T) {
		restored := server.NewDatabase(t)
		restore(t, dump(t, dsn), restored)
		unlike(t, "the restored dump", original, taken(t, restored))
	})
	t.Run("on another server", func(t *testing.T) {
		other := testservers.NewPostgres(t)
		unlike(t, "the same script on another server", original, taken(t, worldOn(t, other)))
	})
	t.Run("rebuilt by DDL", func(t *testing.T) {
		rebuilt, statements := rebuild(t, dsn)
		for _, f := range found(t, original, taken(t, rebuilt)) {
			if !leadsOut(f.Address) {
				t.Errorf("%s %s", f.Address, f.Message)
			}
		}
		if t.Failed() {
			t.Logf("%d statements", len(statements))
		}
	})
}

// leadsOut are the parts of the world that DDL leaves out: what leads out of a copy is not copied,
// and rows are not DDL's.
func leadsOut(address string) bool {
	switch address {
	case "main:user_mapping/remote.w_app", "main:foreign_server/remote#option.host", "main:foreign_server/remote#option.password",
		"main:foreign_table/far#option.name", "main:migration/applied#schema_migrations":
		return true
	}
	return false
}

// rebuild makes a scratch from a database's captured schema.
func rebuild(t *testing.T, dsn string) (scratch string, statements []string) {
	t.Helper()
	ctx := context.Background()
	e := postgres.New()
	db, err := e.Open(ctx, target(t, dsn), engine.ReadOnly)
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
	at, err := e.CreateScratch(ctx, target(t, dsn), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.DropScratch(context.Background(), at); err != nil {
			t.Error(err)
		}
	})
	s, err := e.Open(ctx, at, engine.Scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	session, err := s.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	statements = append(before, after...)
	for _, sql := range statements {
		if _, err := session.Exec(ctx, sql); err != nil {
			t.Fatalf("%s\n%v", sql, err)
		}
	}
	return at.DSN, statements
}

func dump(t testing.TB, dsn string) []byte {
	t.Helper()
	return run(t, exec.Command("pg_dump", dsn), nil)
}

func restore(t testing.TB, sql []byte, dsn string) {
	t.Helper()
	run(t, exec.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", dsn), sql)
}

func run(t testing.TB, cmd *exec.Cmd, input []byte) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errs
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd.Path, err, errs.String())
	}
	return out.Bytes()
}
