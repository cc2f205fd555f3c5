package testservers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// Machine is a host of its own on this machine: this machine's whole file system under a layer that only it writes to, and processes, network and host name of its own. It
// costs what it changes, in memory, and is gone with the test.
type Machine struct {
	pid     int    // its first process, as seen from outside
	layers  string // the directory that holds its layers, as seen from outside
	process *throwaway.Process
}

// machineScript makes the machine's root below its directory and stays its first process.
const machineScript = `set -e
mount --make-rprivate /
mount -t tmpfs -o size=1g machine "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs run "$1/root/run"
mount -t tmpfs tmp "$1/root/tmp"
mkdir -p "$1/root/run/sshd" "$1/root/run/lock"
chmod 1777 "$1/root/tmp"
hostname "$2"
echo "$2" >"$1/root/etc/hostname"
ip link set lo up
touch "$1/root/run/ready"
cd "$1/root"
exec chroot . sleep infinity`

// StartMachine starts a machine. It needs root, or the right to make user namespaces.
func StartMachine(t testing.TB, name string) *Machine {
	t.Helper()
	dir, err := workDir(nil)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--mount", "--uts", "--net", "--pid", "--fork", "--kill-child"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	log := &throwaway.Log{}
	cmd := throwaway.Command(dir, nil, log, "unshare", append(args, "sh", "-c", machineScript, "machine", dir, name)...)
	m := &Machine{}
	if m.process, err = throwaway.Launch(dir, cmd, log); err != nil {
		t.Fatalf("starting a machine: %v", err)
	}
	t.Cleanup(func() { m.process.Stop(syscall.SIGKILL) })
	m.layers = fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, dir) // its parent sees what is mounted there
	children := fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid)
	err = m.process.Wait(startTimeout, func() bool {
		text, err := os.ReadFile(children)
		if err != nil {
			return false
		}
		if m.pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
			return false
		}
		_, err = os.Stat(filepath.Join("/proc", strconv.Itoa(m.pid), "root/run/ready"))
		return err == nil
	})
	if err != nil {
		t.Fatalf("starting a machine: %v", err)
	}
	return m
}

// enter is the command that runs another one inside.
func (m *Machine) enter() []string {
	args := []string{"nsenter", "--target", strconv.Itoa(m.pid), "--mount", "--uts", "--net", "--pid", "--root"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	return args
}

// Run runs a shell script inside, as root, and returns what it prints.
func (m *Machine) Run(t testing.TB, script string) string {
	t.Helper()
	args := append(m.enter(), "/bin/sh", "-ec", "cd /; "+script)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}

// Written lists what changed on the machine since a moment, below /run and /tmp too: files by content or mode, and directories in which something was made or removed.
func (m *Machine) Written(t testing.TB, since time.Time) []string {
	t.Helper()
	var all []string
	for _, layer := range []string{"upper", "root/run", "root/tmp"} {
		out, err := exec.Command("find", filepath.Join(m.layers, layer), "-newerct", fmt.Sprintf("@%d.%09d", since.Unix(), since.Nanosecond()), "-print").CombinedOutput()
		if err != nil {
			t.Fatalf("looking for what was written: %v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			all = append(all, "/"+strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), filepath.Join(m.layers, "upper")), filepath.Join(m.layers, "root")), "/"))
		}
	}
	return all
}

// Shell makes whoever logs in work inside as root.
func (m *Machine) Shell() Forced {
	return Forced("exec " + strings.Join(m.enter(), " ") + ` /bin/sh -c "cd /; $SSH_ORIGINAL_COMMAND"`)
}

// ShellAs makes whoever logs in work inside as one of the machine's own users.
func (m *Machine) ShellAs(user string) Forced {
	return Forced("exec " + strings.Join(m.enter(), " ") + " su -s /bin/sh " + user + ` -c "cd /; $SSH_ORIGINAL_COMMAND"`)
}
