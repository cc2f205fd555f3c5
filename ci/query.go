package ci

import (
	"fmt"

	"github.com/envdiff/envdiff/internal/finding"
)

// Queries are printed to be pasted: what a reader copies from any sink is the statement, whatever stands in its
// names and literals.

// maxQueries is how many of a finding's queries a table shows.
const maxQueries = 3

// QueryLines lists all queries of a finding for a terminal: a line that says what each one finds, and its SQL below
// on lines of its own.
func QueryLines(queries []finding.Query, width int) []string {
	return queryLines(queries, len(queries), width)
}

// FixLines are commands that repair a finding as a terminal shows them; one that a terminal cannot show whole is left out.
func FixLines(fixes []finding.Fix) []string {
	var lines []string
	for _, x := range fixes {
		if Terminal(x.Command) != x.Command {
			lines = append(lines, "a command that repairs it is in the JSON report: a terminal does not show all of its characters")
			continue
		}
		lines = append(lines, "on "+Terminal(x.Where)+":", "    "+x.Command)
	}
	return lines
}

func queryLines(queries []finding.Query, most, width int) []string {
	var lines []string
	for i, q := range queries {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more: see the report", len(queries)-i))
		}
		sql, ok := sqlLines(q.SQL, width-2)
		switch {
		case !ok:
			lines = append(lines, wrap("a query that finds them is in the JSON report: a terminal does not show all of its characters", width)...)
			continue
		case len(queries) == 1:
			lines = append(lines, "find them with:")
		default:
			lines = append(lines, wrap(Terminal(q.Finds)+"; find them with:", width)...)
		}
		lines = append(lines, indent(sql)...)
	}
	return lines
}

// sqlLines breaks a statement at spaces outside of quotes, so that it stays the same statement; a line without such
// a space is as long as it is. It is false for a text that cannot be shown as it is: escaped, it would be another
// one.
func sqlLines(sql string, width int) ([]string, bool) {
	sql += ";"
	if Terminal(sql) != sql {
		return nil, false
	}
	var lines []string
	line := ""
	for _, word := range unquotedFields(sql) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	lines = append(lines, line)
	for _, l := range lines {
		if NoCommand(l) != l {
			return nil, false
		}
	}
	return lines, true
}

// unquotedFields cuts SQL at the single spaces that are outside of quotes by every engine's reading: whether a
// backslash escapes in a literal, and whether brackets quote, depends on the engine.
func unquotedFields(sql string) []string {
	var readings [][]bool
	for _, escapes := range []bool{false, true} {
		for _, brackets := range []bool{false, true} {
			readings = append(readings, quotedBytes(sql, escapes, brackets))
		}
	}
	var fields []string
	start := 0
	for i := 1; i < len(sql)-1; i++ {
		free := sql[i] == ' ' && sql[i-1] != ' ' && sql[i+1] != ' '
		for _, quoted := range readings {
			free = free && !quoted[i]
		}
		if free {
			fields = append(fields, sql[start:i])
			start = i + 1
		}
	}
	return append(fields, sql[start:])
}

// quotedBytes marks the bytes inside '…', "…", `…` and, with brackets, […].
func quotedBytes(sql string, escapes, brackets bool) []bool {
	marks := make([]bool, len(sql))
	end := byte(0)
	for i := 0; i < len(sql); i++ {
		c := sql[i]
		marks[i] = end != 0
		switch {
		case end != 0 && escapes && c == '\\' && end != '`' && i+1 < len(sql):
			i++
			marks[i] = true
		case c == end:
			end = 0
		case end != 0:
		case c == '\'' || c == '"' || c == '`':
			end = c
		case brackets && c == '[':
			end = ']'
		}
	}
	return marks
}
