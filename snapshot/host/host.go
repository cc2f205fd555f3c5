// Package host is the host collector of the machine itself: operating system, kernel, processors, memory, space, clock, mounts,
// kernel parameters and modules, accounts, keys, sudo, limits, cron and certificates. Like every host collector it declares what to fetch and
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
		Title: "The machine: system, kernel, memory, space, clock, mounts, sysctl, accounts, keys, sudo, cron, certificates",
		Text: `Reads files below /etc and /proc. What a directory tree does not hold, such as /proc, is not looked at and never reported as missing.

sysctl files are merged as systemd-sysctl does (sysctl.d(5)): one value per key. A file that the role captures as configuration (` + "`config:`" + `)
gives its facts there, and none here. Passwords are never read: /etc/shadow is not opened, and the password field of /etc/passwd is not looked at.
Host names and addresses are captured as the host's own parameters, and never compared.

A parameter of the kernel that is not what its file in /etc says is the finding ` + "`not-loaded`" + `; not in a container, which has its host's parameters. Those that no file sets
are compared where they are well known and do not depend on the size of the machine.

Of authorized_keys the fingerprints and options are captured, never the comments, which name people. Certificates are looked for below /etc; a file of more than six is a list
of whom to trust, and left out. Files with key in their name are not opened.`,
		Needs: []string{"/etc/os-release, /etc/passwd, /etc/group, /etc/fstab, /etc/sysctl.d, /etc/cron.d", "/proc of a running host",
			"root, for the crontabs of users in /var/spool/cron, sudoers and the keys of users",
			"ip, df, date, sysctl and systemd-detect-virt of a running host; chronyc, ntpq or timedatectl"},
		Attributes: []string{
			"host/os#id: debian, ubuntu, alpine, …", "host/os#version_id: the release", "host/os#pretty_name: captured, never compared",
			"host/kernel#release: of the running kernel", "host/architecture#name: as uname -m prints it", "host/cpu#count: processors",
			"host/memory#total_bytes: compared within an environment, ten per cent do not matter",
			"host/swap#total_bytes: likewise", "host/swap#used_bytes: for the rule swapping only", "host/timezone#name: Europe/Vienna",
			"host/virtualisation#kind: kvm, vmware, docker, none, … as systemd-detect-virt says it", "host/locale#lang, #lc_…: the language of the system",
			"host/clock#offset_seconds: how far the clock of an ssh host is from this side's; #synchronised: whether chrony, ntpd or systemd keeps it right; never compared, judged",
			"host/load#one, #five, #fifteen and host/uptime#seconds: never compared",
			"host/reboot#required, #packages: whether an upgrade waits for a reboot; never compared, judged", "host/modules#loaded: kernel modules; never compared",
			"filesystem/PATH#total_bytes: compared within an environment, ten per cent do not matter; #free_bytes, #used_percent, #used_inodes_percent: never compared, judged",
			"module/NAME#configured, #loaded: a kernel module that /etc/modules or modules-load.d asks for",
			"limit/USER/ITEM#soft, #hard: of limits.conf", "sudoers/FILE#rules: in order", "authorized_keys/USER#keys: options and fingerprints; compared within an environment",
			"certificate/FILE#not_after, #subject, #issuer, #names: of certificates below /etc; never compared, judged",
			"sysctl/KEY#running: only where the kernel has another value than the file in /etc; never compared, judged", "sysctl_running/KEY#value: of well-known parameters that no file sets",
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
		{Pattern: "host/locale#*", Area: host, Doc: "the language of the system"},
		{Pattern: "host/virtualisation#*", Area: host, Doc: "what kind of machine a host is"},
		{Pattern: "host/clock#*", Axis: snapshot.Context, Area: host, Doc: "the host's clock; judged by the rule clock-off"},
		{Pattern: "host/load#*", Axis: snapshot.Context, Area: host, Doc: "how busy a host is"},
		{Pattern: "host/uptime#*", Axis: snapshot.Context, Area: host, Doc: "how long a host has been up"},
		{Pattern: "host/reboot#*", Axis: snapshot.Context, Area: host, Doc: "whether an upgrade waits for a reboot; judged by the rule restart-needed"},
		{Pattern: "host/modules#*", Axis: snapshot.Context, Area: host, Doc: "the kernel modules that are loaded"},
		{Pattern: "filesystem/*#total_bytes", Axis: snapshot.Within, Area: host, Tolerance: 0.1, Doc: "the size of a file system"},
		{Pattern: "filesystem/*", Axis: snapshot.Context, Area: host, Doc: "how full a file system is; judged by the rule disk-full"},
		{Pattern: "module/*", Area: host, Doc: "a kernel module that a file asks for"},
		{Pattern: "limit/*", Area: host, Doc: "a limit of limits.conf"},
		{Pattern: "sudoers/*", Area: host, Doc: "the rules of a file of sudo"},
		{Pattern: "authorized_keys/*", Axis: snapshot.Within, Area: host, Parents: []string{"user/{name}"}, Doc: "the keys that let somebody in"},
		{Pattern: "certificate/*", Axis: snapshot.Context, Area: host, Doc: "a certificate; judged by the rule certificate-expiring"},
		{Pattern: "sysctl/*#running", Axis: snapshot.Context, Area: host, Doc: "a kernel parameter that is not what its file says; judged by the rule not-loaded"},
		{Pattern: "sysctl_running/*", Area: host, YieldsTo: []string{"sysctl/{name}"}, Doc: "a kernel parameter that no file sets"},
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

// Wants declares the files and commands.
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
		{ID: "virtualisation", Command: []string{"systemd-detect-virt"}, Doc: "what kind of machine it is"},
		{ID: "container", Globs: []string{"/.dockerenv", "/run/.containerenv"}, Content: transport.Names, Doc: "whether it is a container"},
		{ID: "machine-model", Globs: []string{"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"}, Doc: "what kind of machine it is"},
		{ID: "load", Globs: []string{"/proc/loadavg"}, Doc: "how busy it is"},
		{ID: "uptime", Globs: []string{"/proc/uptime"}, Doc: "how long it has been up"},
		{ID: "space", Command: []string{"sh", "-c", "df -Pkl || df -Pk"}, MaxBytes: 1 << 20, Doc: "the size of file systems and how full they are"},
		{ID: "inodes", Command: []string{"sh", "-c", "df -Pil || df -Pi"}, MaxBytes: 1 << 20, Doc: "how many inodes are used"},
		{ID: "clock", Command: []string{"date", "+%s"}, Doc: "how far its clock is off"},
		{ID: "time-sync", Command: []string{"sh", "-c", timeSync}, MaxBytes: 64 << 10, Doc: "whether something keeps its clock right"},
		{ID: "modules", Globs: []string{"/proc/modules"}, Doc: "loaded kernel modules"},
		{ID: "modules-load", Globs: []string{"/etc/modules", "/etc/modules-load.d/*.conf"}, Doc: "kernel modules to load"},
		{ID: "reboot", Globs: []string{"/run/reboot-required", "/run/reboot-required.pkgs"}, Doc: "whether an upgrade waits for a reboot"},
		{ID: "locale", Globs: []string{"/etc/default/locale", "/etc/locale.conf"}, Doc: "the language of the system"},
		{ID: "limits", Globs: []string{"/etc/security/limits.conf", "/etc/security/limits.d/*.conf"}, Doc: "limits of users"},
		{ID: "sudoers", Globs: []string{"/etc/sudoers", "/etc/sudoers.d/*"}, Doc: "who may become whom"},
		{ID: "authorized-keys", Command: []string{"sh", "-c", authorizedKeys}, Sudo: true, Doc: "whose keys let them in: fingerprints only"},
		{ID: "authorized-root", Globs: []string{"/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2"}, Doc: "whose keys let them in as root, where no command runs"},
		{ID: "certificates", Globs: []string{"/etc/**/*.pem", "/etc/**/*.crt", "/etc/**/*.cer"}, MaxBytes: 256 << 10, Doc: "when certificates expire",
			Exclude: []string{"/etc/ssl/certs/**", "/etc/ca-certificates/**", "/etc/pki/ca-trust/**", "/etc/letsencrypt/archive/**", "/etc/**/*key*.pem", "/etc/**/*.key.pem"}},
		{ID: "sysctl-running", Command: []string{"sh", "-c", runningParameters}, MaxBytes: 1 << 20, Doc: "kernel parameters as they are"},
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
		readVirtualisation, readOS, readArchitecture, readKernel, readCPU, readMemory, readTimezone, readLocale, readClock, readLoad, readSpace, readReboot,
		readNames, readAddresses, readMounts, readSysctl, readModules, readLimits, readUsers, readGroups, readSudoers, readAuthorizedKeys, readCrontabs,
		readCronScripts, readCertificates,
	} {
		concern(rd)
	}
	return rd.r
}
