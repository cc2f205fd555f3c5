package migrations

import (
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// rows says where the rows of a table come from while pending migrations run: a table of production, or a query over
// it, whose columns may since have been renamed, dropped or added. Its relation is what a probe asks production.
type rows struct {
	table   schema.Name   // production's own; with query == ""
	query   string        // the SELECT of an INSERT … SELECT
	width   int           // columns that query yields
	columns []column      // as the table has them now
	reads   []schema.Name // production's tables that the rows come from
	// unchanged is false once a column of production's table was added, renamed or dropped: a recorded query that names
	// the table would then mean something else in production.
	unchanged bool
}

// column is one column of rows.
type column struct {
	name string
	from string // production's column, for tables
	at   int    // position in the query, for queries
	expr string // a constant, for columns that a pending migration added: their default
	lost bool   // not computable from production: a generated column over a query
}

// ownRows are production's table as it is.
func ownRows(t *schema.Table) *rows {
	r := &rows{table: t.Name, reads: []schema.Name{t.Name}, unchanged: true}
	for _, c := range t.Columns {
		r.columns = append(r.columns, column{name: c.Name, from: c.Name})
	}
	return r
}

// queryRows are the rows that an INSERT … SELECT into t brings: columns names what the
// query fills, the others take their default.
func queryRows(t *schema.Table, columns []string, query string, reads []schema.Name) *rows {
	r := &rows{query: query, width: len(columns), reads: reads}
	filled := map[string]int{}
	for i, c := range columns {
		filled[strings.ToLower(c)] = i
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if at, ok := filled[strings.ToLower(c.Name)]; ok {
			r.columns = append(r.columns, column{name: c.Name, at: at})
		} else {
			r.columns = append(r.columns, r.added(c))
		}
	}
	return r
}

// added is a column that no row held a value for: every row has its default.
func (r *rows) added(c *schema.Column) column {
	switch {
	case c.Generated != "":
		// Over production's own table the expression can be asked as it stands; a
		// query's columns have no names of their own.
		return column{name: c.Name, expr: "(" + c.Generated + ")", lost: r.query != "" || !r.unchanged}
	case c.Default == nil:
		return column{name: c.Name, expr: "NULL", lost: c.Identity != ""}
	}
	return column{name: c.Name, expr: "(" + *c.Default + ")"}
}

// clone copies r for the next point of the sequence.
func (r *rows) clone() *rows {
	c := *r
	c.columns = append([]column(nil), r.columns...)
	return &c
}

// find gives the column of a name.
func (r *rows) find(name string) (column, bool) {
	for _, c := range r.columns {
		if strings.EqualFold(c.name, name) {
			return c, true
		}
	}
	return column{}, false
}

// askable reports whether production can be asked about these columns.
func (r *rows) askable(names []string) bool {
	for _, n := range names {
		if c, ok := r.find(n); !ok || c.lost {
			return false
		}
	}
	return true
}

// plain reports whether the relation is production's table with all its columns under their own names.
func (r *rows) plain() bool {
	if r.query != "" {
		return false
	}
	for _, c := range r.columns {
		if c.from != c.name || c.expr != "" {
			return false
		}
	}
	return true
}

// relation is where production is asked. Columns that are lost are left out.
func (r *rows) relation(quote func(string) string) schema.Relation {
	var names []string
	var items []string
	direct := r.query != "" && len(r.columns) == r.width
	position := 0
	for _, c := range r.columns {
		if c.lost {
			direct = false
			continue
		}
		names = append(names, c.name)
		switch {
		case c.expr != "":
			direct = false
			items = append(items, c.expr)
		case r.query != "":
			direct = direct && c.at == position
			items = append(items, positional(c.at))
		default:
			items = append(items, quote(c.from))
		}
		position++
	}
	switch {
	case r.plain():
		return schema.Relation{Table: r.table, Columns: names}
	case direct:
		return schema.Relation{Query: r.query, Columns: names}
	case r.query != "":
		return schema.Relation{Query: "WITH envdiff_query(" + positions(r.width) + ") AS (" + r.query + "\n) SELECT " + strings.Join(items, ", ") + " FROM envdiff_query", Columns: names}
	}
	return schema.Relation{Query: "SELECT " + strings.Join(items, ", ") + " FROM " + quoteName(r.table, quote), Columns: names}
}

// qualified finds a table named with the schema that every database has: a query over moved
// tables cannot be put over production's then.
var qualified = regexp.MustCompile(`(?i)\b(main|public)["` + "`" + `]?\s*\.`)

// over writes a query whose tables are not production's any more, because pending statements renamed, altered or rebuilt them, as one over production's: each
// of these tables becomes a WITH of its name. What it stands for is defined one level further out, where the name still means production's own table.
func over(query string, moved map[schema.Name]*rows, quote func(string) string) string {
	if len(moved) == 0 {
		return query
	}
	names := make([]schema.Name, 0, len(moved))
	for n := range moved {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool { return names[i].Less(names[j]) })
	var outer, inner []string
	for i, n := range names {
		rel := moved[n].relation(quote)
		columns := make([]string, len(rel.Columns))
		for j, c := range rel.Columns {
			columns[j] = quote(c)
		}
		list, alias := strings.Join(columns, ", "), "envdiff_table"+strconv.Itoa(i+1)
		text := rel.Query
		if text == "" {
			text = "SELECT " + list + " FROM " + quoteName(rel.Table, quote)
		}
		outer = append(outer, alias+"("+list+") AS ("+text+"\n)")
		inner = append(inner, quote(n.Name)+"("+list+") AS (SELECT * FROM "+alias+")")
	}
	return "WITH " + strings.Join(outer, ", ") + " SELECT * FROM (WITH " + strings.Join(inner, ", ") +
		" SELECT * FROM (" + query + "\n) AS envdiff_rows) AS envdiff_all"
}

// positional names the columns of a query by their place, whatever the query calls them.
func positional(at int) string { return "envdiff_" + strconv.Itoa(at+1) }

func positions(n int) string {
	p := make([]string, n)
	for i := range p {
		p[i] = positional(i)
	}
	return strings.Join(p, ", ")
}

func quoteName(n schema.Name, quote func(string) string) string {
	if n.Schema == "" {
		return quote(n.Name)
	}
	return quote(n.Schema) + "." + quote(n.Name)
}
