package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// The catalogue is read with one query per kind of object, whatever the number of tables: pragmas as
// table-valued functions joined to sqlite_schema (https://sqlite.org/pragma.html#pragfunc). Names
// that begin with sqlite_ are SQLite's own.
const (
	objectsQuery = `SELECT type, name, tbl_name, rootpage, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name <> '` + markTable + `' ORDER BY name`
	kindsQuery   = `SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'`
	columnsQuery = `SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
		FROM sqlite_schema m, pragma_table_xinfo(m.name, 'main') x WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, x.cid`
	indexesQuery = `SELECT m.name, l.name, l."unique", l.origin, x.cid, x.name, x."desc", x.coll
		FROM sqlite_schema m, pragma_index_list(m.name, 'main') l, pragma_index_xinfo(l.name, 'main') x
		WHERE m.type = 'table' AND m.rootpage > 0 AND x.key = 1 ORDER BY m.name, l.name, x.seqno`
	foreignQuery = `SELECT m.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete
		FROM sqlite_schema m, pragma_foreign_key_list(m.name, 'main') f WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, f.id DESC, f.seq`
	viewColumnsQuery = `SELECT m.name, x.name FROM sqlite_schema m, pragma_table_xinfo(m.name, 'main') x WHERE m.type = 'view' ORDER BY m.name, x.cid`
	estimatesQuery   = `SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl`
)

// catalogue collects what the queries say before it becomes the model.
type catalogue struct {
	c       *conn
	ctx     context.Context
	db      *schema.Database
	objects []object
	kinds   map[string]kind
	tables  map[string]*rawTable
	names   names // of all tables, views and columns
}

type object struct{ kind, name, table, root, sql string }

// kind is a row of pragma_table_list.
type kind struct {
	kind         string // table, view, virtual, shadow
	withoutRowid bool
	strict       bool
}

type rawTable struct {
	object
	columns []rawColumn
	indexes []*rawIndex
	foreign []*rawForeign
	rows    int64
}

type rawColumn struct {
	name, declared string
	notNull        bool
	def            *string
	pk, hidden     int
}

type rawIndex struct {
	name   string
	unique bool
	origin string // c, u, pk
	parts  []rawPart
}

type rawPart struct {
	cid             int // -2 is an expression, -1 the rowid
	name, collation string
	desc            bool
}

type rawForeign struct {
	table              string
	from, to           []string
	onUpdate, onDelete string
}

// readSchema captures the model under an acquired connection.
func readSchema(ctx context.Context, c *conn) (*schema.Database, error) {
	cat := &catalogue{c: c, ctx: ctx, db: &schema.Database{Engine: name, Version: c.libraryVersion()}, kinds: map[string]kind{}, tables: map[string]*rawTable{}}
	for _, read := range []func() error{cat.readObjects, cat.readKinds, cat.readColumns, cat.readIndexes, cat.readForeign, cat.readEstimates} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	cat.learnNames()
	cat.buildTables()
	if err := cat.buildViews(); err != nil {
		return nil, err
	}
	cat.buildTriggers()
	settings, err := readSettings(ctx, c)
	if err != nil {
		return nil, err
	}
	cat.db.Settings = settings
	cat.buildUnmodelled()
	return cat.db, nil
}

// rows runs one of the queries; the function takes each row's cells as text.
func (cat *catalogue) rows(sql string, fn func(r []string)) error {
	var texts []string
	return cat.c.query(cat.ctx, sql, func(r engine.Row) error {
		texts = texts[:0]
		for _, cell := range r {
			texts = append(texts, string(cell.Data))
		}
		fn(texts)
		return nil
	})
}

func (cat *catalogue) readObjects() error {
	return cat.rows(objectsQuery, func(r []string) {
		o := object{r[0], r[1], r[2], r[3], r[4]}
		cat.objects = append(cat.objects, o)
		if o.kind == "table" && o.root != "0" && o.root != "" {
			cat.tables[o.name] = &rawTable{object: o, rows: -1}
		}
	})
}

func (cat *catalogue) readKinds() error {
	return cat.rows(kindsQuery, func(r []string) {
		cat.kinds[r[0]] = kind{kind: r[1], withoutRowid: r[2] == "1", strict: r[3] == "1"}
	})
}

func (cat *catalogue) readColumns() error {
	return cat.c.query(cat.ctx, columnsQuery, func(r engine.Row) error {
		t := cat.tables[string(r[0].Data)]
		if t == nil {
			return nil
		}
		c := rawColumn{name: string(r[1].Data), declared: string(r[2].Data), notNull: string(r[3].Data) == "1", pk: number(r[5].Data), hidden: number(r[6].Data)}
		if r[4].Type != engine.CellNull {
			text := string(r[4].Data)
			c.def = &text
		}
		t.columns = append(t.columns, c)
		return nil
	})
}

func number(text []byte) int {
	n, _ := strconv.Atoi(string(text))
	return n
}

func (cat *catalogue) readIndexes() error {
	return cat.rows(indexesQuery, func(r []string) {
		t := cat.tables[r[0]]
		if t == nil {
			return
		}
		if n := len(t.indexes); n == 0 || t.indexes[n-1].name != r[1] {
			t.indexes = append(t.indexes, &rawIndex{name: r[1], unique: r[2] == "1", origin: r[3]})
		}
		ix := t.indexes[len(t.indexes)-1]
		ix.parts = append(ix.parts, rawPart{cid: number([]byte(r[4])), name: r[5], desc: r[6] == "1", collation: r[7]})
	})
}

func (cat *catalogue) readForeign() error {
	id := ""
	return cat.rows(foreignQuery, func(r []string) {
		t := cat.tables[r[0]]
		if t == nil {
			return
		}
		if len(t.foreign) == 0 || id != r[1] {
			t.foreign = append(t.foreign, &rawForeign{table: r[2], onUpdate: strings.ToLower(r[5]), onDelete: strings.ToLower(r[6])})
		}
		id = r[1]
		f := t.foreign[len(t.foreign)-1]
		f.from = append(f.from, r[3])
		if r[4] != "" {
			f.to = append(f.to, r[4])
		}
	})
}

func (cat *catalogue) readEstimates() error {
	analysed := false
	err := cat.rows(`SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'`, func([]string) { analysed = true })
	if err != nil || !analysed {
		return err
	}
	return cat.rows(estimatesQuery, func(r []string) {
		if t := cat.tables[r[0]]; t != nil {
			if n, err := strconv.ParseInt(r[1], 10, 64); err == nil {
				t.rows = n
			}
		}
	})
}

// learnNames fills the names that a quoted identifier may mean.
func (cat *catalogue) learnNames() {
	cat.names.declared = map[string]string{}
	learn := func(name string) {
		lower := strings.ToLower(name)
		if known, ok := cat.names.declared[lower]; ok && known != name {
			name = "" // two spellings: neither is canonical
		}
		cat.names.declared[lower] = name
	}
	for _, o := range cat.objects {
		if o.kind == "table" || o.kind == "view" {
			learn(o.name)
		}
		if t := cat.tables[o.name]; t != nil && o.kind == "table" {
			for _, c := range t.columns {
				learn(c.name)
			}
		}
	}
}

func (cat *catalogue) buildTriggers() {
	for _, o := range cat.objects {
		if o.kind == "trigger" {
			cat.db.Triggers = append(cat.db.Triggers, schema.Trigger{Name: o.name, Table: schema.Name{Name: o.table}, Definition: triggerBody(o.sql, cat.names)})
		}
	}
}

// triggerBody is what stands behind the name: CREATE [TEMP] TRIGGER [IF NOT EXISTS] [schema.]name body.
func triggerBody(sql string, n names) string {
	list := meaningful(sql)
	i := 0
	for i < len(list) && !list[i].is("TRIGGER") {
		i++
	}
	return canonical(list[min(len(list), afterName(list, i+1)):], n)
}

// afterName is the index behind [IF NOT EXISTS] [schema.]name.
func afterName(list []token, i int) int {
	if i+2 < len(list) && list[i].is("IF") && list[i+1].is("NOT") && list[i+2].is("EXISTS") {
		i += 3
	}
	i++
	if i+1 < len(list) && list[i].punct(".") {
		i += 2
	}
	return i
}

// buildViews reads the columns of all views at once. One view that does not compile fails that query; then they are
// asked one by one, and the broken ones have no columns.
func (cat *catalogue) buildViews() error {
	columns := map[string][]string{}
	add := func(r []string) { columns[r[0]] = append(columns[r[0]], r[1]) }
	if err := cat.rows(viewColumnsQuery, add); err != nil {
		if cat.ctx.Err() != nil {
			return err
		}
		clear(columns)
		for _, o := range cat.objects {
			if o.kind == "view" && cat.rows(strings.Replace(viewColumnsQuery, "ORDER BY", "AND m.name = "+literal(o.name)+" ORDER BY", 1), add) != nil {
				if cat.ctx.Err() != nil {
					return interrupted(cat.ctx.Err())
				}
				delete(columns, o.name)
			}
		}
	}
	for _, o := range cat.objects {
		if o.kind != "view" {
			continue
		}
		list := viewSelect(o.sql)
		cat.db.Views = append(cat.db.Views, schema.View{
			Name: schema.Name{Name: o.name}, Definition: canonical(list, cat.names), Columns: columns[o.name], Reads: cat.reads(o.name, list),
		})
	}
	return nil
}

// viewSelect is what stands behind AS in CREATE VIEW name [(columns)] AS select.
func viewSelect(sql string) []token {
	list := meaningful(sql)
	for i := 0; i < len(list); i++ {
		switch {
		case list[i].punct("("):
			i = closing(list, i)
		case list[i].is("AS"):
			return list[i+1:]
		}
	}
	return nil
}

// reads are the tables and views that a text names. A column or alias of the same name counts
// too: rather one too many than one missed.
func (cat *catalogue) reads(self string, list []token) []schema.Name {
	relations := map[string]string{}
	for _, o := range cat.objects {
		if (o.kind == "table" || o.kind == "view") && o.name != self {
			relations[strings.ToLower(o.name)] = o.name
		}
	}
	var found []schema.Name
	for _, name := range columnsOf(list, names{declared: relations}) {
		found = append(found, schema.Name{Name: name})
	}
	slices.SortFunc(found, func(a, b schema.Name) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

// buildUnmodelled counts virtual tables; the shadow tables that hold their content belong to them.
func (cat *catalogue) buildUnmodelled() {
	virtual := schema.Unmodelled{Kind: "virtual table"}
	for _, o := range cat.objects {
		if o.kind == "table" && cat.tables[o.name] == nil {
			virtual.Names = append(virtual.Names, o.name)
		}
	}
	if len(virtual.Names) > 0 {
		cat.db.Unmodelled = append(cat.db.Unmodelled, virtual)
	}
}

// literal is a text as an SQL string.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
