package postgres

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

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
