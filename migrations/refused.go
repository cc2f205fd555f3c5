package migrations

import (
	"fmt"
	"regexp"
)

// A rehearsal stands on a server that others use too. What reaches out of the scratch database, into the server, its files or the network, is not
// run, and what comes behind it is not either: a gap says so.

// reach is a form of statement that reaches out of the database, as data. Literals are ? in what it is held against.
type reach struct {
	engine string // "" is all
	form   *regexp.Regexp
	does   string
	not    *regexp.Regexp // what the form takes and is none; may be nil
}

var reaches = []reach{
	{"", regexp.MustCompile(`(?is)^(create|drop|alter)\s+database\b`), "makes, drops or alters a whole database", nil},
	{"", regexp.MustCompile(`(?is)^(create|drop|alter|rename)\s+(role|user|group)\b`), "makes, drops or alters roles, which belong to the server", nil},
	{"postgres", regexp.MustCompile(`(?is)^(grant|revoke)\s+[\w\s",$]+\s(to|from)\s`), "changes whose member a role is, which belongs to the server", regexp.MustCompile(`(?is)\son\s`)},
	{"postgres", regexp.MustCompile(`(?is)^(create|drop|alter)\s+(tablespace|subscription)\b`), "reaches into the server or to another one", nil},
	{"postgres", regexp.MustCompile(`(?is)^alter\s+system\b`), "changes the server's settings", nil},
	{"postgres", regexp.MustCompile(`(?is)^copy\b.*\b(from|to)\s+program\b`), "runs a program on the server", nil},
	{"postgres", regexp.MustCompile(`(?is)^copy\b.*\b(from|to)\s+\?`), "reads or writes a file on the server", nil},
	{"postgres", regexp.MustCompile(`(?is)\b(dblink\w*|lo_import|lo_export|pg_read_file|pg_read_binary_file|pg_ls_dir|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_promote)\s*\(`), "calls a function that reaches out of the database", nil},
	{"postgres", regexp.MustCompile(`(?is)^(create|alter)\s+(server|user\s+mapping|foreign\s+data\s+wrapper)\b`), "opens a way to another server", nil},
	{"postgres", regexp.MustCompile(`(?is)^load\b`), "loads a library into the server", nil},
	{"mysql", regexp.MustCompile(`(?is)\binto\s+(outfile|dumpfile)\b|^load\s+(data|xml)\b|\bload_file\s*\(`), "reads or writes a file on the server", nil},
	{"mysql", regexp.MustCompile(`(?is)^(set\s+(global|persist\w*|password)\b|set\s+@@(global|persist)|flush\b|reset\b|purge\b|change\s+(master|replication)\b|(start|stop)\s+(slave|replica|group_replication)\b|kill\b|shutdown\b|install\b|uninstall\b|(create|drop)\s+(server|tablespace)\b|use\b)`), "reaches into the server", nil},
	{"sqlite", regexp.MustCompile(`(?is)^(attach|vacuum\s+.*\binto)\b|\bload_extension\s*\(`), "reads or writes another file", nil},
}

// elsewhere is what to do about a statement that is not rehearsed.
const elsewhere = "move it into a migration or a script of its own that is run apart from the deploy"

// reachOf is what a statement does beyond its database; "" for what stays in it.
func reachOf(engineName, sql string) string {
	text := withoutComments(redactor{names: map[string]bool{}}.strings(sql))
	if does := reachOfText(engineName, text); does != "" {
		return does
	}
	return reachInside(engineName, sql, text)
}

// reachOfText is reachOf for a text without comments whose strings are ?.
func reachOfText(engineName, text string) string {
	for _, r := range reaches {
		if (r.engine == "" || r.engine == engineName) && r.form.MatchString(text) && (r.not == nil || !r.not.MatchString(text)) {
			return r.does
		}
	}
	return ""
}

// refuse marks what does nothing on production and cuts the plan before the first statement that reaches out of the database. It reports whether there is something left to replay.
func (r *rehearsal) refuse() bool {
	called := newCallers(r.in.Engine.Name(), r.in.Schema)
	for i := range r.plan.migrations {
		m := &r.plan.migrations[i]
		for j := range m.statements {
			st := &m.statements[j]
			if st.idle = r.idle(st.Text); st.idle {
				continue
			}
			does := reachOf(r.in.Engine.Name(), st.Text)
			if does == "" {
				if does = called.reach(st.Text); does == "" {
					continue
				}
				does += " by a routine or trigger that it runs"
			}
			more := ""
			if rest := len(r.plan.migrations) - i - 1; rest > 0 {
				more = fmt.Sprintf(", and %s behind it", plural(int64(rest), "migration"))
			}
			r.gap(r.address(m.Migration), fmt.Sprintf("not rehearsed: %s %s%s%s", m.position(j), does, r.makes(st.Text), more),
				elsewhere)
			r.plan.migrations = r.plan.migrations[:i]
			return i > 0
		}
	}
	return true
}
