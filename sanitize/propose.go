package sanitize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// tableContext is what a column's table says about it.
type tableContext struct {
	table      *schema.Table
	rows       int64 // looked at
	whole      bool  // these are all
	person     bool  // its rows are people or belong to one
	log        bool
	referenced bool // by another table
}

// sharedDomains are the masks whose values identify somebody across tables, so they get one domain by default.
var sharedDomains = words("email phone username iban card national-id name ip")

// propose decides about one column. It errs towards masking: a value is kept only for a reason that is given.
func propose(types *types, t tableContext, c *schema.Column, st columnStats) ColumnPolicy {
	p := proposer{engine: types.engine, t: t, c: c, st: st, fam: types.family(c.Type)}
	out := p.decide()
	out.Column = c.Name
	if out.Action == Mask && out.Domain == "" && sharedDomains[out.Mask] {
		out.Domain = out.Mask
	}
	return out
}

type proposer struct {
	engine string
	t      tableContext
	c      *schema.Column
	st     columnStats
	fam    family
}

func keep(format string, args ...any) ColumnPolicy {
	return ColumnPolicy{Action: Keep, Reason: fmt.Sprintf(format, args...)}
}

// masked proposes a mask if the column's type can hold it, else text, number or whatever the type allows. Where no mask
// can hold the type the column is emptied, and where it cannot be empty a person has to decide.
func (p *proposer) masked(name, reason string) ColumnPolicy {
	if p.engine == "sqlite" || accepts(masks[name].accepts, p.fam) {
		return ColumnPolicy{Action: Mask, Mask: name, Reason: reason}
	}
	if other := familyMasks[p.fam.element().kind]; other != "" {
		return ColumnPolicy{Action: Mask, Mask: other, Reason: reason}
	}
	switch {
	case p.fam.kind == familyVector:
		empty := ""
		return ColumnPolicy{Action: Set, Value: &empty, Reason: "the words of other columns, for search; after: can make it again"}
	case p.c.Nullable:
		return ColumnPolicy{Action: Set, Reason: reason + "; no mask for the type " + p.fam.typ}
	}
	return ColumnPolicy{Action: Review, Reason: reason + ", and there is no mask for the type " + p.fam.typ}
}

// familyMasks are the masks of types that hold values of one kind only.
var familyMasks = map[familyKind]string{
	familyInteger: "number", familyReal: "number", familyDate: "date", familyUUID: "uuid", familyInet: "ip", familyMAC: "mac", familyJSON: "json", familyXML: "xml", familyHstore: "hstore",
}

func (p *proposer) decide() ColumnPolicy {
	cat, named := categoryOf(p.c.Name)
	if parts := nameParts(p.c.Name); !named && p.t.person && len(parts) > 0 && bareNames[parts[len(parts)-1]] {
		cat, named = "name", true
	}
	if named && p.namesThings() {
		named = false
	}
	class, clear := p.st.dominant()
	if literal := p.checked(); literal {
		return keep("a check lists its values")
	}
	if p.fam.kind == familyBool || p.st.seen > 0 && p.st.flags == p.st.seen && !named {
		return keep("yes or no")
	}
	if p.fam.kind == familyEnum && !named {
		return keep("one of the type's labels")
	}
	if p.fam.kind == familyVector {
		return p.masked("text", "")
	}
	if p.fam.numeric() || p.fam.typ == "money" || p.st.seen > 0 && p.st.classes[valueNumber] == p.st.seen && p.st.integers > 0 {
		return p.number(cat, named, class, clear)
	}
	if p.fam.kind == familyDate || p.fam.kind == familyTime || clear && class == valueDate {
		if named && cat == "birth-date" {
			return p.masked("birth-date", "the name says birth date")
		}
		if p.fam.kind != familyDate && !clear && p.st.seen > 0 {
			return p.text(cat, named, class, clear)
		}
		return keep("time of an event")
	}
	return p.text(cat, named, class, clear)
}

// checked reports whether a check constraint lists values or compares with some: a mask would break it.
func (p *proposer) checked() bool {
	for _, check := range p.t.table.Checks {
		if slices.Contains(columnsIn(p.t.table, check.Expr), p.c.Name) && compared(p.t.table, check.Expr, p.c.Name) != "" {
			return true
		}
	}
	return false
}

// number decides about numeric columns.
func (p *proposer) number(cat category, named bool, class valueClass, clear bool) ColumnPolicy {
	key := p.t.table.PrimaryKey
	if key != nil && slices.Contains(key.Columns, p.c.Name) && !(named && cat == "national-id") {
		return keep("surrogate key")
	}
	if clear && class == valueCard {
		return p.masked("card", p.counted("values", valueCard))
	}
	if named {
		switch cat {
		case "phone", "national-id", "card", "iban", "geo", "postcode", "birth-date", categorySecret:
			return p.masked(maskOf(cat), "the name says "+say(cat))
		}
		if anyPart(p.c.Name, salaryWords) {
			return p.masked("number", "the name says income")
		}
	}
	return keep("a number")
}

// bareNames are words for a name of anything: of a person only in a table of people.
var bareNames = words("name nom nombre nome nazwa naam nm")

// namesThings reports whether the column is the bare name of something that is for sale or in stock: only its values can say more.
func (p *proposer) namesThings() bool {
	parts := nameParts(p.c.Name)
	return !p.t.person && anyPart(p.t.table.Name.Name, thingTables) && bareNames[parts[len(parts)-1]] && (len(parts) == 1 || thingTables[parts[0]])
}

var salaryWords = words("salary income wage gehalt salaire salario stipendio")

// text decides about everything else.
func (p *proposer) text(cat category, named bool, class valueClass, clear bool) ColumnPolicy {
	distinct := int64(len(p.st.distinct))
	if named && p.agrees(cat, class, clear) {
		reason := "the name says " + say(cat)
		if clear && classMasks[class] == maskOf(cat) {
			reason = p.counted("name and", class)
		}
		if cat == "url" && !p.t.person && distinct <= 20 && p.st.seen >= 50 {
			return keep("%d values in %d rows", distinct, p.st.seen)
		}
		return p.masked(maskOf(cat), reason)
	}
	if clear {
		if m, ok := classMasks[class]; ok {
			return p.masked(m, p.counted("", class))
		}
		if class == valueUUID {
			if p.t.log {
				return p.masked("uuid", "a UUID in a table that looks like a log")
			}
			return keep("random identifier")
		}
	}
	if hit, n := p.personal(); n > 0 {
		name := "text"
		if (hit == valuePerson || hit == valueAddress) && n*4 >= p.st.seen {
			name = classMasks[hit] // no list has all names and streets: a quarter that is known stands for the rest
		}
		return p.masked(name, fmt.Sprintf("%d of %d values look like %s", n, p.st.seen, valueNames[hit]))
	}
	switch p.fam.element().kind {
	case familyJSON, familyXML, familyHstore:
		return p.masked("text", "documents may hold anything")
	}
	switch {
	case p.t.log:
		return p.masked("text", "text in a table that looks like a log, queue or session store")
	case p.st.seen == 0:
		return p.masked("text", "no values to judge by")
	case p.st.binary > 0:
		return p.masked("text", "binary data")
	case lastPart(p.c.Name, thingWords) && (distinct <= 50 || distinct*10 <= p.st.seen) && p.st.longest <= 40:
		return keep("%s, and the name says what kind", plural(distinct))
	case lastPart(p.c.Name, goodsCodes) && !p.t.person && p.st.longest <= 40:
		return keep("the name says that it is a code of goods")
	case p.st.seen >= 50 && distinct <= 20 && distinct*20 <= p.st.seen:
		return keep("%s in %d rows", plural(distinct), p.st.seen)
	case p.t.whole && p.t.rows <= 300 && p.t.referenced && !p.t.person:
		return keep("reference table of %d rows", p.t.rows)
	case p.st.classes[valueNumber] == p.st.seen && !p.t.person && p.st.longest <= 4: // longer ones in a column of text are postcodes and accounts rather than amounts
		return keep("a number")
	}
	return p.masked("text", fmt.Sprintf("unknown text, %s in %d rows", plural(distinct), p.st.seen))
}

func plural(n int64) string {
	if n == 1 {
		return "1 value"
	}
	return fmt.Sprintf("%d values", n)
}

// agrees reports whether the values can be what the name says. Only clear evidence speaks against a name.
func (p *proposer) agrees(cat category, class valueClass, clear bool) bool {
	if !clear || p.st.seen == 0 || classMasks[class] == maskOf(cat) {
		return true
	}
	switch class {
	case valueEmail, valueIBAN, valueCard, valueSecret, valueJSON, valueNationalID:
		return false // what was found identifies better than the name
	case valueUUID:
		return cat == categorySecret
	}
	return true
}

// personal finds a class of personal values of which a column has some: free text with an e-mail address in it.
func (p *proposer) personal() (valueClass, int64) {
	for _, c := range []valueClass{valueEmail, valueIBAN, valueCard, valueNationalID, valueSecret, valuePerson, valueAddress, valueProse, valuePhone} {
		if n := p.st.classes[c]; n*20 >= p.st.seen && n > 0 {
			return c, n
		}
	}
	return valueOther, 0
}

// counted says how many values look like something.
func (p *proposer) counted(prefix string, c valueClass) string {
	text := fmt.Sprintf("%d of %d values look like %s", p.st.classes[c], p.st.seen, valueNames[c])
	if prefix == "" || prefix == "values" {
		return text
	}
	return prefix + " " + text
}

func maskOf(c category) string {
	switch c {
	case categorySecret:
		return "token"
	case categoryHealth:
		return "text"
	}
	return string(c)
}

// say is a category in words.
func say(c category) string {
	switch c {
	case categoryHealth:
		return "health, belief or origin"
	case "text":
		return "free text"
	case "iban":
		return "bank account"
	case "national-id":
		return "official number"
	case "ip":
		return "IP address"
	case "mac":
		return "hardware address"
	case "geo":
		return "position"
	case "url":
		return "link"
	}
	return strings.ReplaceAll(string(c), "-", " ")
}
