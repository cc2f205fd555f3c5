package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// ini reads Ansible's own notation (lib/ansible/plugins/inventory/ini.py of 2.14): hosts with variables, [group], [group:vars] and
// [group:children].
func (a *ansible) ini(text []byte) error {
	section, kind := "ungrouped", "hosts"
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if err := a.iniLine(line, &section, &kind); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

func (a *ansible) iniLine(line string, section, kind *string) error {
	if line[0] == '[' && !strings.ContainsAny(line[:strings.IndexByte(line+"]", ']')], " \t=") {
		end := strings.IndexByte(line, ']')
		if rest := strings.TrimSpace(line[min(end+1, len(line)):]); end > 1 && (rest == "" || rest[0] == '#') {
			name, k, _ := strings.Cut(line[1:end], ":")
			if k == "" {
				k = "hosts"
			}
			if k != "hosts" && k != "vars" && k != "children" {
				return fmt.Errorf("the section [%s] is neither of hosts, nor of vars or children", line[1:end])
			}
			*section, *kind = name, k
			a.group(name)
			return nil
		}
	}
	switch *kind {
	case "vars":
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("no name=value")
		}
		if name = strings.TrimSpace(name); keeps(name) {
			a.group(*section).vars[name] = unquote(strings.TrimSpace(value))
		}
		return nil
	case "children":
		child, _, _ := strings.Cut(line, "#")
		child = strings.TrimSpace(child)
		a.group(*section).children[child] = true
		a.group(child)
		return nil
	}
	return a.iniHost(*section, line)
}

func (a *ansible) iniHost(section, line string) error {
	words, err := splitWords(line)
	if err != nil || len(words) == 0 {
		return err
	}
	vars := map[string]string{}
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("%q is no name=value", w)
		}
		if keeps(name) {
			vars[name] = unquote(value)
		}
	}
	pattern, port := cutPort(words[0])
	if port != "" {
		if _, own := vars["ansible_port"]; !own {
			vars["ansible_port"] = port
		}
	}
	names, err := expand(pattern)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := a.host(section, n, vars); err != nil {
			return err
		}
	}
	return nil
}

// keeps reports a variable that says how a host is reached.
func keeps(name string) bool {
	switch name {
	case "ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port", "ansible_user", "ansible_ssh_user", "ansible_connection", "ansible_become":
		return true
	}
	return false
}

// cutPort takes the port off host:2222 and [::1]:2222; an IPv6 address without brackets has none, and a range's colons are no port.
func cutPort(pattern string) (host, port string) {
	i := strings.LastIndexByte(pattern, ':')
	if i < 0 || strings.IndexByte(pattern[i:], ']') >= 0 {
		return pattern, ""
	}
	if _, err := strconv.Atoi(pattern[i+1:]); err != nil {
		return pattern, ""
	}
	host = pattern[:i]
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") && strings.Count(inner, ":") > 1 {
		return strings.TrimSuffix(inner, "]"), pattern[i+1:]
	}
	if strings.Contains(host, ":") && !strings.Contains(host, "[") {
		return pattern, ""
	}
	return host, pattern[i+1:]
}

// splitWords splits like Python's shlex with comments: quotes join, # begins a comment.
func splitWords(line string) ([]string, error) {
	var words []string
	var b strings.Builder
	var quote byte
	in := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else if c == '\\' && quote == '"' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\') {
				i++
				b.WriteByte(line[i])
			} else {
				b.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			in = true
		case c == ' ' || c == '\t':
			if in {
				words = append(words, b.String())
				b.Reset()
				in = false
			}
		case c == '#':
			i = len(line)
		default:
			b.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote that does not end")
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}

// unquote takes the quotes of a Python string away; other literals stay as they are written.
func unquote(s string) string {
	if len(s) > 1 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// expand lists the hosts of a pattern with ranges: www[01:50], db-[a:f], n[1:9:2].
func expand(pattern string) ([]string, error) {
	open := strings.IndexByte(pattern, '[')
	if open < 0 {
		return []string{pattern}, nil
	}
	end := strings.IndexByte(pattern[open:], ']')
	if end < 0 {
		return nil, fmt.Errorf("%q has a range that does not end", pattern)
	}
	values, err := span(pattern[open+1 : open+end])
	if err != nil {
		return nil, fmt.Errorf("%q: %w", pattern, err)
	}
	tails, err := expand(pattern[open+end+1:])
	if err != nil {
		return nil, err
	}
	if len(values)*len(tails) > maxHosts {
		return nil, fmt.Errorf("%q stands for more than %d hosts", pattern, maxHosts)
	}
	var out []string
	for _, v := range values {
		for _, tail := range tails {
			out = append(out, pattern[:open]+v+tail)
		}
	}
	return out, nil
}

// span lists the values of a range.
func span(text string) ([]string, error) {
	bad := fmt.Errorf("the range [%s] is none such as [01:50], [a:f] or [1:9:2]", text)
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 || parts[1] == "" {
		return nil, bad
	}
	step := 1
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return nil, bad
		}
		step = n
	}
	if len(parts[0]) == 1 && len(parts[1]) == 1 && letter(parts[0][0]) && letter(parts[1][0]) && parts[0] <= parts[1] {
		var out []string
		for c := int(parts[0][0]); c <= int(parts[1][0]); c += step {
			if letter(byte(c)) {
				out = append(out, string(rune(c)))
			}
		}
		return out, nil
	}
	if parts[0] == "" {
		parts[0] = "0"
	}
	from, err1 := strconv.Atoi(parts[0])
	to, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil || from < 0 || to < from || (to-from)/step >= maxHosts {
		return nil, bad
	}
	width := 0
	if len(parts[0]) > 1 && parts[0][0] == '0' {
		if width = len(parts[0]); width != len(parts[1]) {
			return nil, bad
		}
	}
	var out []string
	for n := from; n <= to; n += step {
		out = append(out, fmt.Sprintf("%0*d", width, n))
	}
	return out, nil
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
