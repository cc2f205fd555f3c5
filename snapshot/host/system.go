package host

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// readOS reads os-release(5): shell-like assignments, the file in /etc before the one in /usr/lib.
func readOS(rd *reader) {
	a := rd.at("host", "os")
	f, ok := rd.one("os-release", a)
	if !ok {
		return
	}
	seen := map[string]bool{}
	for n, line := range lines(f.Body) {
		key, value, ok := strings.Cut(line, "=")
		if !ok || seen[key] {
			continue
		}
		switch key {
		case "ID", "VERSION_ID", "PRETTY_NAME":
			seen[key] = true
			rd.r.Add(a.Attr(strings.ToLower(key)), rd.in.Redact.Line(unquote(value)), origin(f.Path, n))
		}
	}
	rd.looked("host/os*")
}

// architectures are the dynamic linkers' names, glibc's and musl's, and what uname -m calls their machines. 64 bits
// come first: a machine that can run both is called by them.
var architectures = [...]struct{ linker, name string }{
	{"ld-linux-x86-64.so.2", "x86_64"}, {"ld-musl-x86_64.so.1", "x86_64"},
	{"ld-linux-aarch64.so.1", "aarch64"}, {"ld-musl-aarch64.so.1", "aarch64"},
	{"ld64.so.2", "ppc64le"}, {"ld64.so.1", "s390x"}, {"ld-linux-riscv64-lp64d.so.1", "riscv64"},
	{"ld-linux-armhf.so.3", "armv7l"}, {"ld-musl-armhf.so.1", "armv7l"}, {"ld-linux.so.2", "i686"}, {"ld-musl-i386.so.1", "i686"},
}

// readArchitecture asks the running machine, or the names of the dynamic linkers in a tree.
func readArchitecture(rd *reader) {
	a := rd.at("host", "architecture").Attr("name")
	if out := word(rd.in.Sections["machine"].Output); out != "" && rd.in.Sections["machine"].Status == 0 {
		rd.r.Add(a, snapshot.String(out), "uname -m")
		rd.looked("host/architecture*")
		return
	}
	there := map[string]string{}
	for _, f := range rd.in.Sections["linker"].Files {
		there[f.Path[strings.LastIndexByte(f.Path, '/')+1:]] = f.Path
	}
	for _, arch := range architectures {
		if path, ok := there[arch.linker]; ok {
			rd.r.Add(a, snapshot.String(arch.name), path)
			rd.looked("host/architecture*")
			return
		}
	}
}

// readKernel reads the running kernel's release. A tree shows none.
func readKernel(rd *reader) {
	a := rd.at("host", "kernel")
	if f, ok := rd.one("kernel", a); ok && word(f.Body) != "" {
		rd.r.Add(a.Attr("release"), snapshot.String(word(f.Body)), f.Path)
		rd.looked("host/kernel*")
	}
}

// readCPU counts the processors.
func readCPU(rd *reader) {
	a := rd.at("host", "cpu")
	f, ok := rd.one("cpuinfo", a)
	if !ok {
		return
	}
	count := 0
	for _, line := range lines(f.Body) {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "processor" {
			count++
		}
	}
	if count > 0 {
		rd.r.Add(a.Attr("count"), snapshot.Int(int64(count)), f.Path)
		rd.looked("host/cpu*")
	}
}

// readMemory reads memory and swap, in bytes.
func readMemory(rd *reader) {
	memory, swap := rd.at("host", "memory"), rd.at("host", "swap")
	f, ok := rd.one("meminfo", memory)
	if !ok {
		return
	}
	held := map[string]int64{}
	for _, line := range lines(f.Body) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err == nil && kib >= 0 && kib < 1<<43 {
			held[key] = kib << 10
		}
	}
	if total, ok := held["MemTotal"]; ok {
		rd.r.Add(memory.Attr("total_bytes"), snapshot.Int(total), f.Path)
		rd.looked("host/memory*")
	}
	if total, ok := held["SwapTotal"]; ok {
		rd.r.Add(swap.Attr("total_bytes"), snapshot.Int(total), f.Path)
		rd.looked("host/swap*")
		if free, ok := held["SwapFree"]; ok && free <= total {
			rd.r.Add(swap.Attr("used_bytes"), snapshot.Int(total-free), f.Path)
		}
	}
}

// readTimezone prefers the link that the C library follows to the file that Debian keeps beside it.
func readTimezone(rd *reader) {
	a := rd.at("host", "timezone").Attr("name")
	for _, f := range rd.in.Sections["localtime"].Files {
		if _, zone, ok := strings.Cut(f.Target, "/zoneinfo/"); ok && zone != "" {
			rd.r.Add(a, snapshot.String(zone), f.Path)
			rd.looked("host/timezone*")
			return
		}
	}
	if f, ok := rd.one("timezone", a); ok && word(f.Body) != "" {
		rd.r.Add(a, snapshot.String(word(f.Body)), f.Path)
		rd.looked("host/timezone*")
	}
}

// lines iterates over the lines of a text with their numbers, without blanks at both ends.
func lines(body []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range bytes.Lines(body) {
			n++
			if len(line) > maxLine {
				line = line[:maxLine]
			}
			if !yield(n, string(bytes.TrimSpace(line))) {
				return
			}
		}
	}
}

// maxLine bounds what one line can contribute to a fact.
const maxLine = 16 << 10

// word is the first word of a text.
func word(body []byte) string {
	for _, line := range lines(body[:min(len(body), 4096)]) {
		if f := strings.Fields(line); len(f) > 0 {
			return f[0]
		}
	}
	return ""
}

// unquote takes the quotes of a shell assignment away.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func origin(path string, line int) string { return path + ":" + strconv.Itoa(line) }
