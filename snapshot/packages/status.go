package packages

import (
	"bytes"
	"strings"
)

// stanza is one package of dpkg's status file, reduced to the fields that are compared.
type stanza struct {
	line      int // 1-based line of its first field
	name      string
	status    string
	hasStatus bool
	version   string
	arch      string
	conffiles []conffile
	flaw      string // why it cannot be relied on; "" when it is whole
	flawLine  int
}

// conffile is one line of a Conffiles field: a path and the digest of what the package delivered.
type conffile struct {
	path, md5 string
	obsolete  bool
	fresh     bool // no digest yet: the file was not unpacked
}

// unterminated is the flaw of a file that was cut.
const unterminated = "the file ends in the middle of a line"

// stanzas reads a dpkg status file (deb-control syntax: "Field: value", continuation lines begin with a blank, stanzas
// are separated by empty lines) and calls each with one stanza after the other. It works on any bytes: what is no
// field is a flaw of the stanza it stands in.
func stanzas(body []byte, each func(stanza)) {
	var s stanza
	open, inConffiles := false, false
	finish := func() {
		if open {
			s.check()
			each(s)
		}
		s, open, inConffiles = stanza{}, false, false
	}
	for n := 1; len(body) > 0; n++ {
		line := body
		terminated := false
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body, terminated = body[:i], body[i+1:], true
		} else {
			body = nil
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 {
			finish()
			continue
		}
		if !open {
			s.line, open = n, true
		}
		if !terminated {
			s.fail(n, unterminated)
		}
		if line[0] == ' ' || line[0] == '\t' {
			if inConffiles {
				s.addConffile(string(bytes.TrimSpace(line)), n)
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || !fieldName(name) {
			inConffiles = false
			s.fail(n, "not a field")
			continue
		}
		inConffiles = s.field(name, value, n)
	}
	finish()
}

// field takes one field and reports whether it was Conffiles, whose lines follow.
func (s *stanza) field(name, value []byte, n int) bool {
	var to *string
	switch {
	case bytes.EqualFold(name, []byte("Package")):
		to = &s.name
	case bytes.EqualFold(name, []byte("Version")):
		to = &s.version
	case bytes.EqualFold(name, []byte("Architecture")):
		to = &s.arch
	case bytes.EqualFold(name, []byte("Status")):
		to, s.hasStatus = &s.status, true
	case bytes.EqualFold(name, []byte("Conffiles")):
		return true
	default:
		return false
	}
	if *to != "" {
		s.fail(n, "the field "+string(name)+" stands twice")
		return false
	}
	if *to = string(bytes.TrimSpace(value)); len(*to) > 1024 {
		*to = ""
		s.fail(n, "the field "+string(name)+" is too long")
	}
	return false
}

// addConffile takes one line "path md5 [obsolete] [remove-on-upgrade]". A path may hold
// blanks, so the flags are cut from the end.
func (s *stanza) addConffile(text string, n int) {
	var c conffile
	for {
		if rest, ok := strings.CutSuffix(text, " obsolete"); ok {
			text, c.obsolete = rest, true
		} else if rest, ok := strings.CutSuffix(text, " remove-on-upgrade"); ok {
			text, c.obsolete = rest, true
		} else {
			break
		}
	}
	i := strings.LastIndexByte(text, ' ')
	if i <= 0 || text[0] != '/' {
		s.fail(n, "not a conffile")
		return
	}
	c.path, c.md5 = text[:i], text[i+1:]
	c.fresh = c.md5 == "newconffile"
	if !c.fresh && (len(c.md5) != 32 || strings.Trim(c.md5, "0123456789abcdef") != "") {
		s.fail(n, "not a conffile")
		return
	}
	s.conffiles = append(s.conffiles, c)
}

// check finds what a whole stanza must have.
func (s *stanza) check() {
	switch {
	case s.name == "":
		s.fail(s.line, "a stanza without a package name")
	case !validName(s.name):
		s.name = ""
		s.fail(s.line, "an impossible package name")
	case s.removed():
	case s.version == "":
		s.fail(s.line, "package "+s.name+" has no version")
	case !validVersion(s.version):
		s.version = ""
		s.fail(s.line, "package "+s.name+" has an impossible version")
	}
}

func (s *stanza) fail(line int, what string) {
	if s.flaw == "" {
		s.flaw, s.flawLine = what, line
	}
}

// removed reports whether the package is not installed: dpkg keeps stanzas of packages that left their configuration
// behind, and of ones that it only has a wish for.
func (s *stanza) removed() bool {
	return strings.HasSuffix(s.status, " config-files") || strings.HasSuffix(s.status, " not-installed")
}

// state is the status to report: "" for a plain "install ok installed" (dpkg(1), "Package states").
func (s *stanza) state() string {
	words := strings.Fields(s.status)
	if len(words) != 3 {
		return ""
	}
	var parts []string
	switch words[0] {
	case "hold":
		parts = append(parts, "held")
	case "deinstall", "purge":
		parts = append(parts, "selected for "+words[0])
	}
	if words[1] != "ok" {
		parts = append(parts, words[1])
	}
	if words[2] != "installed" {
		parts = append(parts, words[2])
	}
	return strings.Join(parts, ", ")
}

func fieldName(b []byte) bool {
	if len(b) == 0 || len(b) > 100 {
		return false
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// validName is Debian Policy 5.6.1, generously: what dpkg accepts.
func validName(name string) bool {
	if len(name) > 200 || !alphanumeric(name[0]) {
		return false
	}
	for i := 1; i < len(name); i++ {
		if c := name[i]; !alphanumeric(c) && c != '+' && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// validVersion is Debian Policy 5.6.12: letters, digits and . + - ~ with a numeric epoch before a colon.
func validVersion(v string) bool {
	for i := 0; i < len(v); i++ {
		if c := v[i]; !alphanumeric(c) && !strings.ContainsRune(".+-~:_", rune(c)) {
			return false
		}
	}
	return v != ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
