package migrations

import (
	"crypto/md5" // Liquibase's choice; it guards against mistakes, not against anybody
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// Liquibase's checksum of a changeset is over its text without the lines that are Liquibase's own. Version 9 (since 4.22) leaves all white space out; version 8 makes
// each run of it one space, and puts three attributes in front. Both were read from its source and hold for what 4.4.0 and 4.28.0 print.

// ownLine are the comments that are Liquibase's, where they stand at the beginning of a line.
var ownLine = regexp.MustCompile(`(?i)^(\s*--\s*rollback\b.*|--\s*comment:? .*|--\s*preconditions? .*|--\s*preconditions?$|--\s*precondition-[a-z0-9-]+ .*|--\s*validCheckSum:? .*)$`)

// ownBlock is a part of a file that Liquibase treats apart, in a comment of several lines.
var ownBlock = regexp.MustCompile(`(?i)/\*\s*liquibase\b|^\s*--\s*ignoreLines\b`)

var validSum = regexp.MustCompile(`(?i)^--\s*validCheckSum:? *(\S+)`)

// changesetSums are the checksums that a changeset may have been recorded with.
func changesetSums(_ *Source, m Migration, text []byte) []string {
	inside, attributes := false, ""
	var kept, valid []string
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		switch c := changesetLine.FindStringSubmatch(line); {
		case c != nil:
			if inside = c[1]+":"+c[2] == m.section; inside {
				attributes = c[3]
			}
		case !inside:
		case ownBlock.MatchString(line):
			return []string{anySum}
		case ownLine.MatchString(line):
			if v := validSum.FindStringSubmatch(line); v != nil {
				valid = append(valid, strings.ToLower(v[1]))
			}
		default:
			kept = append(kept, line)
		}
	}
	for _, v := range valid {
		if v == anySum || v == "1:any" {
			return []string{anySum}
		}
	}
	sql := strings.Trim(strings.Join(kept, "\n"), " \t\r\n")
	head := attribute(attributes, "endDelimiter", "null") + ":" + attribute(attributes, "splitStatements", "true") + ":" + attribute(attributes, "stripComments", "true") + ":"
	white := func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
	words := strings.FieldsFunc(sql, white)
	return append(valid, checksum("9", strings.Join(words, "")), checksum("8", head+strings.Join(words, " ")))
}

// checksum is a changeset's with one change, of a version.
func checksum(version, text string) string {
	sum := func(s string) string {
		b := md5.Sum([]byte(s))
		return version + ":" + hex.EncodeToString(b[:])
	}
	return sum(sum(text) + ":")
}

// attribute is one of a changeset's line: name:value.
func attribute(line, name, otherwise string) string {
	for _, word := range strings.Fields(line) {
		if key, value, ok := strings.Cut(word, ":"); ok && strings.EqualFold(key, name) {
			return strings.Trim(value, `"`)
		}
	}
	return otherwise
}

// dbmsOf is a database as Liquibase calls it.
func dbmsOf(sch *schema.Database) string {
	if sch.Engine == "postgres" {
		return "postgresql"
	}
	return sch.Engine
}

// isFor reports whether a changeset runs on a database: its list names it, or excludes others alone. Which of the two a MariaDB is to Liquibase depends on the driver
// that it is reached by, so neither rules it out.
func isFor(list, dbms string) bool {
	if list == "" || dbms == "" {
		return true
	}
	named := false
	for _, one := range strings.Split(strings.ToLower(list), ",") {
		if one = strings.TrimSpace(one); one == "mariadb" {
			one = "mysql"
		}
		other, not := strings.CutPrefix(one, "!")
		switch {
		case not && other == dbms && dbms != "mysql":
			return false
		case one == dbms || one == "all":
			return true
		case !not:
			named = true
		}
	}
	return !named
}
