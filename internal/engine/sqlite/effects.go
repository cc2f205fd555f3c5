package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// Effects asks EXPLAIN for the statement's program: the tables and indexes that it opens to read, and
// those that it inserts into, deletes from or clears (https://sqlite.org/opcode.html). Programs of
// triggers are part of it. Statements that change the schema alone, and those that EXPLAIN would already
// carry out (PRAGMA), have no effects on rows.
func (s *session) Effects(ctx context.Context, sql string) (engine.Effects, error) {
	list := meaningful(sql)
	if verb := mainVerb(list); verb == len(list) || withoutRows(list[verb]) {
		return engine.Effects{}, nil
	}
	release, err := s.c.acquire(ctx)
	if err != nil {
		return engine.Effects{}, err
	}
	defer release()
	p := &program{roots: map[string]schema.Name{}, writes: map[schema.Name]bool{}, cursors: map[cursor]*opened{}}
	if err := p.learnRoots(ctx, s.c); err != nil {
		return engine.Effects{}, err
	}
	if err := s.c.query(ctx, "EXPLAIN "+sql, p.instruction); err != nil {
		return engine.Effects{}, err
	}
	effects := p.effects()
	if in := insertSelect(sql); in != nil {
		effects.InsertSelect = in
		err = s.c.completeInsert(ctx, in)
	}
	return effects, err
}

// withoutRows are the statements that touch no rows, or whose rows are those of the schema.
func withoutRows(t token) bool {
	for _, verb := range []string{"ALTER", "ANALYZE", "ATTACH", "BEGIN", "COMMIT", "DETACH", "DROP", "END", "EXPLAIN", "PRAGMA", "REINDEX", "RELEASE", "ROLLBACK", "SAVEPOINT", "VACUUM"} {
		if t.is(verb) {
			return true
		}
	}
	return false
}

// program is a compiled statement as EXPLAIN lists it.
type program struct {
	roots   map[string]schema.Name // tables by the root pages of themselves and their indexes
	writes  map[schema.Name]bool   // tables that are cleared without a cursor
	opened  []*opened
	cursors map[cursor]*opened
	part    int // sub-programs (triggers) number their cursors anew
}

type cursor struct{ part, number int }

// opened is a table that the program opens.
type opened struct {
	table   schema.Name
	writing bool // opened for writing
	changed bool // rows are put in or taken out
}

func (p *program) learnRoots(ctx context.Context, c *conn) error {
	return c.query(ctx, `SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0 AND tbl_name NOT LIKE 'sqlite\_%' ESCAPE '\'`, func(r engine.Row) error {
		p.roots[string(r[0].Data)] = schema.Name{Name: string(r[1].Data)}
		return nil
	})
}

// instruction takes one line: addr, opcode, p1, p2, p3, p4, p5, comment.
func (p *program) instruction(r engine.Row) error {
	if len(r) < 7 {
		return nil
	}
	at := cursor{p.part, number(r[2].Data)}
	switch opcode := string(r[1].Data); opcode {
	case "Init":
		p.part++ // every program begins with it
	case "OpenRead", "ReopenIdx", "OpenWrite":
		const rootInRegister = 0x10 // OPFLAG_P2ISREG: a table that the statement itself makes
		table, ok := p.roots[string(r[3].Data)]
		delete(p.cursors, at)
		if ok && inMain(r[4]) && number(r[6].Data)&rootInRegister == 0 {
			p.cursors[at] = &opened{table: table, writing: opcode == "OpenWrite"}
			p.opened = append(p.opened, p.cursors[at])
		}
	case "Insert", "Delete", "IdxInsert", "IdxDelete":
		if o := p.cursors[at]; o != nil {
			o.changed = true
		}
	case "Clear":
		if table, ok := p.roots[string(r[2].Data)]; ok && inMain(r[3]) {
			p.writes[table] = true
		}
	}
	return nil
}

// inMain reports whether an operand names the database itself, not its temporary tables, whose root pages are others.
func inMain(operand engine.Cell) bool { return string(operand.Data) == "0" }

// effects says what each opened table was for. A table that is opened once, to be written, is read as well by its own
// update or delete: that it is written says enough.
func (p *program) effects() engine.Effects {
	reads := map[schema.Name]bool{}
	for _, o := range p.opened {
		switch {
		case !o.writing:
			reads[o.table] = true
		case o.changed:
			p.writes[o.table] = true
		}
	}
	return engine.Effects{Reads: sorted(reads), Writes: sorted(p.writes)}
}

func sorted(set map[schema.Name]bool) []schema.Name {
	var list []schema.Name
	for n := range set {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b schema.Name) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// mainVerb is the index of the word that says what a statement does, behind WITH and its common table expressions.
func mainVerb(list []token) int {
	if len(list) == 0 || !list[0].is("WITH") {
		return 0
	}
	for i := 1; i < len(list); i++ {
		switch t := list[i]; {
		case t.punct("("):
			i = closing(list, i)
		case t.is("SELECT") || t.is("VALUES") || t.is("INSERT") || t.is("REPLACE") || t.is("UPDATE") || t.is("DELETE"):
			return i
		}
	}
	return len(list)
}

// insertSelect reads [WITH …] INSERT INTO table [(columns)] SELECT … or WITH …. Every row of the query
// must go in: a conflict clause that skips or replaces rows demands nothing of them, and rows that are
// spelled out are none of the database's.
func insertSelect(sql string) *engine.InsertSelect {
	list := meaningful(sql)
	verb := mainVerb(list)
	if verb >= len(list) || !list[verb].is("INSERT") {
		return nil
	}
	i := verb + 1
	if i+1 < len(list) && list[i].is("OR") {
		if list[i+1].is("IGNORE") || list[i+1].is("REPLACE") {
			return nil
		}
		i += 2
	}
	if i+1 >= len(list) || !list[i].is("INTO") {
		return nil
	}
	i++
	table := list[i].name()
	i++
	if i+1 < len(list) && list[i].punct(".") {
		table = list[i+1].name()
		i += 2
	}
	if i+1 < len(list) && list[i].is("AS") {
		i += 2
	}
	out := &engine.InsertSelect{Table: schema.Name{Name: table}}
	if i < len(list) && list[i].punct("(") {
		end := closing(list, i)
		out.Columns = columnList(list[i+1 : min(end, len(list))])
		i = end + 1
	}
	if i >= len(list) || !(list[i].is("SELECT") || list[i].is("WITH")) || conflicting(list[i:]) {
		return nil
	}
	out.Query = queryText(sql, list, verb, i)
	return out
}

// queryText is the query, with the common table expressions that stood before INSERT.
func queryText(sql string, list []token, verb, from int) string {
	last := len(list)
	for last > from && list[last-1].kind == tokenSemi {
		last--
	}
	end := list[last-1].at + len(list[last-1].text)
	query := sql[list[from].at:end]
	if verb == 0 {
		return query
	}
	common := strings.TrimSpace(sql[list[0].at:list[verb].at])
	if !list[from].is("WITH") {
		return common + " " + query
	}
	// Both have a WITH: the inner one keeps its own scope.
	return common + " SELECT * FROM (" + query + "\n)"
}

// conflicting reports whether the insert ends in an upsert or returns rows.
func conflicting(list []token) bool {
	for i := 0; i < len(list); i++ {
		switch t := list[i]; {
		case t.punct("("):
			i = closing(list, i)
		case t.is("RETURNING"), t.is("ON") && i+1 < len(list) && list[i+1].is("CONFLICT"):
			return true
		}
	}
	return false
}

// completeInsert gives the table its declared name, and all columns that an insert without a list fills.
func (c *conn) completeInsert(ctx context.Context, in *engine.InsertSelect) error {
	err := c.query(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower("+literal(in.Table.Name)+")", func(r engine.Row) error {
		in.Table.Name = string(r[0].Data)
		return nil
	})
	if err != nil || len(in.Columns) > 0 {
		return err
	}
	return c.query(ctx, "SELECT name FROM pragma_table_xinfo("+literal(in.Table.Name)+") WHERE hidden = 0 ORDER BY cid", func(r engine.Row) error {
		in.Columns = append(in.Columns, string(r[0].Data))
		return nil
	})
}
