package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

// Numbers of errors that this package acts on. (https://mariadb.com/kb/en/mariadb-error-codes/, https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html)
const (
	errNotPrepared     = 1047
	errUnknownDatabase = 1049
	errNoSuchTable     = 1146
	errInterrupted     = 1317
)

// maxMessage bounds a message that repeats names of the server's text.
const maxMessage = 400

// fail maps an error of a statement to one that is safe to print.
func fail(ctx context.Context, t engine.Target, err error) error {
	if err == nil {
		return nil
	}
	var ours *engine.Error
	if errors.As(err, &ours) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return &engine.Error{Code: fmt.Sprint(errInterrupted), Message: t.String() + ": the statement was cancelled or ran out of time", Err: cause}
	}
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) {
		return refused(refusal)
	}
	return &engine.Error{Code: "08006", Message: t.String() + ": the connection to the server was lost", Err: err}
}

// misuse is an error of the caller or of what a user wrote, in words that hold no value.
func misuse(format string, args ...any) error {
	return &engine.Error{Code: "22023", Message: fmt.Sprintf(format, args...)}
}

// place is where an error says that it happened. The server's text is taken apart for it by number, from the end where a value stands before the name.
type place struct{ constraint, table, column string }

var (
	keyAtEnd      = regexp.MustCompile(`(?s)^.* for key '(.*)'$`)
	columnQuoted  = regexp.MustCompile(`(?s)^(?:.* )?(?:[Cc]olumn|Field) '([^']*)'(?: cannot be null| doesn't have a default value| at row \d+|$)`)
	columnPath    = regexp.MustCompile("(?s)^.* for column `(?:[^`]|``)*`\\.`((?:[^`]|``)*)`\\.`((?:[^`]|``)*)` at row \\d+$")
	foreignKey    = regexp.MustCompile("(?s)\\(`(?:[^`]|``)*`\\.`((?:[^`]|``)*)`, CONSTRAINT `((?:[^`]|``)*)` FOREIGN KEY \\(`((?:[^`]|``)*)`[,)]")
	checkOfMaria  = regexp.MustCompile("(?s)^CONSTRAINT `(.*)` failed for `(?:[^`]|``)*`\\.`((?:[^`]|``)*)`$")
	checkOfMySQL  = regexp.MustCompile(`(?s)^Check constraint '(.*)' is violated\.?$`)
	tableDenied   = regexp.MustCompile("(?s) for table (?:`(?:[^`]|``)*`\\.`((?:[^`]|``)*)`|'([^']*)')$")
	syntaxLine    = regexp.MustCompile(` at line (\d+)$`)
	temporaryCopy = regexp.MustCompile(`^#sql`)
)

func placeOf(e *driver.MySQLError) (p place) {
	text := e.Message
	switch e.Number {
	case 1062, 1586, 1169:
		if m := keyAtEnd.FindStringSubmatch(text); m != nil {
			p.constraint = m[1]
			// MySQL 8 prints TABLE.KEY.
			if table, key, ok := strings.Cut(m[1], "."); ok && !strings.Contains(key, ".") {
				p.table, p.constraint = table, key
			}
		}
	case 1048, 1263, 1265, 1264, 1364, 1366, 1406, 1292:
		if m := columnPath.FindStringSubmatch(text); m != nil {
			p.table, p.column = unquote(m[1]), unquote(m[2])
		} else if m := columnQuoted.FindStringSubmatch(text); m != nil {
			p.column = m[1]
		}
	case 1451, 1452, 1216, 1217:
		if m := foreignKey.FindStringSubmatch(text); m != nil {
			p.table, p.constraint, p.column = unquote(m[1]), unquote(m[2]), unquote(m[3])
		}
	case 4025:
		if m := checkOfMaria.FindStringSubmatch(text); m != nil {
			p.constraint, p.table = unquote(m[1]), unquote(m[2])
			if at := strings.LastIndex(p.constraint, "."); at >= 0 { // a check of a column is TABLE.COLUMN
				p.constraint = p.constraint[at+1:]
			}
		}
	case 3819:
		if m := checkOfMySQL.FindStringSubmatch(text); m != nil {
			p.constraint = m[1]
		}
	case 1142, 1143:
		if m := tableDenied.FindStringSubmatch(text); m != nil {
			p.table = unquote(m[1] + m[2])
		}
	}
	if temporaryCopy.MatchString(p.table) {
		p.table = "" // ALTER works on a copy of its own name
	}
	return p
}

func unquote(ident string) string { return strings.ReplaceAll(ident, "``", "`") }

func refused(e *driver.MySQLError) *engine.Error {
	p := placeOf(e)
	return &engine.Error{Code: fmt.Sprint(e.Number), Constraint: p.constraint, Table: p.table, Column: p.column, Message: message(e, p), Err: e}
}

const noSpace = "no space is left on the server's disk"

// outOfSpace finds ENOSPC in what the server says of a file (errors 3, 1026, 1030 and others).
var outOfSpace = regexp.MustCompile(`(?i)\b(?:errcode|errno|error):? 28\b`)

// worded are our texts of errors whose own text holds values or statements; what placeOf found is added.
var worded = map[uint16]string{
	1048: "null values", 1138: "null values where the new definition takes none", 1263: "null values", 1364: "no value, and no default",
	1062: "duplicate values under unique key", 1169: "duplicate values under a unique key", 1586: "duplicate values under unique key",
	1451: "rows are still referenced by foreign key", 1452: "no referenced row for foreign key", 1216: "no referenced row for a foreign key", 1217: "rows are still referenced by a foreign key",
	3819: "violated check constraint", 4025: "violated check constraint",
	1264: "a number is out of range", 1690: "a number is out of range", 1406: "a value is too long", 1265: "a value does not fit, or is null where none may be",
	1366: "a value is not valid", 1292: "a value is not valid", 1411: "a value is not valid for a function", 1300: "a text is not valid in its character set", 1365: "division by zero",
	1441: "a date is out of range", 3140: "a text is not valid JSON", 3141: "a text is not valid JSON", 4038: "a text is not valid JSON",
	1205: "the lock was not granted in time: another session holds it", 1213: "deadlock with another session", 1317: "the statement was interrupted",
	1969: "the statement took longer than max_statement_time allows", 3024: "the statement took longer than max_execution_time allows",
	1412: "the table was changed by DDL after the snapshot was taken: run again", 1792: "the session is read-only", 1290: "the server runs with an option that forbids this statement, such as read_only",
	1114: noSpace + ", or the table's space may not grow (innodb_data_file_path, max_heap_table_size)", 1021: noSpace,
	1878: "a temporary file of the server could not be written: is there space left where its tmpdir is?", 1153: "a row or statement is larger than max_allowed_packet", 1031: "the table's engine does not support this",
	1142: "this account may not do that", 1143: "this account may not do that", 1227: "this account lacks a privilege that the statement needs", 1370: "this account may not run a routine",
	1644: "the database's own code refused the statement; its text is not shown because it may hold row values", 1449: "the account that defined a view, trigger or routine does not exist here",
	1356: "a view refers to tables, columns or functions that are not there, or its definer may not use them", 1418: "a function has to be declared DETERMINISTIC or READS SQL DATA while binary logging is on",
	1419: "creating triggers and functions needs SUPER, or log_bin_trust_function_creators, while binary logging is on",
}

// speaking are the numbers of errors whose own text holds only names of objects.
var speaking = map[uint16]bool{
	1007: true, 1008: true, 1049: true, 1050: true, 1051: true, 1054: true, 1059: true, 1060: true, 1061: true, 1063: true, 1067: true, 1068: true, 1069: true, 1070: true, 1071: true, 1072: true,
	1075: true, 1089: true, 1090: true, 1091: true, 1101: true, 1109: true, 1110: true, 1113: true, 1115: true, 1118: true, 1136: true, 1146: true, 1166: true, 1170: true, 1171: true, 1176: true,
	1222: true, 1231: false, 1235: true, 1239: true, 1248: true, 1253: true, 1267: true, 1271: true, 1273: true, 1286: true, 1293: true, 1294: true, 1304: true, 1305: true, 1347: true, 1348: true,
	1350: true, 1353: true, 1359: true, 1360: true, 1393: true, 1394: true, 1471: true, 1491: true, 1492: true, 1503: true, 1505: true, 1506: true, 1507: true, 1517: true, 1525: false,
	1539: true, 1553: true, 1560: true, 1709: true, 1826: true, 1832: true, 1833: true, 1834: true, 1845: true, 1846: true, 3105: true, 3108: true, 3822: true, 3959: true,
}

// message words a refusal: errors about values and statements in our words with names only, errors about objects as the server says them, others by
// their number.
func message(e *driver.MySQLError, p place) string {
	if text, ok := worded[e.Number]; ok {
		return text + in(" ", p.constraint) + in(" in column ", p.column) + in(" of table ", p.table)
	}
	switch {
	case outOfSpace.MatchString(e.Message) && !speaking[e.Number]:
		return noSpace
	case e.Number == 1064:
		return syntaxError(e.Message)
	case e.Number == 1005 || e.Number == 1025 || e.Number == 1215 || e.Number == 1822 || e.Number == 1823 || e.Number == 1824:
		return "the table or its foreign key cannot be made: the referenced table, its columns or a key over them are missing, or of another type (error " + fmt.Sprint(e.Number) + ")"
	case speaking[e.Number]:
		return withoutLiterals(e.Message)
	}
	return fmt.Sprintf("the statement failed (error %d, SQLSTATE %s); the server's text is not shown because it may hold row values", e.Number, string(e.SQLState[:]))
}

// in is prefix and name, or nothing without a name.
func in(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + name
}

// syntaxError keeps the word at which the server stopped, unless it may be a constant.
func syntaxError(text string) string {
	line := ""
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		line = " at line " + m[1]
	}
	_, near, ok := strings.Cut(text, " near '")
	if !ok {
		return "syntax error" + line
	}
	word := near[:wordLength(near)]
	if !identifierLike(word) {
		return "syntax error at a literal or sign" + line
	}
	return "syntax error at or near " + word + line
}

func wordLength(s string) int {
	n := 0
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	return n
}

var (
	singleQuoted = regexp.MustCompile(`'[^']*'`)
	doubleQuoted = regexp.MustCompile(`"[^"]*"`)
)

// withoutLiterals keeps names, which servers print in single quotes or backticks, and removes what can be a constant.
func withoutLiterals(text string) string {
	text = doubleQuoted.ReplaceAllString(text, "‹literal›")
	text = singleQuoted.ReplaceAllStringFunc(text, func(q string) string {
		if identifierLike(q[1 : len(q)-1]) {
			return q
		}
		return "‹literal›"
	})
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " ")
	if len(text) > maxMessage {
		cut := maxMessage
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

// identifierLike tells names and words from constants: no quote inside, no digit or sign in front, no blank or at.
func identifierLike(s string) bool {
	if s == "" || strings.ContainsAny(s, "'\"@ ") {
		return false
	}
	c := s[0]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}
