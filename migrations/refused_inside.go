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
	run := stringsOf(body, "execute")
	if executesVariable.MatchString(text) {
		run = append(run, stringsOf(body, ":=")...)
	}
	for _, sql := range run {
		if does := reachOf(engineName, strings.TrimSpace(sql)); does != "" {
			return does
		}
	}
	return ""
}

// executesVariable is an EXECUTE of what was put together before: then the strings that are assigned count, too.
var executesVariable = regexp.MustCompile(`(?i)\bexecute\s+[a-z_]\w*\s*(?:;|\|\||using\b|into\b)`)

// stringsOf are the contents of the strings of a text; with a word or sign, of those that stand behind it in their statement, and all of these together, as || makes
// of them.
func stringsOf(sql, word string) []string {
	var out, here []string
	behind := false
	end := func() {
		if len(here) > 1 {
			out = append(out, strings.Join(here, ""))
		}
		behind, here = false, nil
	}
	for len(sql) > 0 {
		tok, n := scan(sql)
		text := sql[:n]
		switch {
		case tok == tokenString && (behind || word == ""):
			out = append(out, unquoted(text))
			if behind {
				here = append(here, unquoted(text))
			}
		case tok == tokenWord && word != "" && strings.EqualFold(text, word), word == ":=" && strings.HasPrefix(sql, word):
			behind = true
		case strings.Contains(text, ";") && tok == tokenOther:
			end()
		}
		sql = sql[n:]
	}
	end()
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
