// Package testservers starts real, throw-away database servers and ssh hosts for tests: unprivileged, on loopback,
// without durability, gone with the test binary. A server that is not installed fails the test with the
// command that installs it; nothing is skipped.
//
// A package that uses it stops its servers in TestMain:
//
//	func TestMain(m *testing.M) { testservers.Main(m) }
package testservers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
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

// process is a server's main process with its directory and what it printed.
type process struct {
	dir  string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when the process has ended
}

// account is the unprivileged user that servers run as when the tests run as root: servers refuse root.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("the tests run as root and servers refuse to: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
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

// command prepares a server program: its own account, home (client libraries inside servers read $HOME) and C messages.
func command(dir string, owner *syscall.Credential, out io.Writer, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = processAttributes(owner)
	return cmd
}

// run runs a preparing command to its end within the timeout.
func run(cmd *exec.Cmd, log *tail, timeout time.Duration) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(timeout, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd.Path, err, log)
	}
	return nil
}

// launch starts the server's main process. It is killed with the test binary, however that ends,
// where the system can (Linux): the signal is tied to the thread that started the process, so that
// thread is kept until the process has ended.
func launch(dir string, cmd *exec.Cmd, log *tail) (*process, error) {
	p := &process{dir: dir, cmd: cmd, log: log, done: make(chan struct{})}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		failed <- err
		if err == nil {
			_ = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-failed; err != nil {
		return nil, err
	}
	return p, nil
}

// wait polls ready until it is true, the process ends, or the time is over.
func (p *process) wait(timeout time.Duration, ready func() bool) error {
	deadline := time.Now().Add(timeout)
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("the server ended while starting:\n%s", p.log)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server was not ready within %s:\n%s", timeout, p.log)
		}
	}
	return nil
}

// stop asks with the signal, then kills, and removes the directory.
func (p *process) stop(sig os.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = os.RemoveAll(p.dir)
}

// freePort finds a TCP port on loopback that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("loopback listener without a TCP address")
	}
	return addr.Port, nil
}

// tail keeps the last part of what a server printed, for failures.
type tail struct {
	mutex sync.Mutex
	text  []byte
}

const tailBytes = 8 << 10

func (l *tail) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > tailBytes {
		l.text = bytes.Clone(l.text[len(l.text)-tailBytes:])
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return string(l.text)
}
