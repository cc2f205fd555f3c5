package host

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
)

// readSysctl merges the sysctl files as systemd-sysctl does (sysctl.d(5), systemd 252): files are taken in the order of
// their base names, whatever their directory; of files with the same name only the one in the strongest directory
// counts; a later file wins. /etc/sysctl.conf comes last, as in procps, unless it is linked into /etc/sysctl.d.
func readSysctl(rd *reader) {
	files, complete := rd.files("sysctl", rd.at("sysctl", ""), "sysctl/*")
	if complete {
		rd.looked("sysctl/*#", "sysctl/*#value")
	}
	set := map[string]sysctl{}
	for _, f := range sysctlOrder(files) {
		told := rd.captured(f.Path)
		var bad []int
		for n, line := range lines(f.Body) {
			if line == "" || line[0] == '#' || line[0] == ';' {
				continue
			}
			key, value, ok := strings.Cut(strings.TrimPrefix(line, "-"), "=")
			if !ok {
				if line[0] != '-' { // "-key" alone only exempts a key from a glob
					bad = append(bad, n)
				}
				continue
			}
			if key = sysctlKey(strings.TrimSpace(key)); key == "" {
				bad = append(bad, n)
				continue
			}
			set[key] = sysctl{strings.Join(strings.Fields(value), " "), origin(f.Path, n), told, line[0] == '-' || !strings.HasPrefix(f.Path, "/etc/")}
		}
		if !told {
			rd.damaged(rd.at("sysctl", ""), f.Path, bad)
		}
	}
	running := rd.runningSysctl()
	for _, key := range slices.Sorted(maps.Keys(set)) {
		v := set[key]
		if !v.told {
			rd.r.Add(rd.at("sysctl", key).Attr("value"), rd.in.Redact.Line(v.value), v.from)
		}
		// A container has its host's parameters; what packages set by default, and what may fail, need not hold.
		if is, ok := running[key]; ok && !v.optional && !rd.container && !sameParameter(is, v.value) {
			rd.r.Add(rd.at("sysctl", key).Attr("running"), rd.in.Redact.Line(is), v.from)
		}
	}
	if complete && running != nil {
		rd.looked("sysctl_running/*", "sysctl/*#running")
		for _, key := range tunables {
			if is, ok := running[key]; ok && set[key] == (sysctl{}) {
				rd.r.Add(rd.at("sysctl_running", key).Attr("value"), rd.in.Redact.Line(is), "sysctl -a")
			}
		}
	}
}

// sysctl is a parameter as the files set it.
type sysctl struct {
	value, from string
	told        bool // its file is captured as configuration: its facts are given there
	optional    bool // a package's default, or may fail
}

// tunables are the parameters that people set by hand, whether or not a file sets them too: those among what sysctl -a prints that do not depend on the
// machine's size, its boot, its devices or, as accept_redirects does, on another parameter.
var tunables = [...]string{
	"fs.inotify.max_user_instances", "fs.inotify.max_user_watches", "fs.protected_hardlinks", "fs.protected_symlinks", "fs.suid_dumpable",
	"kernel.core_uses_pid", "kernel.dmesg_restrict", "kernel.kptr_restrict", "kernel.panic", "kernel.panic_on_oops", "kernel.perf_event_paranoid", "kernel.randomize_va_space",
	"kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.sysrq", "kernel.unprivileged_bpf_disabled", "kernel.yama.ptrace_scope",
	"net.core.netdev_max_backlog", "net.core.rmem_max", "net.core.somaxconn", "net.core.wmem_max", "net.core.default_qdisc",
	"net.ipv4.conf.all.accept_source_route", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.all.send_redirects",
	"net.ipv4.conf.default.rp_filter", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.ip_forward", "net.ipv4.ip_local_port_range",
	"net.ipv4.ip_nonlocal_bind", "net.ipv4.tcp_congestion_control", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_tw_reuse", "net.ipv4.tcp_wmem",
	"net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.disable_ipv6",
	"vm.dirty_background_ratio", "vm.dirty_expire_centisecs", "vm.dirty_ratio", "vm.dirty_writeback_centisecs", "vm.max_map_count", "vm.nr_hugepages", "vm.overcommit_memory",
	"vm.overcommit_ratio", "vm.panic_on_oom", "vm.swappiness", "vm.vfs_cache_pressure", "vm.zone_reclaim_mode",
}

// runningParameters prints the kernel's parameters, but for those of single network interfaces.
const runningParameters = `sysctl -a | sed -n -e '/^net\.ipv[46]\.conf\./{' -e '/\.\(all\|default\)\./p' -e d -e '}' -e '/\.neigh\./d' -e p`

// runningSysctl are the kernel's parameters; nil where they cannot be asked for.
func (rd *reader) runningSysctl() map[string]string {
	out, ok := rd.output("sysctl-running", rd.at("sysctl_running", ""), "sysctl_running/*")
	if !ok {
		return nil
	}
	running := map[string]string{}
	for _, line := range lines(out) {
		if key, value, ok := strings.Cut(line, "="); ok {
			running[strings.TrimSpace(key)] = strings.Join(strings.Fields(value), " ")
		}
	}
	return running
}

// sameParameter compares a parameter as it is with how it is written; 0x10 is 16.
func sameParameter(is, written string) bool {
	if is == written {
		return true
	}
	a, errA := strconv.ParseInt(is, 0, 64)
	b, errB := strconv.ParseInt(written, 0, 64)
	return errA == nil && errB == nil && a == b
}

// sysctlDirs are the directories from the strongest to the weakest.
var sysctlDirs = [...]string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// sysctlOrder returns the files that count, the one that wins last.
func sysctlOrder(files []transport.File) []transport.File {
	strength := func(f transport.File) int { return slices.Index(sysctlDirs[:], path.Dir(f.Path)) }
	var order, last []transport.File
	linked := false
	for _, f := range files {
		if f.Path == "/etc/sysctl.conf" {
			last = append(last, f)
			continue
		}
		linked = linked || strings.HasSuffix(f.Target, "/sysctl.conf")
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b transport.File) int {
		return cmp.Or(strings.Compare(path.Base(a.Path), path.Base(b.Path)), cmp.Compare(strength(a), strength(b)), strings.Compare(a.Path, b.Path))
	})
	order = slices.CompactFunc(order, func(a, b transport.File) bool { return path.Base(a.Path) == path.Base(b.Path) })
	if linked {
		return order
	}
	return append(order, last...)
}

// sysctlKey is a key with dots, as sysctl(8) prints it: where the first separator is a slash, slashes separate and dots
// are part of a name, and are written as slashes.
func sysctlKey(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '/' {
		swap := func(r rune) rune {
			switch r {
			case '/':
				return '.'
			case '.':
				return '/'
			}
			return r
		}
		key = strings.Map(swap, key)
	}
	return key
}
