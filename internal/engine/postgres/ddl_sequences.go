package postgres

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

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

// makeSequences makes those of the model, and those that only a default shows.
func (w *ddl) makeSequences() {
	for _, s := range w.db.Sequences {
		name := qualified(s.Name)
		w.sequences[name] = true
		kind := "SEQUENCE"
		if s.Properties["unlogged"] != "" {
			kind = "UNLOGGED SEQUENCE"
		}
		sql := fmt.Sprintf("CREATE %s %s AS %s", kind, name, s.Type)
		for _, p := range []struct{ property, clause string }{{"increment", "INCREMENT BY "}, {"minimum", "MINVALUE "}, {"maximum", "MAXVALUE "}, {"start", "START WITH "}, {"cache", "CACHE "}} {
			if v := s.Properties[p.property]; v != "" {
				sql += " " + p.clause + v
			}
		}
		if s.Properties["cycle"] != "" {
			sql += " CYCLE"
		}
		w.first("%s", sql)
	}
	for _, t := range w.db.Tables {
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
}

// ownSequences ties sequences to the columns that they go with.
func (w *ddl) ownSequences() {
	for _, s := range w.db.Sequences {
		if t := w.tables[s.Table]; s.Column != "" && t != nil {
			w.then("ALTER SEQUENCE %s OWNED BY %s.%s", qualified(s.Name), qualified(s.Table), quote(s.Column))
		}
	}
}

// setCounter begins the statements that bring counters behind the rows.
const setCounter = "SELECT setval("

// counters brings sequences behind the rows, so that what a migration inserts gets numbers as it would in the original.
func (w *ddl) counters(t *schema.Table) {
	for _, c := range t.Columns {
		_, sequence, ok := sequenceOf(c)
		counter := literal(sequence) + "::regclass"
		if c.Identity != "" {
			ok, counter = true, fmt.Sprintf("pg_get_serial_sequence(%s, %s)::regclass", literal(qualified(t.Name)), literal(c.Name))
		}
		if ok {
			w.then(setCounter+"%s, r.last) FROM (SELECT max(%s) AS last FROM %s) r JOIN pg_catalog.pg_sequence s ON s.seqrelid = %s AND r.last BETWEEN s.seqmin AND s.seqmax AND s.seqincrement > 0",
				counter, quote(c.Name), qualified(t.Name), counter)
		}
		if ok && c.Identity == "" && len(w.db.Sequences) == 0 {
			w.then("ALTER SEQUENCE %s OWNED BY %s.%s", sequence, qualified(t.Name), quote(c.Name))
		}
	}
}
