package sqlite

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// split cuts a script as sqlite3_complete does: a statement ends at a semicolon outside quotes and
// comments, and CREATE TRIGGER at the semicolon behind an END that itself follows a semicolon, so that CASE
// … END inside its body ends nothing. What is left open at the end of the script is the last statement,
// which the engine will refuse with its own words.
func split(script string) []engine.Statement {
	var (
		statements []engine.Statement
		start      = -1 // offset of the statement's first token
		end        int  // offset behind its last token
		line       int  // line of start
		state      splitState
	)
	newlines, counted := 1, 0
	flush := func() {
		if start >= 0 {
			statements = append(statements, engine.Statement{Text: script[start:end], Line: line})
		}
		start, state = -1, splitState{}
	}
	for at := 0; at < len(script); {
		t := nextToken(script, at)
		at += len(t.text)
		if t.kind == tokenSpace || t.kind == tokenComment {
			continue
		}
		if t.kind == tokenSemi && state.endsAtSemi() {
			flush()
			continue
		}
		if start < 0 {
			start = t.at
			newlines += strings.Count(script[counted:start], "\n")
			line, counted = newlines, start
		}
		end = at
		state.take(t)
	}
	flush()
	return statements
}

// splitState follows one statement.
type splitState struct {
	create  bool
	trigger bool
	decided bool
	semi    bool // the last token was a semicolon
	end     bool // the last tokens were a semicolon and END
}

func (s *splitState) take(t token) {
	s.end = s.trigger && s.semi && t.is("END")
	s.semi = t.kind == tokenSemi
	if s.decided {
		return
	}
	switch {
	case t.is("EXPLAIN") || t.is("QUERY") || t.is("PLAN"):
	case t.is("CREATE") && !s.create:
		s.create = true
	case s.create && (t.is("TEMP") || t.is("TEMPORARY")):
	case s.create && t.is("TRIGGER"):
		s.trigger, s.decided = true, true
	default:
		s.decided = true
	}
}

// endsAtSemi reports whether a semicolon here ends the statement.
func (s *splitState) endsAtSemi() bool { return !s.trigger || s.end }
