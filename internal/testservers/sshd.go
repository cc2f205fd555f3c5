package testservers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// Host is a running sshd that lets the current user in with a key of its own. Its client's configuration is a file of
// its own too: neither ~/.ssh nor the system's ssh_config is read.
type Host struct {
	// Port is its TCP port on 127.0.0.1.
	Port int
	// Config is the client's configuration, for ssh -F. Known is the known_hosts file
	// that it names; it holds the host's key.
	Config, Known string

	process *throwaway.Process
}

// Forced says what runs on a host whoever logs in, and whatever is asked for: a line for the login shell. What was
// asked for is in $SSH_ORIGINAL_COMMAND. "" runs what is asked for.
type Forced string

// Inside runs what is asked for inside a directory tree with a shell of its own, so that each host has
// its own root. The tree is given /dev/null.
func Inside(t testing.TB, root string) Forced {
	t.Helper()
	null := filepath.Join(root, "dev/null")
	if err := os.MkdirAll(filepath.Dir(null), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := "chroot " + root + ` /bin/sh -c "$SSH_ORIGINAL_COMMAND"`
	if os.Geteuid() == 0 {
		if err := syscall.Mknod(null, syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
			t.Fatalf("making /dev/null of a host: %v", err)
		}
		if err := os.Chmod(null, 0o666); err != nil {
			t.Fatal(err)
		}
		return Forced("exec " + inside)
	}
	if err := os.WriteFile(null, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	return Forced("exec unshare -rm sh -c 'mount --bind /dev/null " + null + " && exec " + inside + "'")
}

// Busybox fills a directory tree with a busybox and links for its applets, or for those alone that are named.
func Busybox(t testing.TB, root string, applets ...string) {
	t.Helper()
	program, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal("busybox is not there: apt-get install busybox-static")
	}
	if len(applets) == 0 {
		out, err := exec.Command(program, "--list").Output()
		if err != nil {
			t.Fatal(err)
		}
		applets = strings.Fields(string(out))
	}
	copyInto(t, program, root, "/bin/busybox")
	for _, a := range applets {
		if a == "busybox" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(root, "bin", a)); err != nil {
			t.Fatal(err)
		}
	}
}

// Dash makes a dash the shell of a directory tree, and puts nothing beside it.
func Dash(t testing.TB, root string) {
	t.Helper()
	copyInto(t, "/bin/dash", root, "/bin/sh")
	out, err := exec.Command("ldd", "/bin/dash").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(out)) {
		if filepath.IsAbs(word) {
			copyInto(t, word, root, word)
		}
	}
}

// copyInto copies a program or library to a path inside a directory tree.
func copyInto(t testing.TB, from, root, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
}

// SSH starts a host for one test.
func SSH(t testing.TB, force Forced) *Host {
	t.Helper()
	h, err := startSSH(force)
	if err != nil {
		t.Fatalf("starting sshd: %v", err)
	}
	t.Cleanup(h.stop)
	return h
}

func startSSH(force Forced) (*Host, error) {
	const program = "/usr/sbin/sshd" // it has to be called by its path
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("it is not there: apt-get install openssh-server (%w)", err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // where it separates privileges
			return nil, err
		}
	}
	dir, err := workDir(nil)
	if err != nil {
		return nil, err
	}
	h, err := newHost(program, dir, force)
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return h, err
}

func newHost(program, dir string, force Forced) (*Host, error) {
	log := &throwaway.Log{}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, key := range []string{"host", "user"} {
		if err := throwaway.Run(throwaway.Command(dir, nil, log, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", at(key)), log, startTimeout); err != nil {
			return nil, err
		}
	}
	port, err := throwaway.FreePort()
	if err != nil {
		return nil, err
	}
	h := &Host{Port: port, Config: at("client"), Known: at("known_hosts")}
	public, err := os.ReadFile(at("host.pub"))
	if err != nil {
		return nil, err
	}
	forced := ""
	if force != "" {
		forced = "ForceCommand " + string(force) + "\n"
	}
	for name, text := range map[string]string{
		"server": "ListenAddress 127.0.0.1\nPort " + strconv.Itoa(port) + "\nHostKey " + at("host") + "\nAuthorizedKeysFile " + at("user.pub") +
			"\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n" +
			"UseDNS no\nPrintMotd no\nMaxStartups 200\nAcceptEnv LANG LC_*\n" +
			"SetEnv SHLVL=1\n" + // Debian's bash reads ~/.bashrc over ssh unless it is called by another shell; a host is not to depend on what whoever runs the tests keeps there
			forced,
		"client": "Host *\nIdentityFile " + at("user") + "\nIdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile " + h.Known +
			"\nGlobalKnownHostsFile /dev/null\nAddKeysToAgent no\n",
		"known_hosts": fmt.Sprintf("[127.0.0.1]:%d %s", port, public),
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	cmd := throwaway.Command(dir, nil, log, program, "-D", "-e", "-f", at("server"))
	if h.process, err = throwaway.Launch(dir, cmd, log); err != nil {
		return nil, err
	}
	err = h.process.Wait(startTimeout, func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

// Block is a Host block of ssh_config that reaches this host under a name, with further lines.
func (h *Host) Block(name string, more ...string) string {
	dir := filepath.Dir(h.Config)
	lines := append([]string{"Host " + name, "HostName 127.0.0.1", "Port " + strconv.Itoa(h.Port), "IdentityFile " + filepath.Join(dir, "user"),
		"IdentitiesOnly yes", "IdentityAgent none", "UserKnownHostsFile " + h.Known, "GlobalKnownHostsFile /dev/null"}, more...)
	return strings.Join(lines, "\n\t") + "\n"
}

// Client writes an ssh_config and makes every ssh that this test starts use it, and no other. It returns the file.
func Client(t testing.TB, blocks ...string) string {
	t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal("ssh is not there: apt-get install openssh-client")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(strings.Join(blocks, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\nexec "+program+" -F "+config+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return config
}

// Log is what sshd printed last.
func (h *Host) Log() string { return h.process.Printed() }

func (h *Host) stop() { h.process.Stop(syscall.SIGTERM) }
