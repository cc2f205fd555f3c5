package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

var passwd = []Want{{ID: "passwd", Globs: []string{"/etc/passwd"}}, {ID: "uname", Command: []string{"uname"}}}

// refused asks a host that cannot be had, and returns the error.
func refused(t *testing.T, tr Transport, within time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	began := time.Now()
	ss, err := tr.Fetch(ctx, passwd)
	if err == nil {
		t.Fatalf("it answered: %+v", ss)
	}
	if took := time.Since(began); took > within+30*time.Second {
		t.Errorf("it took %s", took)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("the error is not one clean line: %q", err)
	}
	return err.Error()
}

func TestSSHSaysWhyAHostCannotBeAsked(t *testing.T) {
	for _, c := range []struct {
		name   string
		force  testservers.Forced
		change func(t *testing.T, h *testservers.Host, o *SSHOptions)
		want   []string
	}{
		{name: "unknown host key", want: []string{"host key of 127.0.0.1 is not known", "ssh -p "},
			change: func(t *testing.T, h *testservers.Host, _ *SSHOptions) { write(t, h.Known, "") }},
		{name: "changed host key", want: []string{"not the one in known_hosts", "ssh-keygen -R '[127.0.0.1]:"},
			change: func(t *testing.T, h *testservers.Host, _ *SSHOptions) {
				other := testservers.SSH(t, "")
				write(t, h.Known, strings.ReplaceAll(read(t, other.Known), fmt.Sprint(other.Port), fmt.Sprint(h.Port)))
			}},
		{name: "changed host key that ssh_config lets pass", want: []string{"not the one in known_hosts"},
			change: func(t *testing.T, h *testservers.Host, _ *SSHOptions) {
				other := testservers.SSH(t, "")
				write(t, h.Known, strings.ReplaceAll(read(t, other.Known), fmt.Sprint(other.Port), fmt.Sprint(h.Port)))
				write(t, h.Config, read(t, h.Config)+"StrictHostKeyChecking no\n")
			}},
		{name: "refused", want: []string{"127.0.0.1 refuses the connection", "Try: ssh -p "},
			change: func(t *testing.T, _ *testservers.Host, o *SSHOptions) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				o.Port = port(l)
				l.Close()
			}},
		{name: "a name that is none", want: []string{"nowhere.invalid cannot be resolved"},
			change: func(_ *testing.T, _ *testservers.Host, o *SSHOptions) { o.Host = "nowhere.invalid" }},
		{name: "a key that is not let in", want: []string{"lets none of your keys in", "ssh-add"},
			change: func(t *testing.T, h *testservers.Host, _ *SSHOptions) {
				other := testservers.SSH(t, "")
				write(t, h.Config, strings.ReplaceAll(read(t, h.Config), "IdentityFile "+filepath.Dir(h.Config), "IdentityFile "+filepath.Dir(other.Config)))
			}},
		{name: "a broken ssh_config", want: []string{"correct your ssh_config"},
			change: func(t *testing.T, h *testservers.Host, _ *SSHOptions) { write(t, h.Config, "Nonsense yes\n") }},
		{name: "sudo asks for a password", force: `echo "sudo: a password is required" >&2; exit 1`, want: []string{"sudo on 127.0.0.1 asks for a password", "NOPASSWD"},
			change: func(t *testing.T, _ *testservers.Host, o *SSHOptions) { o.Sudo = true }},
		{name: "no shell", force: `echo "This account is currently not available."; exit 1`, want: []string{"did not run /bin/sh"}},
		{name: "a reason with escapes", force: `printf 'no\033[31m\nshell here\033[0m\n' >&2; exit 1`, want: []string{"shell here?[0m"}},
		{name: "a banner without end", force: `exec cat /dev/zero`, want: []string{"prints something of its own without end"}},
		{name: "garbage in the program's place", force: `read x; S=${x#S=}; S=${S%% *}; printf '\n%s hi x\n' "$S"; cat >/dev/null`, want: []string{"something of its own"}},
		{name: "no ssh", want: []string{"install OpenSSH's client"},
			change: func(_ *testing.T, _ *testservers.Host, o *SSHOptions) { o.Program = "envdiff-no-such-ssh" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := testservers.SSH(t, c.force)
			tr := reach(t, h, func(o *SSHOptions) {
				if c.change != nil {
					c.change(t, h, o)
				}
			})
			tr.(*remote).pauses = []time.Duration{time.Millisecond}
			got := refused(t, tr, time.Minute)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q lacks %q\nsshd: %s", got, w, h.Log())
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func TestSSHWithSudoRunsTheWholeProgramUnderIt(t *testing.T) {
	dir := t.TempDir()
	for p := dir; p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		_ = os.Chmod(p, 0o755)
	}
	write(t, dir+"/sudo", "#!/bin/sh\n[ \"$1\" = -n ] || exit 1\nshift\nUNDER=sudo exec \"$@\"\n")
	if err := os.Chmod(dir+"/sudo", 0o755); err != nil {
		t.Fatal(err)
	}
	h := testservers.SSH(t, testservers.Forced(`export PATH="`+dir+`:$PATH"; exec sh -c "$SSH_ORIGINAL_COMMAND"`))
	ask := []Want{{ID: "under", Command: []string{"sh", "-c", "echo $UNDER"}}}
	if s := sections(t, reach(t, h, func(o *SSHOptions) { o.Sudo = true }), ask)["under"]; string(s.Output) != "sudo\n" {
		t.Errorf("%+v", s)
	}
	if s := sections(t, reach(t, h, nil), ask)["under"]; string(s.Output) != "\n" {
		t.Errorf("without sudo: %+v", s)
	}
}

func TestSSHAddressThatNeverAnswersCostsTheDeadline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := testservers.SSH(t, "")
	tr := reach(t, h, func(o *SSHOptions) { o.Port = port(l) })
	if got := refused(t, tr, 2*time.Second); !strings.Contains(got, "did not answer in time") {
		t.Error(got)
	}
}

// A connection that is dropped before anybody is let in is tried again.
func TestSSHTriesAgainWhereThatMayHelp(t *testing.T) {
	h := testservers.SSH(t, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var connections atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if connections.Add(1) == 1 {
				c.Close()
				continue
			}
			go forward(c, h.Port)
		}
	}()
	write(t, h.Known, strings.ReplaceAll(read(t, h.Known), fmt.Sprint(h.Port), fmt.Sprint(port(l))))
	tr := reach(t, h, func(o *SSHOptions) { o.Port = port(l) })
	tr.(*remote).pauses = []time.Duration{time.Millisecond}
	if ss := sections(t, tr, passwd); len(ss["passwd"].Files) != 1 || connections.Load() != 2 {
		t.Errorf("%d connections, %+v", connections.Load(), ss)
	}
}

func forward(c net.Conn, port int) {
	defer c.Close()
	to, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return
	}
	defer to.Close()
	go io.Copy(to, c)
	_, _ = io.Copy(c, to)
}

// Through a jump host only so many connections are made at once, and each comes through.
func TestSSHThroughAJumpHost(t *testing.T) {
	jump, inner := testservers.SSH(t, ""), testservers.SSH(t, "")
	config := filepath.Join(t.TempDir(), "config")
	write(t, config, inner.Block("inner", "ProxyJump jump")+jump.Block("jump"))
	o := SSHOptions{Host: "inner", Args: []string{"-F", config}, Jumps: &Jumps{}}
	if via := o.jumpHost(t.Context()); via != "jump" {
		t.Errorf("the jump host is %q", via)
	}
	tr, err := SSH(o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if ss := sections(t, tr, passwd); len(ss["passwd"].Files) != 1 {
		t.Errorf("%+v", ss)
	}
	for range perJump {
		release, err := o.Jumps.enter(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := o.Jumps.enter(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more than may be: %v", err)
	}
}
