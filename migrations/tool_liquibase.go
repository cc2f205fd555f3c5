package migrations

import (
	"regexp"
	"strings"
)

// liquibase is Liquibase (4) with formatted SQL: files that begin with `--liquibase formatted sql` and hold changesets. A changeset is known by
// its id, its author and the file, whose path the table keeps as it was given: the file's own name decides here.
var liquibase = tool{name: "liquibase", title: "Liquibase", table: "databasechangelog", columns: []string{"id", "author", "filename", "exectype", "md5sum"}, wrapped: true,
	layout: layout{name: regexp.MustCompile(`^()(.+)\.sql$`), sections: changesets, compare: func(a, b string) int { return 0 }},
	row: func(v []string) appliedRow {
		r := appliedRow{key: changesetKey(v[0], v[1], v[2]), failed: strings.EqualFold(v[3], "FAILED")}
		if strings.HasPrefix(v[4], "8:") || strings.HasPrefix(v[4], "9:") { // how older ones were made is not known
			r.sum = strings.ToLower(v[4])
		}
		return r
	},
	script: changeset, back: rollbackOf, sums: changesetSums,
}

var (
	changesetLine = regexp.MustCompile(`(?i)^\s*--\s*changeset\s+([^:\s]+):(\S+)(.*)$`)
	rollbackLine  = regexp.MustCompile(`(?i)^\s*--\s*rollback\b(.*)`)
	formattedSQL  = regexp.MustCompile(`(?i)^\s*--\s*liquibase\s+formatted\s+sql`)
	noTransaction = regexp.MustCompile(`(?i)\brunInTransaction\s*:\s*false\b`)
)

func changesetKey(id, author, file string) string {
	return id + "\x00" + author + "\x00" + file[strings.LastIndexByte(file, '/')+1:]
}

func changesets(file, text string) []Migration {
	if !formattedSQL.MatchString(text) {
		return nil
	}
	var out []Migration
	for _, line := range strings.Split(text, "\n") {
		if m := changesetLine.FindStringSubmatch(strings.TrimRight(line, "\r")); m != nil {
			out = append(out, Migration{Version: m[2], Name: strings.TrimSuffix(file, ".sql"), key: changesetKey(m[2], m[1], file), section: m[1] + ":" + m[2],
				repeats: attribute(m[3], "runOnChange", "") == "true", always: attribute(m[3], "runAlways", "") == "true", dbms: attribute(m[3], "dbms", "")})
		}
	}
	return out
}

// changeset cuts one changeset out of its file.
func changeset(text, section string) (script, error) {
	inside := false
	var s script
	s.text = keepLines(text, func(line string) bool {
		if m := changesetLine.FindStringSubmatch(line); m != nil {
			inside = m[1]+":"+m[2] == section
			s.noTx = s.noTx || inside && noTransaction.MatchString(m[3])
			return false
		}
		return inside && !rollbackLine.MatchString(line)
	})
	return s, nil
}

// rollbackOf is what stands behind the rollback comments of a changeset; "empty" says that there is nothing to undo.
func rollbackOf(text, section string) (script, bool) {
	inside, found := false, false
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = ""
		if m := changesetLine.FindStringSubmatch(strings.TrimRight(line, "\r")); m != nil {
			inside = m[1]+":"+m[2] == section
		} else if m := rollbackLine.FindStringSubmatch(line); m != nil && inside {
			lines[i] = strings.TrimSpace(m[1])
			found = found || lines[i] != "" && !strings.EqualFold(lines[i], "empty")
		}
	}
	return script{text: strings.Join(lines, "\n")}, found
}
