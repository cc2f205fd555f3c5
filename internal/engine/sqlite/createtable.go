package sqlite

import (
	"errors"
	"strings"
)

// tableText is what a CREATE TABLE statement says and no pragma shows. SQLite keeps the statement's text and edits it
// on ALTER TABLE, so it always holds every column and constraint.
type tableText struct {
	columns []columnText
	keys    []keyText // PRIMARY KEY and UNIQUE, in the order of the text
	checks  []checkText
	foreign []foreignText // in the order of the text
}

type columnText struct {
	name            string
	collation       string
	generated       []token
	notNullConflict string
	autoincrement   bool
}

type keyText struct {
	primary    bool
	name       string
	columns    []string
	onConflict string
}

type checkText struct {
	name string
	expr []token
}

type foreignText struct {
	name              string
	columns           []string
	deferrable        bool
	initiallyDeferred bool
}

// tableParser walks the statement. The grammar is parse.y's create_table_args; commas
// between table constraints are optional there.
type tableParser struct {
	list []token
	at   int
	out  tableText
	name string // CONSTRAINT name, waiting for its constraint
}

var errNotCreateTable = errors.New("not a CREATE TABLE statement with columns")

// parseTable reads a CREATE TABLE statement. It never fails on what SQLite accepted;
// what it does not understand it steps over.
func parseTable(sql string) (*tableText, error) {
	p := &tableParser{list: meaningful(sql)}
	for !p.done() && !p.peek().punct("(") {
		if p.peek().is("AS") {
			return nil, errNotCreateTable
		}
		p.at++
	}
	if p.done() {
		return nil, errNotCreateTable
	}
	p.list = p.list[:closing(p.list, p.at)]
	p.at++
	for !p.done() {
		switch t := p.peek(); {
		case t.punct(","):
			p.at++
		case t.is("CONSTRAINT") || t.is("PRIMARY") || t.is("UNIQUE") || t.is("CHECK") || t.is("FOREIGN"):
			p.tableConstraint()
		default:
			p.column()
		}
	}
	return &p.out, nil
}

func (p *tableParser) done() bool { return p.at >= len(p.list) }

func (p *tableParser) peek() token {
	if p.done() {
		return token{kind: tokenIllegal}
	}
	return p.list[p.at]
}

func (p *tableParser) next() token {
	t := p.peek()
	p.at++
	return t
}

// accept steps over a keyword if it is there.
func (p *tableParser) accept(keyword string) bool {
	if p.peek().is(keyword) {
		p.at++
		return true
	}
	return false
}

// group is what stands in the parentheses that open here.
func (p *tableParser) group() []token {
	if !p.peek().punct("(") {
		return nil
	}
	end := closing(p.list, p.at)
	inside := p.list[p.at+1 : end]
	p.at = end + 1
	return inside
}

// takeName is the name that CONSTRAINT gave.
func (p *tableParser) takeName() string {
	name := p.name
	p.name = ""
	return name
}

// conflict reads ON CONFLICT x, in lower case.
func (p *tableParser) conflict() string {
	if p.peek().is("ON") && p.at+1 < len(p.list) && p.list[p.at+1].is("CONFLICT") {
		p.at += 2
		return strings.ToLower(p.next().text)
	}
	return ""
}

func (p *tableParser) column() {
	c := columnText{name: p.next().name()}
	for !p.done() && !p.peek().punct(",") && !startsColumnConstraint(p.peek()) {
		if p.peek().punct("(") {
			p.group() // the modifiers of the type
			continue
		}
		p.at++
	}
	for !p.done() && !p.peek().punct(",") {
		p.columnConstraint(&c)
	}
	p.out.columns = append(p.out.columns, c)
}

func startsColumnConstraint(t token) bool {
	for _, k := range []string{"CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS", "DEFERRABLE"} {
		if t.is(k) {
			return true
		}
	}
	return false
}

func (p *tableParser) columnConstraint(c *columnText) {
	switch t := p.next(); {
	case t.is("CONSTRAINT"):
		p.name = p.next().name()
	case t.is("PRIMARY"):
		p.accept("KEY")
		if !p.accept("ASC") {
			p.accept("DESC")
		}
		key := keyText{primary: true, name: p.takeName(), columns: []string{c.name}, onConflict: p.conflict()}
		c.autoincrement = p.accept("AUTOINCREMENT")
		p.out.keys = append(p.out.keys, key)
	case t.is("UNIQUE"):
		p.out.keys = append(p.out.keys, keyText{name: p.takeName(), columns: []string{c.name}, onConflict: p.conflict()})
	case t.is("NOT"):
		if p.accept("NULL") {
			p.name = ""
			c.notNullConflict = p.conflict()
			return
		}
		p.deferrable(false)
	case t.is("NULL"):
		p.conflict()
	case t.is("CHECK"):
		p.check()
	case t.is("DEFAULT"):
		p.defaultValue()
	case t.is("COLLATE"):
		c.collation = p.next().name()
	case t.is("REFERENCES"):
		p.references([]string{c.name})
	case t.is("DEFERRABLE"):
		p.at--
		p.deferrable(true)
	case t.is("AS"):
		c.generated = p.group()
	}
}

func (p *tableParser) defaultValue() {
	switch t := p.peek(); {
	case t.punct("("):
		p.group()
	case t.punct("-") || t.punct("+"):
		p.at += 2
	default:
		p.at++
	}
}

func (p *tableParser) check() {
	p.out.checks = append(p.out.checks, checkText{p.takeName(), p.group()})
	p.conflict()
}

func (p *tableParser) tableConstraint() {
	switch t := p.next(); {
	case t.is("CONSTRAINT"):
		p.name = p.next().name()
	case t.is("PRIMARY"):
		p.accept("KEY")
		inside := p.group()
		key := keyText{primary: true, name: p.takeName(), columns: columnList(inside), onConflict: p.conflict()}
		if n := len(inside); n > 0 && inside[n-1].is("AUTOINCREMENT") && len(key.columns) == 1 {
			p.autoincrement(key.columns[0])
		}
		p.out.keys = append(p.out.keys, key)
	case t.is("UNIQUE"):
		inside := p.group()
		p.out.keys = append(p.out.keys, keyText{name: p.takeName(), columns: columnList(inside), onConflict: p.conflict()})
	case t.is("CHECK"):
		p.check()
	case t.is("FOREIGN"):
		p.accept("KEY")
		columns := columnList(p.group())
		if p.accept("REFERENCES") {
			p.references(columns)
		}
		if p.accept("NOT") {
			p.deferrable(false)
		} else if p.peek().is("DEFERRABLE") {
			p.deferrable(true)
		}
	}
}

func (p *tableParser) autoincrement(column string) {
	for i := range p.out.columns {
		if strings.EqualFold(p.out.columns[i].name, column) {
			p.out.columns[i].autoincrement = true
		}
	}
}

// references reads REFERENCES table (columns) and its actions; the table, its columns
// and the actions are known from the pragma.
func (p *tableParser) references(columns []string) {
	p.at++ // the table
	p.group()
	for {
		switch {
		case p.peek().is("ON") && p.at+1 < len(p.list) && !p.list[p.at+1].is("CONFLICT"):
			p.at += 2
			if !p.accept("SET") { // SET NULL and NO ACTION are two words
				p.accept("NO")
			}
			p.at++
		case p.peek().is("MATCH"):
			p.at += 2
		default:
			p.out.foreign = append(p.out.foreign, foreignText{name: p.takeName(), columns: columns})
			return
		}
	}
}

// deferrable reads DEFERRABLE [INITIALLY x], which speaks of the foreign key before it.
func (p *tableParser) deferrable(yes bool) {
	if !p.accept("DEFERRABLE") {
		return
	}
	deferred := false
	if p.accept("INITIALLY") {
		deferred = p.next().is("DEFERRED")
	}
	if n := len(p.out.foreign); n > 0 {
		p.out.foreign[n-1].deferrable = yes
		p.out.foreign[n-1].initiallyDeferred = yes && deferred
	}
}

// columnList is the first name of each part of a list.
func columnList(inside []token) []string {
	var list []string
	for _, part := range parts(inside) {
		if len(part) > 0 && part[0].isName() {
			list = append(list, part[0].name())
		}
	}
	return list
}

// parts cuts a list at its outer commas.
func parts(list []token) [][]token {
	var all [][]token
	depth, from := 0, 0
	for i, t := range list {
		switch {
		case t.punct("("):
			depth++
		case t.punct(")"):
			depth--
		case t.punct(",") && depth == 0:
			all = append(all, list[from:i])
			from = i + 1
		}
	}
	if from < len(list) {
		all = append(all, list[from:])
	}
	return all
}

// column finds a column's text by name.
func (t *tableText) column(name string) columnText {
	for _, c := range t.columns {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return columnText{}
}

// key finds the text of the primary key, or of a unique constraint over these columns.
func (t *tableText) key(primary bool, columns []string) keyText {
	for _, k := range t.keys {
		if k.primary == primary && sameNames(k.columns, columns) {
			return k
		}
	}
	return keyText{}
}

func sameNames(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !strings.EqualFold(a[i], b[i]) {
			return false
		}
	}
	return true
}

// indexText is what a CREATE INDEX statement says and no pragma shows.
type indexText struct {
	parts [][]token
	where []token
}

// parseIndex reads CREATE [UNIQUE] INDEX … ON table (parts) [WHERE predicate].
func parseIndex(sql string) (indexText, bool) {
	list := meaningful(sql)
	for i, t := range list {
		if !t.punct("(") {
			continue
		}
		end := closing(list, i)
		if end == len(list) {
			return indexText{}, false
		}
		out := indexText{parts: parts(list[i+1 : end])}
		if end+1 < len(list) && list[end+1].is("WHERE") {
			out.where = list[end+2:]
		}
		return out, true
	}
	return indexText{}, false
}

// keyExpression is a part without COLLATE, ASC and DESC behind it, which the pragma shows.
func keyExpression(part []token) []token {
	if n := len(part); n > 1 && (part[n-1].is("ASC") || part[n-1].is("DESC")) {
		part = part[:n-1]
	}
	if n := len(part); n > 2 && part[n-2].is("COLLATE") {
		part = part[:n-2]
	}
	return part
}
