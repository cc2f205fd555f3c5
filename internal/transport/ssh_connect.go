package transport

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed ssh_program.sh
var sshProgram string

// The times of a connection. ssh itself gives up connecting after connectSeconds, and on a silent host after aliveSeconds three times.
const (
	connectSeconds = 10
	aliveSeconds   = 15
	// closing is how long a host may take to end after the last answer.
	closing = time.Second
)

// line is a connection to a host on which the program runs.
type line struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *os.File
	said   *lastWords
	stream *stream
	about  hello
	ended  chan struct{} // closed when ssh has ended
}

// arguments are what ssh is called with. The user's own configuration decides on keys, jump hosts and known hosts; these make sure that nobody is asked
// for anything and that nothing but the program runs. The first -o counts, so that Args cannot undo them.
func (o SSHOptions) arguments() []string {
	args := []string{"-T", "-x", "-a", "-C"}
	for _, option := range []string{
		"BatchMode=yes", "ConnectTimeout=" + strconv.Itoa(connectSeconds),
		"ServerAliveInterval=" + strconv.Itoa(aliveSeconds), "ServerAliveCountMax=3",
		"LogLevel=ERROR", "RequestTTY=no", "RemoteCommand=none", "PermitLocalCommand=no", "ClearAllForwardings=yes", "EscapeChar=none",
	} {
		args = append(args, "-o", option)
	}
	args = append(args, o.Args...)
	if o.User != "" {
		args = append(args, "-l", o.User)
	}
	if o.Port != 0 {
		args = append(args, "-p", strconv.Itoa(o.Port))
	}
	// exec, because the login shell may be fish or csh, which understand this and little more.
	command := "exec /bin/sh -s"
	if o.Sudo {
		command = "exec sudo -n /bin/sh -s"
	}
	return append(args, "--", o.Host, command)
}

// dial starts ssh and waits for the program to speak.
func (o SSHOptions) dial(ctx context.Context) (*line, error) {
	name := o.Program
	if name == "" {
		name = "ssh"
	}
	cmd := exec.Command(name, o.arguments()...)
	if cmd.Err != nil {
		return nil, &ConnectError{text: "the program ssh is not there: install OpenSSH's client, or put it into PATH"}
	}
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // killed with its ProxyCommand
	cmd.WaitDelay = closing
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	widen(w)
	l := &line{cmd: cmd, out: r, said: &lastWords{}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = w, l.said
	if l.in, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	w.Close() // ssh has its own; the end of its output is ours to see
	if err != nil {
		r.Close()
		return nil, &ConnectError{text: "ssh could not be started: " + plain(err)}
	}
	go func() {
		_ = cmd.Wait()
		close(l.ended)
	}()
	mark := "envdiff-" + rand.Text()
	l.stream = newStream(r, mark)
	l.stream.left = maxTotal
	opening := fmt.Sprintf("S=%s L=%d W=%d\n%s", mark, maxListing, int(o.commandTimeout/time.Second), sshProgram)
	stop := context.AfterFunc(ctx, l.kill)
	defer stop()
	go func() { _, _ = io.WriteString(l.in, opening) }()
	if err := l.stream.skip(maxBanner); err != nil {
		return nil, o.failure(ctx, l, err)
	}
	if l.about, err = parseHello(l.stream.header); err != nil {
		return nil, o.failure(ctx, l, err)
	}
	if strings.Contains(l.said.String(), changedKey) { // StrictHostKeyChecking no lets it pass; we do not
		l.kill()
		<-l.ended
		return nil, o.explain(l.said.String())
	}
	return l, nil
}

// failure ends a connection that did not come to speak, and says why.
func (o SSHOptions) failure(ctx context.Context, l *line, err error) error {
	if errors.Is(err, errEnded) {
		select { // what ssh said last is about to be there
		case <-l.ended:
		case <-time.After(closing):
		case <-ctx.Done():
		}
	}
	l.kill()
	<-l.ended
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errTooMuch) || errors.Is(err, errGarbage) {
		return &ConnectError{text: fmt.Sprintf("%s does not answer with what envdiff asked: its login shell prints something of its own without end; look at: %s true",
			o.Host, o.byHand())}
	}
	return o.explain(l.said.String())
}

// kill ends ssh and all it started. What reads from it gets an error at once.
func (l *line) kill() {
	select {
	case <-l.ended: // its number may be another's by now
	default:
		_ = syscall.Kill(-l.cmd.Process.Pid, syscall.SIGKILL)
	}
	_ = l.out.Close()
	_ = l.in.Close()
}

// close lets the program end by itself, for a moment.
func (l *line) close() {
	_ = l.in.Close()
	select {
	case <-l.ended:
	case <-time.After(closing):
	}
	l.kill()
	<-l.ended
}

// lastWords keeps the end of what ssh says on standard error.
type lastWords struct {
	mutex sync.Mutex
	text  []byte
}

const maxWords = 8 << 10

func (w *lastWords) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.text = append(w.text, p...)
	if over := len(w.text) - maxWords; over > 0 {
		w.text = append([]byte(nil), w.text[over:]...)
	}
	return len(p), nil
}

func (w *lastWords) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return strings.ToValidUTF8(string(w.text), "?")
}
