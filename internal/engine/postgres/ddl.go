package postgres

import (
	"fmt"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// DDL makes the statements in the order in which they can run. Before the rows: schemas, extensions, types, the routines that tables need, sequences,
// tables with their partitions, without any constraint but NOT NULL. After them: counters, keys, indexes, checks, foreign keys, views and what
// else needs tables, triggers, policies, comments, owners and privileges. What would reach out of the copy is left out: subscriptions, user mappings
// and the options of foreign servers. Roles are the server's and not made; what needs one that is missing is left out by the statement itself.
func (e postgres) DDL(db *schema.Database) (beforeRows, afterRows []string, err error) {
	before, tables, after, err := e.BuildDDL(db)
	if err != nil {
		return nil, nil, err
	}
	if len(db.Routines) > 0 { // it comes first in after as well
		afterRows = append(afterRows, lateBodies)
	}
	for i := range db.Tables {
		afterRows = append(afterRows, tables[db.Tables[i].Name]...)
	}
	return before, append(afterRows, after...), nil
}

// lateBodies lets routines be made before what they use.
const lateBodies = "SET check_function_bodies = off"

// BuildDDL has a table's counters, keys, indexes and checks apart.
func (postgres) BuildDDL(db *schema.Database) (before []string, tables map[schema.Name][]string, after []string, err error) {
	w := &ddl{db: db, sequences: map[string]bool{}, tables: map[schema.Name]*schema.Table{}}
	for i := range db.Tables {
		w.tables[db.Tables[i].Name] = &db.Tables[i]
	}
	if len(db.Routines) > 0 {
		w.first(lateBodies)
		w.then(lateBodies)
	}
	w.schemas()
	w.objects(w.first, "extension", "collation", "text_search_parser", "text_search_template", "text_search_dictionary", "text_search_configuration", "foreign_data_wrapper", "foreign_server")
	w.makeSequences()
	plan := w.plan()
	if err := w.make(w.first, plan.early); err != nil {
		return nil, nil, nil, err
	}
	w.objects(w.first, "operator", "operator_family", "operator_class", "cast")
	tables = w.alone()
	w.ownSequences()
	for i := range db.Tables {
		w.foreignKeys(&db.Tables[i])
	}
	w.objects(w.then, "index", "constraint")
	if err := w.make(w.then, plan.late); err != nil {
		return nil, nil, nil, err
	}
	for _, v := range db.Views {
		w.indexes(v.Name, "MATERIALIZED VIEW", v.Indexes)
	}
	w.triggers()
	w.objects(w.then, "rule", "policy", "statistics", "publication")
	w.comments()
	w.access()
	w.objects(w.then, "event_trigger")
	return w.before, tables, w.after, nil
}

// alone is what needs nothing but one table.
func (w *ddl) alone() map[schema.Name][]string {
	tables, others := map[schema.Name][]string{}, w.after
	for i := range w.db.Tables {
		t := &w.db.Tables[i]
		w.after = nil
		w.counters(t)
		w.keys(t)
		w.indexes(t.Name, "TABLE", t.Indexes)
		w.checks(t)
		w.options(t)
		tables[t.Name] = w.after
	}
	w.after = others
	return tables
}

type ddl struct {
	db            *schema.Database
	tables        map[schema.Name]*schema.Table
	before, after []string
	sequences     map[string]bool // made, by their SQL
}

// emit is where a statement goes: first or then.
type emit func(format string, args ...any)

func (w *ddl) first(format string, args ...any) {
	w.before = append(w.before, fmt.Sprintf(format, args...))
}

func (w *ddl) then(format string, args ...any) {
	w.after = append(w.after, fmt.Sprintf(format, args...))
}

// schemas makes every schema that is there or holds something, in order.
func (w *ddl) schemas() {
	need := map[string]bool{}
	for _, t := range w.db.Tables {
		need[t.Name.Schema] = true
		partitionSchemas(t.Partitions, need)
		for _, c := range t.Columns {
			if namespace, _, ok := sequenceOf(c); ok {
				need[namespace] = true
			}
		}
	}
	for _, v := range w.db.Views {
		need[v.Name.Schema] = true
	}
	for _, r := range w.db.Routines {
		need[r.Name.Schema] = true
	}
	for _, s := range w.db.Sequences {
		need[s.Name.Schema] = true
	}
	for _, o := range w.db.Objects {
		switch o.Kind {
		case "schema":
			need[o.Name.Name] = true
		case "extension":
			need[o.Properties["schema"]] = true
		default:
			need[o.Name.Schema] = true
		}
	}
	names := make([]string, 0, len(need))
	for name := range need {
		if name != "" && name != defaultSchema && name != "pg_catalog" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		w.first("CREATE SCHEMA IF NOT EXISTS %s", quote(name))
	}
}

func partitionSchemas(parts []schema.Partition, need map[string]bool) {
	for _, p := range parts {
		need[p.Name.Schema] = true
		partitionSchemas(p.Partitions, need)
	}
}

func (w *ddl) table(to emit, t *schema.Table) error {
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		if c.Type == "" {
			return misuse("column %s.%s has no type: this is no PostgreSQL schema", t.Name, c.Name)
		}
		columns[i] = columnSQL(c)
	}
	unlogged, method, partition := "", "", ""
	if t.Options["unlogged"] != "" {
		unlogged = "UNLOGGED "
	}
	if m := t.Options["access_method"]; m != "" {
		method = " USING " + quote(m)
	}
	if t.PartitionBy != "" {
		partition = " PARTITION BY " + t.PartitionBy
	}
	to("CREATE %sTABLE %s (%s)%s%s%s", unlogged, qualified(t.Name), strings.Join(columns, ", "), partition, method, with(t.Options["with"]))
	if of := t.Options["of_type"]; of != "" {
		to("ALTER TABLE %s OF %s", qualified(t.Name), of)
	}
	for _, c := range t.Columns {
		storage(to, t.Name, c)
	}
	w.partitions(t.Name, t.Partitions)
	return nil
}

func with(parameters string) string {
	if parameters == "" {
		return ""
	}
	return " WITH (" + parameters + ")"
}

// storage sets how a column's values are kept, which has to be known when the rows come.
func storage(to emit, table schema.Name, c schema.Column) {
	alter := "ALTER TABLE " + qualified(table) + " ALTER COLUMN " + quote(c.Name) + " SET "
	if s := c.Properties["storage"]; s != "" {
		to("%sSTORAGE %s", alter, strings.ToUpper(s))
	}
	if s := c.Properties["compression"]; s != "" {
		to("%sCOMPRESSION %s", alter, s)
	}
	if s := c.Properties["statistics"]; s != "" {
		to("%sSTATISTICS %s", alter, s)
	}
	if s := c.Properties["options"]; s != "" {
		to("%s(%s)", alter, s)
	}
}

func (w *ddl) partitions(parent schema.Name, parts []schema.Partition) {
	for _, p := range parts {
		partition := ""
		if p.PartitionBy != "" {
			partition = " PARTITION BY " + p.PartitionBy
		}
		w.first("CREATE TABLE %s PARTITION OF %s %s%s", qualified(p.Name), qualified(parent), p.Bound, partition)
		w.partitions(p.Name, p.Partitions)
	}
}

func columnSQL(c schema.Column) string {
	sql := quote(c.Name) + " " + c.Type
	if c.Collation != "" {
		sql += " COLLATE " + c.Collation
	}
	switch {
	case c.Generated != "" && c.Stored:
		sql += " GENERATED ALWAYS AS (" + c.Generated + ") STORED"
	case c.Generated != "":
		sql += " GENERATED ALWAYS AS (" + c.Generated + ") VIRTUAL"
	case c.Identity != "":
		sql += " GENERATED " + strings.ToUpper(c.Identity) + " AS IDENTITY"
		if options := c.Properties["sequence"]; options != "" {
			sql += " (" + options + ")"
		}
	case c.Default != nil:
		sql += " DEFAULT (" + *c.Default + ")"
	}
	if !c.Nullable {
		sql += " NOT NULL"
	}
	return sql
}

func (w *ddl) keys(t *schema.Table) {
	if t.PrimaryKey != nil {
		w.key(t, *t.PrimaryKey, "PRIMARY KEY")
	}
	for _, k := range t.Unique {
		kind := "UNIQUE"
		if k.NullsNotDistinct {
			kind = "UNIQUE NULLS NOT DISTINCT"
		}
		w.key(t, k, kind)
	}
	for _, x := range t.Exclusions {
		w.then("ALTER TABLE %s ADD %s%s", qualified(t.Name), named(x.Name), x.Definition)
	}
}

func (w *ddl) key(t *schema.Table, k schema.Key, kind string) {
	include := ""
	if len(k.Include) > 0 {
		include = " INCLUDE (" + quoteAll(k.Include) + ")"
	}
	overlaps := ""
	if k.Properties[period] != "" {
		overlaps = " WITHOUT OVERLAPS"
	}
	w.then("ALTER TABLE %s ADD %s%s (%s%s)%s%s%s", qualified(t.Name), named(k.Name), kind, quoteAll(k.Columns), overlaps, include, with(k.Properties["with"]),
		deferral(k.Deferrable, k.InitiallyDeferred))
	if space := k.Properties["tablespace"]; space != "" && k.Name != "" {
		w.perhaps("ALTER INDEX " + qualified(schema.Name{Schema: t.Name.Schema, Name: k.Name}) + " SET TABLESPACE " + quote(space))
	}
	if k.Properties["clustered"] != "" {
		w.then("ALTER TABLE %s CLUSTER ON %s", qualified(t.Name), quote(k.Name))
	}
}

func named(constraint string) string {
	if constraint == "" {
		return ""
	}
	return "CONSTRAINT " + quote(constraint) + " "
}

func deferral(deferrable, deferred bool) string {
	switch {
	case deferred:
		return " DEFERRABLE INITIALLY DEFERRED"
	case deferrable:
		return " DEFERRABLE"
	}
	return ""
}

// indexes leaves invalid ones out: no statement makes one, and the original does not enforce or use it either.
func (w *ddl) indexes(of schema.Name, kind string, list []schema.Index) {
	for _, ix := range list {
		if ix.Invalid {
			continue
		}
		w.after = append(w.after, indexSQL(of, ix))
		name := qualified(schema.Name{Schema: of.Schema, Name: ix.Name})
		if space := ix.Properties["tablespace"]; space != "" {
			w.perhaps("ALTER INDEX " + name + " SET TABLESPACE " + quote(space))
		}
		if ix.Properties["clustered"] != "" {
			w.then("ALTER %s %s CLUSTER ON %s", kind, qualified(of), quote(ix.Name))
		}
		for _, target := range splitList(ix.Properties["statistics"]) {
			number, value, _ := strings.Cut(target, " ")
			w.then("ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s", name, number, value)
		}
	}
}

// splitList reads what was joined with ", "; "" is nothing.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ", ")
}

func indexSQL(table schema.Name, ix schema.Index) string {
	parts := make([]string, len(ix.Parts))
	for i, p := range ix.Parts {
		parts[i] = partSQL(p)
	}
	sql := "CREATE INDEX "
	if ix.Unique {
		sql = "CREATE UNIQUE INDEX "
	}
	sql += quote(ix.Name) + " ON " + qualified(table)
	if ix.Method != "" {
		sql += " USING " + quote(ix.Method)
	}
	sql += " (" + strings.Join(parts, ", ") + ")"
	if len(ix.Include) > 0 {
		sql += " INCLUDE (" + quoteAll(ix.Include) + ")"
	}
	if ix.NullsNotDistinct {
		sql += " NULLS NOT DISTINCT"
	}
	sql += with(ix.Properties["with"])
	if ix.Where != "" {
		sql += " WHERE " + ix.Where
	}
	return sql
}

func partSQL(p schema.IndexPart) string {
	sql := quote(p.Column)
	if p.Column == "" {
		sql = "(" + p.Expr + ")"
	}
	if p.Collation != "" {
		sql += " COLLATE " + p.Collation
	}
	if p.OpClass != "" {
		sql += " " + p.OpClass
	}
	if p.Desc {
		sql += " DESC"
	}
	switch {
	case p.NullsFirst && !p.Desc:
		sql += " NULLS FIRST"
	case !p.NullsFirst && p.Desc:
		sql += " NULLS LAST"
	}
	return sql
}

func (w *ddl) checks(t *schema.Table) {
	for _, c := range t.Checks {
		inherit := ""
		if c.NoInherit {
			inherit = " NO INHERIT"
		}
		w.then("ALTER TABLE %s ADD %sCHECK (%s)%s%s%s", qualified(t.Name), named(c.Name), c.Expr, inherit, notEnforced(c.NotEnforced), notValid(c.NotValid))
	}
}

func notEnforced(is bool) string {
	if is {
		return " NOT ENFORCED"
	}
	return ""
}

func notValid(is bool) string {
	if is {
		return " NOT VALID"
	}
	return ""
}

func (w *ddl) options(t *schema.Table) {
	name := qualified(t.Name)
	if parents := t.Options["inherits"]; parents != "" {
		for _, parent := range splitNames(parents) {
			w.then("ALTER TABLE %s INHERIT %s", name, qualified(parent))
		}
	}
	switch t.Options["row_security"] {
	case "enabled":
		w.then("ALTER TABLE %s ENABLE ROW LEVEL SECURITY", name)
	case "forced":
		w.then("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", name)
	case "forced when enabled":
		w.then("ALTER TABLE %s FORCE ROW LEVEL SECURITY", name)
	}
	identity := t.Options["replica_identity"]
	if index, is := strings.CutPrefix(identity, "index "); is {
		w.then("ALTER TABLE %s REPLICA IDENTITY USING INDEX %s", name, index)
	} else if identity != "" {
		w.then("ALTER TABLE %s REPLICA IDENTITY %s", name, strings.ToUpper(identity))
	}
	if space := t.Options["tablespace"]; space != "" {
		w.perhaps("ALTER TABLE " + name + " SET TABLESPACE " + quote(space))
	}
}

// splitNames reads a comma-separated list of names written as SQL.
func splitNames(sql string) []schema.Name {
	all, err := tokens(sql)
	if err != nil {
		return nil
	}
	var names []schema.Name
	for i := 0; i < len(all); i++ {
		name, next, ok := readName(sql, all, i)
		if !ok {
			return names
		}
		names, i = append(names, name), next
	}
	return names
}

// period is the property of a key whose last column is a range that must not overlap, and of a foreign key to one (18).
const period = "period"

// foreignColumns are the columns of a foreign key, here or there.
func foreignColumns(k schema.ForeignKey, columns []string) string {
	last := len(columns) - 1
	if k.Properties[period] == "" || last < 1 {
		return quoteAll(columns)
	}
	return quoteAll(columns[:last]) + ", PERIOD " + quote(columns[last])
}

func (w *ddl) foreignKeys(t *schema.Table) {
	for _, k := range t.ForeignKeys {
		match := ""
		if k.Match == "full" {
			match = " MATCH FULL"
		}
		w.then("ALTER TABLE %s ADD %sFOREIGN KEY (%s) REFERENCES %s (%s)%s%s%s%s%s%s", qualified(t.Name), named(k.Name), foreignColumns(k, k.Columns),
			qualified(k.RefTable), foreignColumns(k, k.RefColumns), match, action(" ON UPDATE ", k.OnUpdate), action(" ON DELETE ", k.OnDelete),
			deferral(k.Deferrable, k.InitiallyDeferred), notEnforced(k.NotEnforced), notValid(k.NotValid))
	}
}

func action(when, what string) string {
	if what == "" || what == "no action" {
		return ""
	}
	return when + what
}
