package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	colour     = regexp.MustCompile("\x1b\\[[0-9;]*m")
	serverLine = regexp.MustCompile(`^\s*(?:([^\s@\[]+)@)?(\[[0-9A-Fa-f:]+\]|[^\s\[:@]+)(?::([0-9]+))?\s+\[([^\]]*)\]`)
)

// ParseServers reads what `cap STAGE doctor:servers` of Capistrano 3 prints: one server a line with its roles.
func ParseServers(text string) Inventory {
	var inv Inventory
	for line := range strings.Lines(text) {
		m := serverLine.FindStringSubmatch(colour.ReplaceAllString(line, ""))
		if m == nil {
			continue
		}
		h := Host{Name: strings.Trim(m[2], "[]"), User: m[1]}
		h.Port, _ = strconv.Atoi(m[3])
		for _, role := range words(m[4]) {
			inv.add(role, h)
		}
	}
	inv.sort()
	return inv
}

// words are the names in a list of Ruby's, whatever its notation: :a, "b", c.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(`,:'"%[](){} `+"\t\n", r) })
}

var (
	serverCall = regexp.MustCompile(`^server[\s(]+["']([^"']+)["']\s*(?:,(.*))?$`)
	roleCall   = regexp.MustCompile(`^role[\s(]+:?["']?(\w+)["']?\s*,(.*)$`)
	rolesValue = regexp.MustCompile(`(?:\broles:|:roles\s*=>)\s*(%[wi][\[({<][^\])}>]*|\[[^\]]*\]|:\w+|["']\w+["'])`)
	userValue  = regexp.MustCompile(`(?:\buser:|:user\s*=>)\s*["']([^"'#]+)["']`)
	portValue  = regexp.MustCompile(`(?:\bport:|:port\s*=>)\s*["']?([0-9]+)`)
	options    = regexp.MustCompile(`,\s*(?:\w+:[^:]|:\w+\s*=>).*$`)
	listed     = regexp.MustCompile(`^\s*(%w[\[({<]([^\])}>]*)|((?:\[?\s*["'][^"']+["']\s*,?\s*\]?)+))`)
	symbols    = regexp.MustCompile(`^\s*:(\w+)\s*(?:,|\)|$)`)
)

// ParseStage reads a stage file of Capistrano 2 or 3 as far as that is possible without Ruby: calls of server and role with literals.
// `cap STAGE doctor:servers` knows exactly.
func ParseStage(text string) Inventory {
	var inv Inventory
	for _, call := range calls(text) {
		computed := strings.Contains(call.text, "#{") || strings.Contains(call.text, "ENV")
		if m := serverCall.FindStringSubmatch(call.text); m != nil && !computed {
			h, rest := stageHost(m[1]), strings.TrimSuffix(strings.TrimSpace(m[2]), ")")
			roles := []string{}
			if r := rolesValue.FindStringSubmatch(rest); r != nil {
				roles = words(strings.TrimPrefix(strings.TrimPrefix(r[1], "%w"), "%i"))
			}
			for m := symbols.FindStringSubmatch(rest); m != nil; m = symbols.FindStringSubmatch(rest) {
				roles, rest = append(roles, m[1]), rest[len(m[0]):]
			}
			if u := userValue.FindStringSubmatch(rest); u != nil {
				h.User = u[1]
			}
			if p := portValue.FindStringSubmatch(rest); p != nil {
				h.Port, _ = strconv.Atoi(p[1])
			}
			if len(roles) == 0 {
				inv.Notes = append(inv.Notes, fmt.Sprintf("line %d: the server %s has no role", call.line, h.Name))
			}
			for _, role := range roles {
				inv.add(role, h)
			}
			continue
		}
		m := roleCall.FindStringSubmatch(call.text)
		if m == nil || computed {
			if m != nil || strings.HasPrefix(call.text, "server") || strings.HasPrefix(call.text, "role ") || strings.HasPrefix(call.text, "role(") {
				inv.Notes = append(inv.Notes, fmt.Sprintf("line %d is computed: cap STAGE doctor:servers knows what it comes to", call.line))
			}
			continue
		}
		rest := m[2]
		user, port := userValue.FindStringSubmatch(rest), portValue.FindStringSubmatch(rest)
		names := listed.FindStringSubmatch(options.ReplaceAllString(rest, ""))
		if names == nil {
			inv.Notes = append(inv.Notes, fmt.Sprintf("line %d is computed: cap STAGE doctor:servers knows what it comes to", call.line))
			continue
		}
		for _, name := range strings.FieldsFunc(names[2]+names[3], func(r rune) bool { return strings.ContainsRune(`,'"[] `+"\t\n", r) }) {
			h := stageHost(name)
			if user != nil {
				h.User = user[1]
			}
			if port != nil {
				h.Port, _ = strconv.Atoi(port[1])
			}
			inv.add(m[1], h)
		}
	}
	inv.sort()
	return inv
}

// stageHost reads user@host:port.
func stageHost(text string) Host {
	var h Host
	if user, rest, ok := strings.Cut(text, "@"); ok {
		h.User, text = user, rest
	}
	if host, port, ok := strings.Cut(text, ":"); ok && !strings.Contains(port, ":") {
		if n, err := strconv.Atoi(port); err == nil {
			text, h.Port = host, n
		}
	}
	h.Name = text
	return h
}

type call struct {
	text string
	line int
}

// calls are the statements of a Ruby file, each on one line; a line that ends in a comma or an open bracket goes on.
func calls(text string) []call {
	var out []call
	var b strings.Builder
	start, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(uncomment(line))
		if line == "" {
			continue
		}
		if b.Len() == 0 {
			start = number
		}
		b.WriteString(line + " ")
		joined := strings.TrimSpace(b.String())
		open := strings.Count(joined, "{") + strings.Count(joined, "[") + strings.Count(joined, "(") - strings.Count(joined, "}") - strings.Count(joined, "]") - strings.Count(joined, ")")
		if strings.HasSuffix(joined, ",") || strings.HasSuffix(joined, `\`) || open > 0 && b.Len() < 64<<10 {
			continue
		}
		out = append(out, call{joined, start})
		b.Reset()
	}
	if b.Len() > 0 {
		out = append(out, call{strings.TrimSpace(b.String()), start})
	}
	return out
}

// uncomment takes a comment off, but not an interpolation in a text.
func uncomment(line string) string {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#':
			return line[:i]
		}
	}
	return line
}
