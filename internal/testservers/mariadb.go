package testservers

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// MariaServer is a running MariaDB server.
type MariaServer struct {
	// Port is its TCP port on 127.0.0.1.
	Port int

	process   *throwaway.Process
	launch    func() (*throwaway.Process, error) // again, on the same data and port
	databases atomic.Int64
}

// mariaRoot is the account that the server is made with. Connections by it need no password.
const mariaRoot = "root"

// MariaDB returns the test binary's MariaDB server, utf8mb4, started by the first test that asks.
func MariaDB(t testing.TB) *MariaServer {
	t.Helper()
	return once(t, "MariaDB", startMariaDB)
}

// DSN is the driver's name of a database of this server for its root.
func (s *MariaServer) DSN(database string) string { return s.UserDSN(mariaRoot, "", database) }

// UserDSN is the driver's name of a database of this server for another user.
func (s *MariaServer) UserDSN(user, password, database string) string {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = user, password, "tcp", "127.0.0.1:"+strconv.Itoa(s.Port), database
	return c.FormatDSN()
}

// NewDatabase makes an empty database for one test and returns its name. It is dropped when the test ends.
func (s *MariaServer) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.Exec(t, "", "CREATE DATABASE "+name)
	t.Cleanup(func() { s.Exec(t, "", "DROP DATABASE IF EXISTS "+name) })
	return name
}

// Exec runs a script on a database as root, for the arrangement of a test. The server cuts it into statements.
func (s *MariaServer) Exec(t testing.TB, database, script string) {
	t.Helper()
	if err := s.script(database, script); err != nil {
		t.Fatalf("arranging: %v\n%s", err, script)
	}
}

func (s *MariaServer) script(database, script string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := mysql.ParseDSN(s.DSN(database))
	if err != nil {
		return err
	}
	c.MultiStatements, c.Logger = true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.(driver.ExecerContext).ExecContext(ctx, script, nil)
	return err
}

func (s *MariaServer) stop() { s.process.Stop(syscall.SIGKILL) }

func startMariaDB() (*MariaServer, error) { return newMariaDB() }

// newMariaDB starts a server with further options, which win over those that all servers have.
func newMariaDB(options ...string) (*MariaServer, error) {
	owner, err := throwaway.Account()
	if err != nil {
		return nil, err
	}
	install, server, err := throwaway.MariaBinaries()
	if err != nil {
		return nil, err
	}
	dir, err := workDir(owner)
	if err != nil {
		return nil, err
	}
	log := &throwaway.Log{}
	data := filepath.Join(dir, "data")
	prepare := throwaway.Command(dir, owner, log, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	if err := throwaway.Run(prepare, log, startTimeout); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	s, err := launchMariaDB(server, dir, data, owner, log, options)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func launchMariaDB(server, dir, data string, owner *syscall.Credential, log *throwaway.Log, options []string) (*MariaServer, error) {
	port, err := throwaway.FreePort()
	if err != nil {
		return nil, err
	}
	args := append([]string{"--no-defaults", "--datadir=" + data, "--tmpdir=" + dir, "--socket=" + filepath.Join(dir, "my.sock"), "--pid-file=" + filepath.Join(dir, "my.pid"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--skip-name-resolve", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
		"--skip-log-bin", "--performance-schema=OFF", "--plugin-load-add=metadata_lock_info", "--max-connections=60"}, options...)
	s := &MariaServer{Port: port}
	answers := func() bool {
		probe, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
		if err != nil {
			return false
		}
		_ = probe.Close()
		return s.script("", "DO 0") == nil
	}
	s.launch = func() (*throwaway.Process, error) {
		p, err := throwaway.Launch(dir, throwaway.Command(dir, owner, log, server, args...), log)
		if err != nil {
			return nil, err
		}
		if err := p.Wait(startTimeout, answers); err != nil {
			p.Stop(syscall.SIGKILL)
			return nil, err
		}
		return p, nil
	}
	s.process, err = s.launch()
	if err != nil {
		return nil, err
	}
	return s, nil
}
