package sqlite

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// ddl writes a schema from the model alone. All constraints stand behind the columns, where SQLite takes them as well.
func ddl(db *schema.Database) (beforeRows, afterRows []string, err error) {
	if db.Engine != "" && db.Engine != name {
		return nil, nil, fmt.Errorf("the schema is of engine %s, not of sqlite", db.Engine)
	}
	beforeRows = settingStatements(db.Settings)
	for i := range db.Tables {
		sql, err := createTable(&db.Tables[i])
		if err != nil {
			return nil, nil, err
		}
		beforeRows = append(beforeRows, sql)
	}
	for i := range db.Tables {
		for j := range db.Tables[i].Indexes {
			afterRows = append(afterRows, createIndex(&db.Tables[i], &db.Tables[i].Indexes[j]))
		}
	}
	// SQLite resolves a view when it is read, so that their order does not matter; triggers may stand on views.
	for _, v := range db.Views {
		afterRows = append(afterRows, createView(v))
	}
	for _, t := range db.Triggers {
		afterRows = append(afterRows, "CREATE TRIGGER "+quote(t.Name)+" "+t.Definition)
	}
	return beforeRows, afterRows, nil
}

func createTable(t *schema.Table) (string, error) {
	if t.Name.Schema != "" {
		return "", fmt.Errorf("table %s: sqlite has no schemas", t.Name)
	}
	if len(t.Columns) == 0 {
		return "", fmt.Errorf("table %s has no columns", t.Name)
	}
	var lines []string
	for i := range t.Columns {
		lines = append(lines, columnDefinition(t, &t.Columns[i]))
	}
	if k := t.PrimaryKey; k != nil && !descendingInteger(t) {
		auto := ""
		if c, ok := t.Column(k.Columns[0]); ok && len(k.Columns) == 1 && c.Identity == "autoincrement" {
			auto = " AUTOINCREMENT"
		}
		lines = append(lines, constraint(k.Name)+"PRIMARY KEY ("+keyColumns(k)+auto+")"+conflict(k.OnConflict))
	}
	for i := range t.Unique {
		lines = append(lines, constraint(t.Unique[i].Name)+"UNIQUE ("+keyColumns(&t.Unique[i])+")"+conflict(t.Unique[i].OnConflict))
	}
	for _, c := range t.Checks {
		lines = append(lines, constraint(c.Name)+"CHECK ("+c.Expr+")")
	}
	// The pragma numbers foreign keys from the last one on; their order means nothing.
	for i := range t.ForeignKeys {
		lines = append(lines, foreignKey(&t.ForeignKeys[i]))
	}
	return "CREATE TABLE " + quote(t.Name.Name) + " (\n  " + strings.Join(lines, ",\n  ") + "\n)" + tableOptions(t), nil
}

func tableOptions(t *schema.Table) string {
	var options []string
	if t.Options["strict"] == "true" {
		options = append(options, "STRICT")
	}
	if t.Options["without_rowid"] == "true" {
		options = append(options, "WITHOUT ROWID")
	}
	if len(options) == 0 {
		return ""
	}
	return " " + strings.Join(options, ", ")
}

// descendingInteger is INTEGER PRIMARY KEY DESC, which by an old quirk is no alias of
// the rowid, and only so behind the column.
func descendingInteger(t *schema.Table) bool {
	k := t.PrimaryKey
	if k == nil || len(k.Columns) != 1 || len(k.Desc) != 1 || !k.Desc[0] || t.Options["without_rowid"] == "true" {
		return false
	}
	c, ok := t.Column(k.Columns[0])
	return ok && strings.EqualFold(c.Type, "INTEGER")
}

func columnDefinition(t *schema.Table, c *schema.Column) string {
	var b strings.Builder
	b.WriteString(quote(c.Name))
	if c.Type != "" {
		b.WriteString(" " + c.Type)
	}
	if descendingInteger(t) && t.PrimaryKey.Columns[0] == c.Name {
		b.WriteString(" " + constraint(t.PrimaryKey.Name) + "PRIMARY KEY DESC" + conflict(t.PrimaryKey.OnConflict))
	}
	if !c.Nullable && !rowidColumn(t, c) {
		b.WriteString(" NOT NULL" + conflict(c.OnConflict))
	}
	if c.Collation != "" {
		b.WriteString(" COLLATE " + quote(c.Collation))
	}
	if c.Default != nil {
		b.WriteString(" DEFAULT " + defaultText(*c.Default))
	}
	if c.Generated != "" {
		b.WriteString(" GENERATED ALWAYS AS (" + c.Generated + ")")
		if c.Stored {
			b.WriteString(" STORED")
		} else {
			b.WriteString(" VIRTUAL")
		}
	}
	return b.String()
}

// rowidColumn reports whether the column is the rowid, which is never null without saying so.
func rowidColumn(t *schema.Table, c *schema.Column) bool {
	k := t.PrimaryKey
	return k != nil && len(k.Columns) == 1 && k.Columns[0] == c.Name && strings.EqualFold(c.Type, "INTEGER") && t.Options["without_rowid"] != "true" && !descendingInteger(t)
}

// defaultText puts an expression in parentheses. A single word or literal stays bare: DEFAULT
// abc is a text, DEFAULT (abc) is a column.
func defaultText(text string) string {
	list := meaningful(text)
	if len(list) == 1 || len(list) == 2 && (list[0].punct("-") || list[0].punct("+")) && list[1].kind == tokenNumber {
		return text
	}
	return "(" + text + ")"
}

// constraint is the clause that names what follows.
func constraint(name string) string {
	if name == "" {
		return ""
	}
	return "CONSTRAINT " + quote(name) + " "
}

func conflict(clause string) string {
	if clause == "" {
		return ""
	}
	return " ON CONFLICT " + strings.ToUpper(clause)
}

func keyColumns(k *schema.Key) string {
	var list []string
	for i, c := range k.Columns {
		part := quote(c)
		if i < len(k.Collations) && k.Collations[i] != "" {
			part += " COLLATE " + quote(k.Collations[i])
		}
		if i < len(k.Desc) && k.Desc[i] {
			part += " DESC"
		}
		list = append(list, part)
	}
	return strings.Join(list, ", ")
}

func foreignKey(fk *schema.ForeignKey) string {
	var b strings.Builder
	b.WriteString(constraint(fk.Name) + "FOREIGN KEY (" + quoteAll(fk.Columns) + ") REFERENCES " + quote(fk.RefTable.Name))
	if len(fk.RefColumns) > 0 {
		b.WriteString(" (" + quoteAll(fk.RefColumns) + ")")
	}
	if fk.OnDelete != "" && fk.OnDelete != "no action" {
		b.WriteString(" ON DELETE " + strings.ToUpper(fk.OnDelete))
	}
	if fk.OnUpdate != "" && fk.OnUpdate != "no action" {
		b.WriteString(" ON UPDATE " + strings.ToUpper(fk.OnUpdate))
	}
	if fk.Deferrable {
		b.WriteString(" DEFERRABLE")
		if fk.InitiallyDeferred {
			b.WriteString(" INITIALLY DEFERRED")
		}
	}
	return b.String()
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return strings.Join(quoted, ", ")
}

func createIndex(t *schema.Table, ix *schema.Index) string {
	var list []string
	for _, p := range ix.Parts {
		part := p.Expr
		if p.Column != "" {
			part = quote(p.Column)
		}
		if p.Collation != "" {
			part += " COLLATE " + quote(p.Collation)
		}
		if p.Desc {
			part += " DESC"
		}
		list = append(list, part)
	}
	sql := "CREATE "
	if ix.Unique {
		sql += "UNIQUE "
	}
	sql += "INDEX " + quote(ix.Name) + " ON " + quote(t.Name.Name) + " (" + strings.Join(list, ", ") + ")"
	if ix.Where != "" {
		sql += " WHERE " + ix.Where
	}
	return sql
}

func createView(v schema.View) string {
	sql := "CREATE VIEW " + quote(v.Name.Name)
	if len(v.Columns) > 0 {
		sql += " (" + quoteAll(v.Columns) + ")"
	}
	return sql + " AS " + v.Definition
}
