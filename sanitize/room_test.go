package sanitize

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
)

// A masked value is never longer than its column, whatever the mask puts behind a host name.
func TestMaskedValuesFitTheirColumns(t *testing.T) {
	long := strings.Repeat("x", 230) + "@mail.example"
	for _, c := range []struct{ engine, typ, collation, mask, value string }{
		{"mysql", "tinytext", "utf8mb4_general_ci", "email", long},
		{"mysql", "tinytext", "utf8mb4_general_ci", "email", strings.Repeat("é", 115) + "@mail.example"},
		{"mysql", "tinytext", "utf16_general_ci", "email", strings.Repeat("x", 100) + "@mail.example"},
		{"mysql", "varbinary(16)", "", "email", "me@mail.example"},
		{"mysql", "varchar(16)", "latin1_swedish_ci", "email", "me@mail.example"},
		{"mysql", "varchar(60)", "utf8mb4_general_ci", "json", `{"a":"me@mail.example","b":["https://you.example/x?y=1"]}`},
		{"mysql", "tinytext", "utf8mb4_general_ci", "xml", "<a><b>" + strings.Repeat("x", 210) + "</b><c>someone@mail.example</c></a>"},
		{"mysql", "tinytext", "", "url", "https://shop.example/" + strings.Repeat("p", 230)},
		{"mysql", "varchar(16)", "ascii_bin", "ip", "fe80::1"},
		{"postgres", "varchar(9)", "", "ip", "1.1.1.1"},
		{"postgres", "character varying(30)", "", "json", `{"mail": "me@mail.example"}`},
	} {
		f := familyOf(c.engine, c.typ)
		l := limitsOf(c.engine, &schema.Column{Type: c.typ, Collation: c.collation}, f)
		if l.none() {
			t.Errorf("%s: no limit", c.typ)
		}
		for _, o := range []maskOptions{{limits: l}, {limits: l, faithful: true}, {limits: l, unique: true}} {
			mask := masks[c.mask].make(keys.New(), o)
			got := mask.append(nil, []byte(c.value))
			if string(got) == c.value || l.holds([]byte(c.value)) && !l.holds(got) {
				t.Errorf("%s in %s %+v: %q", c.mask, c.typ, o, got)
			}
			if strings.HasPrefix(c.collation, "utf16") && 2*len(got) > 255 {
				t.Errorf("%s in %s: %d characters of two bytes", c.mask, c.typ, len(got))
			}
		}
	}
	if l := limitsOf("postgres", &schema.Column{Type: "text"}, familyOf("postgres", "text")); !l.none() {
		t.Errorf("PostgreSQL's text is limited: %+v", l)
	}
	if got := string(masks["json"].make(keys.New(), maskOptions{limits: limits{chars: 99}}).append(nil, []byte(`{"a": "me@mail.example"}`))); !strings.Contains(got, ".invalid") {
		t.Errorf("%s: there is room", got)
	}
}

func TestSetValuesFitTheirColumns(t *testing.T) {
	sch := &schema.Database{Engine: "mysql", Tables: []schema.Table{{Name: schema.Name{Name: "t"}, Columns: []schema.Column{
		{Name: "short", Type: "tinytext", Collation: "utf8mb4_general_ci"}, {Name: "plain", Type: "varchar(9)", Collation: "ascii_bin"}, {Name: "west", Type: "varchar(9)", Collation: "latin1_swedish_ci"},
		{Name: "three", Type: "varchar(9)", Collation: "utf8mb3_general_ci"}, {Name: "raw", Type: "varbinary(3)"}}}}}
	for _, c := range []struct{ column, value, want string }{
		{"short", strings.Repeat("é", 128), "t.short: the value is longer than tinytext holds"},
		{"short", strings.Repeat("é", 127), ""},
		{"plain", "é", "t.plain: the value has a character that the column's character set does not have (ascii_bin)"},
		{"west", "œuvre €", ""},
		{"west", "Łódź", "t.west: the value has a character"},
		{"three", "日本", ""},
		{"three", "😀", "t.three: the value has a character"},
		{"raw", "éé", "t.raw: the value is longer than varbinary(3) holds"},
	} {
		text := "tables: {t: {columns: {"
		for _, name := range []string{"short", "plain", "west", "three", "raw"} {
			if name == c.column {
				text += name + ": {set: \"" + c.value + "\"}, "
			} else {
				text += name + ": {set: \"\"}, "
			}
		}
		policy, err := ParsePolicy([]byte(text+"}}}"), "sanitize.yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, err = NewPlan(policy, sch, Keepable, nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.column, err)
		}
	}
}
