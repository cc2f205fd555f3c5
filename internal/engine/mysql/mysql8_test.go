package mysql

import (
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// What MySQL 8.0 and 8.4 print in information_schema, as their manuals show it: no such server can be had from a distribution here.

func mysqlRecord(values map[string]string) *record {
	r := &record{index: map[string]int{}}
	for column, value := range values {
		r.index[column] = len(r.row)
		r.row = append(r.row, engine.Cell{Type: engine.CellText, Data: []byte(value)})
	}
	return r
}

func TestMySQL8sColumnsBecomeTheModelOfMariaDBs(t *testing.T) {
	k := &catalog{c: &conn{server: newServer("8.4.3")}, name: "shop", tables: map[string]*tableDraft{}, unread: map[string][]string{}}
	table := &tableDraft{tabledef: "utf8mb4_0900_ai_ci", json: map[string]bool{}}
	quoted := func(s string) *string { return &s }
	for _, c := range []struct {
		name   string
		values map[string]string
		want   schema.Column
	}{
		{"a text", map[string]string{"COLUMN_TYPE": "varchar(20)", "COLUMN_DEFAULT": `it's \`, "COLLATION_NAME": "utf8mb4_0900_ai_ci"}, schema.Column{Type: "varchar(20)", Default: quoted(`'it''s \\'`)}},
		{"a text of another collation", map[string]string{"COLUMN_TYPE": "varchar(20)", "COLLATION_NAME": "utf8_bin"}, schema.Column{Type: "varchar(20)", Collation: "utf8mb3_bin"}},
		{"an empty text", map[string]string{"COLUMN_TYPE": "char(1)", "COLUMN_DEFAULT": ""}, schema.Column{Type: "char(1)", Default: quoted("''")}},
		{"a number", map[string]string{"COLUMN_TYPE": "int unsigned", "COLUMN_DEFAULT": "7"}, schema.Column{Type: "int unsigned", Default: quoted("7")}},
		{"a bit", map[string]string{"COLUMN_TYPE": "bit(3)", "COLUMN_DEFAULT": "b'101'"}, schema.Column{Type: "bit(3)", Default: quoted("b'101'")}},
		{"a number with a width", map[string]string{"COLUMN_TYPE": "bigint(20) unsigned"}, schema.Column{Type: "bigint unsigned"}},
		{"a moment", map[string]string{"COLUMN_TYPE": "datetime(6)", "COLUMN_DEFAULT": "CURRENT_TIMESTAMP(6)", "EXTRA": "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(6)"}, schema.Column{Type: "datetime(6)", Default: quoted("CURRENT_TIMESTAMP(6)"), OnUpdate: "CURRENT_TIMESTAMP(6)"}},
		{"a date", map[string]string{"COLUMN_TYPE": "date", "COLUMN_DEFAULT": "0000-00-00"}, schema.Column{Type: "date", Default: quoted("'0000-00-00'")}},
		{"an expression", map[string]string{"COLUMN_TYPE": "varchar(40)", "COLUMN_DEFAULT": `concat(_utf8mb4\'a\',uuid())`, "EXTRA": "DEFAULT_GENERATED"}, schema.Column{Type: "varchar(40)", Default: quoted("concat('a',uuid())")}},
		{"a generated one", map[string]string{"COLUMN_TYPE": "int", "GENERATION_EXPRESSION": "(`n` * 2)", "EXTRA": "STORED GENERATED"}, schema.Column{Type: "int", Generated: "n * 2", Stored: true}},
		{"a generated text", map[string]string{"COLUMN_TYPE": "varchar(9)", "GENERATION_EXPRESSION": `concat(_utf8mb4\'it\\\'s\',` + "`select`)", "EXTRA": "VIRTUAL GENERATED"}, schema.Column{Type: "varchar(9)", Generated: "concat('it''s',`select`)"}},
		{"a number that is handed out", map[string]string{"COLUMN_TYPE": "bigint", "EXTRA": "auto_increment"}, schema.Column{Type: "bigint", Identity: "auto_increment"}},
		{"an invisible one", map[string]string{"COLUMN_TYPE": "int", "EXTRA": "INVISIBLE"}, schema.Column{Type: "int", Hidden: true}},
		{"json", map[string]string{"COLUMN_TYPE": "json"}, schema.Column{Type: "json"}},
	} {
		c.values["COLUMN_NAME"], c.values["IS_NULLABLE"] = "c", "YES"
		if c.values["COLLATION_NAME"] == "" {
			c.values["COLLATION_NAME"] = table.tabledef
		}
		got := k.column(mysqlRecord(c.values), table)
		c.want.Name, c.want.Nullable = "c", true
		if (got.Default == nil) != (c.want.Default == nil) || got.Default != nil && *got.Default != *c.want.Default {
			t.Errorf("%s: default %v", c.name, got.Default)
		}
		got.Default, c.want.Default = nil, nil
		if got.Type != c.want.Type || got.Collation != c.want.Collation || got.Generated != c.want.Generated || got.Stored != c.want.Stored || got.OnUpdate != c.want.OnUpdate || got.Identity != c.want.Identity || got.Hidden != c.want.Hidden {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := k.expression("((`lo` <= `hi`) or (`s` = _utf8mb4\\'it\\\\\\'s\\'))"); got != "lo <= hi or s = 'it''s'" {
		t.Errorf("a check is %s", got)
	}
}

func TestVersionsOfServers(t *testing.T) {
	for version, want := range map[string]server{
		"10.11.6-MariaDB-0+deb12u1":        {"10.11.6-MariaDB", true, 10, 11},
		"5.5.5-10.6.18-MariaDB-log":        {"10.6.18-MariaDB", true, 10, 6},
		"8.0.36-0ubuntu0.22.04.1":          {"8.0.36-0ubuntu0.22.04.1", false, 8, 0},
		"8.4.3":                            {"8.4.3", false, 8, 4},
		"11.4.2-MariaDB-1:11.4.2+maria~ub": {"11.4.2-MariaDB", true, 11, 4},
	} {
		if got := newServer(version); got != want {
			t.Errorf("%s: %+v, want %+v", version, got, want)
		}
	}
}
