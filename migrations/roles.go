package migrations

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Roles belong to the server, so no migration may make one on a scratch server. The usual guard, which makes a role only where it is missing, does
// nothing on a production that has it: it is left out of the replay there.

// roleName is a quoted or plain identifier of PostgreSQL.
const roleName = `("[^"]+"|[a-zA-Z_][a-zA-Z0-9_$]*)`

var (
	// guarded is a body that makes a role unless the catalogue has it; guardedBy is one that makes it and forgives that it is there.
	guarded   = regexp.MustCompile(`(?is)^\s*(?:begin\s+)?if\s+not\s+exists\s*\(\s*select\b[^;]*?\bfrom\s+(?:pg_catalog\.)?pg_(?:roles|user|authid|shadow|group)\b[^;]*?\b(?:rolname|usename|groname)\s*=\s*'([^']+)'[^;]*?\)\s*then\s+create\s+(?:role|user|group)\s+` + roleName + `[^;]*;\s*(?:raise\s+notice[^;]*;\s*)?(?:else\s+raise\s+notice[^;]*;\s*)?end\s+if\s*;\s*(?:(end)\s*;?\s*$)?`)
	guardedBy = regexp.MustCompile(`(?is)^\s*begin\s+create\s+(?:role|user|group)\s+` + roleName + `[^;]*;\s*exception\s+when\s+duplicate_object\s+then\s+(?:null|raise\s+notice[^;]*)\s*;\s*end\s*;?\s*$`)
	// plainly makes a role; a second time it fails.
	plainly = regexp.MustCompile(`(?is)^create\s+(?:role|user|group)\s+` + roleName)
	// absent is how PostgreSQL says that a role is not there.
	absent = regexp.MustCompile(`role "([^"]+)" does not exist`)
)

// rolesOfGuard are the roles that a DO block makes where they are missing; false where it may do anything else.
func rolesOfGuard(sql string) ([]string, bool) {
	text := withoutComments(sql)
	if !strings.EqualFold(firstWord(text), "do") {
		return nil, false
	}
	bodies := stringsOf(text, "")
	slices.SortFunc(bodies, func(a, b string) int { return len(b) - len(a) }) // LANGUAGE 'plpgsql' is a string too
	if len(bodies) == 0 {
		return nil, false
	}
	body := withoutComments(bodies[0])
	if m := guardedBy.FindStringSubmatch(body); m != nil {
		return []string{identifier(m[1])}, true
	}
	var roles []string
	for {
		m := guarded.FindStringSubmatch(body)
		if m == nil || m[1] != identifier(m[2]) {
			return nil, false
		}
		roles = append(roles, m[1])
		if m[3] != "" {
			return roles, true
		}
		body = body[len(m[0]):]
	}
}

// identifier is the name that a written one means.
func identifier(written string) string {
	if strings.HasPrefix(written, `"`) {
		return strings.Trim(written, `"`)
	}
	return strings.ToLower(written)
}

// readRoles learns production's roles where the plan has to do with some.
func (r *rehearsal) readRoles(ctx context.Context) error {
	if r.in.Production == nil {
		return nil
	}
	lister, ok := engine.As[engine.RoleLister](r.in.Production)
	if !ok {
		return nil
	}
	names, err := lister.Roles(ctx)
	if err != nil {
		return err
	}
	r.roles = map[string]bool{}
	for _, n := range names {
		r.roles[n] = true
	}
	return nil
}

// idle reports whether a statement is a guard that does nothing on production.
func (r *rehearsal) idle(sql string) bool {
	roles, ok := rolesOfGuard(sql)
	return ok && r.roles != nil && !slices.ContainsFunc(roles, func(name string) bool { return !r.roles[name] })
}

// makes says what a statement about roles would do to production; "" where that is not known.
func (r *rehearsal) makes(sql string) string {
	if r.roles == nil {
		return ""
	}
	roles, ok := rolesOfGuard(sql)
	if m := plainly.FindStringSubmatch(withoutComments(sql)); m != nil {
		if r.roles[identifier(m[1])] {
			return fmt.Sprintf(": production has the role %s already, so it would fail", identifier(m[1]))
		}
		roles, ok = []string{identifier(m[1])}, true
	}
	if !ok {
		return ""
	}
	missing := slices.DeleteFunc(slices.Clone(roles), func(name string) bool { return r.roles[name] })
	return ": production does not have the role " + strings.Join(missing, ", ") + ", and the deploy would make it"
}

// lacksRole is the role that the scratch server lacks and production has, where that is all that a failure is about.
func (r *rehearsal) lacksRole(err error) string {
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != "42704" && e.Code != "22023" {
		return ""
	}
	if m := absent.FindStringSubmatch(e.Message); m != nil && r.roles[m[1]] {
		return m[1]
	}
	return ""
}
