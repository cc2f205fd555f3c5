package ci

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything captured may hold escape codes and markup. Each sink has its escaper here, and all of them are fuzzed.

// Terminal makes text safe for a terminal or log line: control characters, bytes that are not UTF-8,
// bidirectional overrides and invisible characters are written as escapes, so that nothing moves the cursor,
// recolours, reorders or hides what stands there.
func Terminal(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case hidden(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r) && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// ShellWord makes text one word of a POSIX shell, which may be pasted: see Terminal for what does not show.
func ShellWord(s string) string {
	safe := func(r rune) bool {
		return r < 0x80 && (strings.ContainsRune("-_./:=@,+%", r) || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z')
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// hidden reports characters that are not visible as themselves: controls, format characters (zero width,
// bidirectional), private use, separators other than the space, and the replacement character's
// neighbours that terminals treat as commands.
func hidden(r rune) bool {
	if r == ' ' {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Zs) || !unicode.IsPrint(r) && !unicode.IsSpace(r)
}

// MarkdownCode makes text a code span that is safe in a table cell: its fence is longer than any run of backticks
// inside, and nothing in it is a mention, an issue number, a link or HTML.
func MarkdownCode(s string) string {
	s = Terminal(s)
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	s = strings.ReplaceAll(s, "|", `\|`)
	pad := ""
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.TrimSpace(s) == "" || strings.HasPrefix(s, " ") {
		pad = " "
	}
	return fence + pad + s + pad + fence
}

// MarkdownText makes text safe outside of code: what Markdown or a forge would
// interpret is written as a character reference.
func MarkdownText(s string) string {
	s = Terminal(s)
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|@~&:", r) {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

// NoCommand makes a line one that no CI system takes for a command of its own: GitHub obeys lines that start with
// ::name:: after any white space, and ##[name] and ##vso[name] anywhere, as TeamCity does ##teamcity[.
func NoCommand(line string) string {
	text := strings.TrimLeft(line, " ")
	if strings.HasPrefix(text, "::") {
		line = line[:len(line)-len(text)] + `\x3a` + text[1:]
	}
	return strings.ReplaceAll(line, "##", `#\x23`)
}

// XML makes text safe in XML 1.0, of which many characters are no part at all: those are written as Terminal writes
// them. Markup is escaped by encoding/xml.
func XML(s string) string { return Terminal(s) }

// GitHubData makes text safe as the message of a workflow command: it stays one line and starts no command of its own.
func GitHubData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(Terminal(s))
}

// GitHubProperty makes text safe as a property of a workflow command.
func GitHubProperty(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(GitHubData(s))
}

// PrometheusLabel makes text safe between the quotes of a label's value.
func PrometheusLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(Terminal(s))
}

// CollectdName makes text a part of an identifier: letters, digits and a few signs, at most 63 bytes as collectd reads
// them, and never empty.
func CollectdName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, s)
	if name == "" {
		return "_"
	}
	return name[:min(len(name), 63)]
}

// RelativeURI makes a path of the repository a relative reference: no character of it starts a scheme, a query or a
// fragment.
func RelativeURI(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return strings.TrimPrefix(strings.TrimLeft(b.String(), "/"), "./")
}

// Chat makes text code in a message to Slack or Mattermost: nothing in it is a mention, a link or an end of the code.
func Chat(s string) string {
	return "`" + strings.NewReplacer("`", "\u02cb", "&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(Terminal(s)) + "`"
}
