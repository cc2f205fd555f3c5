package sanitize

import (
	"bytes"
	"sort"
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
	KeepsValue    = "value"    // the value itself: no mask does
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
	limits        // of the domain's narrowest column
	// maxInteger is the largest integer of the domain's narrowest column, as digits; "" is 64 bits.
	maxInteger string
}

// oneWay reports whether nothing needs the way back.
func (o maskOptions) oneWay() bool { return !o.unique && !o.faithful }

// mask is one entry of the contract's list.
type mask struct {
	name string
	doc  string // what it does with a value, for docs/sanitize.md
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
	text := families{familyText, familyBytes, familyUntyped}
	with := func(f ...familyKind) families { return append(append(families{}, text...), f...) }
	list := []mask{
		{"email", "local part and domain each by itself, so people of one provider stay together; ends in `.invalid`. What is no address stays none", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsFormat}, notOneWay, newEmail},
		{"name", "invented, pronounceable; words, case and marks stay", with(), shapeKeeps, notOneWay, newName},
		{"given-name", "as `name`", with(), shapeKeeps, notOneWay, newName},
		{"family-name", "as `name`", with(), shapeKeeps, notOneWay, newName},
		{"company", "as `name`", with(), shapeKeeps, notOneWay, newName},
		{"city", "as `name`", with(), shapeKeeps, notOneWay, newName},
		{"address", "as `text`", with(), shapeKeeps, notOneWay, newProse},
		{"postcode", "letters and digits by shape", with(familyInteger), shapeKeeps, notOneWay, newText},
		{"username", "letters and digits by shape", with(), shapeKeeps, notOneWay, newText},
		{"text", "words stay words of the same length and case, digits digits. In a copy that is kept, e-mail addresses in a text end in `.invalid` (in a reserved top-level domain of the same length, `.zz`, `.alt`, `.test` or `.local`, if they have fewer than eleven characters), telephone numbers are of reserved ranges, payment cards and IBANs are masked as such", with(), shapeKeeps, notOneWay, newProse},
		{"phone", "`+999`, or 555-0100 to 555-0199, which nobody has; separators stay. Under a unique key digits are permuted, and a warning says so", with(familyInteger), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass}, whenUnique, newPhone},
		{"date", "becomes another day of the same 512: all dates are as plausible as before, so the result may be the day of somebody else, and the leak check compares a date with its own cell only. The format, midnight and markers such as 9999-12-31 stay; impossible dates stay impossible", with(familyDate, familyInteger), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsFormat, KeepsOrder}, always, newDate},
		{"birth-date", "as `date`", with(familyDate, familyInteger), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsFormat, KeepsOrder}, always, newDate},
		{"ip", "240.0.0.0/4 and 2001:db8::/32, which are never routed; under a unique key all bits are permuted", with(familyInet), []string{KeepsNull, KeepsEquality, KeepsFormat}, whenUnique, newIP},
		{"mac", "hexadecimal digits but the flags of the first byte", with(familyMAC), shapeKeeps, always, newMAC},
		{"geo", "digits below the tens of degrees; the sign stays", with(familyReal), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsClass, KeepsSign}, always, newGeo},
		{"iban", "account digits and letters; right check digits stay right, wrong ones wrong", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsValidity}, always, newIBAN},
		{"card", "digits; right check digits stay right, wrong ones wrong", with(familyInteger), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsValidity}, always, newCard},
		{"national-id", "letters and digits by shape", with(familyInteger), shapeKeeps, notOneWay, newText},
		{"url", "user, host (ends in `.invalid`), path, query and fragment; scheme, port and escapes stay", with(), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsFormat}, notOneWay, newURL},
		{"uuid", "hexadecimal digits but version and variant", with(familyUUID), []string{KeepsNull, KeepsEquality, KeepsFold, KeepsLength, KeepsClass, KeepsFormat}, notOneWay, newUUID},
		{"number", "digits; sign, zero and the number of digits stay", with(familyInteger, familyReal), []string{KeepsNull, KeepsEquality, KeepsLength, KeepsSign}, always, newNumber},
		{"token", "by shape; hexadecimal stays so, and the algorithm and cost of password hashes stay", with(), shapeKeeps, notOneWay, newToken},
		{"hash", "as `token`", with(), shapeKeeps, notOneWay, newToken},
		{"json", "strings and numbers inside, each as what it looks like; keys, structure, booleans and nulls stay", with(familyJSON), []string{KeepsNull, KeepsEquality, KeepsFormat}, notOneWay, newJSON},
		{"hstore", "values inside, each as what it looks like; keys and NULLs stay", families{familyHstore}, []string{KeepsNull, KeepsEquality, KeepsFormat}, notOneWay, newHstore},
		{"xml", "text, attributes, comments and CDATA inside, each as what it looks like; names and nesting stay, nothing is expanded. What declares entities or is not well-formed is masked as a whole, and a column of the type xml refuses it", with(familyXML), []string{KeepsNull, KeepsEquality, KeepsFormat}, never, newXML},
	}
	m := make(map[string]mask, len(list))
	for _, e := range list {
		m[e.name] = e
	}
	return m
}()

func always(maskOptions) bool { return true }

func never(maskOptions) bool { return false }

// Masks returns the names of all masks, sorted.
func Masks() []string {
	names := make([]string, 0, len(masks))
	for n := range masks {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// MaskDoc says in a sentence what a mask does with a value.
func MaskDoc(name string) string { return masks[name].doc }

// column masks the cells of one column: it keeps NULL and blanks, and chooses by storage
// class, since SQLite's columns hold any.
type column struct {
	family family
	value  cellMasker // the mask that the policy names
	number *number    // for numeric cells
	raw    *rawBytes  // for blobs that are no text
	array  *array     // for arrays
}

// newColumn builds the masker of a column in a domain: the same domain and mask always give the same pseudonyms.
func newColumn(key keys.Key, m mask, domain string, fam family, o maskOptions) *column {
	k := key.Derive("sanitize mask " + domain)
	c := &column{family: fam, value: m.make(k, o), raw: &rawBytes{f: newFeistel(k.Derive("bytes")), hex: newShape(k.Derive("bytes"), false)}}
	c.number = newNumber(k, o).(*number)
	if fam.elem != nil {
		c.array = &array{elem: newColumn(key, m, domain, *fam.elem, o)}
	}
	return c
}

// append masks one cell that is not NULL, appending to dst.
func (c *column) append(dst []byte, cell engine.Cell) []byte {
	v := cell.Data
	if blank(v) {
		return append(dst, v...)
	}
	if c.array != nil {
		if out, ok := c.array.append(dst, v); ok {
			return out
		}
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
// characters without a letter or digit among them, binary data of no length.
func (c *column) plain(cell engine.Cell) bool {
	if c.array != nil && c.array.plain(cell.Data) {
		return true
	}
	if cell.Type == engine.CellInteger || cell.Type == engine.CellReal || c.family.numeric() {
		return c.number.plain(cell.Data)
	}
	if m, ok := c.value.(plainly); ok && m.plain(cell.Data) {
		return true
	}
	if c.family.kind == familyBytes && string(cell.Data) == `\x` { // no byte at all, in PostgreSQL's text form
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
	for len(m.radix) < min(len(out), maxPiece) {
		m.radix = append(m.radix, 256)
	}
	closed(out, isText, func(b []byte) {
		for len(b) > 0 {
			piece := b[:min(len(b), maxPiece)]
			radix := m.radix[:len(piece)]
			// A shift has no fixed point, and neither has its conjugate by the permutation.
			m.f.permute(piece, radix)
			piece[0]++
			m.f.invert(piece, radix)
			b = b[len(piece):]
		}
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
		if out = without(out, KeepsOrder); undelivering[m.name] {
			out = without(out, KeepsClass)
		}
	}
	sort.Strings(out)
	return out
}

// undelivering are the masks that end e-mail addresses in texts of a copy that is kept in .invalid.
var undelivering = words("address postcode username national-id text")

func without(list []string, drop string) []string {
	var out []string
	for _, s := range list {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}
