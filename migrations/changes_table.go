package migrations

import (
	"reflect"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// part is a column, key, check or index of a table, with the columns that it is about.
type part struct {
	value   any
	columns []string
}

// changesOfTable compares one table with itself: its columns, keys, checks and indexes, one by one.
func changesOfTable(name schema.Name, was, is *schema.Table) []changed {
	if was == nil || is == nil {
		return []changed{{kind: "table", name: name}}
	}
	var out []changed
	if !reflect.DeepEqual(was.Options, is.Options) || was.Comment != is.Comment || was.PartitionBy != is.PartitionBy || !slices.Equal(columnNamesInOrder(was), columnNamesInOrder(is)) {
		out = append(out, changed{kind: "table", name: name})
	}
	for _, x := range []struct {
		kind string
		of   func(*schema.Table) map[string]part
	}{{"column", columnParts}, {"constraint", constraintParts}, {"index", indexParts}} {
		was, is := x.of(was), x.of(is)
		for key := range union(was, is) {
			if !reflect.DeepEqual(was[key].value, is[key].value) {
				out = append(out, changed{x.kind, name, []string{key}, append(slices.Clone(was[key].columns), is[key].columns...)})
			}
		}
	}
	return out
}

func columnParts(t *schema.Table) map[string]part {
	m := map[string]part{}
	for _, c := range t.Columns {
		m[c.Name] = part{c, []string{c.Name}}
	}
	return m
}

// constraintParts are named as in addresses.
func constraintParts(t *schema.Table) map[string]part {
	m := map[string]part{}
	if k := t.PrimaryKey; k != nil {
		m[schema.AutoName(k.Name, "primary key", k.Columns, "")] = part{*k, k.Columns}
	}
	for _, k := range t.Unique {
		m[schema.AutoName(k.Name, "unique", k.Columns, "")] = part{k, k.Columns}
	}
	for _, k := range t.ForeignKeys {
		m[schema.AutoName(k.Name, "foreign key", k.Columns, k.RefTable.String())] = part{k, k.Columns}
	}
	for _, k := range t.Checks {
		m[schema.AutoName(k.Name, "check", nil, snapshot.Masked(k.Expr))] = part{k, checked(k, t)}
	}
	for _, k := range t.Exclusions {
		m[k.Name] = part{k, k.Columns}
	}
	return m
}

func indexParts(t *schema.Table) map[string]part {
	m := map[string]part{}
	for _, x := range t.Indexes {
		m[x.Name] = part{x, indexed(x, t)}
	}
	return m
}

func columnNamesInOrder(t *schema.Table) []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// checked are the columns that a check reads.
func checked(k schema.Check, t *schema.Table) []string {
	if len(k.Columns) > 0 {
		return k.Columns
	}
	return mentioned(k.Expr, t)
}

// indexed are the columns that an index reads.
func indexed(x schema.Index, t *schema.Table) []string {
	if len(x.Columns) > 0 {
		return x.Columns
	}
	text := x.Where
	var out []string
	for _, p := range x.Parts {
		if p.Column != "" {
			out = append(out, p.Column)
		}
		text += " " + p.Expr
	}
	return append(out, mentioned(text, t)...)
}

// mentioned are the columns of a table whose name stands as a word in a text.
func mentioned(text string, t *schema.Table) []string {
	words := wordsOf(text)
	var out []string
	for _, c := range t.Columns {
		if words[strings.ToLower(c.Name)] {
			out = append(out, c.Name)
		}
	}
	return out
}
