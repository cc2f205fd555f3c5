package mysql

import (
	"fmt"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// DDL writes tables with their keys and checks before the rows; indexes, foreign keys and stored code after them. It runs in one session per list, whose
// sql_mode it sets: a table may hold defaults, and a routine may need a mode, that the server's own refuses. Definers are left out, so that a copy's
// code runs as the account that made it (production's may not exist there), and events are made disabled: nothing on a copy runs by itself.
func (mysqlEngine) DDL(db *schema.Database) (beforeRows, afterRows []string, err error) {
	for i := range db.Sequences {
		beforeRows = append(beforeRows, createSequence(&db.Sequences[i]))
	}
	for i := range db.Tables {
		t := &db.Tables[i]
		sql, err := createTable(t)
		if err != nil {
			return nil, nil, err
		}
		beforeRows = append(beforeRows, sql)
		if late := lateIndexes(t); len(late) > 0 {
			afterRows = append(afterRows, "ALTER TABLE "+qualified(t.Name)+" ADD "+strings.Join(late, ", ADD "))
		}
	}
	for i := range db.Tables {
		if keys := foreignKeys(&db.Tables[i]); len(keys) > 0 {
			afterRows = append(afterRows, "ALTER TABLE "+qualified(db.Tables[i].Name)+" ADD "+strings.Join(keys, ", ADD "))
		}
	}
	afterRows = append(afterRows, routines(db)...)
	for _, v := range dependentLast(db.Views) {
		afterRows = append(afterRows, createView(v))
	}
	afterRows = append(afterRows, triggers(db)...)
	return framed(beforeRows), framed(afterRows), nil
}

// Modes of the sessions that make a copy: constants mean what this package writes, and old defaults and rows are taken as they are.
const copyMode = "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"

func setMode(mode string) string { return "SET SESSION sql_mode = " + literal(mode) }

// framed puts statements between those that set the session up and put it back.
func framed(statements []string) []string {
	if len(statements) == 0 {
		return nil
	}
	list := append([]string{setMode(copyMode), "SET SESSION foreign_key_checks = 0"}, statements...)
	return append(list, "SET SESSION sql_mode = DEFAULT", "SET SESSION foreign_key_checks = DEFAULT")
}

func createSequence(s *schema.Sequence) string {
	cycle := " NOCYCLE"
	if s.Properties["cycle"] == "true" {
		cycle = " CYCLE"
	}
	return fmt.Sprintf("CREATE SEQUENCE %s START WITH %s MINVALUE %s MAXVALUE %s INCREMENT BY %s CACHE %s%s", qualified(s.Name),
		s.Properties["start"], s.Properties["minimum"], s.Properties["maximum"], s.Properties["increment"], s.Properties["cache"], cycle)
}

func createTable(t *schema.Table) (string, error) {
	var parts []string
	var period [2]string
	for i := range t.Columns {
		c := &t.Columns[i]
		switch c.Generated {
		case "ROW START":
			period[0] = c.Name
		case "ROW END":
			period[1] = c.Name
		}
		parts = append(parts, columnDefinition(c))
	}
	if len(parts) == 0 {
		return "", fmt.Errorf("table %s has no columns that could be read", t.Name)
	}
	if t.PrimaryKey != nil {
		parts = append(parts, "PRIMARY KEY ("+keyParts(t.PrimaryKey)+")"+keyOptions(t.PrimaryKey))
	}
	for i := range t.Unique {
		parts = append(parts, "UNIQUE KEY "+quote(t.Unique[i].Name)+" ("+keyParts(&t.Unique[i])+")"+keyOptions(&t.Unique[i]))
	}
	for i := range t.Indexes {
		if early(t, &t.Indexes[i]) {
			parts = append(parts, indexDefinition(&t.Indexes[i]))
		}
	}
	if period[0] != "" && period[1] != "" {
		parts = append(parts, "PERIOD FOR SYSTEM_TIME ("+quote(period[0])+", "+quote(period[1])+")")
	}
	for _, c := range t.Checks {
		sql := "CHECK (" + c.Expr + ")"
		if c.Name != "" {
			sql = "CONSTRAINT " + quote(c.Name) + " " + sql
		}
		if c.NotEnforced {
			sql += " NOT ENFORCED"
		}
		parts = append(parts, sql)
	}
	return "CREATE TABLE " + qualified(t.Name) + " (\n  " + strings.Join(parts, ",\n  ") + "\n)" + tableOptions(t) + partitions(t), nil
}

func columnDefinition(c *schema.Column) string {
	sql := quote(c.Name) + " " + c.Type
	if c.Collation != "" {
		sql += " COLLATE " + c.Collation
	}
	switch {
	case c.Generated == "ROW START" || c.Generated == "ROW END":
		sql += " GENERATED ALWAYS AS " + c.Generated
	case c.Generated != "":
		sql += " GENERATED ALWAYS AS (" + c.Generated + ")"
		if c.Stored {
			sql += " STORED"
		} else {
			sql += " VIRTUAL"
		}
		if !c.Nullable {
			sql += " NOT NULL"
		}
	case c.Nullable:
		sql += " NULL"
	default:
		sql += " NOT NULL"
	}
	if c.Hidden {
		sql += " INVISIBLE"
	}
	if c.Default != nil {
		sql += " DEFAULT " + defaultText(*c.Default)
	}
	if c.OnUpdate != "" {
		sql += " ON UPDATE " + c.OnUpdate
	}
	if c.Identity != "" {
		sql += " AUTO_INCREMENT"
	}
	if c.Properties["system_versioning"] == "without" {
		sql += " WITHOUT SYSTEM VERSIONING"
	}
	if c.Comment != "" {
		sql += " COMMENT " + literal(c.Comment)
	}
	return sql
}

// defaultText puts parentheses around what is no constant.
func defaultText(expr string) string {
	all, err := tokens(expr)
	if err != nil {
		return expr
	}
	one := len(all) == 1 || len(all) == 2 && (all[0].is(expr, "-") || all[0].is(expr, "b") || all[0].is(expr, "x"))
	number := len(all) > 2 && strings.Trim(expr, "-+.0123456789eE") == ""
	if one || number || now(expr) == expr && strings.HasPrefix(expr, "CURRENT_TIMESTAMP") {
		return expr
	}
	return "(" + expr + ")"
}

func keyParts(k *schema.Key) string {
	parts := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		p := schema.IndexPart{Column: c}
		if i < len(k.Prefixes) {
			p.Prefix = k.Prefixes[i]
		}
		p.Desc = i < len(k.Desc) && k.Desc[i]
		parts[i] = partDefinition(p)
	}
	return strings.Join(parts, ", ")
}

func keyOptions(k *schema.Key) string {
	sql := ""
	if m := k.Properties["method"]; m != "" {
		sql += " USING " + strings.ToUpper(m)
	}
	if c := k.Properties["comment"]; c != "" {
		sql += " COMMENT " + literal(c)
	}
	return sql
}

func partDefinition(p schema.IndexPart) string {
	sql := quote(p.Column)
	if p.Column == "" {
		sql = "(" + p.Expr + ")"
	}
	if p.Prefix > 0 {
		sql += fmt.Sprintf("(%d)", p.Prefix)
	}
	if p.Desc {
		sql += " DESC"
	}
	return sql
}

// early reports an index that the table cannot be made without: an AUTO_INCREMENT column leads some index.
func early(t *schema.Table, x *schema.Index) bool {
	c, ok := t.Column(x.Parts[0].Column)
	return ok && c.Identity != ""
}

func lateIndexes(t *schema.Table) []string {
	var list []string
	for i := range t.Indexes {
		if !early(t, &t.Indexes[i]) {
			list = append(list, indexDefinition(&t.Indexes[i]))
		}
	}
	return list
}

func indexDefinition(x *schema.Index) string {
	sql, using := "KEY ", ""
	switch {
	case x.Method == "fulltext", x.Method == "spatial":
		sql = strings.ToUpper(x.Method) + " KEY "
	case x.Unique:
		sql = "UNIQUE KEY "
	}
	if x.Method == "btree" || x.Method == "hash" && !x.Unique {
		using = " USING " + strings.ToUpper(x.Method)
	}
	parts := make([]string, len(x.Parts))
	for i, p := range x.Parts {
		parts[i] = partDefinition(p)
		if x.Method == "fulltext" {
			parts[i] = quote(p.Column)
		}
	}
	sql += quote(x.Name) + " (" + strings.Join(parts, ", ") + ")" + using
	if x.Comment != "" {
		sql += " COMMENT " + literal(x.Comment)
	}
	if x.Hidden {
		sql += " /*M! IGNORED */ /*!80000 INVISIBLE */"
	}
	return sql
}

func foreignKeys(t *schema.Table) []string {
	list := make([]string, len(t.ForeignKeys))
	for i, f := range t.ForeignKeys {
		sql := "FOREIGN KEY (" + quoteAll(f.Columns) + ") REFERENCES " + qualified(f.RefTable) + " (" + quoteAll(f.RefColumns) + ")"
		if f.Name != "" {
			sql = "CONSTRAINT " + quote(f.Name) + " " + sql
		}
		if f.OnDelete != "no action" {
			sql += " ON DELETE " + strings.ToUpper(f.OnDelete)
		}
		if f.OnUpdate != "no action" {
			sql += " ON UPDATE " + strings.ToUpper(f.OnUpdate)
		}
		list[i] = sql
	}
	return list
}

// tableOptions writes the options in their order of meaning; those of CREATE_OPTIONS by name.
func tableOptions(t *schema.Table) string {
	sql := ""
	if e := t.Options["engine"]; e != "" {
		sql += " ENGINE = " + e
	}
	if c := t.Options["collation"]; c != "" {
		sql += " DEFAULT COLLATE = " + c
	}
	if f := t.Options["row_format"]; f != "" {
		sql += " ROW_FORMAT = " + strings.ToUpper(f)
	}
	var names []string
	for name := range t.Options {
		switch name {
		case "engine", "collation", "row_format", "system_versioning":
		default:
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		value := t.Options[name]
		if !plain(value) && strings.Trim(value, "0123456789") != "" {
			value = literal(value)
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" {
			name = strings.ToUpper(name)
		} else {
			name = quote(name)
		}
		sql += " " + name + " = " + value
	}
	if t.Comment != "" {
		sql += " COMMENT = " + literal(t.Comment)
	}
	if t.Options["system_versioning"] != "" {
		sql += " WITH SYSTEM VERSIONING"
	}
	return sql
}

// partitions writes the key and the parts. Parts without values of their own (hash and key) keep their names too.
func partitions(t *schema.Table) string {
	switch {
	case t.PartitionBy == "":
		return ""
	case len(t.Partitions) == 0: // the server makes them
		return " PARTITION BY " + t.PartitionBy
	}
	list := make([]string, len(t.Partitions))
	for i, p := range t.Partitions {
		list[i] = strings.TrimSpace("PARTITION " + quote(p.Name.Name) + " " + p.Bound)
	}
	return " PARTITION BY " + t.PartitionBy + " (" + strings.Join(list, ", ") + ")"
}
