package sanitize

import (
	"bytes"
	"encoding/json"
	"unicode"
	"unicode/utf8"
)

// valueClass is what one value looks like. Its text is what reasons say.
type valueClass int

// The classes, the most telling first: a value is counted in the first one that fits.
const (
	valueEmail valueClass = iota
	valueIBAN
	valueCard
	valueMAC
	valueUUID
	valueIP
	valueURL
	valueJSON
	valueSecret
	valueNationalID
	valueDate
	valueCoordinates
	valuePhone
	valueNumber
	valuePerson
	valueAddress
	valueProse
	valueOther
	valueClasses
)

var valueNames = [valueClasses]string{
	valueEmail: "e-mail addresses", valueIBAN: "IBANs", valueCard: "payment cards", valueMAC: "hardware addresses", valueUUID: "UUIDs", valueIP: "IP addresses", valueURL: "URLs",
	valueJSON: "JSON", valueSecret: "keys or hashes", valueNationalID: "national identifiers", valueDate: "dates", valueCoordinates: "coordinates", valuePhone: "phone numbers",
	valueNumber: "numbers", valuePerson: "names of people", valueAddress: "postal addresses", valueProse: "free text", valueOther: "something else",
}

// classMasks are the masks of the classes that identify somebody.
var classMasks = map[valueClass]string{
	valueEmail: "email", valueIBAN: "iban", valueCard: "card", valueMAC: "mac", valueIP: "ip", valueURL: "url", valueJSON: "json", valueSecret: "token",
	valueNationalID: "national-id", valueCoordinates: "geo", valuePhone: "phone", valuePerson: "name", valueAddress: "address", valueProse: "text",
}

// classify looks at one text value that is not blank.
func classify(v []byte) valueClass {
	v = trimmed(v)
	switch {
	case emailAt(v) >= 0:
		return valueEmail
	case isIBAN(v):
		return valueIBAN
	case isMAC(v):
		return valueMAC
	case isUUID(v):
		return valueUUID
	case isIP(v):
		return valueIP
	case isURL(v):
		return valueURL
	case (v[0] == '{' || v[0] == '[') && json.Valid(v):
		return valueJSON
	case isDate(v):
		return valueDate
	case isNationalID(v):
		return valueNationalID
	case isCard(v):
		return valueCard
	case looksSecret(v):
		return valueSecret
	case isCoordinates(v):
		return valueCoordinates
	case looksPhone(v):
		return valuePhone
	}
	if _, ok := parseNumber(v); ok {
		return valueNumber
	}
	return classifyWords(v)
}

// classifyWords is for text that no validator knows.
func classifyWords(v []byte) valueClass {
	words := bytes.Fields(v)
	given, upper, digits, street := false, 0, 0, false
	for _, w := range words {
		r, _ := utf8.DecodeRune(w)
		if unicode.IsUpper(r) {
			upper++
		}
		for _, c := range w {
			if c >= '0' && c <= '9' {
				digits++
				break
			}
		}
		lower := string(bytes.ToLower(bytes.Trim(w, ".,")))
		given = given || givenNames[lower]
		street = street || isStreet(lower)
	}
	switch {
	case street && len(words) > 1:
		return valueAddress
	case given && len(words) <= 4 && digits == 0 && upper == len(words):
		return valuePerson
	case len(words) >= 5 || bytes.IndexByte(v, '\n') >= 0 || bytes.Contains(v, []byte("@")) && len(words) > 1:
		return valueProse
	}
	return valueOther
}

// isStreet recognises the words for streets.
func isStreet(w string) bool {
	if streetWords[w] {
		return true
	}
	for _, end := range []string{"straße", "strasse", "str", "weg", "platz", "gasse", "allee", "straat", "laan", "gade", "gatan"} {
		if len(w) > len(end)+2 && w[len(w)-len(end):] == end {
			return true
		}
	}
	return false
}

var streetWords = words(`street st road rd avenue ave lane ln boulevard blvd drive court square rue boulevard chemin impasse allee calle avenida plaza paseo carrer rua travessa praca via viale piazza corso ulica ul aleja straat weg straße strasse platz`)

// givenNames are frequent given names of the dictionaries' languages: a column in which many
// values begin with one holds names of people.
var givenNames = words(`james john robert michael william david richard joseph thomas charles mary patricia jennifer linda elizabeth barbara susan jessica sarah karen emma olivia ava sophia emily jack harry george oliver daniel matthew andrew paul mark steven kevin brian anna maria peter hans
	jürgen klaus wolfgang dieter uwe stefan andreas christian markus alexander jan lukas leon felix jonas finn paul julia sabine petra monika ursula claudia heike nicole lena lea greta katja ulla jean pierre michel philippe alain nicolas julien françois louis hugo marie nathalie isabelle sylvie catherine camille léa chloé manon
	jose juan antonio manuel francisco javier carlos miguel pablo luis pedro diego carmen ana laura marta lucia elena isabel rosa pilar joao paulo rui tiago bruno rafael mariana ines catarina beatriz giuseppe giovanni marco luca andrea matteo alessandro francesca giulia chiara sofia carla
	willem johannes hendrik pieter sven nils daan sem anouk sanne femke jonas piotr krzysztof tomasz marcin jakub mateusz katarzyna agnieszka zofia wanda olga vera łukasz małgorzata mohammed ahmed ali fatima yusuf farid omar wei li chen priya raj amit yuki hiroshi søren lars erik ingrid astrid xaver`)

func isIBAN(v []byte) bool {
	var buf [34]int
	m := &iban{at: ibanPositions(buf[:0], v)}
	return m.at != nil && m.mod97(v) == 1
}

func isCard(v []byte) bool {
	if !cardLike(v) || v[0] == '0' || v[0] == '-' {
		return false
	}
	last, n := lastDigit(v), 0
	for _, c := range v {
		if c != ' ' && c != '-' {
			n++
		}
	}
	return n >= 13 && luhnDigit(v[:last]) == v[last]-'0'
}

// looksSecret finds hashes and tokens: crypt prefixes, hexadecimal of a digest's
// length, long mixed text without blanks.
func looksSecret(v []byte) bool {
	if hashPrefix(v) > 0 {
		return true
	}
	if isHex(v) && len(v) >= 32 {
		return true
	}
	if len(v) < 20 || len(v) > 4096 {
		return false
	}
	lower, upper, digit := 0, 0, 0
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			lower++
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= '0' && c <= '9':
			digit++
		case bytes.IndexByte([]byte("-_+/=.~"), c) < 0:
			return false
		}
	}
	return digit >= 2 && upper >= 2 && lower >= 2
}

// looksPhone finds numbers written as phone numbers are: with a +, a leading 0 or separators, 7 to 15 digits.
func looksPhone(v []byte) bool {
	n, marks := 0, 0
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9':
			n++
		case c == '+' && i == 0, c == '(', c == ')', c == '/' && i > 1, c == '-' && i > 0, c == ' ':
			marks++
		case c == '.' && i > 0:
		default:
			return false
		}
	}
	return n >= 7 && n <= 15 && (marks > 0 || v[0] == '0' && n >= 9)
}

// isCoordinates finds two decimal degrees.
func isCoordinates(v []byte) bool {
	first, second, ok := bytes.Cut(v, []byte(","))
	if !ok {
		return false
	}
	degrees := func(b []byte) bool {
		b = trimmed(b)
		n, ok := parseNumber(b)
		return ok && n.end > n.point+3 && n.point-n.from <= 3
	}
	return degrees(first) && degrees(second)
}
