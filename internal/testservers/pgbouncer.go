package testservers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// NewPooler starts a transaction pooler (pgbouncer) before this server for one test, and returns it as a server: what its superuser may, a client
// of the pooler may. settings are lines of its configuration.
func (s *Server) NewPooler(t testing.TB, settings ...string) *Server {
	t.Helper()
	binary, err := exec.LookPath("pgbouncer")
	if err != nil {
		binary = "/usr/sbin/pgbouncer"
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("no pgbouncer is installed: apt-get install pgbouncer, or make test, which does it")
	}
	owner, err := throwaway.Account()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := workDir(owner)
	if err != nil {
		t.Fatal(err)
	}
	port, err := throwaway.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d user=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n", s.Port, superuser, port)
	for _, setting := range settings {
		text += setting + "\n"
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log := &throwaway.Log{}
	p, err := throwaway.Launch(dir, throwaway.Command(dir, owner, log, binary, config), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(syscall.SIGINT) })
	answers := func() bool {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}
	if err := p.Wait(startTimeout, answers); err != nil {
		t.Fatal(err)
	}
	return &Server{Port: port, Major: s.Major, bin: s.bin}
}
