package cmd

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/migrations"
)

// commandTimeout bounds a migration command; commandOutput is how much it may print before it is taken for one that does not end.
const (
	commandTimeout = 30 * time.Minute
	commandOutput  = 16 << 20
)

// passedOn are the variables that a migration command gets of ours: what finds programs and languages, and nothing that may
// name another database.
var passedOn = []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "GEM_HOME", "GEM_PATH", "BUNDLE_PATH", "BUNDLE_GEMFILE", "RBENV_ROOT", "RBENV_VERSION",
	"VIRTUAL_ENV", "PYTHONPATH", "NODE_PATH", "JAVA_HOME", "DJANGO_SETTINGS_MODULE", "GOPATH", "GOCACHE"}

// runMigrations runs a database's migration command against a scratch database: DATABASE_URL is that one's, in the directory of envdiff.yaml. What it
// prints may hold rows, so it is counted and thrown away.
func (s *session) runMigrations(ctx context.Context, c *config.Config, db string, t engine.Target) error {
	address, err := databaseURL(t)
	if err != nil {
		return err
	}
	limit := min(commandTimeout, s.opt.rehearsalLimit())
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(inner, "/bin/sh", "-c", c.Databases[db].Migrations.Command)
	cmd.Dir = c.Dir()
	cmd.Env = []string{"DATABASE_URL=" + address}
	for _, name := range passedOn {
		if v, ok := s.world.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	counter := &counted{limit: commandOutput, full: cancel}
	cmd.Stdout, cmd.Stderr = counter, counter
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case counter.over:
		return &migrations.CommandError{Why: "the command printed more than 16 MiB and was ended"}
	case inner.Err() != nil:
		return &migrations.CommandError{Why: "the command did not end within " + limit.String() + " and was ended"}
	case errors.As(err, &exit):
		return &migrations.CommandError{Status: exit.ExitCode()}
	case err != nil:
		return &migrations.CommandError{Why: "the command could not be started"}
	}
	return nil
}

// counted throws away what is written to it, and calls full when that is too much.
type counted struct {
	n, limit int
	over     bool
	full     func()
}

func (c *counted) Write(p []byte) (int, error) {
	if c.n += len(p); c.n > c.limit && !c.over {
		c.over = true
		c.full()
	}
	return len(p), nil
}

// databaseURL is a scratch database as migration tools take it.
func databaseURL(t engine.Target) (string, error) {
	switch {
	case t.Engine == "sqlite":
		return "sqlite:" + t.Path, nil
	case strings.Contains(t.DSN, "://"):
		return t.DSN, nil
	case t.Engine == "mysql":
		m, err := mysql.ParseDSN(t.DSN)
		if err != nil {
			return "", errors.New("the scratch database's address is not one that a command can be given")
		}
		u := url.URL{Scheme: "mysql", Host: m.Addr, Path: "/" + m.DBName}
		if m.User != "" {
			u.User = url.UserPassword(m.User, m.Passwd)
		}
		if m.Net == "unix" {
			u.Host, u.RawQuery = "localhost", url.Values{"socket": {m.Addr}}.Encode()
		} else if _, _, err := net.SplitHostPort(m.Addr); err != nil {
			u.Host = net.JoinHostPort(m.Addr, "3306")
		}
		return u.String(), nil
	}
	return "", errors.New("the scratch database has no URL that a command can be given: write scratch: as a URL")
}
