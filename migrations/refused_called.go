package migrations

import (
	"context"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// callers knows what reaches out of the database when it is called or fires: stored routines, and tables with triggers that run them. Production's are in
// the clone too, and a migration can make more.
type callers struct {
	engine   string
	routines map[string]string // lower-case name → what it does
	tables   map[string]string
}

func newCallers(engineName string, db *schema.Database) *callers {
	c := &callers{engineName, map[string]string{}, map[string]string{}}
	if db == nil {
		return c
	}
	for again := true; again; { // one calls another
		again = false
		for _, x := range db.Routines {
			name := strings.ToLower(x.Name.Name)
			if c.routines[name] != "" {
				continue
			}
			if does := c.inBody(x.Definition); does != "" {
				c.routines[name], again = does, true
			}
		}
	}
	for _, t := range db.Triggers {
		if does := c.inBody(t.Definition); does != "" {
			c.tables[strings.ToLower(t.Table.Name)] = does
		}
	}
	return c
}

// inBody is what a routine's definition does when it runs.
func (c *callers) inBody(text string) string {
	if does := reachOfBody(c.engine, text); does != "" {
		return does
	}
	for _, body := range stringsOf(text, "as") { // PostgreSQL keeps the body as a string of CREATE FUNCTION
		does := reachOfBody(c.engine, body)
		if does == "" {
			does = c.named(c.routines, body)
		}
		if does != "" {
			return does
		}
	}
	return c.named(c.routines, text)
}

var (
	makesRoutine = regexp.MustCompile(`(?is)^create\s+(?:or\s+replace\s+)?(?:definer\s*=\s*\S+\s+)?(?:aggregate\s+)?(?:function|procedure)\s+(?:if\s+not\s+exists\s+)?((?:[\w$"` + "`" + `]+\s*\.\s*)?[\w$"` + "`" + `]+)`)
	writesRows   = regexp.MustCompile(`(?i)^(insert|update|delete|merge|replace|with|truncate|copy|load|call|do|select)\b`)
)

// reach is what a statement does by what it calls; a routine that it makes is remembered, and making it does nothing.
func (c *callers) reach(sql string) string {
	text := withoutComments(sql)
	if m := makesRoutine.FindStringSubmatch(text); m != nil {
		if does := c.inBody(text); does != "" {
			parts := strings.Split(m[1], ".")
			c.routines[strings.ToLower(strings.Trim(strings.TrimSpace(parts[len(parts)-1]), "\"`"))] = does
		}
		return ""
	}
	if strings.HasPrefix(strings.ToLower(text), "drop") {
		return ""
	}
	if does := c.named(c.routines, text); does != "" {
		return does
	}
	if writesRows.MatchString(text) {
		return c.named(c.tables, text)
	}
	return ""
}

// named is what the first of some names in a text stands for, outside of its strings but for those that it runs.
func (c *callers) named(names map[string]string, text string) string {
	if len(names) == 0 {
		return ""
	}
	if insides[c.engine] != nil && insides[c.engine].MatchString(text) {
		for _, body := range stringsOf(text, "") {
			if does := c.named(names, body); does != "" {
				return does
			}
		}
	}
	for len(text) > 0 {
		x := next(text, c.engine)
		text = text[len(x.text):]
		if x.name != "" && names[strings.ToLower(x.name)] != "" {
			return names[strings.ToLower(x.name)]
		}
	}
	return ""
}

// reachError stops a replay before a statement whose text only the session knows.
type reachError struct{ does string }

func (e *reachError) Error() string { return "it " + e.does }

// prepares is MySQL's SQL out of an expression: a variable, or since MariaDB 10.2 any.
var prepares = regexp.MustCompile(`(?is)^(?:prepare\s+\S+\s+from|execute\s+immediate)\s+(.*?)(?:\s+using\s+.*)?;?\s*$`)

// refuseText looks at the text that a statement is about to run.
func refuseText(ctx context.Context, s engine.Session, engineName, sql string) error {
	if engineName != "mysql" {
		return nil
	}
	m := prepares.FindStringSubmatch(withoutComments(sql))
	if m == nil {
		return nil
	}
	does := ""
	// What cannot be evaluated cannot be prepared either, and the statement itself says why.
	_ = s.Query(ctx, "SELECT "+m[1], func(r engine.Row) error {
		if len(r) == 1 {
			does = reachOf(engineName, string(r[0].Data))
		}
		return nil
	})
	if does != "" {
		return &reachError{does}
	}
	return nil
}
