package sanitize

import (
	"bytes"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
)

// What a mask may keep of the values, as the report names it.
const (
	KeepsNull     = "null"     // NULL stays NULL, and '' and blanks stay as they are
	KeepsEquality = "equality" // equal values get equal pseudonyms, wherever the domain is named
	KeepsUnique   = "unique"   // different values get different pseudonyms
	KeepsFold     = "fold"     // so do values that differ in case or outer blanks only, and mask(lower(x)) = lower(mask(x))
	KeepsLength   = "length"   // in characters and bytes
	KeepsClass    = "class"    // digits stay digits, letters letters, separators where they are
	KeepsFormat   = "format"   // an e-mail address stays one, a date stays a date
	KeepsValidity = "validity" // right check digits stay right and wrong ones wrong
	KeepsSign     = "sign"     // and zero, and the number of digits
	KeepsOrder    = "order"    // of values that are further apart than the mask moves them
)

// cellMasker replaces the bytes of a value that is neither NULL nor blank, appending to dst. It cannot fail: what it
// does not recognise it masks by shape. It is not safe for concurrent use.
type cellMasker interface {
	append(dst, value []byte) []byte
}

// numberMasker is a cellMasker that masks numbers in its own way; for all others their digits are permuted. The
// result is a number of the same storage class.
type numberMasker interface {
	appendNumber(dst, value []byte) []byte
}

// maskOptions is what a plan decided about one column.
type maskOptions struct {
	unique   bool // an index, key, foreign key or pending migration needs an injective mask
	faithful bool // the copy lives for minutes: shape-preserving bijections; otherwise generated, one-way values
	maxChars int  // of the column's type or its length check, 0 is no limit
	// maxInteger is the largest integer of the domain's narrowest column, as digits; "" is 64 bits.
	maxInteger string
}

// oneWay reports whether nothing needs the way back.
func (o maskOptions) oneWay() bool { return !o.unique && !o.faithful }

// mask is one entry of the contract's list.
type mask struct {
	name string
	// accepts are the families of column types whose values it can hold.
	accepts families
	// keeps are the properties of every variant; unique is added when the column's variant is injective.
	keeps []string
	// injective reports whether a variant with these options maps different values to different pseudonyms.
	injective func(maskOptions) bool
	make      func(keys.Key, maskOptions) cellMasker
}

// shapeKeeps is what shape keeps in all its variants.
var shapeKeeps = []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass}

func notOneWay(o maskOptions) bool { return !o.oneWay() }

func whenUnique(o maskOptions) bool { return o.unique }

// masks is the registry: one line per mask.
var masks = func() map[string]mask {
	text := families{familyText, familyBytes, familyArray, familyUntyped}
	with := func(f ...familyKind) families { return append(append(families{}, text...), f...) }
	list := []mask{
		{"email", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsFormat}, notOneWay, newEmail},
		{"name", with(), shapeKeeps, notOneWay, newName},
		{"given-name", with(), shapeKeeps, notOneWay, newName},
		{"family-name", with(), shapeKeeps, notOneWay, newName},
		{"company", with(), shapeKeeps, notOneWay, newName},
		{"city", with(), shapeKeeps, notOneWay, newName},
		{"address", with(), shapeKeeps, notOneWay, newText},
		{"postcode", with(familyInteger), shapeKeeps, notOneWay, newText},
		{"username", with(), shapeKeeps, notOneWay, newText},
		{"text", with(), shapeKeeps, notOneWay, newText},
		{"phone", with(familyInteger), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass}, whenUnique, newPhone},
		{"date", with(familyDate, familyInteger), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsFormat, KeepsOrder}, always, newDate},
		{"birth-date", with(familyDate, familyInteger), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsFormat, KeepsOrder}, always, newDate},
		{"ip", with(familyInet), []string{KeepsNull, KeepsEquality, KeepsFormat}, whenUnique, newIP},
		{"mac", with(familyMAC), shapeKeeps, always, newMAC},
		{"geo", with(familyReal), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsClass, KeepsSign}, always, newGeo},
		{"iban", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsValidity}, always, newIBAN},
		{"card", with(familyInteger), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsValidity}, always, newCard},
		{"national-id", with(familyInteger), shapeKeeps, notOneWay, newText},
		{"url", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsFormat}, notOneWay, newURL},
		{"uuid", with(familyUUID), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsFormat}, notOneWay, newUUID},
		{"number", with(familyInteger, familyReal), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsSign}, always, newNumber},
		{"token", with(), shapeKeeps, notOneWay, newToken},
		{"hash", with(), shapeKeeps, notOneWay, newToken},
		{"json", with(familyJSON), []string{KeepsNull, KeepsEquality, KeepsFormat}, notOneWay, newJSON},
	}
	m := make(map[string]mask, len(list))
	for _, e := range list {
		m[e.name] = e
	}
	return m
}()

func always(maskOptions) bool { return true }

// Masks returns the names of all masks, sorted.
func Masks() []string {
	names := make([]string, 0, len(masks))
	for n := range masks {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// column masks the cells of one column: it keeps NULL and blanks, and chooses by storage
// class, since SQLite's columns hold any.
type column struct {
	family family
	value  cellMasker // the mask that the policy names
	number *number    // for numeric cells
	raw    *rawBytes  // for blobs that are no text
}

// newColumn builds the masker of a column in a domain: the same domain and mask always give the same pseudonyms.
func newColumn(key keys.Key, m mask, domain string, fam family, o maskOptions) *column {
	k := key.Derive("sanitize mask " + domain)
	c := &column{family: fam, value: m.make(k, o), raw: &rawBytes{f: newFeistel(k.Derive("bytes")), hex: newShape(k.Derive("bytes"), false)}}
	c.number = newNumber(k, o).(*number)
	return c
}

// append masks one cell that is not NULL, appending to dst.
func (c *column) append(dst []byte, cell engine.Cell) []byte {
	v := cell.Data
	if blank(v) {
		return append(dst, v...)
	}
	switch {
	case cell.Type == engine.CellInteger, cell.Type == engine.CellReal, cell.Type == engine.CellText && c.family.numeric():
		if m, ok := c.value.(numberMasker); ok {
			return m.appendNumber(dst, v)
		}
		return c.number.append(dst, v)
	case cell.Type == engine.CellBlob && !isText(v):
		return c.raw.append(dst, v)
	case c.family.kind == familyBytes && bytes.HasPrefix(v, []byte(`\x`)):
		return c.raw.appendHex(dst, v)
	}
	return c.value.append(dst, v)
}

// plainly is implemented by masks that keep some values because there is nothing in them to mask.
type plainly interface {
	// plain reports whether a value that is its own mask had nothing to mask.
	plain(value []byte) bool
}

// plain reports whether a cell that is its own mask is so because it holds no data: the limits of a
// type, zero, dates before year 2 and after 9998, JSON of keys and booleans, http://localhost/,
// characters without a letter or digit among them.
func (c *column) plain(cell engine.Cell) bool {
	if cell.Type == engine.CellInteger || cell.Type == engine.CellReal || c.family.numeric() {
		return c.number.plain(cell.Data)
	}
	if m, ok := c.value.(plainly); ok && m.plain(cell.Data) {
		return true
	}
	return !substance(cell.Data)
}

// substance reports whether there is a letter, a digit or a symbol in v.
func substance(v []byte) bool {
	for i := 0; i < len(v); {
		r, size := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsLetter(r) || unicode.IsNumber(r) || r >= 0x2600 && unicode.IsSymbol(r) {
			return true
		}
		i += size
	}
	return false
}

// blank reports whether v is empty or white space only.
func blank(v []byte) bool {
	for _, c := range v {
		if c != ' ' && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}

// rawBytes masks binary data: every byte may become any other, the length stays. Binary data stays binary: the walk
// passes over images that happen to be text, which keeps the map injective.
type rawBytes struct {
	f     *feistel
	hex   *shape
	radix []uint16
}

func (m *rawBytes) append(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	out := dst[start:]
	for len(m.radix) < len(out) {
		m.radix = append(m.radix, 256)
	}
	radix := m.radix[:len(out)]
	closed(out, isText, func(b []byte) {
		// A shift has no fixed point, and neither has its conjugate by the permutation.
		m.f.permute(b, radix)
		b[0]++
		m.f.invert(b, radix)
	})
	return dst
}

// appendHex masks binary data in PostgreSQL's text form: \x and hexadecimal digits.
func (m *rawBytes) appendHex(dst, v []byte) []byte {
	start := len(dst)
	dst = append(dst, v...)
	m.hex.in(hexMembers, dst[start+2:])
	return dst
}

// isText tells text from binary data.
func isText(v []byte) bool { return utf8.Valid(v) && bytes.IndexByte(v, 0) < 0 }

// kept lists what the column's variant of a mask keeps.
func (m mask) kept(o maskOptions) []string {
	out := append([]string(nil), m.keeps...)
	if m.injective(o) {
		out = append(out, KeepsUnique)
	} else if o.oneWay() {
		out = without(out, KeepsOrder)
	}
	sort.Strings(out)
	return out
}

func without(list []string, drop string) []string {
	var out []string
	for _, s := range list {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}

// family is what a column's declared type can hold.
type family struct {
	kind familyKind
	typ  string // lower case, without modifiers
	size int    // n of varchar(n)
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
	familyOther // enums, geometry, ranges, search vectors: only keep, set and drop
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
	}
	return "9223372036854775807"
}

// textSize is the limit in characters of a text type, 0 for none.
func (f family) textSize() int {
	if f.kind == familyText {
		return f.size
	}
	return 0
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
	if strings.HasSuffix(typ, "[]") {
		f.kind = familyArray
		return f
	}
	if k, ok := typeFamilies[base]; ok {
		f.kind = k
	}
	return f
}

var typeFamilies = map[string]familyKind{
	"text": familyText, "character varying": familyText, "varchar": familyText, "character": familyText, "char": familyText, "bpchar": familyText,
	"citext": familyText, "name": familyText, "tinytext": familyText, "mediumtext": familyText, "longtext": familyText, "xml": familyText,
	"smallint": familyInteger, "integer": familyInteger, "int": familyInteger, "bigint": familyInteger, "int2": familyInteger, "int4": familyInteger, "int8": familyInteger,
	"numeric": familyReal, "decimal": familyReal, "real": familyReal, "double precision": familyReal, "double": familyReal, "float": familyReal, "float4": familyReal, "float8": familyReal, "money": familyOther,
	"boolean": familyBool, "bool": familyBool,
	"date": familyDate, "timestamp": familyDate, "timestamp without time zone": familyDate, "timestamp with time zone": familyDate, "timestamptz": familyDate, "datetime": familyDate,
	"time": familyTime, "time without time zone": familyTime, "time with time zone": familyTime, "interval": familyTime, "year": familyTime,
	"uuid": familyUUID, "inet": familyInet, "cidr": familyInet, "macaddr": familyMAC, "macaddr8": familyMAC, "json": familyJSON, "jsonb": familyJSON,
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
