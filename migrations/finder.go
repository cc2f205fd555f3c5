package migrations

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// maxQuery is the length above which a query helps nobody.
const maxQuery = 1000

// queries are for people who have to clean up: one for every breach whose rows production can be asked for.
func (r *rehearsal) queries(broken []breach) []finding.Query {
	var out []finding.Query
	written := map[string]bool{}
	for _, b := range broken {
		sql := r.finder(b)
		if sql == "" || written[sql] {
			continue
		}
		written[sql] = true
		out = append(out, finding.Query{Finds: sentence(b.demand, b.rows), SQL: sql})
	}
	return out
}

// finder is a query that gives the keys of the rows which break a demand; "" where there is none, where production has
// not these rows now (earlier statements make them), or where it would show a literal of the migration.
func (r *rehearsal) finder(b breach) string {
	d := b.demand
	finder, ok := r.in.Engine.(engine.Finder)
	a := r.answers[d]
	from := sortedNames(d.From)
	if !ok || d.fresh || len(from) != 1 || a == nil || a.Err != nil || d.Status == Unproved || a.Violations != b.rows {
		return ""
	}
	t, ok := r.in.Schema.Table(from[0])
	if !ok || t.PrimaryKey == nil {
		return ""
	}
	for _, k := range t.PrimaryKey.Columns {
		if !contains(d.On.Columns, k) {
			return ""
		}
	}
	o, rel := d.Obligation, d.On
	if rel.Query == "" || d.overTable(t, r.in.Engine.Name()) {
		o.Collations, rel = unlike(t, o), schema.Relation{Table: t.Name}
	}
	if rel.Query != "" && r.redact.literals(rel.Query) != rel.Query {
		return ""
	}
	sql, err := finder.Find(o, rel, t.PrimaryKey.Columns)
	if err != nil {
		return ""
	}
	if sql = oneLine(sql, r.in.Engine.Name()); len(sql) > maxQuery {
		return ""
	}
	return sql
}

// overTable reports whether production's table itself can stand for the demand's rows: every row is one of the table's,
// and everything that the demand and the table's key look at has the same name and value in both.
func (d *Demand) overTable(t *schema.Table, engineName string) bool {
	if d.rows == nil || d.rows.query == "" && d.rows.table != t.Name {
		return false
	}
	from, ok := d.rows.copied(t, engineName)
	if !ok {
		return false
	}
	o := d.Obligation
	needed := append(append([]string(nil), t.PrimaryKey.Columns...), o.Columns...)
	if o.RefTable == o.Table {
		needed = append(needed, o.RefColumns...)
	}
	text := strings.ToLower(strings.Join(append([]string{o.Expr, o.Where}, o.Exprs...), " "))
	for _, c := range d.rows.columns {
		if strings.Contains(text, strings.ToLower(c.name)) {
			needed = append(needed, c.name)
		}
	}
	// The text may also hold what is a column in production only.
	for _, c := range t.Columns {
		if strings.Contains(text, strings.ToLower(c.Name)) {
			needed = append(needed, c.Name)
		}
	}
	for _, name := range needed {
		if !strings.EqualFold(from[strings.ToLower(name)], name) {
			return false
		}
	}
	return true
}

// unlike are a key's collations without those that its columns have in the table anyway.
func unlike(t *schema.Table, o schema.Obligation) []string {
	out := append([]string(nil), o.Collations...)
	for i, name := range o.Columns {
		if c, ok := t.Column(name); ok && len(o.Exprs) == 0 && i < len(out) && (out[i] == c.Collation || out[i] == "BINARY" && c.Collation == "") {
			out[i] = ""
		}
	}
	return out
}

// copied maps the columns whose values are production's own, in lower case, to the names that they have there; false
// where the rows are not all the rows of the table.
func (r *rows) copied(t *schema.Table, engineName string) (map[string]string, bool) {
	out := map[string]string{}
	var items []string
	if r.query != "" {
		var ok bool
		if items, ok = plainSelect(r.query, t, engineName); !ok || len(items) != r.width {
			return nil, false
		}
	}
	for _, c := range r.columns {
		switch {
		case c.expr != "" || c.lost:
		case r.query != "":
			out[strings.ToLower(c.name)] = items[c.at]
		default:
			out[strings.ToLower(c.name)] = c.from
		}
	}
	return out, true
}
