package postgres

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Split cuts a script where psql would: at semicolons outside quotes, comments, parentheses and BEGIN ATOMIC … END bodies. psql's own commands
// and inline COPY data cannot be sent to a server, so they are errors.
func (postgres) Split(script string) ([]engine.Statement, error) {
	l := &lexer{text: script}
	var statements []engine.Statement
	current := &statementScan{text: script}
	for {
		t, more, err := l.next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if t.kind == tokenSpace || t.kind == tokenComment {
			continue
		}
		if t.is(script, `\`) {
			return nil, fmt.Errorf("line %d: a psql command (%s) cannot be run by a server: write it as SQL", t.line, `\…`)
		}
		if t.is(script, ";") && !current.inside() {
			if current.started {
				statements = append(statements, current.statement())
			}
			if current.copiesInline() {
				return nil, fmt.Errorf("line %d: COPY … FROM STDIN needs psql for the data that follow it: write INSERT statements", current.line)
			}
			current = &statementScan{text: script}
			continue
		}
		current.add(t)
	}
	if current.started {
		statements = append(statements, current.statement())
	}
	return statements, nil
}

// statementScan is a statement being read.
type statementScan struct {
	text             string
	started          bool
	start, end, line int
	parens, begins   int
	words            []string // the first words, lower case
}

// keptWords are enough to recognise CREATE OR REPLACE FUNCTION.
const keptWords = 4

func (s *statementScan) add(t token) {
	if !s.started {
		s.started, s.start, s.line = true, t.start, t.line
	}
	s.end = t.end
	switch {
	case t.is(s.text, "("):
		s.parens++
	case t.is(s.text, ")") && s.parens > 0:
		s.parens--
	case t.kind == tokenWord:
		s.word(strings.ToLower(s.text[t.start:t.end]))
	}
}

// word follows psql's rule for bodies in BEGIN ATOMIC … END (src/fe_utils/psqlscan.l, since 14).
func (s *statementScan) word(word string) {
	if len(s.words) < keptWords {
		s.words = append(s.words, word)
	}
	if s.parens > 0 || !s.createsRoutine() {
		return
	}
	switch {
	case word == "begin":
		s.begins++
	case word == "case" && s.begins > 0:
		s.begins++
	case word == "end" && s.begins > 0:
		s.begins--
	}
}

func (s *statementScan) createsRoutine() bool {
	w := s.words
	if len(w) >= keptWords && w[1] == "or" && w[2] == "replace" {
		w = []string{w[0], w[3]}
	}
	return len(w) >= 2 && w[0] == "create" && (w[1] == "function" || w[1] == "procedure")
}

func (s *statementScan) inside() bool { return s.parens > 0 || s.begins > 0 }

func (s *statementScan) copiesInline() bool {
	if !s.started || len(s.words) == 0 || s.words[0] != "copy" {
		return false
	}
	all, err := tokens(s.text[s.start:s.end])
	if err != nil {
		return false
	}
	statement := s.text[s.start:s.end]
	for i := 1; i < len(all); i++ {
		if all[i-1].is(statement, "from") && all[i].is(statement, "stdin") {
			return true
		}
	}
	return false
}

func (s *statementScan) statement() engine.Statement {
	return engine.Statement{Text: s.text[s.start:s.end], Line: s.line}
}
