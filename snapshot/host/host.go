// Package host is the host collector of the machine itself: operating system, kernel, processors, memory, time
// zone, mounts, kernel parameters, accounts and cron. Like every host collector it declares what to fetch and
// parses the sections that a transport filled.
package host

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads the machine.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "host" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "The machine: system, kernel, memory, time zone, mounts, sysctl, accounts, cron",
		Text: `Reads files below /etc and /proc. What a directory tree does not hold, such as /proc, is not looked at and never reported as missing.

sysctl files are merged as systemd-sysctl does (sysctl.d(5)): one value per key. A file that the role captures as configuration (` + "`config:`" + `)
gives its facts there, and none here. Passwords are never read: /etc/shadow is not opened, and the password field of /etc/passwd is not looked at.
Host names and addresses are captured as the host's own parameters, and never compared.`,
		Needs: []string{"/etc/os-release, /etc/passwd, /etc/group, /etc/fstab, /etc/sysctl.d, /etc/cron.d", "/proc of a running host",
			"root, for the crontabs of users in /var/spool/cron", "ip, for the addresses of a running host"},
		Attributes: []string{
			"host/os#id: debian, ubuntu, alpine, …", "host/os#version_id: the release", "host/os#pretty_name: captured, never compared",
			"host/kernel#release: of the running kernel", "host/architecture#name: as uname -m prints it", "host/cpu#count: processors",
			"host/memory#total_bytes: compared within an environment, ten per cent do not matter",
			"host/swap#total_bytes: likewise", "host/swap#used_bytes: for the rule swapping only", "host/timezone#name: Europe/Vienna",
			"host/name#hostname, #fqdn, #machine_id and host/network#addresses: the host's own parameters, never compared",
			"mount/PATH#device, #type, #options: from /etc/fstab; #mounted: whether it is, on a running host; #uuid: captured, never compared",
			"sysctl/KEY#value: as the files in sysctl.d set it", "user/NAME#uid, #gid, #home, #shell", "group/NAME#gid, #members",
			"cron/FILE#entries: the jobs and variables of a crontab", "cron/FILE#digest: keyed digest of a script in /etc/cron.daily and its like",
		},
	}
}

// Kinds declares how the facts are compared.
func (Collector) Kinds() []snapshot.Kind {
	host := finding.AreaHost
	return []snapshot.Kind{
		{Pattern: "host/os#pretty_name", Axis: snapshot.Context, Area: host, Doc: "the operating system's full name"},
		{Pattern: "host/os#*", Area: host, Doc: "the operating system"},
		{Pattern: "host/kernel#*", Area: host, Doc: "the running kernel"},
		{Pattern: "host/architecture#*", Area: host, Doc: "the processor architecture"},
		{Pattern: "host/cpu#*", Area: host, Doc: "the number of processors"},
		{Pattern: "host/memory#*", Axis: snapshot.Within, Area: host, Tolerance: 0.1, Doc: "the host's memory"},
		{Pattern: "host/swap#total_bytes", Axis: snapshot.Within, Area: host, Tolerance: 0.1, Doc: "the host's swap space"},
		{Pattern: "host/swap#used_bytes", Axis: snapshot.Context, Area: host, Doc: "swap in use; judged by the rule swapping"},
		{Pattern: "host/timezone#*", Area: host, Doc: "the time zone"},
		{Pattern: "host/name#*", Axis: snapshot.Context, Area: host, Doc: "the host's own names"},
		{Pattern: "host/network#*", Axis: snapshot.Context, Area: host, Doc: "the host's own addresses"},
		{Pattern: "mount/*#uuid", Axis: snapshot.Context, Area: host, Doc: "the file system that a mount names"},
		{Pattern: "mount/*", Area: host, Doc: "an entry of /etc/fstab"},
		{Pattern: "sysctl/*", Area: host, Doc: "a kernel parameter"},
		{Pattern: "user/*", Area: host, Doc: "a user account"},
		{Pattern: "group/*", Area: host, Parents: []string{"user/{name}"}, Doc: "a group"},
		{Pattern: "cron/*", Area: finding.AreaConfig, Doc: "a crontab or cron script"},
	}
}

// Wants declares the files and the two commands.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{
		{ID: "os-release", Globs: []string{"/etc/os-release", "/usr/lib/os-release"}, Doc: "the operating system"},
		{ID: "linker", Globs: []string{"/lib/ld-*", "/lib64/ld-*", "/usr/lib/ld-*", "/usr/lib64/ld-*"}, Content: transport.Names, Doc: "the architecture, by the dynamic linker's name"},
		{ID: "machine", Command: []string{"uname", "-m"}, Doc: "the architecture"},
		{ID: "kernel", Globs: []string{"/proc/sys/kernel/osrelease"}, Doc: "the running kernel"},
		{ID: "cpuinfo", Globs: []string{"/proc/cpuinfo"}, Doc: "the number of processors"},
		{ID: "meminfo", Globs: []string{"/proc/meminfo"}, Doc: "memory and swap"},
		{ID: "timezone", Globs: []string{"/etc/timezone"}, Doc: "the time zone"},
		{ID: "localtime", Globs: []string{"/etc/localtime"}, Content: transport.Names, Doc: "the time zone"},
		{ID: "hostname", Globs: []string{"/etc/hostname"}, Doc: "the host's own name"},
		{ID: "hosts", Globs: []string{"/etc/hosts"}, Doc: "the host's own names and addresses"},
		{ID: "machine-id", Globs: []string{"/etc/machine-id"}, Doc: "the host's identity"},
		{ID: "interfaces", Globs: []string{"/etc/network/interfaces", "/etc/network/interfaces.d/*"}, Doc: "the host's own addresses"},
		{ID: "addresses", Command: []string{"ip", "-o", "addr", "show", "scope", "global"}, MaxBytes: 1 << 20, Doc: "the host's own addresses"},
		{ID: "fstab", Globs: []string{"/etc/fstab"}, Doc: "mounts"},
		{ID: "mounts", Globs: []string{"/proc/mounts"}, Doc: "what is mounted"},
		{ID: "sysctl", Globs: []string{"/etc/sysctl.conf", "/etc/sysctl.d/*.conf", "/run/sysctl.d/*.conf", "/usr/local/lib/sysctl.d/*.conf",
			"/usr/lib/sysctl.d/*.conf", "/lib/sysctl.d/*.conf"}, Doc: "kernel parameters"},
		{ID: "passwd", Globs: []string{"/etc/passwd"}, Doc: "user accounts"},
		{ID: "group", Globs: []string{"/etc/group"}, Doc: "groups"},
		{ID: "cron", Globs: []string{"/etc/crontab", "/etc/cron.d/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*"}, Doc: "cron jobs"},
		{ID: "cron-scripts", Globs: []string{"/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*"},
			Content: transport.SHA256, Doc: "cron scripts: their digests only"},
	}
}

// Parse reads every concern on its own: one that cannot be read leaves the others whole.
func (Collector) Parse(in snapshot.Input) snapshot.Result {
	rd := newReader(in)
	for _, concern := range []func(*reader){
		readOS, readArchitecture, readKernel, readCPU, readMemory, readTimezone, readNames, readAddresses,
		readMounts, readSysctl, readUsers, readGroups, readCrontabs, readCronScripts,
	} {
		concern(rd)
	}
	return rd.r
}
