package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// insertText is an INSERT … SELECT taken apart by its text.
type insertText struct {
	columns []string // nil when it names none
	query   string
}

// parseInsert reads [WITH …] INSERT INTO name [AS alias] [(columns)] [OVERRIDING … VALUE] query [RETURNING …]. Anything else is not ok.
func parseInsert(sql string) (insertText, bool) {
	all, err := tokens(sql)
	if err != nil {
		return insertText{}, false
	}
	p := &insertParser{sql: sql, all: all}
	return p.parse()
}

type insertParser struct {
	sql string
	all []token
	at  int
}

// word moves over a keyword or sign if it is next.
func (p *insertParser) word(want string) bool {
	if !p.sees(0, want) {
		return false
	}
	p.at++
	return true
}

func (p *insertParser) sees(ahead int, want string) bool {
	return p.at+ahead < len(p.all) && p.all[p.at+ahead].is(p.sql, want)
}

func (p *insertParser) parse() (insertText, bool) {
	with := p.leadingWith()
	if !p.word("insert") || !p.word("into") {
		return insertText{}, false
	}
	_, next, ok := readName(p.sql, p.all, p.at)
	if !ok {
		return insertText{}, false
	}
	p.at = next
	if p.word("as") {
		p.at++
	}
	columns, ok := p.columnList()
	if !ok {
		return insertText{}, false
	}
	if p.word("overriding") {
		p.at += 2
	}
	if p.at >= len(p.all) || p.sees(0, "values") || p.sees(0, "default") {
		return insertText{}, false
	}
	query := p.query()
	switch {
	case with != "" && p.sees(0, "with"):
		query = with + "(" + query + "\n)"
	case with != "":
		query = with + query
	}
	return insertText{columns: columns, query: query}, true
}

// leadingWith moves to INSERT and returns the text before it.
func (p *insertParser) leadingWith() string {
	if !p.sees(0, "with") {
		return ""
	}
	depth := 0
	for i, t := range p.all {
		switch {
		case t.is(p.sql, "("):
			depth++
		case t.is(p.sql, ")"):
			depth--
		case depth == 0 && t.is(p.sql, "insert"):
			p.at = i
			return p.sql[p.all[0].start:t.start]
		}
	}
	return ""
}

// columnList reads a list of plain names. A parenthesis that opens a query is none.
func (p *insertParser) columnList() ([]string, bool) {
	if !p.sees(0, "(") || p.sees(1, "select") || p.sees(1, "with") || p.sees(1, "values") || p.sees(1, "table") || p.sees(1, "(") {
		return nil, true
	}
	var columns []string
	for p.at++; ; p.at++ {
		name, ok := identifier(p.sql, p.all, p.at)
		if !ok {
			return nil, false
		}
		columns = append(columns, name)
		p.at++
		if p.sees(0, ")") {
			p.at++
			return columns, true
		}
		if !p.sees(0, ",") {
			return nil, false
		}
	}
}

// query is the text up to RETURNING. What follows a conflict clause never gets here: the plan shows it.
func (p *insertParser) query() string {
	depth, end := 0, p.all[len(p.all)-1].end
	for _, t := range p.all[p.at:] {
		switch {
		case t.is(p.sql, "("):
			depth++
		case t.is(p.sql, ")"):
			depth--
		case depth == 0 && t.is(p.sql, "returning"):
			return strings.TrimSpace(p.sql[p.all[p.at].start:t.start])
		}
	}
	return p.sql[p.all[p.at].start:end]
}

// identifier is the name that a token spells.
func identifier(sql string, all []token, i int) (string, bool) {
	if i >= len(all) {
		return "", false
	}
	text := sql[all[i].start:all[i].end]
	switch {
	case all[i].kind == tokenWord:
		return foldCase(text), true
	case all[i].kind == tokenQuoted && text[0] == '"':
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`), true
	}
	return "", false
}

// foldCase is what PostgreSQL does to unquoted names in UTF8 databases: ASCII letters only.
func foldCase(word string) string {
	folded := []byte(word)
	for i, c := range folded {
		folded[i] = lower(c)
	}
	return string(folded)
}

// readName reads name or schema.name from token i and says which token follows.
func readName(sql string, all []token, i int) (schema.Name, int, bool) {
	first, ok := identifier(sql, all, i)
	if !ok {
		return schema.Name{}, i, false
	}
	if i+1 >= len(all) || !all[i+1].is(sql, ".") {
		return schema.Name{Name: first}, i + 1, true
	}
	second, ok := identifier(sql, all, i+2)
	if !ok {
		return schema.Name{}, i, false
	}
	return nameOf(first, second), i + 3, true
}

// insertSelect adds to the text what only the server knows: the table, and the columns that an INSERT without a list fills.
func (s *session) insertSelect(ctx context.Context, text string, writes []schema.Name) (*engine.InsertSelect, error) {
	parsed, ok := parseInsert(text)
	if !ok || len(writes) != 1 {
		return nil, nil
	}
	insert := &engine.InsertSelect{Table: writes[0], Columns: parsed.columns, Query: parsed.query}
	if insert.Columns != nil {
		return insert, nil
	}
	brought, err := s.pg.Prepare(ctx, "", parsed.query, nil)
	if err != nil {
		return nil, err
	}
	err = query(ctx, s.pg, `SELECT a.attname FROM pg_catalog.pg_attribute a
WHERE a.attrelid = `+literal(qualified(insert.Table))+`::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT `+strconv.Itoa(len(brought.Fields)),
		func(values [][]byte) error {
			insert.Columns = append(insert.Columns, string(values[0]))
			return nil
		})
	return insert, err
}
