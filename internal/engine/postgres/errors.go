package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxMessage bounds a message that repeats parts of the server's text.
const maxMessage = 400

// fail maps an error of a statement to one that is safe to print: never the server's detail, hint or context, which hold row values.
func fail(ctx context.Context, t engine.Target, err error) error {
	if err == nil {
		return nil
	}
	var ours *engine.Error
	if errors.As(err, &ours) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return &engine.Error{Code: "57014", Message: t.String() + ": the statement was cancelled or ran out of time", Err: cause}
	}
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		return refused(refusal)
	}
	return &engine.Error{Code: "08006", Message: t.String() + ": the connection to the server was lost", Err: err}
}

// absentRole is a role's name, which is no value of a row.
var absentRole = regexp.MustCompile(`^role "[^"]*" does not exist$`)

// misuse is an error of the caller or of what a user wrote, in words that hold no value.
func misuse(format string, args ...any) error {
	return &engine.Error{Code: "22023", Message: fmt.Sprintf(format, args...)}
}

func refused(e *pgconn.PgError) *engine.Error {
	table := ""
	if e.TableName != "" {
		table = nameOf(e.SchemaName, e.TableName).String()
	}
	return &engine.Error{
		Code:       e.Code,
		Constraint: e.ConstraintName,
		Table:      table,
		Column:     e.ColumnName,
		Message:    message(e, table),
		Err:        e,
	}
}

// message words a refusal. Classes 22, 23 and P0 speak about values, so their text is ours, filled with identifiers only; the others speak
// about objects and the statement's own text.
func message(e *pgconn.PgError, table string) string {
	switch e.Code {
	case "23502":
		return "null values" + in(" in column ", e.ColumnName) + in(" of table ", table)
	case "23503":
		return "foreign key" + in(" ", e.ConstraintName) + in(" on table ", table) + " is violated"
	case "23505":
		return "duplicate values under unique key" + in(" ", e.ConstraintName) + in(" of table ", table)
	case "23514":
		if e.ConstraintName == "" {
			return "a row" + in(" of table ", table) + " fits no partition"
		}
		return "check constraint " + e.ConstraintName + in(" of table ", table) + in(" (domain ", e.DataTypeName) + closing(e.DataTypeName) + " is violated"
	case "23P01":
		return "exclusion constraint" + in(" ", e.ConstraintName) + in(" of table ", table) + " is violated"
	case "22001":
		return "a value is too long" + forType(e.Message)
	case "22003":
		return "a number is out of range" + forType(e.Message)
	case "22P02", "22007", "22008", "22018":
		return "a value is not valid" + forType(e.Message)
	case "22012":
		return "division by zero"
	case "22021", "22P05":
		return "a text is not valid in the database's encoding"
	case "53100":
		return "no space is left on the server's disk, where its data directory or the database's tablespace is (SQLSTATE 53100)"
	case "57P01", "57P02":
		return "the server ended the connection (SQLSTATE " + e.Code + ")"
	case "57014":
		return "the statement took longer than statement_timeout allows, or was cancelled"
	case "55P03":
		return "the lock was not granted in time: another session holds it"
	case "42601":
		return syntaxError(e.Message)
	}
	if e.Code == "22023" && absentRole.MatchString(e.Message) { // SET ROLE and SET SESSION AUTHORIZATION take the name for a setting's value
		return e.Message
	}
	switch class(e.Code) {
	case "22":
		return "a value cannot be used here (SQLSTATE " + e.Code + ")"
	case "23":
		return "a constraint" + in(" ", e.ConstraintName) + in(" of table ", table) + " is violated (SQLSTATE " + e.Code + ")"
	case "P0", "HV", "38", "39", "21":
		return "the statement or a function in it failed; its text is not shown because it may hold row values (SQLSTATE " + e.Code + ")"
	case "XX":
		return "internal error of the server (SQLSTATE " + e.Code + ")"
	}
	return withoutLiterals(e.Message)
}

func class(code string) string {
	if len(code) < 2 {
		return ""
	}
	return code[:2]
}

// in is prefix and name, or nothing without a name.
func in(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + name
}

func closing(name string) string {
	if name == "" {
		return ""
	}
	return ")"
}

// typeName takes the type out of a message whose quoted part, which holds the value, was cut.
var typeName = regexp.MustCompile(`^(?:.*\W)?for type ([a-z][a-z0-9_ ]*(?:\([0-9, ]+\))?(?: with(?:out)? time zone)?)(?:: *)?$`)

func forType(text string) string {
	first, last := strings.Index(text, `"`), strings.LastIndex(text, `"`)
	if first >= 0 && last > first {
		text = text[:first] + text[last+1:]
	}
	m := typeName.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return " for type " + strings.TrimSpace(m[1])
}

// syntaxError keeps the offending word, unless it is a literal.
func syntaxError(text string) string {
	first, last := strings.Index(text, `"`), strings.LastIndex(text, `"`)
	if first < 0 || last <= first {
		return "syntax error"
	}
	word := text[first+1 : last]
	if !identifierLike(word) {
		return "syntax error at a literal or sign"
	}
	return "syntax error at or near " + `"` + word + `"`
}

var (
	doubleQuoted = regexp.MustCompile(`"[^"]*"`)
	singleQuoted = regexp.MustCompile(`'[^']*'`)
)

// withoutLiterals keeps identifiers, which servers print in double quotes, and removes what can be a literal of the statement.
func withoutLiterals(text string) string {
	text = singleQuoted.ReplaceAllString(text, "‹literal›")
	text = doubleQuoted.ReplaceAllStringFunc(text, func(q string) string {
		if identifierLike(q[1 : len(q)-1]) {
			return q
		}
		return `"‹literal›"`
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

// identifierLike tells names and words from literals: no quote inside, no digit, sign or dollar in front.
func identifierLike(s string) bool {
	if s == "" || strings.ContainsAny(s, `'"$`) {
		return false
	}
	c := s[0]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}
