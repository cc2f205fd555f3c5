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
	outer   int    // that one's parent, which sees its layers
	layers  string // the directory that holds its layers, as seen from outside
	process *throwaway.Process
}

// machineScript makes the machine's root below its directory.
const machineScript = `set -e
mount --make-rprivate /
mount -t tmpfs -o size=1g machine "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs -o mode=755 run "$1/root/run"
mount -t tmpfs tmp "$1/root/tmp"
mkdir -p "$1/root/run/sshd" "$1/root/run/lock"
chmod 1777 "$1/root/tmp"
hostname "$2"
echo "$2" >"$1/root/etc/hostname"
ip link set lo up
`

// idle stays a machine's first process.
const idle = `touch "$1/root/run/ready"
cd "$1/root"
exec chroot . sleep infinity`

// StartMachine starts a machine. It needs root, or the right to make user namespaces.
func StartMachine(t testing.TB, name string) *Machine {
	t.Helper()
	return startMachine(t, name, machineScript+idle, "", "")
}

// startMachine runs a script as a machine's first process: $1 is its directory, $2 its name, $3 whatever the script is told. separate is a further namespace, or "".
func startMachine(t testing.TB, name, script, separate, told string) *Machine {
	t.Helper()
	dir, err := workDir(nil)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--mount", "--uts", "--net", "--pid", "--fork", "--kill-child"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	if separate != "" {
		args = append(args, separate)
	}
	log := &throwaway.Log{}
	cmd := throwaway.Command(dir, nil, log, "unshare", append(args, "sh", "-c", script, "machine", dir, name, told)...)
	m := &Machine{}
	if m.process, err = throwaway.Launch(dir, cmd, log); err != nil {
		t.Fatalf("starting a machine: %v", err)
	}
	t.Cleanup(func() { m.process.Stop(syscall.SIGKILL) })
	m.outer = cmd.Process.Pid
	m.layers = fmt.Sprintf("/proc/%d/root%s", m.outer, dir)
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

// Network is the command that runs another one in the machine's network alone: what it connects to is seen from there.
func (m *Machine) Network() string {
	args := []string{"nsenter", "--target", strconv.Itoa(m.pid), "--net"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	return strings.Join(args, " ")
}

// blackHole sends what goes to two addresses to a card that is nobody's.
const blackHole = `ip link add v0 type veth peer name v1; ip addr add 10.99.0.1/24 dev v0; ip link set v0 up; ip link set v1 up
for a in 9 53; do ip neigh add 10.99.0.$a lladdr 02:00:00:00:00:09 dev v0 nud permanent; done`

// BlackHole gives the machine a network with addresses that never answer: 10.99.0.9, and 10.99.0.53. 10.99.0.1 is itself, 10.99.0.8 is not there, and what is not below 10.99.0.0/24 has no route.
func (m *Machine) BlackHole(t testing.TB) { m.Run(t, blackHole) }

// FillDisks leaves no byte on any file system of the machine that can be written to.
func (m *Machine) FillDisks(t testing.TB) {
	t.Helper()
	dir := m.layers[strings.Index(m.layers, "/root")+len("/root"):]
	args := []string{"--target", strconv.Itoa(m.outer), "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	out, err := exec.Command("nsenter", append(args, "sh", "-c", `cd "$1" || exit 1
for d in . root/run root/tmp; do
	used=$(df -Pk "$d" | awk 'END {print $3}')
	mount -o remount,size=$((used + 64))k "$1/$d" || exit 1
	cat /dev/zero >"$d/full" 2>/dev/null
done
! echo x >root/var/full 2>/dev/null`, "sh", dir)...).CombinedOutput()
	if err != nil {
		t.Fatalf("filling the disks of a machine: %v\n%s", err, out)
	}
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
