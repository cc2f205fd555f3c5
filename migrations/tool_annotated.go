package migrations

import (
	"errors"
	"regexp"
	"strings"
)

// annotated are the tools that keep both directions in one file, apart by comments: goose (v3), dbmate (v2), sql-migrate (v1).
var annotated = []tool{
	{name: "goose", title: "goose", table: "goose_db_version", columns: []string{"version_id", "is_applied", "id"}, latest: true, older: refusesOlder, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_(.+)\.(?:sql|go)$`), ignore: regexp.MustCompile(`_test\.go$|^[^0-9].*\.go$`), version: unpadded},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0], undone: !truth(v[1])} },
		script: gooseComments.up, back: gooseComments.down},
	{name: "dbmate", title: "dbmate", table: "schema_migrations", columns: []string{"version"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_?(.*)\.sql$`)},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} },
		script: dbmateComments.up, back: dbmateComments.down},
	{name: "sql-migrate", title: "sql-migrate", table: "gorp_migrations", columns: []string{"id"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^((?:[0-9]+)?)[-_]?(.*)\.sql$`), sections: byFileName},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} },
		script: sqlMigrateComments.up, back: sqlMigrateComments.down},
}

// directions are the comments that begin the parts of a file, turn a part's transaction off, and have the file filled in from the environment.
type directions struct{ toUp, toDown, noTxUp, noTxDown, substitutes *regexp.Regexp }

var (
	gooseComments = directions{regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+up\b`), regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+down\b`), gooseNoTx, gooseNoTx,
		regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+envsub\s+on\b`)}
	gooseNoTx      = regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+no\s+transaction\b`)
	dbmateComments = directions{regexp.MustCompile(`^\s*--\s*migrate:up\b`), regexp.MustCompile(`^\s*--\s*migrate:down\b`),
		regexp.MustCompile(`^\s*--\s*migrate:up\b.*\btransaction:\s*false\b`), regexp.MustCompile(`^\s*--\s*migrate:down\b.*\btransaction:\s*false\b`), nil}
	sqlMigrateComments = directions{regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+up\b`), regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+down\b`),
		regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+up\b.*\bnotransaction\b`), regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+down\b.*\bnotransaction\b`), nil}
)

// byFileName names one migration by its file, as sql-migrate does.
func byFileName(file, _ string) []Migration {
	stem := strings.TrimSuffix(file, ".sql")
	i := 0
	for i < len(stem) && stem[i] >= '0' && stem[i] <= '9' {
		i++
	}
	if i == 0 {
		return []Migration{{Version: stem, key: file}}
	}
	return []Migration{{Version: unpadded(stem[:i]), Name: strings.TrimLeft(stem[i:], "-_"), key: file}}
}

// errNoUp is a file without the comment that begins its way up.
var errNoUp = errors.New("the file has no comment that begins its up part: the tool runs nothing of it")

// errSubstituted is a file whose text the tool fills in from the environment.
var errSubstituted = errors.New("the file is filled in from environment variables, which a rehearsal does not have")

// up cuts the up part out of a file.
func (d directions) up(text, _ string) (script, error) {
	s, found, substituted := d.part(text, d.toUp, d.toDown, d.noTxUp)
	switch {
	case !found:
		return s, errNoUp
	case substituted:
		return s, errSubstituted
	}
	return s, nil
}

// down cuts the down part out; a file that is filled in from the environment has none that could be run.
func (d directions) down(text, _ string) (script, bool) {
	s, found, substituted := d.part(text, d.toDown, d.toUp, d.noTxDown)
	return s, found && !substituted
}

// part keeps the lines between one comment and another. noTx is a comment anywhere that turns the transaction off.
func (d directions) part(text string, begin, end, noTx *regexp.Regexp) (s script, found, substituted bool) {
	inside := false
	s.text = keepLines(text, func(line string) bool {
		s.noTx = s.noTx || noTx.MatchString(line)
		substituted = substituted || d.substitutes != nil && d.substitutes.MatchString(line)
		switch {
		case begin.MatchString(line):
			inside, found = true, true
			return false
		case end.MatchString(line):
			inside = false
		}
		return inside
	})
	return s, found, substituted
}
