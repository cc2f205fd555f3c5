package mysql

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// privileges are what the session's account may do, in lower case: with the database, with all databases, with the server's own, and with its mysql.proc.
type privileges struct{ database, global, system, proc map[string]bool }

func (p privileges) has(privilege string) bool {
	return p.database[privilege] || p.global[privilege] || p.database["all privileges"] || p.global["all privileges"]
}

func (p privileges) everywhere(privilege string) bool {
	return p.global[privilege] || p.global["all privileges"]
}

// readPrivileges asks what the account may see. These servers do not refuse what it may not: they leave it out, and it would look as if it were not there.
func (k *catalog) readPrivileges() error {
	p := privileges{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	show := "SHOW GRANTS"
	if !k.c.server.maria {
		err := k.c.query(k.ctx, "SELECT CURRENT_ROLE()", func(r engine.Row) error {
			if roles := string(r[0].Data); roles != "NONE" && roles != "" {
				show = "SHOW GRANTS FOR CURRENT_USER() USING " + roles
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := k.c.query(k.ctx, show, func(r engine.Row) error { p.grant(string(r[0].Data), k.name); return nil }); err != nil {
		return err
	}
	k.blind(p)
	return k.readGrants(p)
}

// grant reads one line of SHOW GRANTS: GRANT SELECT, INSERT (`a`) ON `shop`.* TO …
func (p privileges) grant(line, database string) {
	all, err := tokens(line)
	if err != nil || len(all) == 0 || !all[0].is(line, "grant") {
		return
	}
	var list []string
	var words []string
	depth, i := 0, 1
	for ; i < len(all); i++ {
		switch t := all[i]; {
		case t.is(line, "("):
			depth++
			words = append(words, "(") // of some columns only: a privilege of another name
		case t.is(line, ")"):
			depth--
		case depth > 0:
		case t.is(line, ",") || t.is(line, "on"):
			list = append(list, strings.Join(words, " "))
			words = nil
		default:
			words = append(words, t.lower(line))
		}
		if all[i].is(line, "on") && depth == 0 {
			break
		}
	}
	if level := p.level(line, all[min(i+1, len(all)):], database); level != nil {
		for _, privilege := range list {
			level[privilege] = true
		}
	}
}

// level is what a grant's object means here: *.*, a pattern of names with .*, or the server's own tables. Other objects mean nothing.
func (p privileges) level(line string, object []token, database string) map[string]bool {
	if len(object) < 3 || !object[1].is(line, ".") || !object[2].is(line, "*") {
		if len(object) >= 3 {
			within, _ := object[0].name(line)
			if table, _ := object[2].name(line); within == "mysql" && table == "proc" {
				return p.proc
			}
		}
		return nil
	}
	if object[0].is(line, "*") {
		return p.global
	}
	pattern, _ := object[0].name(line)
	switch {
	case matches(pattern, database):
		return p.database
	case matches(pattern, "mysql"):
		return p.system
	}
	return nil
}

// matches is LIKE, as grants use it for names of databases.
func matches(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	switch pattern[0] {
	case '%':
		for i := 0; i <= len(name); i++ {
			if matches(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	case '_':
		return name != "" && matches(pattern[1:], name[1:])
	case '\\':
		if len(pattern) > 1 {
			pattern = pattern[1:]
		}
	}
	return name != "" && name[0] == pattern[0] && matches(pattern[1:], name[1:])
}

// blind notes what the account does not see, and the GRANT that shows it.
func (k *catalog) blind(p privileges) {
	note := func(privilege, on, reason string, kinds ...string) {
		k.db.Gaps = append(k.db.Gaps, schema.Gap{Kinds: kinds, Reason: reason, Hint: "GRANT " + privilege + " ON " + on + " to the account that envdiff connects as"})
	}
	here := quote(k.name) + ".*"
	if !p.has("select") {
		note("SELECT", here, "the account sees only those tables and columns that it has a privilege of", "table/*", "column/*", "constraint/*", "index/*", "view/*")
	}
	if !p.has("show view") {
		note("SHOW VIEW", here, "the account may not read the text of views", "view/*#definition", "view/*#@reads")
	}
	if !p.has("trigger") {
		note("TRIGGER", here, "the account may not see triggers", "trigger/*")
	}
	if !p.has("event") {
		note("EVENT", here, "the account may not see events", "routine/*")
	}
	if p.everywhere("select") || p.everywhere("show_routine") || p.has("show create routine") || (p.system["select"] || p.proc["select"]) && k.c.server.maria {
		return
	}
	kinds := []string{"routine/*"}
	if p.has("execute") || p.has("alter routine") {
		kinds = []string{"routine/*#definition"}
	}
	if k.c.server.maria {
		note("SELECT", "mysql.proc", "the account may not read functions and procedures of others", kinds...)
	} else {
		note("SHOW_ROUTINE", "*.*", "the account may not read functions and procedures of others", kinds...)
	}
}
