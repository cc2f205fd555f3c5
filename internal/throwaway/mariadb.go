package throwaway

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// MariaDB starts a MariaDB in a directory that it makes below parent. version is the one that it has to be like ("10.11.6-MariaDB-log"): the same
// series, or the error says which there is. A MySQL is none that a distribution has beside MariaDB, so it is refused.
func MariaDB(ctx context.Context, parent, version string) (*Server, error) {
	if !strings.Contains(version, "MariaDB") {
		return nil, fmt.Errorf("throw-away servers are PostgreSQL or MariaDB, and this is a MySQL %s", version)
	}
	install, server, err := MariaBinaries()
	if err != nil {
		return nil, err
	}
	own, err := mariaSeries(ctx)
	if err != nil {
		return nil, err
	}
	if own != series.FindString(version) {
		return nil, fmt.Errorf("a MariaDB %s server is installed here, and the copy has to stand on a %s", own, series.FindString(version))
	}
	dir, owner, err := serverDir(parent)
	if err != nil {
		return nil, err
	}
	s, err := mariaIn(ctx, dir, install, server, owner)
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("a throw-away MariaDB did not start: %w", err)
	}
	s.Target.Display = "a throw-away MariaDB " + series.FindString(version)
	return s, nil
}

// mariaSeries is that of the installed server: 10.11.
func mariaSeries(ctx context.Context) (string, error) {
	_, server, err := MariaBinaries()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, server, "--no-defaults", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s does not say its version: %w", server, err)
	}
	return series.FindString(string(out)), nil
}

var series = regexp.MustCompile(`\d+\.\d+`)

func mariaIn(ctx context.Context, dir, install, server string, owner *syscall.Credential) (*Server, error) {
	log := &Log{}
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "my.sock")
	prepare := Command(dir, owner, log, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	if err := Run(prepare, log, startTimeout); err != nil {
		return nil, err
	}
	p, err := Launch(dir, Command(dir, owner, log, server, "--no-defaults", "--datadir="+data, "--tmpdir="+dir, "--socket="+socket, "--pid-file="+filepath.Join(dir, "my.pid"),
		"--skip-networking", "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0",
		"--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M", "--skip-log-bin", "--plugin-load-add=metadata_lock_info"), log)
	if err != nil {
		return nil, err
	}
	s := &Server{Target: engine.Target{Engine: "mysql", DSN: "root@unix(" + socket + ")/"}, process: p, signal: syscall.SIGKILL}
	answers := func() bool {
		probe, err := net.DialTimeout("unix", socket, time.Second)
		if err == nil {
			_ = probe.Close()
		}
		return err == nil || ctx.Err() != nil
	}
	if err := p.Wait(startTimeout, answers); err != nil {
		s.Close()
		return nil, err
	}
	if ctx.Err() != nil {
		s.Close()
		return nil, ctx.Err()
	}
	return s, nil
}

// MariaBinaries finds the program that makes a data directory and the server. Distributions put the server where users' paths do not look.
func MariaBinaries() (install, server string, err error) {
	places := strings.Split(programs, ":")
	find := func(name string) string {
		for _, place := range places {
			if path, err := exec.LookPath(filepath.Join(place, name)); err == nil {
				return path
			}
		}
		return ""
	}
	install, server = find("mariadb-install-db"), find("mariadbd")
	if install == "" || server == "" {
		return "", "", fmt.Errorf("no MariaDB server is installed (looked for mariadb-install-db and mariadbd in %s): apt-get install mariadb-server", strings.Join(places, ", "))
	}
	return install, server, nil
}
