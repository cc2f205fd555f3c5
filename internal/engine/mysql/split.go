package mysql

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// Split cuts a script where the mysql client does: at the delimiter outside quotes and comments, which DELIMITER changes. Bodies of routines, triggers and
// events that a script writes without DELIMITER stay whole, as they do for tools that send the whole script to the server.
func (mysqlEngine) Split(script string) ([]engine.Statement, error) {
	l := &lexer{text: script, delimiter: ";"}
	var statements []engine.Statement
	current := &statementScan{text: script}
	for {
		if !current.started && !l.versioned {
			if err := l.delimiterLine(); err != nil {
				return nil, err
			}
		}
		t, more, err := l.next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		switch {
		case t.kind == tokenSpace, t.kind == tokenComment:
		case t.kind == tokenDelimiter && (l.delimiter != ";" || current.depth == 0):
			if current.started {
				statements = append(statements, current.statement())
			}
			current = &statementScan{text: script}
		default:
			current.add(t)
		}
	}
	if current.started {
		statements = append(statements, current.statement())
	}
	return statements, nil
}

// delimiterLine obeys a line DELIMITER X at the start of a statement. The client knows it at the start of a line only.
func (l *lexer) delimiterLine() error {
	rest := strings.TrimLeft(l.text[l.at:], " \t\r\n\f\v")
	if len(rest) < len("delimiter") || !strings.EqualFold(rest[:len("delimiter")], "delimiter") {
		return nil
	}
	line := rest[:lineEnd(rest)]
	argument := line[len("delimiter"):]
	if argument != "" && argument[0] != ' ' && argument[0] != '\t' && argument[0] != '\r' {
		return nil
	}
	skipped := len(l.text) - l.at - len(rest)
	l.lines += strings.Count(l.text[l.at:l.at+skipped], "\n")
	fields := strings.Fields(argument)
	if len(fields) == 0 {
		return fmt.Errorf("line %d: DELIMITER needs the delimiter behind it", l.lines+1)
	}
	l.delimiter = fields[0]
	l.at += skipped + len(line)
	return nil
}

// statementScan is a statement being read. depth counts the open blocks of a routine's body.
type statementScan struct {
	text             string
	started          bool
	start, end, line int
	depth            int
	words            []string // the first words, lower case
	stored           bool     // CREATE of a routine, trigger or event, or MariaDB's BEGIN NOT ATOMIC
	before           string   // the token before, lower case
}

func (s *statementScan) add(t token) {
	if !s.started {
		s.started, s.start, s.line = true, t.start, t.line
	}
	s.end = t.end
	word := t.lower(s.text)
	if t.kind == tokenDelimiter {
		word = ";"
	}
	if t.kind == tokenWord && !s.stored && len(s.words) < maxHead {
		s.words = append(s.words, word)
		s.stored = s.makesStored()
		if s.stored && s.words[0] == "begin" {
			s.depth = 1
		}
	} else if t.kind == tokenWord && s.stored {
		s.block(word)
	}
	s.before = word
}

// maxHead is enough for CREATE OR REPLACE DEFINER = `x` @ `y` SQL SECURITY … AGGREGATE FUNCTION.
const maxHead = 12

func (s *statementScan) makesStored() bool {
	w := s.words
	if len(w) == 3 && w[0] == "begin" && w[1] == "not" && w[2] == "atomic" {
		return true
	}
	if w[0] != "create" {
		return false
	}
	switch w[len(w)-1] {
	case "trigger", "procedure", "function", "event":
		for _, other := range w[1 : len(w)-1] {
			if other == "table" || other == "view" || other == "index" || other == "database" || other == "schema" {
				return false
			}
		}
		return true
	}
	return false
}

// block follows BEGIN, CASE, IF, LOOP, WHILE and REPEAT to their END. IF and REPEAT are also functions, so they count only where a statement may begin.
func (s *statementScan) block(word string) {
	closes := s.before == "end"
	switch word {
	case "begin":
		s.depth++
	case "case":
		if !closes {
			s.depth++
		}
	case "while", "loop":
		if !closes && s.before != "iterate" && s.before != "leave" {
			s.depth++
		}
	case "if", "repeat":
		if !closes && s.beginsStatement() {
			s.depth++
		}
	case "end":
		if s.depth > 0 {
			s.depth--
		}
	}
}

func (s *statementScan) beginsStatement() bool {
	switch s.before {
	case ";", "begin", "then", "else", "do", "loop", "repeat", "row", ":", ")", "sql", "data", "deterministic", "definer", "invoker", "":
		return true
	}
	return false
}

func (s *statementScan) statement() engine.Statement {
	return engine.Statement{Text: s.text[s.start:s.end], Line: s.line}
}
