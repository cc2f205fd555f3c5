package migrations

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
)

// writerVariable makes the test binary a writer of the SQLite file that it
// names: another process, as an application is.
const writerVariable = "ENVDIFF_TEST_SQLITE_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		if err := writeInWAL(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeInWAL leaves the bad rows of the shop in the -wal alone and keeps the database open until its input ends.
func writeInWAL(path string) error {
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(wal)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		return err
	}
	for _, s := range []string{"INSERT INTO users VALUES (7, 'Zqtoken-D@x.example', 'pro', 20)", "INSERT INTO users VALUES (8, NULL, 'pro', 20)"} {
		if _, err := db.Exec(s); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startWriter runs the writer and waits until its rows are written. kill ends it as a crash would.
func startWriter(t *testing.T, path string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("writer: %q %v", line, err)
	}
	return kill
}

const (
	healthyShop = shop + "DELETE FROM users WHERE id IN (2, 4);"
	walMails    = "CREATE UNIQUE INDEX users_email ON users (lower(email));"
	walNotNull  = dropView + "CREATE TABLE users_new (id INTEGER PRIMARY KEY, email TEXT NOT NULL, plan TEXT, age INTEGER);\nINSERT INTO users_new SELECT * FROM users;\nDROP TABLE users;\nALTER TABLE users_new RENAME TO users;\n"
)

func TestRowsThatAreOnlyInTheWALAreSeen(t *testing.T) {
	t.Run("beside a live writer", func(t *testing.T) {
		path := makeDatabase(t, healthyShop)
		startWriter(t, path)
		one(t, trial{production: path}, walMails, "migration-failed", "2 rows of users share lower(email)")
		one(t, trial{production: path}, walNotNull, "migration-failed", "1 row of users has NULL in email")
	})
	t.Run("after a crash", func(t *testing.T) {
		path := makeDatabase(t, healthyShop)
		startWriter(t, path)()
		if _, err := os.Stat(path + "-wal"); err != nil {
			t.Fatal(err)
		}
		one(t, trial{production: path}, walMails, "migration-failed", "2 rows of users share lower(email)")
	})
	t.Run("a -wal that lost its -shm cannot be read without writing", func(t *testing.T) {
		path := makeDatabase(t, healthyShop)
		startWriter(t, path)()
		if err := os.Remove(path + "-shm"); err != nil {
			t.Fatal(err)
		}
		before := digests(t, filepath.Dir(path))
		_, err := sqlite.New().Open(context.Background(), engine.Target{Engine: "sqlite", DSN: path, Path: path, Display: "sqlite:prod.db"}, engine.ReadOnly)
		if !errors.Is(err, engine.ErrUnsafeWAL) {
			t.Errorf("error %v", err)
		}
		if after := digests(t, filepath.Dir(path)); after != before {
			t.Errorf("the directory was\n%s\nand is\n%s", before, after)
		}
	})
	t.Run("checkpointed and closed", func(t *testing.T) {
		path := makeDatabase(t, "PRAGMA journal_mode=wal;"+shop)
		one(t, trial{production: path}, walMails, "migration-failed", "2 rows of users share lower(email)")
	})
}
