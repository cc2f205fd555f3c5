package database

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// layout says how the rows of a table are digested.
type layout struct {
	columns  []string // sorted by name: the order of columns is no difference of rows
	types    []logical
	kept     []bool // the policy keeps the column
	key      []int  // positions in columns; none for a bag of rows
	keyText  bool   // the policy keeps every key column
	byNumber bool   // the key is one whole number, whose remainder is the bucket
	asksFor  bool   // … in an engine that holds columns to their types, so that it can be asked for buckets
	values   bool   // kept values are written, too
}

func newLayout(engine string, t *schema.Table, keep func(table, column string) bool) layout {
	var l layout
	for i := range t.Columns {
		if t.Columns[i].Generated == "" {
			l.columns = append(l.columns, t.Columns[i].Name)
		}
	}
	sort.Strings(l.columns)
	for _, name := range l.columns {
		c, _ := t.Column(name)
		l.types = append(l.types, logicalOf(engine, c))
		l.kept = append(l.kept, keep != nil && keep(tableName(t.Name), name))
	}
	key := keyOf(t)
	l.keyText = len(key) > 0
	for _, name := range key {
		i := sort.SearchStrings(l.columns, name)
		l.key = append(l.key, i)
		l.keyText = l.keyText && l.kept[i]
	}
	if len(key) == 1 {
		c, _ := t.Column(key[0])
		l.byNumber = integerType(engine, c.Type)
		l.asksFor = l.byNumber && engine != "sqlite"
	}
	return l
}

// keyOf is the key that rows are paired by: the primary key, else the first unique key, else the first plain unique index, over columns that
// are not null and not generated.
func keyOf(t *schema.Table) []string {
	usable := func(columns []string) bool {
		for _, name := range columns {
			if c, ok := t.Column(name); !ok || c.Nullable || c.Generated != "" {
				return false
			}
		}
		return len(columns) > 0
	}
	if t.PrimaryKey != nil && usable(t.PrimaryKey.Columns) {
		return t.PrimaryKey.Columns
	}
	for _, k := range t.Unique {
		if usable(k.Columns) {
			return k.Columns
		}
	}
	for i := range t.Indexes {
		x := &t.Indexes[i]
		if !x.Unique || x.Where != "" || x.Invalid {
			continue
		}
		var columns []string
		for _, p := range x.Parts {
			columns = append(columns, p.Column) // "" for an expression is no column
		}
		if usable(columns) {
			return columns
		}
	}
	return nil
}

// integerType reports a type whose values are whole numbers, in engines that hold columns to their types.
func integerType(engine, t string) bool {
	t = strings.ToLower(t)
	switch engine {
	case "postgres":
		return t == "bigint" || t == "integer" || t == "smallint"
	case "mysql":
		name, _, _ := strings.Cut(t, " ")
		name, _, _ = strings.Cut(name, "(")
		return strings.HasSuffix(name, "int")
	}
	return strings.Contains(t, "int") // what is no number has a bucket by its digest
}
