// Package testservers starts real, throw-away database servers and ssh hosts for tests: unprivileged, on loopback,
// without durability, gone with the test binary. A server that is not installed fails the test with the
// command that installs it; nothing is skipped.
//
// A package that uses it stops its servers in TestMain:
//
//	func TestMain(m *testing.M) { testservers.Main(m) }
package testservers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds making and starting one server. Loaded machines take
// seconds for what takes half of one when idle.
const startTimeout = 90 * time.Second

// running holds the servers of this test binary: one of each kind, started when the first test asks.
var running struct {
	mutex   sync.Mutex
	servers map[string]*started
}

type started struct {
	server stopper
	err    error
}

// stopper is a server that can be ended and cleared away.
type stopper interface{ stop() }

// Main runs the tests and stops every server that they started. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	stopAll()
	os.Exit(code)
}

// once returns the server called name, starting it for the first test that asks. A failure to start
// is the failure of every test that asks.
func once[S stopper](t testing.TB, name string, start func() (S, error)) S {
	t.Helper()
	running.mutex.Lock()
	defer running.mutex.Unlock()
	if running.servers == nil {
		running.servers = map[string]*started{}
	}
	s, ok := running.servers[name]
	if !ok {
		server, err := start()
		s = &started{err: err}
		if err == nil {
			s.server = server
		}
		running.servers[name] = s
	}
	if s.err != nil {
		t.Fatalf("starting %s: %v", name, s.err)
	}
	return s.server.(S)
}

func stopAll() {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	for _, s := range running.servers {
		if s.server != nil {
			s.server.stop()
		}
	}
	running.servers = nil
}

// dirPrefix begins the name of every server's directory; the number of the test process follows.
const dirPrefix = "envdiff-srv-"

// workDir makes a directory that the server's account owns. Its path is short: a
// Unix socket's path has to fit in 107 bytes.
func workDir(owner *syscall.Credential) (string, error) {
	parent := parentDir()
	sweep(parent)
	dir, err := os.MkdirTemp(parent, fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
	if err != nil {
		return "", err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// sweep removes what test processes left that were killed: their servers died with them.
func sweep(parent string) {
	left, err := filepath.Glob(filepath.Join(parent, dirPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), dirPrefix), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}
