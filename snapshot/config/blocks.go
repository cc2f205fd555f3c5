package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseLogrotate reads logrotate.conf(5): global directives, and blocks addressed by the
// set of their files. Scripts are one value.
func parseLogrotate(src []byte) ([]entry, error) {
	var c collected
	var files, script []string
	var block, scriptName string
	scriptLine := 0
	for _, l := range lines(src) {
		switch {
		case scriptName != "":
			if l.text != "endscript" {
				script = append(script, l.text)
				continue
			}
			c.add(scriptLine, last, snapshot.String(strings.TrimSpace(strings.Join(script, "\n"))), below(block, scriptName)...).prose = true
			scriptName, script = "", nil
		case l.text == "" || l.text[0] == '#':
		case l.text == "}":
			if block == "" {
				return nil, errAt(l.no, "a brace closes nothing")
			}
			block = ""
		case block == "" && (l.text[0] == '/' || l.text[0] == '"' || l.text[0] == '{' || len(files) > 0):
			names, opens := strings.CutSuffix(l.text, "{")
			files = append(files, strings.Fields(strings.ReplaceAll(names, `"`, ""))...)
			if opens {
				block = strings.Join(sortedSet(files), " ")
				files = nil
				if block == "" {
					return nil, errAt(l.no, "a block without files")
				}
			}
		case logrotateScripts[l.text]:
			scriptName, scriptLine = l.text, l.no
		default:
			key, value := cutKeyValue(l.text)
			if !plainKey(key) {
				return nil, errAt(l.no, "no directive")
			}
			v := snapshot.String(value)
			if value == "" {
				v = snapshot.Bool(true)
			}
			r := last
			if key == "include" {
				r = list
			}
			c.add(l.no, r, v, below(block, key)...)
		}
	}
	if block != "" || scriptName != "" || len(files) > 0 {
		return nil, errAt(0, "a block or script is not closed")
	}
	return c.entries()
}

var logrotateScripts = wordSet("postrotate prerotate firstaction lastaction preremove")

func below(block, key string) []string {
	if block == "" {
		return []string{key}
	}
	return []string{block, key}
}

// sortedSet sorts texts and drops repeated ones, with the rules of a set of values.
func sortedSet(items []string) []string {
	var out []string
	for _, v := range snapshot.Strings(true, items...).Items() {
		s, _ := v.Text()
		out = append(out, s)
	}
	return out
}

// parseHAProxy reads haproxy.cfg (HAProxy 3.0 Configuration Manual, section 2): sections by name, a keyword that
// repeats is an ordered list, because rules are tried in order; servers, binds and options are keys of their own.
func parseHAProxy(src []byte) ([]entry, error) {
	var c collected
	section := ""
	for _, l := range significant(src, "#") {
		words, ok := haproxyWords(l.text)
		if !ok || len(words) == 0 {
			return nil, errAt(l.no, "a quote is not closed")
		}
		if haproxySections[words[0]] {
			if section = words[0]; len(words) > 1 {
				section += " " + words[1]
			}
			continue
		}
		if section == "" {
			return nil, errAt(l.no, "a keyword before any section")
		}
		path, args := []string{section, words[0]}, words[1:]
		if haproxyKeyed[words[0]] && len(args) > 0 {
			path, args = append(path, args[0]), args[1:]
		}
		v := snapshot.String(nginxArgs(args))
		if len(args) == 0 {
			v = snapshot.Bool(true)
		}
		c.add(l.no, list, v, path...)
	}
	return c.entries()
}

var (
	haproxySections = wordSet("global defaults frontend backend listen peers resolvers userlist cache mailers program http-errors ring crt-store fcgi-app")
	haproxyKeyed    = wordSet("server bind option timeout user group nameserver peer errorfile stick-table server-template setenv presetenv")
)

// haproxyWords splits a line at white space outside quotes and ends it at a comment.
func haproxyWords(s string) ([]string, bool) {
	var out []string
	var word strings.Builder
	started, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
			started = true
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, started = c, true
		case c == '#':
			i = len(s)
		case c == ' ' || c == '\t':
			if started {
				out = append(out, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if started {
		out = append(out, word.String())
	}
	return out, quote == 0
}
