package config

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/snapshot"
)

// parseProperties reads Java properties (java.util.Properties.load): '=', ':' or white space after the key, '\' joins
// lines and escapes. The last of equal keys counts. Keys are flat: a dot in one is literal.
func parseProperties(src []byte) ([]entry, error) {
	var c collected
	ls := lines(src)
	for i := 0; i < len(ls); i++ {
		l := ls[i]
		if l.text == "" || l.text[0] == '#' || l.text[0] == '!' {
			continue
		}
		logical := strings.TrimLeft(l.raw, " \t\f")
		for oddBackslashes(logical) && i+1 < len(ls) {
			i++
			logical = logical[:len(logical)-1] + strings.TrimLeft(ls[i].raw, " \t\f")
		}
		key, value := cutProperty(logical)
		c.add(l.no, last, snapshot.String(unescapeProperty(value)), unescapeProperty(key)).flat = true
	}
	return c.entries()
}

func oddBackslashes(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// cutProperty splits at the first unescaped separator.
func cutProperty(s string) (key, value string) {
	i := 0
	for i < len(s) && !strings.ContainsRune("=: \t\f", rune(s[i])) {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(s))
	rest := strings.TrimLeft(s[i:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	return s[:i], rest
}

func unescapeProperty(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+4 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 32); err == nil {
					b.WriteRune(rune(n))
					i += 4
					continue
				}
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// parseDotenv reads .env files and other files of shell assignments (/etc/default, /etc/environment, os-release):
// KEY=value, with an optional export, quotes as in a shell, and nothing expanded. The last of equal keys counts.
func parseDotenv(src []byte) ([]entry, error) {
	var c collected
	rest, line := string(src), 1
	for rest != "" {
		raw, after, _ := strings.Cut(rest, "\n")
		trimmed := strings.TrimSpace(raw)
		if trimmed == "" || trimmed[0] == '#' {
			rest, line = after, line+1
			continue
		}
		trimmed = strings.TrimSpace(strings.TrimPrefix(trimmed, "export "))
		key, _, ok := strings.Cut(trimmed, "=")
		key = strings.TrimSpace(key)
		if !ok || !envName(key) {
			return nil, errAt(line, "no assignment")
		}
		_, from, _ := strings.Cut(rest, "=")
		value, used, ok := shellValue(from)
		if !ok {
			return nil, errAt(line, "a quote is not closed, or text follows it")
		}
		c.add(line, last, snapshot.String(value), key).flat = true
		line += 1 + strings.Count(from[:used], "\n")
		if rest = from[used:]; rest != "" {
			rest = rest[1:] // the line feed
		}
	}
	return c.entries()
}

func envName(s string) bool {
	for i, c := range s {
		if !(c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '.' || c == '-')) {
			return false
		}
	}
	return s != ""
}

// shellValue reads one value up to the end of its line; a quoted one may go over several. used
// does not count the line feed that ends it.
func shellValue(s string) (value string, used int, ok bool) {
	var b strings.Builder
	i := len(s) - len(strings.TrimLeft(s, " \t"))
	lastQuoted := 0 // trailing space is cut only behind what was quoted
	for i < len(s) && s[i] != '\n' {
		switch c := s[i]; {
		case c == '\'' || c == '"':
			n, closed := quoted(&b, s[i:])
			if !closed {
				return "", 0, false
			}
			i += n
			lastQuoted = b.Len()
		case c == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t'):
			if end := strings.IndexByte(s[i:], '\n'); end >= 0 {
				i += end
			} else {
				i = len(s)
			}
		case c == '\\' && i+1 < len(s) && s[i+1] == '\n':
			i += 2
		default:
			b.WriteByte(c)
			i++
		}
	}
	value = b.String()
	return value[:lastQuoted] + strings.TrimRight(value[lastQuoted:], " \t\r"), i, true
}

// quoted reads a quoted piece at the start of s.
func quoted(b *strings.Builder, s string) (used int, closed bool) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return i + 1, true
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\n':
			case '"', '\\', '$', '`':
				b.WriteByte(s[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return 0, false
}

// parseSysctl reads sysctl.conf(5): '/' and '.' are one separator, a leading '-' only silences errors, the last of equal keys counts. Keys are flat.
func parseSysctl(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#;") {
		key, value, ok := strings.Cut(l.text, "=")
		exclude := !ok && strings.HasPrefix(key, "-")
		if !ok && !exclude {
			return nil, errAt(l.no, "no assignment")
		}
		key = sysctlName(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(key), "-")))
		if key == "" || !utf8.ValidString(key) {
			return nil, errAt(l.no, "no key")
		}
		v := snapshot.String(oneSpace(value))
		if exclude { // sysctl.d(5): the key is left out of globs
			v = snapshot.Null()
		}
		c.add(l.no, last, v, key).flat = true
	}
	return c.entries()
}

// sysctlName writes a name with dots. If the first separator is a slash, dots are part of a component and become slashes (sysctl.d(5)).
func sysctlName(s string) string {
	i := strings.IndexAny(s, "./")
	if i < 0 || s[i] == '.' {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, s)
}
