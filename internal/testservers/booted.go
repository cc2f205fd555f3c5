package testservers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bootScript begins systemd as the first process of a machine, with control groups of its own below those of this one, and nothing started but what shop.target wants.
const bootScript = `mkdir "$1/groups"
mount -t cgroup2 groups "$1/groups"
mkdir "$1/groups/$3"
echo $$ >"$1/groups/$3/cgroup.procs"
umount "$1/groups"
umount -R "$1/root/dev"
mount -t tmpfs -o mode=755 dev "$1/root/dev"
for d in null zero full random urandom tty; do touch "$1/root/dev/$d"; mount --bind "/dev/$d" "$1/root/dev/$d"; done
mkdir "$1/root/dev/shm" "$1/root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/root/dev/pts"
ln -s pts/ptmx "$1/root/dev/ptmx"
ln -s /proc/self/fd "$1/root/dev/fd"
mount -t sysfs sysfs "$1/root/sys"
printf '[Unit]\nDefaultDependencies=no\n' >"$1/root/etc/systemd/system/shop.target"
cd "$1/root"
exec unshare --cgroup sh -c 'mount -t cgroup2 cgroup2 sys/fs/cgroup && touch run/ready &&
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --unit=shop.target --log-target=null --show-status=no'`

// StartBooted starts a machine whose first process is systemd. It needs root.
func StartBooted(t testing.TB, name string) *Machine {
	t.Helper()
	groups := fmt.Sprintf("envdiff-test-%d-%s", os.Getpid(), name)
	t.Cleanup(func() { // after the machine, which was made later
		_ = exec.Command("unshare", "--mount", "sh", "-c", `mount --make-rprivate / && mount -t cgroup2 groups /mnt && for i in 1 2 3 4 5; do find "/mnt/$1" -depth -type d -exec rmdir {} + && exit; sleep 0.2; done`, "sh", groups).Run()
	})
	m := startMachine(t, name, machineScript+bootScript, "--ipc", groups)
	err := m.process.Wait(startTimeout, func() bool {
		return exec.Command("nsenter", append(m.enter()[1:], "systemctl", "is-active", "-q", "shop.target")...).Run() == nil
	})
	if err != nil {
		t.Fatalf("systemd does not boot (it needs root): %v", err)
	}
	return m
}

// Unit writes a file below /etc/systemd/system.
func (m *Machine) Unit(t testing.TB, name, text string) {
	t.Helper()
	m.Run(t, fmt.Sprintf("mkdir -p '/etc/systemd/system/%s'; printf '%%b' '%s' >'/etc/systemd/system/%s'", filepath.Dir(name), text, name))
}
