package migrations

import (
	"regexp"
	"strings"
)

// insides are statements that run SQL out of a string: what that does counts as theirs.
var insides = map[string]*regexp.Regexp{
	"postgres": regexp.MustCompile(`(?is)^do\b`),
	"mysql":    regexp.MustCompile(`(?is)^(prepare\s+\S+\s+from|execute\s+immediate)\s+\?`),
}

// opening is what stands before a statement inside a body: the keywords of PL/pgSQL that end no statement.
var opening = regexp.MustCompile(`(?i)\b(begin|then|else|loop|perform)\s`)

// reachInside is what a statement does by the strings that it runs; "" for what stays in the database. text is the statement
// without comments and strings.
func reachInside(engineName, sql, text string) string {
	form := insides[engineName]
	if form == nil || !form.MatchString(text) {
		return ""
	}
	for _, body := range stringsOf(sql, "") {
		if does := reachOfBody(engineName, body); does != "" {
			return does
		}
	}
	return ""
}

// reachOfBody looks at each statement of a body, and at the strings behind its EXECUTE.
func reachOfBody(engineName, body string) string {
	text := withoutComments(redactor{names: map[string]bool{}}.strings(body))
	for _, st := range strings.Split(opening.ReplaceAllString(text, ";"), ";") {
		if does := reachOfText(engineName, strings.TrimSpace(st)); does != "" {
			return does
		}
	}
	for _, sql := range stringsOf(body, "execute") {
		if does := reachOf(engineName, strings.TrimSpace(sql)); does != "" {
			return does
		}
	}
	return ""
}

// stringsOf are the contents of the strings of a text; with a word, of those that stand behind it in their statement.
func stringsOf(sql, word string) []string {
	var out []string
	behind := false
	for len(sql) > 0 {
		tok, n := scan(sql)
		text := sql[:n]
		switch {
		case tok == tokenString && (behind || word == ""):
			out = append(out, unquoted(text))
		case tok == tokenWord && word != "" && strings.EqualFold(text, word):
			behind = true
		case strings.Contains(text, ";") && tok == tokenOther:
			behind = false
		}
		sql = sql[n:]
	}
	return out
}

// unquoted is the content of a string: $tag$…$tag$, '…' or "…", with any prefix.
func unquoted(literal string) string {
	if strings.HasPrefix(literal, "$") {
		if end := strings.IndexByte(literal[1:], '$'); end >= 0 {
			tag := literal[:end+2]
			return strings.TrimSuffix(literal[len(tag):], tag)
		}
	}
	at := strings.IndexAny(literal, `'"`)
	if at < 0 {
		return literal
	}
	quote := literal[at : at+1]
	return strings.ReplaceAll(strings.TrimSuffix(literal[at+1:], quote), quote+quote, quote)
}
