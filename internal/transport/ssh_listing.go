package transport

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// maxName is the longest name that is taken from a host: PATH_MAX of Linux.
const maxName = 4096

// parseFind reads what GNU find prints: triples of attributes, name and link target, each ended by NUL.
func parseFind(text []byte) map[string]*node {
	found := map[string]*node{}
	for len(text) > 0 {
		var part [3]string
		for i := range part {
			field, rest, ok := bytes.Cut(text, []byte{0})
			if !ok {
				return found
			}
			part[i], text = string(field), rest
		}
		name, ok := relative(part[1])
		if !ok {
			continue
		}
		switch part[0] {
		case "R", "X":
			forbid(found[name], part[0])
			continue
		}
		f := strings.Fields(part[0])
		if len(f) != 5 || len(f[0]) != 1 {
			continue
		}
		bits, err := strconv.ParseUint(f[1], 8, 32)
		if err != nil {
			continue
		}
		n := &node{name: path.Base(name), mode: permissions(uint32(bits)) | typeOf(f[0][0]), target: part[2]}
		if n.numbers(f[2], f[3], f[4]) {
			found[name] = n
		}
	}
	return found
}

// parseMarked adds what stat -c or ls -ldn, readlink and test print on hosts without GNU find: entries that begin with a mark and a letter.
func parseMarked(found map[string]*node, text []byte, mark string) {
	for _, entry := range strings.Split(string(text), mark+":")[1:] {
		kind, rest, ok := strings.Cut(strings.TrimSuffix(entry, "\n"), " ")
		if !ok {
			continue
		}
		switch kind {
		case "s":
			f := strings.SplitN(rest, " ", 5)
			if len(f) != 5 {
				continue
			}
			if bits, err := strconv.ParseUint(f[0], 16, 32); err == nil {
				addNode(found, f[4], unixMode(uint32(bits)), f[1], f[2], f[3])
			}
		case "n":
			addListed(found, rest)
		case "l":
			p, target, _ := strings.Cut(rest, "\x00")
			if name, ok := relative(p); ok && found[name] != nil {
				found[name].target = target
			}
		case "r", "x":
			if name, ok := relative(rest); ok {
				forbid(found[name], strings.ToUpper(kind))
			}
		}
	}
}

// addListed reads the length of a name, the name, and the line that ls -ldn prints of it: mode, links, owner, group, size. What ls makes of the name does not
// matter.
func addListed(found map[string]*node, text string) {
	number, rest, _ := strings.Cut(text, " ")
	length, err := strconv.Atoi(number)
	if err != nil || length < 1 || length > len(rest) {
		return
	}
	f := strings.Fields(rest[length:])
	if len(f) < 6 || len(f[0]) < 10 {
		return
	}
	size := f[4]
	if strings.HasSuffix(size, ",") { // a device: major, minor
		size = "0"
	}
	addNode(found, rest[:length], lsMode(f[0]), size, f[2], f[3])
}

// parseTrouble marks the directories that find complains of: find: '/path': Input/output error. A line that cannot be read concerns all of them.
func parseTrouble(found map[string]*node, text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		_, rest, _ := strings.Cut(line, ": ")
		p := ""
		if end := strings.LastIndex(rest, ": "); end >= 0 {
			p = strings.Trim(rest[:end], "'")
		}
		if name, ok := relative(p); ok && found[name] != nil {
			found[name].trouble = true
			continue
		}
		for _, n := range found {
			n.trouble = n.trouble || n.IsDir()
		}
	}
}

func addNode(found map[string]*node, p string, mode fs.FileMode, size, uid, gid string) {
	name, ok := relative(p)
	if !ok {
		return
	}
	n := &node{name: path.Base(name), mode: mode}
	if n.numbers(size, uid, gid) {
		found[name] = n
	}
}

func forbid(n *node, what string) {
	switch {
	case n == nil:
	case what == "R":
		n.noRead = true
	default:
		n.noSearch = true
	}
}

func (n *node) numbers(size, uid, gid string) bool {
	var err [3]error
	n.size, err[0] = strconv.ParseInt(size, 10, 64)
	n.uid, err[1] = strconv.Atoi(uid)
	n.gid, err[2] = strconv.Atoi(gid)
	return err == [3]error{} && n.size >= 0
}

// relative turns a host's path into a name; what is no clean absolute path is none.
func relative(p string) (string, bool) {
	if len(p) > maxName || !strings.HasPrefix(p, "/") || path.Clean(p) != p || strings.IndexByte(p, 0) >= 0 {
		return "", false
	}
	if p == "/" {
		return ".", true
	}
	return p[1:], true
}

// absolute is the path of a name on the host.
func absolute(name string) string {
	if name == "." {
		return "/"
	}
	return "/" + name
}

// typeOf is a file's type by the letter that find and ls print; an unknown one is irregular, and nothing of it is read.
func typeOf(letter byte) fs.FileMode {
	switch letter {
	case 'f', '-':
		return 0
	case 'd':
		return fs.ModeDir
	case 'l':
		return fs.ModeSymlink
	case 'p':
		return fs.ModeNamedPipe
	case 's':
		return fs.ModeSocket
	case 'b':
		return fs.ModeDevice
	case 'c':
		return fs.ModeDevice | fs.ModeCharDevice
	}
	return fs.ModeIrregular
}

// permissions are the lower twelve bits of a mode.
func permissions(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, m := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= m
		}
	}
	return mode
}

// unixMode is st_mode, whose numbers are the same on every Unix.
func unixMode(bits uint32) fs.FileMode {
	letters := map[uint32]byte{0x8000: 'f', 0x4000: 'd', 0xa000: 'l', 0x1000: 'p', 0xc000: 's', 0x6000: 'b', 0x2000: 'c'}
	return permissions(bits) | typeOf(letters[bits&0xf000])
}

// lsMode reads "-rwsr-xr-t".
func lsMode(text string) fs.FileMode {
	var bits uint32
	for i, c := range []byte(text[1:10]) {
		if c != '-' && c != 'S' && c != 'T' {
			bits |= 1 << (8 - i)
		}
		if c == 's' || c == 'S' || c == 't' || c == 'T' {
			bits |= 0o4000 >> (i / 3)
		}
	}
	return permissions(bits) | typeOf(text[0])
}
