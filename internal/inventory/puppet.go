package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	nodeStart = regexp.MustCompile(`(?m)^\s*node\s+([^{]+)\{`)
	included  = regexp.MustCompile(`(?m)\b(?:include|contain|require)[\s(]+((?:['"]?[\w:]+['"]?\s*,\s*)*['"]?[\w:]+['"]?)`)
	classLike = regexp.MustCompile(`\bclass\s*\{\s*['"]([\w:]+)['"]`)
	comment   = regexp.MustCompile(`(?m)^([^'"\n]*?)#.*$`)
	nodeName  = regexp.MustCompile(`^['"]?([A-Za-z0-9][A-Za-z0-9._-]*)['"]?$`)
)

// ParseSite reads the node blocks of a site manifest: a node's roles are the classes role::NAME that it includes, and "node" where it has
// none. Regular expressions and the default name no hosts.
func ParseSite(text string) Inventory {
	var inv Inventory
	text = comment.ReplaceAllString(text, "$1")
	for _, at := range nodeStart.FindAllStringSubmatchIndex(text, -1) {
		body := block(text[at[1]:])
		roles := roleClasses(body)
		for _, name := range strings.Split(text[at[2]:at[3]], ",") {
			name, _, _ = strings.Cut(strings.TrimSpace(name), " inherits ")
			m := nodeName.FindStringSubmatch(name)
			if m == nil || m[1] == "default" {
				inv.Notes = append(inv.Notes, fmt.Sprintf("node %s names no host: add those that it stands for by hand", name))
				continue
			}
			for _, role := range roles {
				inv.add(role, Host{Name: m[1]})
			}
		}
	}
	inv.sort()
	return inv
}

// block is the text up to the brace that closes what was opened before it.
func block(text string) string {
	depth := 1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	return text
}

func roleClasses(body string) []string {
	var classes []string
	for _, m := range included.FindAllStringSubmatch(body, -1) {
		for _, c := range strings.Split(m[1], ",") {
			classes = append(classes, strings.Trim(c, " \t\n'\""))
		}
	}
	for _, m := range classLike.FindAllStringSubmatch(body, -1) {
		classes = append(classes, m[1])
	}
	return rolesOf(classes)
}

// rolesOf are the roles that classes stand for: role::NAME and roles::NAME; "node" where there is none.
func rolesOf(classes []string) []string {
	var roles []string
	for _, c := range classes {
		c = strings.ToLower(strings.TrimPrefix(c, "::"))
		rest, ok := strings.CutPrefix(c, "role::")
		if !ok {
			rest, ok = strings.CutPrefix(c, "roles::")
		}
		if role := strings.ReplaceAll(rest, "::", "_"); ok && role != "" && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		roles = []string{"node"}
	}
	return roles
}
