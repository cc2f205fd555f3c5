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
		script: directions(regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+up\b`), regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+down\b`), regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+no\s+transaction\b`),
			regexp.MustCompile(`(?i)^\s*--\s*\+goose\s+envsub\s+on\b`))},
	{name: "dbmate", title: "dbmate", table: "schema_migrations", columns: []string{"version"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_?(.*)\.sql$`)},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} },
		script: directions(regexp.MustCompile(`^\s*--\s*migrate:up\b`), regexp.MustCompile(`^\s*--\s*migrate:down\b`), regexp.MustCompile(`^\s*--\s*migrate:up\b.*\btransaction:\s*false\b`), nil)},
	{name: "sql-migrate", title: "sql-migrate", table: "gorp_migrations", columns: []string{"id"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^((?:[0-9]+)?)[-_]?(.*)\.sql$`), sections: byFileName},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} },
		script: directions(regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+up\b`), regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+down\b`), regexp.MustCompile(`(?i)^\s*--\s*\+migrate\s+up\b.*\bnotransaction\b`), nil)},
}

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

// directions cuts the up part out of a file. noTx is a comment anywhere in it that turns the transaction off.
func directions(up, down, noTx, substitutes *regexp.Regexp) func(string, string) (script, error) {
	return func(text, _ string) (script, error) {
		inside, found := false, false
		var s script
		substituted := false
		s.text = keepLines(text, func(line string) bool {
			s.noTx = s.noTx || noTx.MatchString(line)
			substituted = substituted || substitutes != nil && substitutes.MatchString(line)
			switch {
			case up.MatchString(line):
				inside, found = true, true
				return false
			case down.MatchString(line):
				inside = false
			}
			return inside
		})
		switch {
		case !found:
			return s, errNoUp
		case substituted:
			return s, errSubstituted
		}
		return s, nil
	}
}
