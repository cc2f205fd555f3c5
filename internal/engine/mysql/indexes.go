package mysql

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// readIndexes reads keys and indexes. Here a unique index is a unique constraint whatever it was made as; only one over expressions, or one that queries
// do not use, is an index in the model.
func (k *catalog) readIndexes() error {
	type draft struct {
		schema.Index
		table *tableDraft
	}
	var drafts []*draft
	err := k.from("STATISTICS", "TABLE_SCHEMA", " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX", func(r *record) {
		t, ok := k.tables[r.text("TABLE_NAME")]
		if !ok {
			return
		}
		name := r.text("INDEX_NAME")
		if n := len(drafts); n == 0 || drafts[n-1].table != t || drafts[n-1].Name != name {
			d := &draft{table: t}
			d.Name, d.Unique, d.Method = name, r.text("NON_UNIQUE") == "0", strings.ToLower(r.text("INDEX_TYPE"))
			d.Comment = r.text("INDEX_COMMENT")
			d.Hidden = r.text("IGNORED") == "YES" || r.text("IS_VISIBLE") == "NO"
			drafts = append(drafts, d)
		}
		d := drafts[len(drafts)-1]
		part := schema.IndexPart{Column: r.text("COLUMN_NAME"), Desc: r.text("COLLATION") == "D"}
		part.NullsFirst = part.Desc // as IndexPart.Text leaves unsaid: there is no other order
		if e := r.text("EXPRESSION"); part.Column == "" && e != "" {
			part.Expr = k.expression(e)
		}
		if n := r.number("SUB_PART"); n > 0 && d.Method != "spatial" {
			part.Prefix = int(n)
		}
		d.Parts = append(d.Parts, part)
	})
	if err != nil {
		return err
	}
	for _, d := range drafts {
		d.table.index(d.Index)
	}
	return nil
}

// index puts an index where the model has it.
func (t *tableDraft) index(x schema.Index) {
	key := schema.Key{Name: x.Name}
	plain := x.Unique && !x.Hidden
	for _, p := range x.Parts {
		key.Columns = append(key.Columns, p.Column)
		key.Prefixes = append(key.Prefixes, p.Prefix)
		key.Desc = append(key.Desc, p.Desc)
		plain = plain && p.Expr == ""
	}
	if !slices.ContainsFunc(key.Prefixes, func(n int) bool { return n > 0 }) {
		key.Prefixes = nil
	}
	if !slices.Contains(key.Desc, true) {
		key.Desc = nil
	}
	key.Properties = t.keyProperties(x)
	switch {
	case x.Name == "PRIMARY":
		key.Name = ""
		t.PrimaryKey = &key
	case plain:
		t.Unique = append(t.Unique, key)
	default:
		x.Columns = t.indexed(x)
		t.Indexes = append(t.Indexes, x)
	}
}

// keyProperties are what a key has beside its columns. How it is kept is told where the engine would keep it otherwise: only MEMORY has a choice.
func (t *tableDraft) keyProperties(x schema.Index) map[string]string {
	p := map[string]string{}
	if x.Comment != "" {
		p["comment"] = x.Comment
	}
	if t.Options["engine"] == "MEMORY" && x.Method == "btree" {
		p["method"] = x.Method
	}
	if len(p) == 0 {
		return nil
	}
	return p
}

// indexed are the columns that an index reads.
func (t *tableDraft) indexed(x schema.Index) []string {
	var text []string
	for _, p := range x.Parts {
		if p.Expr != "" {
			text = append(text, p.Expr)
		} else {
			text = append(text, quote(p.Column))
		}
	}
	return columnsIn(&t.Table, strings.Join(text, " , "))
}

// readForeignKeys reads foreign keys. NO ACTION and RESTRICT are one thing here, and each server prints its favourite.
func (k *catalog) readForeignKeys() error {
	drafts := map[[2]string]*schema.ForeignKey{}
	err := k.from("REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA", "", func(r *record) {
		drafts[[2]string{r.text("TABLE_NAME"), r.text("CONSTRAINT_NAME")}] = &schema.ForeignKey{
			Name: r.text("CONSTRAINT_NAME"), OnDelete: action(r.text("DELETE_RULE")), OnUpdate: action(r.text("UPDATE_RULE")), Match: "simple",
		}
	})
	if err != nil || len(drafts) == 0 {
		return err
	}
	err = k.from("KEY_COLUMN_USAGE", "TABLE_SCHEMA", " AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION", func(r *record) {
		f, ok := drafts[[2]string{r.text("TABLE_NAME"), r.text("CONSTRAINT_NAME")}]
		if !ok {
			return
		}
		f.Columns = append(f.Columns, r.text("COLUMN_NAME"))
		f.RefColumns = append(f.RefColumns, r.text("REFERENCED_COLUMN_NAME"))
		f.RefTable = schema.Name{Schema: r.text("REFERENCED_TABLE_SCHEMA"), Name: r.text("REFERENCED_TABLE_NAME")}
		if f.RefTable.Schema == k.name {
			f.RefTable.Schema = ""
		}
	})
	for at, f := range drafts {
		if t, ok := k.tables[at[0]]; ok && len(f.Columns) > 0 {
			if madeUp(at[0], f.Name) {
				f.Name = ""
			}
			t.ForeignKeys = append(t.ForeignKeys, *f)
		}
	}
	return err
}

var ibfk = regexp.MustCompile(`^_ibfk_\d+$`)

// madeUp reports the name that InnoDB gives to a foreign key without one.
func madeUp(table, name string) bool {
	rest, ok := strings.CutPrefix(name, table)
	return ok && ibfk.MatchString(rest)
}

func action(rule string) string {
	if rule == "RESTRICT" || rule == "" {
		return "no action"
	}
	return strings.ToLower(rule)
}

func sorted(names []schema.Name) []schema.Name {
	sort.Slice(names, func(i, j int) bool { return names[i].Less(names[j]) })
	return names
}
