package throwaway

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/envdiff/envdiff/internal/engine"
)

// Server is a running server of one owner: whoever can enter its directory, by a Unix socket alone.
type Server struct {
	Target engine.Target // of its superuser, at its maintenance database

	process *Process
	signal  os.Signal
}

// Close ends the server and removes its directory.
func (s *Server) Close() { s.process.Stop(s.signal) }

// owned is the account that has to own the files of its server and nothing else.
const owned = "envdiff"

// Postgres starts a PostgreSQL of this major version in a directory that it makes below parent. The error says which versions
// there are and how to get another.
func Postgres(ctx context.Context, parent string, major int) (*Server, error) {
	bin, found, err := PostgresBinaries(major)
	if err != nil {
		return nil, err
	}
	dir, owner, err := serverDir(parent)
	if err != nil {
		return nil, err
	}
	s, err := postgresIn(ctx, dir, bin, owner)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("a throw-away PostgreSQL %d did not start: %w", found, err)
	}
	s.Target.Display = fmt.Sprintf("a throw-away PostgreSQL %d", found)
	return s, nil
}

func postgresIn(ctx context.Context, dir, bin string, owner *syscall.Credential) (*Server, error) {
	log := &Log{}
	data := filepath.Join(dir, "data")
	initdb := Command(dir, owner, log, filepath.Join(bin, "initdb"), "-D", data, "-U", owned, "-A", "trust", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8")
	if err := Run(initdb, log, startTimeout); err != nil {
		return nil, err
	}
	args := []string{"-D", data}
	for _, setting := range []string{
		"listen_addresses=", "port=5432", "unix_socket_directories=" + dir, "unix_socket_permissions=0700",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB", "shared_buffers=128MB", "dynamic_shared_memory_type=mmap",
	} {
		args = append(args, "-c", setting)
	}
	p, err := Launch(dir, Command(dir, owner, log, filepath.Join(bin, "postgres"), args...), log)
	if err != nil {
		return nil, err
	}
	s := &Server{process: p, signal: syscall.SIGQUIT}
	u := url.URL{Scheme: "postgres", User: url.User(owned), Path: "/postgres", RawQuery: url.Values{"host": {dir}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()}
	s.Target = engine.Target{Engine: "postgres", DSN: u.String()}
	if err := p.Wait(startTimeout, func() bool { return ctx.Err() != nil || PostgresReady(data) }); err != nil {
		s.Close()
		return nil, err
	}
	if ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, nil
}

// PostgresReady reads the state that the server writes to line 8 of postmaster.pid (since PostgreSQL 10).
func PostgresReady(data string) bool {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	return len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready"
}

// PostgresBinaries is where the system's package manager installed the server of a major version, or with 0 the newest one.
func PostgresBinaries(major int) (bin string, found int, err error) {
	return postgresBinaries(major, "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin")
}

var majorOf = regexp.MustCompile(`(\d+)/bin$`)

func postgresBinaries(major int, globs ...string) (bin string, found int, err error) {
	var there []string
	for _, glob := range globs {
		dirs, err := filepath.Glob(glob)
		if err != nil {
			return "", 0, err
		}
		for _, d := range dirs {
			m := majorOf.FindStringSubmatch(filepath.ToSlash(d))
			if m == nil {
				continue
			}
			if _, err := os.Stat(filepath.Join(d, "initdb")); err != nil {
				continue
			}
			n, err := strconv.Atoi(m[1])
			if err != nil {
				continue
			}
			there = append(there, m[1])
			if n > found && (major == 0 || n == major) {
				bin, found = d, n
			}
		}
	}
	switch {
	case bin != "":
		return bin, found, nil
	case len(there) > 0:
		return "", 0, fmt.Errorf("no PostgreSQL %d server is installed here, but %s: apt-get install postgresql-%d", major, strings.Join(there, ", "), major)
	}
	return "", 0, fmt.Errorf("no PostgreSQL server is installed (looked for initdb in %s): apt-get install postgresql", strings.Join(globs, " "))
}
