package host

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// output is what a command printed, where the host has it and it succeeded. A command that was cut short or killed is a gap at a.
func (rd *reader) output(id string, a snapshot.Address, covers ...string) ([]byte, bool) {
	s, fetched := rd.in.Sections[id]
	switch {
	case !fetched, s.Problem == transport.NotFound, s.Problem == transport.Unable:
		return nil, false
	case s.Problem != transport.OK:
		rd.trouble(id, s.Problem, s.Detail, a, covers)
		return nil, false
	}
	return s.Output, s.Status == 0 && len(s.Output) > 0
}

// containers are the kinds of virtualisation that share the kernel with other systems.
var containers = map[string]bool{"docker": true, "podman": true, "lxc": true, "lxc-libvirt": true, "systemd-nspawn": true, "openvz": true, "container-other": true,
	"rkt": true, "proot": true, "pouch": true, "wsl": true}

// machines are the words of a machine's maker or model that tell a hypervisor, under systemd-detect-virt's names.
var machines = [...]struct{ word, kind string }{
	{"Amazon EC2", "amazon"}, {"Google Compute", "google"}, {"VMware", "vmware"}, {"VirtualBox", "oracle"}, {"innotek", "oracle"}, {"KVM", "kvm"},
	{"QEMU", "kvm"}, {"OpenStack", "kvm"}, {"DigitalOcean", "kvm"}, {"Hetzner", "kvm"}, {"Xen", "xen"}, {"Parallels", "parallels"}, {"Bochs", "bochs"}, {"Microsoft Corporation Virtual Machine", "microsoft"},
}

// readVirtualisation asks systemd, which needs not run for that, or looks at what container engines and hypervisors leave.
func readVirtualisation(rd *reader) {
	a := rd.at("host", "virtualisation").Attr("kind")
	tell := func(kind, from string) {
		rd.container = containers[kind]
		rd.r.Add(a, snapshot.String(kind), from)
		rd.looked("host/virtualisation*")
	}
	if s := rd.in.Sections["virtualisation"]; s.Problem == transport.OK && word(s.Output) != "" {
		tell(word(s.Output), "systemd-detect-virt") // it ends with 1 for "none"
		return
	}
	for _, f := range rd.in.Sections["container"].Files {
		if f.Problem == transport.OK {
			tell(map[string]string{"/.dockerenv": "docker"}[f.Path]+map[string]string{"/run/.containerenv": "podman"}[f.Path], f.Path)
			return
		}
	}
	var said []string
	files, _ := rd.files("machine-model", a)
	for _, f := range files {
		said = append(said, strings.TrimSpace(string(f.Body[:min(len(f.Body), 200)])))
	}
	model := strings.Join(said, " ") // the files are sorted: product_name, sys_vendor
	for _, m := range machines {
		if strings.Contains(model, m.word) || m.kind == "microsoft" && strings.Contains(model, "Virtual Machine Microsoft") {
			tell(m.kind, files[0].Path)
			return
		}
	}
	if model != "" {
		tell("none", files[0].Path)
	}
}

// readLoad reads how busy a host is and how long it has been up. Both are context.
func readLoad(rd *reader) {
	a := rd.at("host", "load")
	if f, ok := rd.one("load", a); ok {
		w := strings.Fields(string(f.Body))
		for i, name := range []string{"one", "five", "fifteen"} {
			if i < len(w) {
				if n, err := strconv.ParseFloat(w[i], 64); err == nil && n >= 0 {
					rd.r.Add(a.Attr(name), snapshot.Float(n), f.Path)
				}
			}
		}
	}
	if f, ok := rd.one("uptime", a); ok {
		if n, err := strconv.ParseFloat(word(f.Body), 64); err == nil && n >= 0 && n < 1e11 {
			rd.r.Add(rd.at("host", "uptime").Attr("seconds"), snapshot.Int(int64(n)), f.Path)
		}
	}
}

// stored are the types of file systems whose space belongs to the host.
var stored = map[string]bool{"ext2": true, "ext3": true, "ext4": true, "xfs": true, "btrfs": true, "zfs": true, "f2fs": true, "reiserfs": true, "jfs": true, "bcachefs": true,
	"vfat": true, "overlay": true, "ubifs": true, "fuseblk": true}

// readSpace reads df of the file systems that hold data: their size, and how full they are.
func readSpace(rd *reader) {
	a := rd.at("filesystem", "")
	types := map[string]string{}
	if f, ok := rd.one("mounts", a); ok && len(f.Body) > 0 {
		for _, line := range lines(f.Body) {
			if w := strings.Fields(line); len(w) > 2 {
				types[unoctal(w[1])] = w[2]
			}
		}
	}
	if len(types) == 0 {
		return
	}
	rd.df("space", []string{"filesystem/*#", "filesystem/*#total_bytes", "filesystem/*#free_bytes", "filesystem/*#used_percent"}, func(a snapshot.Address, total, used, free int64) {
		rd.r.Add(a.Attr("total_bytes"), snapshot.Int(total<<10), "df")
		rd.r.Add(a.Attr("free_bytes"), snapshot.Int(free<<10), "df")
		rd.r.Add(a.Attr("used_percent"), percent(used, free), "df")
	}, types)
	rd.df("inodes", []string{"filesystem/*#used_inodes_percent"}, func(a snapshot.Address, _, used, free int64) {
		rd.r.Add(a.Attr("used_inodes_percent"), percent(used, free), "df -i")
	}, types)
}

// percent is how much of a file system is used, of what users may use.
func percent(used, free int64) snapshot.Value { return snapshot.Int(used * 100 / (used + free)) }

// df reads the lines of df -P: device, total, used, free, percentage, mount point.
func (rd *reader) df(id string, covers []string, add func(a snapshot.Address, total, used, free int64), types map[string]string) {
	out, ok := rd.output(id, rd.at("filesystem", ""), covers...)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for _, line := range lines(out) {
		w := strings.Fields(line)
		if len(w) < 6 {
			continue
		}
		point := strings.Join(w[5:], " ")
		kind := types[point]
		if seen[point] || !stored[kind] || kind == "overlay" && point != "/" {
			continue
		}
		var n [3]int64
		good := true
		for i := range n {
			v, err := strconv.ParseInt(w[1+i], 10, 64)
			n[i], good = v, good && err == nil && v >= 0 && v < 1<<50
		}
		if !good || n[0] == 0 || n[1]+n[2] == 0 { // btrfs has no inodes to count
			continue
		}
		seen[point] = true
		add(rd.at("filesystem", mount{path: point}.name()), n[0], n[1], n[2])
	}
	rd.looked(covers...)
}

// readModules reads which kernel modules are loaded, which is context because the kernel loads most by itself, and whether those that a file asks for are.
func readModules(rd *reader) {
	a := rd.at("module", "")
	loaded := map[string]bool{}
	running := false
	if f, ok := rd.one("modules", a); ok && len(f.Body) > 0 {
		running = true
		var names []string
		for _, line := range lines(f.Body) {
			if w := word([]byte(line)); w != "" {
				loaded[w] = true
				names = append(names, w)
			}
		}
		rd.r.Add(rd.at("host", "modules").Attr("loaded"), snapshot.Strings(true, names...), f.Path)
	}
	files, complete := rd.files("modules-load", a, "module/*")
	if complete {
		rd.looked("module/*#", "module/*#configured")
		if running {
			rd.looked("module/*#loaded")
		}
	}
	seen := map[string]bool{}
	for _, f := range files {
		if rd.captured(f.Path) {
			continue
		}
		for n, line := range lines(f.Body) {
			name := strings.ReplaceAll(word([]byte(line)), "-", "_")
			if name == "" || name[0] == '#' || name[0] == ';' || seen[name] {
				continue
			}
			seen[name] = true
			m := rd.at("module", name)
			rd.r.Add(m.Attr("configured"), snapshot.Bool(true), origin(f.Path, n))
			if running && !rd.container {
				rd.r.Add(m.Attr("loaded"), snapshot.Bool(loaded[name]), "/proc/modules")
			}
		}
	}
}

// readReboot reads whether an upgrade waits for a reboot: what Debian's packages leave, and a kernel that is installed and does not run.
func readReboot(rd *reader) {
	a := rd.at("host", "reboot")
	s, fetched := rd.in.Sections["reboot"]
	if !fetched || s.Problem != transport.OK && s.Problem != transport.NotFound || !rd.system {
		return
	}
	required := false
	from := "/run/reboot-required"
	for _, f := range s.Files {
		pkgs := strings.HasSuffix(f.Path, ".pkgs")
		if f.Problem != transport.OK && f.Problem != transport.NotFound && !pkgs {
			return
		}
		if f.Problem != transport.OK {
			continue
		}
		if pkgs {
			var names []string
			for _, line := range lines(f.Body) {
				if line != "" {
					names = append(names, line)
				}
			}
			rd.r.Add(a.Attr("packages"), snapshot.Strings(true, names...), f.Path)
			continue
		}
		required, from = true, f.Path
	}
	if _, live := rd.in.Sections["load"]; live && len(rd.in.Sections["load"].Files) > 0 {
		rd.r.Add(a.Attr("required"), snapshot.Bool(required), from)
	}
}
