package schema

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesOfUnnamedConstraintsFollowFromTheirStructure(t *testing.T) {
	for _, c := range []struct {
		own, kind string
		columns   []string
		rest      string
		want      string
	}{
		{"orders_total_check", "check", []string{"total"}, "total > 0", "orders_total_check"},
		{"", "check", []string{"total"}, "total > 0", "check(total) total > 0"},
		{"", "unique", []string{"a", "b"}, "", "unique(a,b)"},
	} {
		if got := AutoName(c.own, c.kind, c.columns, c.rest); got != c.want {
			t.Errorf("AutoName(%q, %q, %v, %q) = %q, want %q", c.own, c.kind, c.columns, c.rest, got, c.want)
		}
	}
}

func TestIndexPartText(t *testing.T) {
	for _, c := range []struct {
		part IndexPart
		want string
	}{
		{IndexPart{Column: "email"}, "email"},
		{IndexPart{Expr: "lower(email)", OpClass: "text_pattern_ops"}, "lower(email) text_pattern_ops"},
		{IndexPart{Column: "name", Prefix: 20, Collation: "nocase"}, "name(20) collate nocase"},
		{IndexPart{Column: "at", Desc: true, NullsFirst: true}, "at desc"}, // nulls come first in descending order unless said otherwise
		{IndexPart{Column: "at", Desc: true}, "at desc nulls last"},
		{IndexPart{Column: "at", NullsFirst: true}, "at nulls first"},
	} {
		if got := c.part.Text(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.part, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	plain, qualified := Name{Name: "orders"}, Name{"audit", "orders"}
	if plain.String() != "orders" || qualified.String() != "audit.orders" {
		t.Errorf("names read %s and %s", plain, qualified)
	}
	if got := strings.Join(qualified.Idents("id"), "|"); got != "audit|orders|id" {
		t.Errorf("identifiers %s", got)
	}
	names := []Name{qualified, {Name: "users"}, plain}
	slices.SortFunc(names, func(a, b Name) int {
		if a.Less(b) {
			return -1
		}
		return 1
	})
	if names[0] != plain || names[2] != qualified {
		t.Errorf("order %v: the default schema comes first", names)
	}
}

func TestTablesAndColumnsAreFoundByName(t *testing.T) {
	d := Database{Tables: []Table{{Name: Name{Name: "a"}}, {Name: Name{"x", "a"}, Columns: []Column{{Name: "id"}}}}}
	found, ok := d.Table(Name{"x", "a"})
	if !ok || len(found.Columns) != 1 {
		t.Fatalf("x.a is %v, %v", found, ok)
	}
	found.Comment = "the table itself, no copy"
	if d.Tables[1].Comment == "" {
		t.Error("Table returned a copy")
	}
	if _, ok := found.Column("ID"); ok {
		t.Error("column names are compared without regard to case")
	}
	if _, ok := d.Table(Name{Name: "b"}); ok {
		t.Error("a table that is not there was found")
	}
}
