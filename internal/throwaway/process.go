package throwaway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Process is a server's main process with its directory and what it printed.
type Process struct {
	dir  string
	cmd  *exec.Cmd
	log  *Log
	done chan struct{} // closed when the process has ended
}

// Account is the unprivileged user that servers run as where this process is root's: servers refuse root. Else it is nil.
func Account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("this process is root's, and servers refuse to be: %w", err)
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

// startTimeout bounds making and starting one server. Loaded machines take seconds for what takes half of one when idle.
const startTimeout = 90 * time.Second

// programs is where servers and what they are made with are looked for.
const programs = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec:/opt/homebrew/bin"

// serverDir makes a directory below parent that the server's account owns and nobody else enters. Where that account is another
// one than ours, it has to pass through parent, which it can not list.
func serverDir(parent string) (dir string, owner *syscall.Credential, err error) {
	if owner, err = Account(); err != nil {
		return "", nil, err
	}
	if owner != nil {
		if err := os.Chmod(parent, 0o711); err != nil {
			return "", nil, err
		}
	}
	if dir, err = os.MkdirTemp(parent, "srv"); err != nil {
		return "", nil, err
	}
	if owner != nil {
		err = os.Chown(dir, int(owner.Uid), int(owner.Gid))
	}
	return dir, owner, err
}

// Command prepares a server program: its own account, home (client libraries inside servers read $HOME) and C messages.
func Command(dir string, owner *syscall.Credential, out io.Writer, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + programs, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = processAttributes(owner)
	return cmd
}

// Run runs a preparing command to its end within the timeout.
func Run(cmd *exec.Cmd, log *Log, timeout time.Duration) error {
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

// Launch starts the server's main process. It is killed with this process, however that ends,
// where the system can (Linux): the signal is tied to the thread that started the process, so that
// thread is kept until the process has ended.
func Launch(dir string, cmd *exec.Cmd, log *Log) (*Process, error) {
	p := &Process{dir: dir, cmd: cmd, log: log, done: make(chan struct{})}
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

// Wait polls ready until it is true, the process ends, or the time is over.
func (p *Process) Wait(timeout time.Duration, ready func() bool) error {
	over := time.After(timeout)
	for !ready() {
		select {
		case <-p.done:
			return fmt.Errorf("the server ended while starting:\n%s", p.log)
		case <-over:
			return fmt.Errorf("the server was not ready within %s:\n%s", timeout, p.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// Stop ends the process and removes the directory.
func (p *Process) Stop(sig os.Signal) {
	p.End(sig)
	_ = os.RemoveAll(p.dir)
}

// End asks with the signal, then kills. The directory stays, for another start.
func (p *Process) End(sig os.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// FreePort finds a TCP port on loopback that was free a moment ago.
func FreePort() (int, error) {
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

// Printed is the last part of what the server printed.
func (p *Process) Printed() string { return p.log.String() }

// Log keeps the last part of what a server printed, for failures.
type Log struct {
	mutex sync.Mutex
	text  []byte
}

const tailBytes = 8 << 10

func (l *Log) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > tailBytes {
		l.text = bytes.Clone(l.text[len(l.text)-tailBytes:])
	}
	return len(p), nil
}

func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return string(l.text)
}
