package database

import (
	"bytes"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// form is the canonical form of a text of a declared type.
func form(engineName, declared, value string) string {
	var scratch []byte
	c := engine.Cell{Type: engine.CellText, Data: []byte(value)}
	return string(canonical(nil, logicalOf(engineName, &schema.Column{Type: declared}), c, &scratch))
}

func TestValuesOfOneLogicalTypeHaveOneForm(t *testing.T) {
	type value struct{ engine, declared, text string }
	for _, c := range []struct {
		name  string
		equal []value
		other []value // each unlike all that are equal
	}{
		{"numbers", []value{{"postgres", "numeric", "1.500"}, {"mysql", "decimal(12,4)", "1.5000"}, {"mysql", "double", "1.5"}, {"postgres", "double precision", "1.5"}, {"postgres", "numeric", "+01.5"}, {"postgres", "double precision", "15e-1"}},
			[]value{{"postgres", "numeric", "1.51"}, {"postgres", "numeric", "-1.5"}, {"postgres", "text", "1.5"}, {"postgres", "numeric", "15"}, {"postgres", "numeric", "NaN"}}},
		{"large numbers", []value{{"postgres", "bigint", "123456789012"}, {"mysql", "bigint unsigned", "123456789012"}, {"mysql", "bigint(20) zerofill", "000123456789012"}, {"postgres", "numeric", "1.23456789012e11"}},
			[]value{{"postgres", "bigint", "123456789013"}}},
		{"zero", []value{{"postgres", "numeric", "0"}, {"postgres", "numeric", "-0.00"}, {"postgres", "boolean", "f"}, {"mysql", "tinyint(1)", "0"}, {"postgres", "double precision", "-0"}},
			[]value{{"postgres", "text", "f"}, {"postgres", "numeric", "f"}, {"postgres", "text", ""}}},
		{"floats of 32 bits", []value{{"postgres", "real", "0.1"}, {"mysql", "float", "0.10000000149011612"}}, []value{{"mysql", "double", "0.10000000149011612"}}},
		{"moments", []value{{"postgres", "timestamp with time zone", "2020-01-01 00:00:01.50+00"}, {"postgres", "timestamp(3) without time zone", "2020-01-01 00:00:01.5"}, {"mysql", "datetime(6)", "2020-01-01 00:00:01.500000"}, {"sqlite", "DATETIME", "2020-01-01T00:00:01.5Z"}},
			[]value{{"mysql", "datetime", "2020-01-01 00:00:01"}, {"postgres", "text", "2020-01-01 00:00:01.5"}}},
		{"padding", []value{{"postgres", "character(5)", "ab   "}, {"mysql", "char(5)", "ab"}}, []value{{"postgres", "character varying(5)", "ab   "}, {"postgres", "character(5)", " ab"}}},
		{"bytes", []value{{"postgres", "bytea", `\x6162`}}, []value{{"postgres", "text", "ab"}, {"postgres", "text", `\x6162`}, {"postgres", "bytea", `\x`}}},
		{"documents", []value{{"postgres", "jsonb", `{"a": [1, 2.0], "b": "é"}`}, {"mysql", "json", `{"b":"\u00e9","a":[1.0,2]}`}, {"sqlite", "JSON", `{"a":0,"b":"é","a":[1,2]}`}},
			[]value{{"mysql", "json", `{"b":"é","a":[2,1]}`}, {"mysql", "json", `{"b":"é","a":["1",2]}`}, {"mysql", "json", `{`}}},
		{"half characters", []value{{"postgres", "json", `"\ud800"`}}, []value{{"postgres", "json", `"\ud801"`}}},
		{"uuids", []value{{"postgres", "uuid", "9f8b2c10-0000-4000-8000-00000000abcd"}, {"sqlite", "UUID", "9F8B2C10-0000-4000-8000-00000000ABCD"}}, nil},
		{"texts", []value{{"postgres", "text", "NULL"}}, []value{{"postgres", "text", "null"}, {"postgres", "text", ""}, {"postgres", "text", "NULL "}}},
		{"dates and lists of dates", []value{{"postgres", "date", "2024-02-29"}, {"mysql", "date", "2024-02-29"}}, []value{{"postgres", "date[]", "{2024-02-29}"}, {"mysql", "date", "0000-00-00"}}},
	} {
		first := form(c.equal[0].engine, c.equal[0].declared, c.equal[0].text)
		for _, v := range c.equal {
			if got := form(v.engine, v.declared, v.text); got != first {
				t.Errorf("%s: %v is %q, the first %q", c.name, v, got, first)
			}
		}
		for _, v := range c.other {
			if got := form(v.engine, v.declared, v.text); got == first {
				t.Errorf("%s: %v is like the first", c.name, v)
			}
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"", "1.50", "-1e5", "1e-400", "0x10", `{"a":1}`, `\x00`, "2020-01-01 00:00:00.10+00", "::::::::::", "1e99999"} {
		f.Add(uint8(logicalNumber), []byte(s))
		f.Add(uint8(logicalJSON), []byte(s))
		f.Add(uint8(logicalTimestamp), []byte(s))
	}
	f.Fuzz(func(t *testing.T, is uint8, text []byte) {
		var scratch []byte
		kind := logical(is % uint8(logicalUntyped+1))
		once := canonical([]byte("before"), kind, engine.Cell{Type: engine.CellText, Data: bytes.Clone(text)}, &scratch)
		if !bytes.HasPrefix(once, []byte("before")) {
			t.Error("what stood before is changed")
		}
		if n, ok := number(text, &scratch); ok {
			first := bytes.Clone(n)
			if again, ok := number(first, &scratch); !ok || !bytes.Equal(first, again) {
				t.Errorf("%q is %q, and that is %q", text, first, again)
			}
		}
	})
}
