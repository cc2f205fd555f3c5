package postgres

import (
	"fmt"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// DDL makes the statements in the order in which they can run. Before the rows: schemas, sequences, tables with their partitions, without any
// constraint but NOT NULL. After them: counters, keys, indexes, checks, foreign keys, views, comments. Triggers need functions, which the model
// does not hold, so only those of built-in functions are made: a recapture shows what is missing.
func (postgres) DDL(db *schema.Database) (beforeRows, afterRows []string, err error) {
	w := &ddl{db: db, sequences: map[string]bool{}}
	w.schemas()
	for i := range db.Tables {
		w.makeSequences(&db.Tables[i])
	}
	for i := range db.Tables {
		if err := w.table(&db.Tables[i]); err != nil {
			return nil, nil, err
		}
	}
	for i := range db.Tables {
		w.counters(&db.Tables[i])
		w.keys(&db.Tables[i])
	}
	for i := range db.Tables {
		w.indexes(&db.Tables[i])
		w.checks(&db.Tables[i])
		w.options(&db.Tables[i])
	}
	for i := range db.Tables {
		w.foreignKeys(&db.Tables[i])
	}
	if err := w.views(); err != nil {
		return nil, nil, err
	}
	w.triggers()
	for i := range db.Tables {
		w.comments(&db.Tables[i])
	}
	return w.before, w.after, nil
}

type ddl struct {
	db            *schema.Database
	before, after []string
	sequences     map[string]bool
}

func (w *ddl) first(format string, args ...any) {
	w.before = append(w.before, fmt.Sprintf(format, args...))
}

func (w *ddl) then(format string, args ...any) {
	w.after = append(w.after, fmt.Sprintf(format, args...))
}

// schemas makes every schema that holds something, in order.
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
	names := make([]string, 0, len(need))
	for name := range need {
		if name != "" {
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

// sequenceOf finds the sequence of a default nextval('schema.name'::regclass): its schema in the model's form and its name as SQL.
func sequenceOf(c schema.Column) (namespace, sql string, ok bool) {
	if c.Default == nil {
		return "", "", false
	}
	text := *c.Default
	all, err := tokens(text)
	if err != nil || len(all) < 4 || !all[0].is(text, "nextval") || !all[1].is(text, "(") || all[2].kind != tokenString || text[all[2].start] != '\'' {
		return "", "", false
	}
	sql = strings.ReplaceAll(text[all[2].start+1:all[2].end-1], "''", "'")
	name, ok := parseName(sql)
	if !ok {
		return "", "", false
	}
	return name.Schema, qualified(name), true
}

// parseName reads a name that is written as SQL, alone.
func parseName(sql string) (schema.Name, bool) {
	all, err := tokens(sql)
	if err != nil {
		return schema.Name{}, false
	}
	name, next, ok := readName(sql, all, 0)
	return name, ok && next == len(all)
}

func (w *ddl) makeSequences(t *schema.Table) {
	for _, c := range t.Columns {
		_, sequence, ok := sequenceOf(c)
		if !ok || w.sequences[sequence] {
			continue
		}
		w.sequences[sequence] = true
		as := "bigint"
		if c.Type == "integer" || c.Type == "smallint" {
			as = c.Type
		}
		w.first("CREATE SEQUENCE %s AS %s", sequence, as)
	}
}

func (w *ddl) table(t *schema.Table) error {
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
	w.first("CREATE %sTABLE %s (%s)%s%s", unlogged, qualified(t.Name), strings.Join(columns, ", "), partition, method)
	w.partitions(t.Name, t.Partitions)
	return nil
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
	case c.Default != nil:
		sql += " DEFAULT (" + *c.Default + ")"
	}
	if !c.Nullable {
		sql += " NOT NULL"
	}
	return sql
}

// counters brings sequences behind the rows, so that what a migration inserts gets numbers as it would in the original.
func (w *ddl) counters(t *schema.Table) {
	for _, c := range t.Columns {
		_, sequence, ok := sequenceOf(c)
		if ok && !w.independent(sequence) {
			w.then("ALTER SEQUENCE %s OWNED BY %s.%s", sequence, qualified(t.Name), quote(c.Name))
		}
		counter := literal(sequence) + "::regclass"
		if c.Identity != "" {
			ok, counter = true, fmt.Sprintf("pg_get_serial_sequence(%s, %s)::regclass", literal(qualified(t.Name)), literal(c.Name))
		}
		if ok {
			w.then("SELECT setval(%s, greatest(max(%s), 1), max(%s) IS NOT NULL) FROM %s", counter, quote(c.Name), quote(c.Name), qualified(t.Name))
		}
	}
}

// independent tells whether the captured sequence belongs to no column.
func (w *ddl) independent(sequence string) bool {
	for _, u := range w.db.Unmodelled {
		if u.Kind != "sequence" {
			continue
		}
		for _, listed := range u.Names {
			if name, ok := parseName(listed); ok && qualified(name) == sequence {
				return true
			}
		}
	}
	return false
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
}

func (w *ddl) key(t *schema.Table, k schema.Key, kind string) {
	w.then("ALTER TABLE %s ADD %s%s (%s)%s", qualified(t.Name), named(k.Name), kind, quoteAll(k.Columns), deferral(k.Deferrable, k.InitiallyDeferred))
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
func (w *ddl) indexes(t *schema.Table) {
	for _, ix := range t.Indexes {
		if !ix.Invalid {
			w.after = append(w.after, indexSQL(t.Name, ix))
		}
	}
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
		w.then("ALTER TABLE %s ADD %sCHECK (%s)%s", qualified(t.Name), named(c.Name), c.Expr, notValid(c.NotValid))
	}
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
	}
	switch identity := t.Options["replica_identity"]; identity {
	case "full", "nothing":
		w.then("ALTER TABLE %s REPLICA IDENTITY %s", name, strings.ToUpper(identity))
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

func (w *ddl) foreignKeys(t *schema.Table) {
	for _, k := range t.ForeignKeys {
		match := ""
		if k.Match == "full" {
			match = " MATCH FULL"
		}
		w.then("ALTER TABLE %s ADD %sFOREIGN KEY (%s) REFERENCES %s (%s)%s%s%s%s%s", qualified(t.Name), named(k.Name), quoteAll(k.Columns),
			qualified(k.RefTable), quoteAll(k.RefColumns), match, action(" ON UPDATE ", k.OnUpdate), action(" ON DELETE ", k.OnDelete),
			deferral(k.Deferrable, k.InitiallyDeferred), notValid(k.NotValid))
	}
}

func action(when, what string) string {
	if what == "" || what == "no action" {
		return ""
	}
	return when + what
}

// views makes a view after those that it reads.
func (w *ddl) views() error {
	made, making := map[schema.Name]bool{}, map[schema.Name]bool{}
	byName := map[schema.Name]schema.View{}
	for _, v := range w.db.Views {
		byName[v.Name] = v
	}
	var visit func(v schema.View) error
	visit = func(v schema.View) error {
		if made[v.Name] {
			return nil
		}
		if making[v.Name] {
			return misuse("view %s reads itself", v.Name)
		}
		making[v.Name] = true
		for _, n := range v.Reads {
			if read, isView := byName[n]; isView {
				if err := visit(read); err != nil {
					return err
				}
			}
		}
		made[v.Name] = true
		kind := "VIEW"
		if v.Materialized {
			kind = "MATERIALIZED VIEW"
		}
		columns := ""
		if len(v.Columns) > 0 {
			columns = " (" + quoteAll(v.Columns) + ")"
		}
		w.then("CREATE %s %s%s AS %s", kind, qualified(v.Name), columns, v.Definition)
		return nil
	}
	for _, v := range w.db.Views {
		if err := visit(v); err != nil {
			return err
		}
	}
	return nil
}

// triggers makes those of functions that every server has: the server prints those without a schema.
func (w *ddl) triggers() {
	for _, t := range w.db.Triggers {
		all, err := tokens(t.Definition)
		if err != nil {
			continue
		}
		for i := range all {
			if i+3 < len(all) && all[i].is(t.Definition, "execute") && all[i+3].is(t.Definition, "(") {
				w.then("%s", t.Definition)
				break
			}
		}
	}
}

func (w *ddl) comments(t *schema.Table) {
	if t.Comment != "" {
		w.then("COMMENT ON TABLE %s IS %s", qualified(t.Name), literal(t.Comment))
	}
	for _, c := range t.Columns {
		if c.Comment != "" {
			w.then("COMMENT ON COLUMN %s.%s IS %s", qualified(t.Name), quote(c.Name), literal(c.Comment))
		}
	}
}
