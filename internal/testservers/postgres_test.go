package testservers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/envdiff/envdiff/internal/throwaway"
)

func TestMain(m *testing.M) { Main(m) }

func TestPostgresServesOneDatabasePerTest(t *testing.T) {
	server := Postgres(t)
	if again := Postgres(t); again != server {
		t.Fatal("a second server was started")
	}
	first, second := server.NewDatabase(t), server.NewDatabase(t)
	server.Exec(t, first, "CREATE TABLE here (id int)")
	server.Exec(t, second, "CREATE TABLE here (id int)")
	if first == second {
		t.Fatal("two tests would share a database")
	}
}

func TestPostgresMakesDatabasesAfterARestart(t *testing.T) {
	server := NewPostgres(t)
	server.NewDatabase(t)
	server.Restart(t)
	server.Exec(t, server.NewDatabase(t), "SELECT 1")
	server.Exec(t, server.DSN("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
	server.Exec(t, server.NewDatabase(t), "SELECT 1")
}

func TestPostgresAsksOthersForTheirPassword(t *testing.T) {
	server := Postgres(t)
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, "CREATE ROLE guest LOGIN PASSWORD 'right'")
	t.Cleanup(func() { server.Exec(t, server.DSN("postgres"), "DROP ROLE guest") })
	if _, err := pgconn.Connect(context.Background(), server.UserDSN("guest", "wrong", "postgres")); err == nil {
		t.Fatal("a wrong password was accepted")
	}
	conn, err := pgconn.Connect(context.Background(), server.UserDSN("guest", "right", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(context.Background())
}

func TestServerThatDoesNotStartShowsItsLog(t *testing.T) {
	owner, err := throwaway.Account()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := workDir(owner)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	log := &throwaway.Log{}
	p, err := throwaway.Launch(dir, throwaway.Command(dir, owner, log, "/bin/sh", "-c", "echo no space left; exit 1"), log)
	if err != nil {
		t.Fatal(err)
	}
	err = p.Wait(startTimeout, func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("got %v", err)
	}
}

func TestStandbyFollows(t *testing.T) {
	primary := Postgres(t)
	standby := primary.Standby(t)
	primary.Exec(t, primary.DSN("postgres"), "CREATE TABLE IF NOT EXISTS followed (id int)")
	ctx := context.Background()
	for range 1000 {
		conn, err := pgconn.Connect(ctx, standby.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Exec(ctx, "SELECT * FROM followed").ReadAll()
		conn.Close(ctx)
		if err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the standby never saw the primary's table")
}

func TestLeftoversOfKilledTestsAreRemoved(t *testing.T) {
	parent := t.TempDir()
	const noSuchProcess = 1 << 30
	dead, alive := filepath.Join(parent, fmt.Sprintf("%s%d-1", dirPrefix, noSuchProcess)), filepath.Join(parent, fmt.Sprintf("%s%d-1", dirPrefix, os.Getpid()))
	for _, dir := range []string{dead, alive} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sweep(parent)
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead process's directory stays")
	}
	if _, err := os.Stat(alive); err != nil {
		t.Error("a running process's directory was removed")
	}
}
