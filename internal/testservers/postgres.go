package testservers

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// Server is a running server.
type Server struct {
	// Port is its TCP port on 127.0.0.1.
	Port int
	// Major is its major version.
	Major int

	bin       string
	process   *throwaway.Process
	launch    func() (*throwaway.Process, error) // again, on the same data and port
	signal    os.Signal
	databases atomic.Int64

	admins  sync.Mutex     // held by who uses session
	session *pgconn.PgConn // that makes and drops databases: to begin one costs as much as what it then does
}

// superuser is the account that the server is made with. Connections by it need no password.
const superuser = "envdiff_owner"

// Postgres returns the test binary's PostgreSQL server: the newest installed one, UTF8,
// C.UTF-8, started by the first test that asks.
func Postgres(t testing.TB) *Server {
	t.Helper()
	return once(t, "PostgreSQL", startPostgres)
}

// DSN is the URL of a database of this server for its superuser.
func (s *Server) DSN(database string) string { return s.UserDSN(superuser, "", database) }

// UserDSN is the URL of a database of this server for another user.
func (s *Server) UserDSN(user, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(user),
		Host:     "127.0.0.1:" + strconv.Itoa(s.Port),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// NewDatabase makes an empty database for one test and returns its URL. It is dropped, with
// every session in it, when the test ends.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { s.admin(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return s.DSN(name)
}

// CopyDatabase makes a copy of a database of this server for one test and returns its URL.
// Nobody may be connected to the original.
func (s *Server) CopyDatabase(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("the URL to copy does not parse")
	}
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.admin(t, "CREATE DATABASE "+name+" TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
	t.Cleanup(func() { s.admin(t, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return s.DSN(name)
}

// Exec runs a script on a database by its URL, for the arrangement of a test.
func (s *Server) Exec(t testing.TB, dsn, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("arranging: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, script).ReadAll(); err != nil {
		t.Fatalf("arranging: %v\n%s", err, script)
	}
}

// admin runs one statement in a session that stays, and in another one where that was ended: by a restart, by a test.
func (s *Server) admin(t testing.TB, sql string) {
	t.Helper()
	s.admins.Lock()
	defer s.admins.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var err error
	for range 2 {
		if s.session == nil || s.session.IsClosed() {
			if s.session, err = pgconn.Connect(ctx, s.DSN("postgres")); err != nil {
				break
			}
		}
		if _, err = s.session.Exec(ctx, sql).ReadAll(); err == nil || !s.session.IsClosed() {
			break
		}
	}
	if err != nil {
		t.Fatalf("arranging: %v\n%s", err, sql)
	}
}

func (s *Server) stop() { s.process.Stop(s.signal) }

// Standby returns a streaming replica of this server, made by the first test that asks.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	return once(t, "PostgreSQL standby", func() (*Server, error) {
		return newPostgres(s.bin, s.Major, s.baseBackup)
	})
}

func startPostgres() (*Server, error) {
	bin, major, err := throwaway.PostgresBinaries(0)
	if err != nil {
		return nil, err
	}
	return newCluster(bin, major)
}

// newCluster starts a server on an empty cluster.
func newCluster(bin string, major int) (*Server, error) {
	return newPostgres(bin, major, func(dir, data string, owner *syscall.Credential, log *throwaway.Log) error {
		return initCluster(bin, dir, data, owner, log, nil)
	})
}

// initCluster makes an empty cluster with further settings.
func initCluster(bin, dir, data string, owner *syscall.Credential, log *throwaway.Log, settings []string) error {
	initdb := throwaway.Command(dir, owner, log, filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "-A", "trust", "--no-sync",
		"--locale=C.UTF-8", "-E", "UTF8", "--wal-segsize=1")
	if err := throwaway.Run(initdb, log, startTimeout); err != nil {
		return err
	}
	if err := appendSettings(data, settings); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(clientAccess), 0o644)
}

// clientAccess trusts the superuser, also for replication, and asks every other role for its password.
const clientAccess = `local all all trust
host all,replication ` + superuser + ` 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
`

// newPostgres starts a server on the data directory that prepare fills.
func newPostgres(bin string, major int, prepare func(dir, data string, owner *syscall.Credential, log *throwaway.Log) error) (*Server, error) {
	owner, err := throwaway.Account()
	if err != nil {
		return nil, err
	}
	dir, err := workDir(owner)
	if err != nil {
		return nil, err
	}
	log := &throwaway.Log{}
	data := filepath.Join(dir, "data")
	if err = prepare(dir, data, owner, log); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s, err := startCluster(bin, dir, data, owner, log)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s.Major, s.bin = major, bin
	return s, nil
}

func startCluster(bin, dir, data string, owner *syscall.Credential, log *throwaway.Log) (*Server, error) {
	port, err := throwaway.FreePort()
	if err != nil {
		return nil, err
	}
	args := []string{"-D", data}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + dir, "password_encryption=scram-sha-256",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=1GB", "autovacuum=off",
		"shared_buffers=32MB", "max_connections=60", "dynamic_shared_memory_type=mmap",
	} {
		args = append(args, "-c", setting)
	}
	launch := func() (*throwaway.Process, error) {
		p, err := throwaway.Launch(dir, throwaway.Command(dir, owner, log, filepath.Join(bin, "postgres"), args...), log)
		if err != nil {
			return nil, err
		}
		if err := p.Wait(startTimeout, func() bool { return throwaway.PostgresReady(data) }); err != nil {
			p.Stop(syscall.SIGQUIT)
			return nil, err
		}
		return p, nil
	}
	p, err := launch()
	if err != nil {
		return nil, err
	}
	return &Server{Port: port, process: p, launch: launch, signal: syscall.SIGQUIT}, nil
}
