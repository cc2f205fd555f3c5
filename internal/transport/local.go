package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// CommandTimeout is how long one command may take; what hangs must not hold up the sections behind it.
const CommandTimeout = 20 * time.Second

// commandDirs is where commands are looked for, in this order, whatever the
// caller's PATH says; it is their PATH as well.
var commandDirs = [...]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// local serves the machine that envdiff runs on, as the user who started it: Want.Sudo has no effect.
type local struct {
	once    sync.Once
	tree    *tree
	err     error
	timeout time.Duration
}

// Local serves this machine: its files, and commands. Should / not open, Fetch says so.
func Local() Transport { return &local{timeout: CommandTimeout} }

func (l *local) Describe() string { return "local:" }

func (l *local) Close() error {
	if l.tree == nil {
		return nil
	}
	return l.tree.Close()
}

func (l *local) Fetch(ctx context.Context, wants []Want) (Sections, error) {
	l.once.Do(func() { l.tree, l.err = openTree("/") })
	if l.err != nil {
		return nil, l.err
	}
	sections := make(Sections, len(wants))
	for _, w := range wants {
		var s Section
		var err error
		switch {
		case w.Tree:
			s = treeOnly
		case len(w.Command) > 0:
			s, err = l.command(ctx, w)
		default:
			s, err = l.tree.fetchFiles(ctx, w)
		}
		if err != nil {
			return nil, err
		}
		sections[w.ID] = s
	}
	return sections, nil
}

// command runs one command in the C locale, in a process group of its own that is killed as a whole. Its
// error is the context's. What the command says on standard error is dropped: it may quote what it read.
func (l *local) command(ctx context.Context, w Want) (Section, error) {
	program := findCommand(w.Command[0])
	if program == "" {
		return Section{Problem: NotFound, Detail: "no command " + w.Command[0]}, nil
	}
	limited, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	limit := w.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxOutput
	}
	out := &cappedOutput{limit: limit, full: cancel}
	cmd := exec.CommandContext(limited, program, w.Command[1:]...)
	cmd.Env = []string{"LC_ALL=C", "PATH=" + commandPath(), "HOME=/"}
	cmd.Dir = "/"
	if w.Input != "" {
		cmd.Stdin = strings.NewReader(w.Input)
	}
	cmd.Stdout = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()

	if ctx.Err() != nil {
		return Section{}, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case out.over:
		return Section{Problem: TooLarge, Detail: fmt.Sprintf("output of more than %d bytes", limit)}, nil
	case limited.Err() != nil:
		return Section{Problem: Failed, Detail: fmt.Sprintf("no answer within %s", l.timeout)}, nil
	case errors.As(err, &exit):
		return Section{Output: out.held.Bytes(), Status: exit.ExitCode()}, nil
	case errors.Is(err, syscall.EACCES):
		return Section{Problem: Denied}, nil
	case err != nil:
		return Section{Problem: Failed, Detail: plain(err)}, nil
	}
	return Section{Output: out.held.Bytes()}, nil
}

// findCommand returns the path of an executable file, or "".
func findCommand(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	for _, dir := range commandDirs {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p
		}
	}
	return ""
}

func commandPath() string {
	path := ""
	for _, dir := range commandDirs {
		path += ":" + dir
	}
	return path[1:]
}

// cappedOutput collects output up to a limit and ends the command when there is more.
type cappedOutput struct {
	held  bytes.Buffer
	limit int64
	over  bool
	full  func()
}

func (c *cappedOutput) Write(p []byte) (int, error) {
	if int64(c.held.Len()+len(p)) > c.limit {
		c.over = true
		c.full()
		return 0, errors.New("output limit reached")
	}
	return c.held.Write(p)
}
