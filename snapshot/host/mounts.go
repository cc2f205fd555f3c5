package host

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// readMounts reads fstab(5), and from a running host whether each entry is mounted.
func readMounts(rd *reader) {
	a := rd.at("mount", "")
	files, complete := rd.files("fstab", a, "mount/*")
	mounted, running := rd.mounted()
	if complete {
		rd.looked("mount/*#", "mount/*#device", "mount/*#type", "mount/*#options", "mount/*#uuid")
		if running {
			rd.looked("mount/*#mounted")
		}
	}
	seen := map[string]bool{}
	for _, f := range files {
		if rd.captured(f.Path) {
			continue
		}
		var bad []int
		for n, line := range lines(f.Body) {
			if line == "" || line[0] == '#' {
				continue
			}
			w := strings.Fields(line)
			if len(w) < 3 || len(w) > 6 {
				bad = append(bad, n)
				continue
			}
			m := mount{device: unoctal(w[0]), path: unoctal(w[1]), kind: w[2], options: "defaults"}
			if len(w) > 3 {
				m.options = w[3]
			}
			name := m.name()
			if seen[name] {
				continue
			}
			seen[name] = true
			m.facts(rd, name, origin(f.Path, n))
			if running && m.wanted() {
				rd.r.Add(rd.at("mount", name).Attr("mounted"), snapshot.Bool(mounted[m.path]), "/proc/mounts")
			}
		}
		rd.damaged(a, f.Path, bad, "mount/*")
	}
}

// mount is one entry of fstab.
type mount struct{ device, path, kind, options string }

// name is the mount point without its leading slash; swap has none and is called by its device.
func (m mount) name() string {
	switch {
	case m.kind == "swap" || m.path == "none" || m.path == "swap":
		return "none/" + strings.TrimPrefix(m.device, "/")
	case m.path == "/":
		return "/"
	}
	return strings.Trim(m.path, "/")
}

// wanted reports whether the entry should be mounted after the boot.
func (m mount) wanted() bool {
	for o := range strings.SplitSeq(m.options, ",") {
		if o == "noauto" || o == "x-systemd.automount" {
			return false
		}
	}
	return strings.HasPrefix(m.path, "/") && m.kind != "swap"
}

func (m mount) facts(rd *reader, name, from string) {
	a := rd.at("mount", name)
	device := "device"
	for _, id := range [...]string{"UUID=", "PARTUUID=", "/dev/disk/by-uuid/", "/dev/disk/by-id/", "/dev/disk/by-partuuid/"} {
		if strings.HasPrefix(m.device, id) {
			device = "uuid" // every host has its own
		}
	}
	rd.r.Add(a.Attr(device), rd.in.Redact.Line(m.device), from)
	rd.r.Add(a.Attr("type"), snapshot.String(m.kind), from)
	rd.r.Add(a.Attr("options"), mountOptions(rd.in.Redact, m.options), from)
}

// mountOptions is the set of options, without the values of secret ones (password=… of cifs).
func mountOptions(redact *snapshot.Redactor, text string) snapshot.Value {
	var set []snapshot.Value
	for o := range strings.SplitSeq(text, ",") {
		key, _, ok := strings.Cut(o, "=")
		switch {
		case o == "":
		case ok && redact.IsSecretName(key):
			set = append(set, snapshot.String(key+"=‹secret›"))
		default:
			set = append(set, redact.Line(o))
		}
	}
	return snapshot.Set(set...)
}

// mounted returns the mount points of a running host. ok is false for a tree, which has none.
func (rd *reader) mounted() (points map[string]bool, ok bool) {
	s := rd.in.Sections["mounts"]
	if len(s.Files) == 0 || s.Files[0].Problem != "" || len(s.Files[0].Body) == 0 {
		return nil, false
	}
	points = map[string]bool{}
	for _, line := range lines(s.Files[0].Body) {
		if w := strings.Fields(line); len(w) > 2 {
			points[unoctal(w[1])] = true
		}
	}
	return points, true
}

// unoctal undoes the \040 notation of fstab and /proc/mounts.
func unoctal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
