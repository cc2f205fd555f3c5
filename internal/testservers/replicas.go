package testservers

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// NewPostgres starts a PostgreSQL server for one test alone, with further settings such as
// "shared_preload_libraries = pg_stat_statements".
func NewPostgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	shared := Postgres(t)
	return shared.another(t, func(dir, data string, owner *syscall.Credential, log *throwaway.Log) error {
		return initCluster(shared.bin, dir, data, owner, log, settings)
	})
}

// NewStandby starts a streaming replica of this server for one test alone, with further settings
// such as "recovery_min_apply_delay = 1h".
func (s *Server) NewStandby(t testing.TB, settings ...string) *Server {
	t.Helper()
	return s.another(t, func(dir, data string, owner *syscall.Credential, log *throwaway.Log) error {
		if err := s.baseBackup(dir, data, owner, log); err != nil {
			return err
		}
		return appendSettings(data, settings)
	})
}

// another starts a server that is stopped when the test ends.
func (s *Server) another(t testing.TB, prepare func(dir, data string, owner *syscall.Credential, log *throwaway.Log) error) *Server {
	t.Helper()
	server, err := newPostgres(s.bin, s.Major, prepare)
	if err != nil {
		t.Fatalf("starting PostgreSQL: %v", err)
	}
	t.Cleanup(server.stop)
	return server
}

// Kill ends the server at once, as a crash of its machine would. Its port answers nobody afterwards.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.stop()
}

// Restart ends the server at once, whoever is connected, and starts it again at the same port. It may be called beside what uses the server.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.process.End(s.signal)
	p, err := s.launch()
	if err != nil {
		t.Errorf("starting PostgreSQL again: %v", err)
		return
	}
	s.process = p
}

// Ask is the first value that a query yields, for a test to wait by.
func (s *Server) Ask(t testing.TB, dsn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("asking: %v", err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatalf("asking: %v\n%s", err, sql)
	}
	for _, r := range results {
		for _, row := range r.Rows {
			return string(row[0])
		}
	}
	return ""
}

func (s *Server) baseBackup(dir, data string, owner *syscall.Credential, log *throwaway.Log) error {
	backup := throwaway.Command(dir, owner, log, filepath.Join(s.bin, "pg_basebackup"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port),
		"-U", superuser, "--write-recovery-conf", "--no-sync", "--checkpoint=fast")
	return throwaway.Run(backup, log, startTimeout)
}

// appendSettings adds to postgresql.auto.conf, which is read last.
func appendSettings(data string, settings []string) error {
	f, err := os.OpenFile(filepath.Join(data, "postgresql.auto.conf"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.WriteString(strings.Join(settings, "\n") + "\n"); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
