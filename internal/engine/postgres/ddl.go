package postgres

import (
	"fmt"
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
