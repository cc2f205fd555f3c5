package throwaway

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/engine/postgres"
)

func TestMissingServerSaysHowToInstallIt(t *testing.T) {
	_, _, err := postgresBinaries(0, filepath.Join(t.TempDir(), "*/bin"))
	if err == nil || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Fatalf("got %v", err)
	}
}

func TestNewestServerIsTaken(t *testing.T) {
	dir := t.TempDir()
	for _, major := range []string{"9", "15", "18"} {
		bin := filepath.Join(dir, major, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if major == "18" {
			continue // a client-only installation
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, major, err := postgresBinaries(0, filepath.Join(dir, "*", "bin"))
	if err != nil || major != 15 {
		t.Fatalf("got %d, %v", major, err)
	}
	if _, _, err = postgresBinaries(16, filepath.Join(dir, "*", "bin")); err == nil || !strings.Contains(err.Error(), "but 15, 9") {
		t.Fatalf("another version: %v", err)
	}
}

// TestServersHoldScratchDatabasesAndLeaveNothing starts each kind, builds a scratch database on it, and looks for what is left.
func TestServersHoldScratchDatabasesAndLeaveNothing(t *testing.T) {
	for name, c := range map[string]struct {
		engine engine.Engine
		start  func(ctx context.Context, parent string) (*Server, error)
	}{
		"postgres": {postgres.New(), func(ctx context.Context, parent string) (*Server, error) { return Postgres(ctx, parent, 0) }},
		"mariadb":  {mysql.New(), func(ctx context.Context, parent string) (*Server, error) { return MariaDB(ctx, parent, ownSeries(t)) }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			parent := privateDir(t)
			server, err := c.start(ctx, parent)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			scratch, err := c.engine.CreateScratch(ctx, server.Target, "")
			if err != nil {
				t.Fatal(err)
			}
			db, err := c.engine.Open(ctx, scratch, engine.Scratch)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Schema(ctx); err != nil {
				t.Error(err)
			}
			db.Close()
			if strings.Contains(server.Target.String(), "/") {
				t.Errorf("the target shows where it is: %s", server.Target)
			}
			server.Close()
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestAnotherSeriesAndMySQLAreRefused(t *testing.T) {
	for version, want := range map[string]string{"9.9.1-MariaDB": "has to stand on a 9.9", "8.0.36": "this is a MySQL 8.0.36"} {
		if _, err := MariaDB(t.Context(), privateDir(t), version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestStartStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	parent := privateDir(t)
	if _, err := Postgres(ctx, parent, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// privateDir is a directory as runs make theirs: short enough for a socket, below one that every account passes through.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "envdiff-throwaway-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// ownSeries is the version of the MariaDB that is installed, as a server would say it.
func ownSeries(t *testing.T) string {
	t.Helper()
	own, err := mariaSeries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return own + ".1-MariaDB"
}
