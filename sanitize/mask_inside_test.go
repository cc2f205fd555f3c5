package sanitize

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
)

func typedColumn(t testing.TB, mask, typ string, o maskOptions) *column {
	t.Helper()
	return newColumn(testKey(t), masks[mask], mask, familyOf("postgres", typ), o)
}

func TestDocumentsAreMaskedInside(t *testing.T) {
	for _, c := range []struct {
		name, mask, typ, value, want string // want is a regular expression for every variant
	}{
		{"text elements", "text", "text[]", `{anna,"O'Neil, \"Bob\"",NULL,"","a\\b"}`, `^\{[a-z]{4},"[A-Z]'[A-Z][a-z]{3}, \\"[A-Z][a-z]{2}\\"",NULL,"","[a-z]\\\\[a-z]"\}$`},
		{"the string NULL is no NULL", "text", "text[]", `{"NULL",null}`, `^\{"?[A-Z]{4}"?,null\}$`},
		{"nested arrays", "number", "integer[]", `{{1,2},{NULL,-305}}`, `^\{\{\d,\d\},\{NULL,-\d0?\d\d?\}\}$`},
		{"dimensions", "text", "text[]", `[0:1]={abc,def}`, `^\[0:1\]=\{[a-z]{3},[a-z]{3}\}$`},
		{"addresses in an array", "email", "text[]", `{a@b.example,"c d"}`, `^\{[a-z]@[a-z]\.[a-z]{7}\.invalid,"[a-z] [a-z]"\}$`},
		{"dates in an array", "date", "date[]", `{2024-05-12,infinity}`, `^\{\d{4}-[01]\d-[0-3]\d,infinity\}$`},
		{"documents in an array", "json", "jsonb[]", `{"{\"name\": \"Anna\"}"}`, `^\{"\{\\"name\\": \\"[A-Z][a-z]{3}\\"\}"\}$`},
		{"bytes in an array", "text", "bytea[]", `{"\\x616263"}`, `^\{"\\\\x[0-9a-f]{6}"\}$`},
		{"an empty array", "text", "text[]", `{}`, `^\{\}$`},
		{"hstore", "hstore", "public.hstore", `"name"=>"Anna \"A\" \\ Schmidt", "mail"=>"anna@mail.example", "none"=>NULL, "empty"=>""`,
			`^"name"=>"[A-Z][a-z]{3} \\"[A-Z]\\" \\\\ [A-Z][a-z]{6}", "mail"=>"[a-z]{4}@[a-z]{4}\.[a-z]{7}\.invalid", "none"=>NULL, "empty"=>""$`},
		{"an hstore's key that is data", "hstore", "public.hstore", `"anna@mail.example"=>"1"`, `^"[a-z]{4}@[a-z]{4}\.[a-z]{7}\.invalid"=>"\d"$`},
		{"an empty hstore", "hstore", "public.hstore", ``, `^$`},
		{"XML", "xml", "xml", `<?xml version="1.0"?><p xmlns="urn:a" born="1987-05-12"><!-- for Anna --><e:mail>anna@mail.example</e:mail>Herr &amp; Frau M&#252;ller<br/><![CDATA[<Anna>]]> &nbsp;</p>`,
			`^<\?xml version="1.0"\?><p xmlns="urn:a" born="\d{4}-[01]\d-[0-3]\d"><!-- [a-z]{3} [A-Z][a-z]{3} --><e:mail>[a-z]{4}@[a-z]{4}\.[a-z]{7}\.invalid</e:mail>[A-Z][a-z]{3} &amp; [A-Z][a-z]{3} [A-Z]&#\d+;[a-z]{4}<br/><!\[CDATA\[<[A-Z][a-z]{3}>\]\]> &nbsp;</p>$`},
		{"XML content without a root", "xml", "xml", `a<b/>c`, `^[a-z]<b/>[a-z]$`},
		{"JSON keeps its kinds", "json", "jsonb", `{"card": "4111 1111 1111 1111", "ip": "10.1.2.3", "mac": "00:1b:44:11:3a:b7", "n": 12.5, "u": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}`,
			`^\{"card": "[\d ]{19}", "ip": "[\d.]+", "mac": "[0-9a-f:]{17}", "n": \d\d\.\d, "u": "[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"\}$`},
	} {
		for _, o := range []maskOptions{unique, faithful, private} {
			col := typedColumn(t, c.mask, c.typ, o)
			got := col.text(c.value)
			if !regexp.MustCompile(c.want).MatchString(got) || got != typedColumn(t, c.mask, c.typ, o).text(c.value) {
				t.Errorf("%s, %+v: %s became %s", c.name, o, c.value, got)
			}
			if strings.Contains(got, "nna") || len(c.value) > 12 && got == c.value {
				t.Errorf("%s, %+v: %s is %s", c.name, o, c.value, got)
			}
		}
	}
}

func TestWhatStandsUnderATellingKeyReachesNobody(t *testing.T) {
	for mask, typ := range map[string]string{"json": "jsonb", "hstore": "public.hstore", "xml": "xml"} {
		value := map[string]string{"json": `{"phone": "0170 1234567", "apiKey": "00ff00ff00ff00ff00ff"}`, "hstore": `"phone"=>"0170 1234567", "apiKey"=>"00ff00ff00ff00ff00ff"`,
			"xml": `<a><phone>0170 1234567</phone><apiKey>00ff00ff00ff00ff00ff</apiKey></a>`}[mask]
		got := typedColumn(t, mask, typ, private).text(value)
		if !regexp.MustCompile(`0\d{3} 55501\d\d`).MatchString(got) || !regexp.MustCompile(`[0-9a-f]{20}`).MatchString(got) || strings.Contains(got, "00ff00") {
			t.Errorf("%s became %s", value, got)
		}
	}
}

// TestUnreadableDocumentsFailClosed: what is not understood is masked as a whole, so that a typed column refuses it, and nothing is expanded.
func TestUnreadableDocumentsFailClosed(t *testing.T) {
	for _, c := range []struct{ mask, typ, value string }{
		{"xml", "xml", `<!DOCTYPE a [<!ENTITY x "Anna Schmidt">]><a>&x;</a>`},
		{"xml", "xml", `<a><b>Anna Schmidt</a>`},
		{"xml", "xml", `<a b=Anna>Schmidt</a>`},
		{"xml", "xml", `<a>Anna & Schmidt</a>`},
		{"hstore", "public.hstore", `Anna=>Schmidt`},
		{"text", "text[]", `{Anna Schmidt`},
		{"text", "text[]", `{"Anna Schmidt}`},
		{"text", "text[]", `{Anna}Schmidt`},
	} {
		for _, o := range []maskOptions{faithful, private} {
			if got := typedColumn(t, c.mask, c.typ, o).text(c.value); strings.Contains(got, "Anna") || strings.Contains(got, "Schmidt") || len(got) != len(c.value) {
				t.Errorf("%s became %s", c.value, got)
			}
		}
	}
}

func TestEmptyDocumentsHoldNoData(t *testing.T) {
	for _, c := range []struct{ mask, typ, value string }{
		{"text", "text[]", "{NULL,NULL,NULL}"}, {"text", "text[]", `{"   ","",NULL}`}, {"hstore", "public.hstore", `"alpha"=>NULL, "beta"=>""`}, {"xml", "xml", "<alpha><beta/></alpha>"}, {"number", "integer[]", "{0,0,0,2147483647}"},
	} {
		col := newColumn(testKey(t), masks[c.mask], c.mask, familyOf("postgres", c.typ), maskOptions{maxInteger: "2147483647"})
		if got := col.text(c.value); got != c.value || !col.plain(textCell(c.value)) {
			t.Errorf("%s became %s", c.value, got)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	for _, s := range []string{`{a,"b c",NULL}`, `"a"=>"b", "c"=>NULL`, `<a b="c">d&#252;<!-- e --></a>`, `<![CDATA[x]]>`, `<?a b?>`, "{", `"`, "<a", "&#x;", "[1:2]={1,2}", `{"a":["b"]}`, "<a>\xff</a>"} {
		f.Add(s)
	}
	type kind struct{ mask, typ string }
	columns := map[kind][]*column{}
	for _, k := range []kind{{"text", "text[]"}, {"hstore", "public.hstore"}, {"xml", "xml"}, {"json", "jsonb"}, {"number", "integer[]"}} {
		for _, o := range []maskOptions{unique, faithful, private} {
			columns[k] = append(columns[k], newColumn(testKey(f), masks[k.mask], k.mask, familyOf("postgres", k.typ), o))
		}
	}
	f.Fuzz(func(t *testing.T, v string) {
		if len(v) > 512 {
			return
		}
		for k, variants := range columns {
			for i, c := range variants {
				got := c.text(v)
				if again := c.text(v); again != got {
					t.Fatalf("%v %d: %q is masked as %q and %q", k, i, v, got, again)
				}
				c.plain(textCell(v))
				switch k.mask {
				case "json":
					if json.Valid([]byte(v)) != json.Valid([]byte(got)) {
						t.Fatalf("%q became %q", v, got)
					}
				case "xml":
					if _, was := c.value.(*xmlMask).document(nil, []byte(v)); was && strictXML(v) && !strictXML(got) {
						t.Fatalf("%q became %q, which no parser reads", v, got)
					}
				}
			}
		}
	})
}

// strictXML asks another parser.
func strictXML(s string) bool {
	d := xml.NewDecoder(strings.NewReader("<root>" + s + "</root>"))
	for {
		if _, err := d.Token(); err == io.EOF {
			return true
		} else if err != nil {
			return false
		}
	}
}
