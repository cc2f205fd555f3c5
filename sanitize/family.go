package sanitize

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// family is what a column's declared type can hold.
type family struct {
	kind familyKind
	typ  string  // lower case, without modifiers
	size int     // n of varchar(n)
	elem *family // of an array
	// fold is set where the type itself compares without case.
	fold bool
}

// element is the family of an array's elements, and f itself for what is no array.
func (f family) element() family {
	if f.elem != nil {
		return *f.elem
	}
	return f
}

type familyKind int

const (
	familyText familyKind = iota
	familyUntyped
	familyInteger
	familyReal
	familyBool
	familyDate
	familyTime
	familyUUID
	familyInet
	familyMAC
	familyJSON
	familyBytes
	familyArray
	familyXML
	familyHstore
	familyEnum
	familyVector // tsvector: the words of other columns
	familyOther  // geometry, ranges, composite types: only keep, set and drop
)

type families = []familyKind

func (f family) numeric() bool { return f.kind == familyInteger || f.kind == familyReal }

// maxInteger is the largest value the type holds, as digits.
func (f family) maxInteger() string {
	switch f.typ {
	case "smallint", "int2", "smallserial":
		return "32767"
	case "integer", "int", "int4", "serial":
		return "2147483647"
	case "tinyint":
		return "127"
	case "tinyint unsigned":
		return "255"
	case "smallint unsigned":
		return "65535"
	case "mediumint":
		return "8388607"
	case "mediumint unsigned":
		return "16777215"
	case "int unsigned":
		return "4294967295"
	}
	return "9223372036854775807"
}

// familyOf reads a column's type. SQLite's declared types bind no value, so there every family of text accepts every
// mask of text, and SQLite's integers are 64 bits wide whatever they are called.
func familyOf(engineName, typ string) family {
	base, size := splitType(typ)
	f := family{kind: familyOther, typ: base, size: size}
	if engineName == "sqlite" {
		f.kind, f.size = sqliteFamily(base), 0
		if f.kind == familyInteger {
			f.typ = "bigint"
		}
		return f
	}
	if strings.HasSuffix(base, "[]") {
		elem := familyOf(engineName, strings.TrimSuffix(typ, "[]"))
		f.kind, f.elem = familyArray, &elem
		return f
	}
	base = strings.TrimSuffix(strings.TrimSuffix(base, " zerofill"), " unsigned")
	if k, ok := typeFamilies[base]; ok {
		f.kind = k
	} else if parts := qualified(base); len(parts) > 1 { // the type of an extension, wherever that is installed
		switch last := parts[len(parts)-1]; last {
		case "citext", "hstore":
			f.kind, f.typ = typeFamilies[last], last
		}
	}
	f.fold = f.typ == "citext"
	return f
}

// types knows the types that a schema makes: PostgreSQL's domains and enumerations.
type types struct {
	engine  string
	domains map[string]string // what each is made of
	enums   map[string]bool
}

func newTypes(sch *schema.Database) *types {
	t := &types{engine: sch.Engine, domains: map[string]string{}, enums: map[string]bool{}}
	for i := range sch.Objects {
		o := &sch.Objects[i]
		switch o.Kind {
		case "domain":
			t.domains[typeKey(o.Name)] = o.Properties["type"]
		case "enum":
			t.enums[typeKey(o.Name)] = true
		}
	}
	return t
}

// typeKey is a name as qualified reads it: the default schema is printed as public.
func typeKey(n schema.Name) string {
	if n.Schema == "" {
		n.Schema = "public"
	}
	return n.Schema + "\x00" + n.Name
}

// family is familyOf through the domains that a type is made of.
func (t *types) family(typ string) family {
	if t.engine != "postgres" {
		return familyOf(t.engine, typ)
	}
	for range 16 { // domains over domains; the server allows no cycle
		array := strings.HasSuffix(typ, "[]")
		name := strings.Join(qualified(strings.TrimSuffix(typ, "[]")), "\x00")
		base, ok := t.domains[name]
		if !ok || array {
			break
		}
		typ = base
	}
	f := familyOf(t.engine, typ)
	switch elem, array := strings.CutSuffix(typ, "[]"); {
	case array:
		e := t.family(elem)
		f.elem = &e
	case t.enums[strings.Join(qualified(typ), "\x00")]:
		f.kind = familyEnum
	}
	return f
}

// qualified splits a type's name as the server prints it: public.mood, "My Schema"."Odd ""Type""".
func qualified(typ string) []string {
	var parts []string
	var b strings.Builder
	quoted := false
	for i := 0; i < len(typ); i++ {
		switch c := typ[i]; {
		case c == '"' && quoted && i+1 < len(typ) && typ[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(parts, b.String())
}

var typeFamilies = map[string]familyKind{
	"text": familyText, "character varying": familyText, "varchar": familyText, "character": familyText, "char": familyText, "bpchar": familyText,
	"citext": familyText, "name": familyText, "tinytext": familyText, "mediumtext": familyText, "longtext": familyText,
	"xml": familyXML, "hstore": familyHstore, "tsvector": familyVector, "enum": familyEnum, "set": familyEnum,
	"smallint": familyInteger, "integer": familyInteger, "int": familyInteger, "bigint": familyInteger, "tinyint": familyInteger, "mediumint": familyInteger, "int2": familyInteger, "int4": familyInteger, "int8": familyInteger,
	"numeric": familyReal, "decimal": familyReal, "real": familyReal, "double precision": familyReal, "double": familyReal, "float": familyReal, "float4": familyReal, "float8": familyReal, "money": familyOther,
	"boolean": familyBool, "bool": familyBool,
	"date": familyDate, "timestamp": familyDate, "timestamp without time zone": familyDate, "timestamp with time zone": familyDate, "timestamptz": familyDate, "datetime": familyDate,
	"time": familyTime, "time without time zone": familyTime, "time with time zone": familyTime, "interval": familyTime, "year": familyTime,
	"uuid": familyUUID, "inet": familyInet, "cidr": familyInet, "inet4": familyInet, "inet6": familyInet, "macaddr": familyMAC, "macaddr8": familyMAC, "json": familyJSON, "jsonb": familyJSON,
	"bytea": familyBytes, "blob": familyBytes, "tinyblob": familyBytes, "mediumblob": familyBytes, "longblob": familyBytes, "binary": familyBytes, "varbinary": familyBytes,
}

// sqliteFamily follows the affinity rules (sqlite.org/datatype3.html §3.1), with
// dates, booleans and JSON recognised by name.
func sqliteFamily(base string) familyKind {
	switch {
	case base == "":
		return familyUntyped
	case base == "boolean" || base == "bool":
		return familyBool
	case strings.Contains(base, "int"):
		return familyInteger
	case strings.Contains(base, "char"), strings.Contains(base, "clob"), strings.Contains(base, "text"):
		return familyText
	case strings.Contains(base, "blob"):
		return familyBytes
	case strings.Contains(base, "json"):
		return familyText
	case strings.HasPrefix(base, "date"), strings.HasPrefix(base, "timestamp"):
		return familyDate
	case strings.Contains(base, "real"), strings.Contains(base, "floa"), strings.Contains(base, "doub"), base == "numeric", base == "decimal":
		return familyReal
	}
	return familyUntyped
}

// splitType cuts "character varying(40)" into "character varying" and 40; "timestamp(3)
// without time zone" into its name and 3.
func splitType(typ string) (base string, size int) {
	t := strings.ToLower(strings.TrimSpace(typ))
	open, end := strings.IndexByte(t, '('), strings.IndexByte(t, ')')
	if open < 0 || end < open {
		return t, 0
	}
	for _, c := range t[open+1 : end] {
		if c < '0' || c > '9' || size > 1<<30 {
			break
		}
		size = size*10 + int(c-'0')
	}
	return strings.TrimSpace(strings.TrimSpace(t[:open]) + t[end+1:]), size
}
