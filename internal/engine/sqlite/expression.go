package sqlite

import (
	"strings"
)

// names are the identifiers that a text may mean, by lower case. SQLite's
// identifiers are case-insensitive, quoted or not.
type names struct {
	declared map[string]string
	// recase writes every identifier as it was declared. Without it only quotes that are not needed go: an alias of a
	// view may be told from a column by its case alone.
	recase bool
}

// canonical is the text of an expression or a body in one layout: comments gone, one space between tokens that
// need it, reserved words in upper case, outer parentheses and needless quotes gone. Equal texts mean the same;
// that different ones differ is not claimed.
func canonical(list []token, n names) string {
	list = withoutOuterParentheses(list)
	var b strings.Builder
	for i, t := range list {
		if i > 0 && spaced(list, i) {
			b.WriteByte(' ')
		}
		b.WriteString(n.write(t))
	}
	return b.String()
}

// write is one token in the canonical layout.
func (n names) write(t token) string {
	switch t.kind {
	case tokenWord:
		upper := strings.ToUpper(t.text)
		if reserved[upper] {
			return upper
		}
		if declared, ok := n.declared[strings.ToLower(t.text)]; ok && n.recase {
			return plain(declared)
		}
	case tokenQuoted:
		name := t.name()
		declared, ok := n.declared[strings.ToLower(name)]
		if ok && (n.recase || declared == name) {
			return plain(declared)
		}
		if t.text[0] != '"' { // "x" may be a string by SQLite's old leniency; `x` and [x] are not
			return plain(name)
		}
	}
	return t.text
}

// plain is an identifier with quotes where it needs them.
func plain(name string) string {
	if name == "" || isDigit(name[0]) || name[0] == '$' || span(name, isWord) < len(name) || keyword(name) {
		return quote(name)
	}
	return name
}

// withoutOuterParentheses takes off pairs that enclose the whole.
func withoutOuterParentheses(list []token) []token {
	for len(list) >= 2 && list[0].punct("(") && closing(list, 0) == len(list)-1 {
		list = list[1 : len(list)-1]
	}
	return list
}

// closing is the index of the parenthesis that closes the one at open, or len(list).
func closing(list []token, open int) int {
	depth := 0
	for i := open; i < len(list); i++ {
		switch {
		case list[i].punct("("):
			depth++
		case list[i].punct(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(list)
}

// spaced reports whether a space stands before token i.
func spaced(list []token, i int) bool {
	before, t := list[i-1], list[i]
	switch {
	case t.punct(",") || t.punct(")") || t.punct(".") || t.kind == tokenSemi:
		return false
	case before.punct("(") || before.punct(".") || before.punct("~"):
		return false
	case t.punct("("):
		return !(before.kind == tokenWord && !takesSpace[strings.ToUpper(before.text)] || before.kind == tokenQuoted)
	case before.punct("-") || before.punct("+"):
		// A sign stands close to its number, but not to another sign: -- is a comment.
		return t.kind == tokenPunct || i >= 2 && endsOperand(list[i-2])
	}
	return true
}

// endsOperand reports whether an operator behind t takes two operands.
func endsOperand(t token) bool {
	switch t.kind {
	case tokenPunct:
		return t.text == ")"
	case tokenWord:
		return !takesSpace[strings.ToUpper(t.text)]
	}
	return t.kind != tokenSemi
}

// columnsOf are the columns of n that an expression names, in the order of first use.
func columnsOf(list []token, n names) []string {
	var found []string
	seen := map[string]bool{}
	for i, t := range list {
		if t.kind != tokenWord && t.kind != tokenQuoted {
			continue
		}
		if i+1 < len(list) && list[i+1].punct("(") && t.kind == tokenWord {
			continue // a function
		}
		if i > 0 && list[i-1].is("COLLATE") {
			continue
		}
		if declared, ok := n.declared[strings.ToLower(t.name())]; ok && !seen[declared] {
			seen[declared] = true
			found = append(found, declared)
		}
	}
	return found
}

// words makes a set.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

var (
	// reserved are the keywords that no identifier can be without quotes (parse.y: keywords
	// without a fallback to ID, SQLite 3.53).
	reserved = words(`ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE DEFAULT DEFERRABLE DELETE DISTINCT DROP ELSE ESCAPE EXISTS FOREIGN FROM
		GROUP HAVING IN INDEX INSERT INTO IS ISNULL JOIN LIMIT NOT NOTHING NOTNULL NULL ON OR ORDER PRIMARY REFERENCES RETURNING SELECT SET TABLE THEN TO TRANSACTION UNION
		UNIQUE UPDATE USING VALUES WHEN WHERE`)
	// fallback are the other keywords: identifiers where no keyword fits.
	fallback = words(`ABORT ACTION ADD AFTER ALWAYS ANALYZE ASC ATTACH BEFORE BEGIN BY CASCADE CAST COLUMN CONFLICT CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE
		DEFERRED DESC DETACH DO EACH END EXCEPT EXCLUDE EXCLUSIVE EXPLAIN FAIL FILTER FIRST FOLLOWING FOR FULL GENERATED GLOB GROUPS IF IGNORE IMMEDIATE INDEXED INITIALLY INNER
		INSTEAD INTERSECT KEY LAST LEFT LIKE MATCH MATERIALIZED NATURAL NO NULLS OF OFFSET OTHERS OUTER OVER PARTITION PLAN PRAGMA PRECEDING QUERY RAISE RANGE RECURSIVE REGEXP
		REINDEX RELEASE RENAME REPLACE RESTRICT RIGHT ROLLBACK ROW ROWS SAVEPOINT TEMP TEMPORARY TIES TRIGGER UNBOUNDED VACUUM VIEW VIRTUAL WINDOW WITH WITHIN WITHOUT TRUE FALSE`)
	// takesSpace are the words that are no function, though a parenthesis or a sign may follow.
	takesSpace = words(`ALL AND AS BETWEEN BY CASE COLLATE DISTINCT ELSE ESCAPE EXCEPT EXISTS FILTER FROM GLOB HAVING IN INTERSECT INTO IS JOIN LIKE LIMIT MATCH MATERIALIZED NOT OFFSET ON
		OR OVER REGEXP RETURNING SELECT SET THEN UNION USING VALUES WHEN WHERE`)
)

// keyword reports whether a name must be quoted to be safe everywhere.
func keyword(name string) bool {
	upper := strings.ToUpper(name)
	return reserved[upper] || fallback[upper]
}
