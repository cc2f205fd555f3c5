package sanitize

import (
	"unicode"
	"unicode/utf8"
)

// An alphabet is the set of characters that may replace each other: digits, Latin letters in both cases, the
// letters of one page of Unicode. All members have the same length in UTF-8, so a masked text has the length of its
// source in characters and in bytes. Cased letters are one symbol in two forms: the permutation sees the lower
// case, and the case goes back on afterwards.
//
// The order matters in one way: the first half holds the characters that real values use most. See shape.derange.
type alphabet struct {
	lower []rune
	upper []rune // nil when the characters have no case
}

// The alphabets of ASCII. Letters are in the order of their mean frequency in the languages of Western Europe.
var (
	digits      = &alphabet{lower: []rune("0123456789")}
	firstDigits = &alphabet{lower: []rune("123456789")}
	letters     = &alphabet{lower: []rune("eainrtosldumchpgbfkvwzjyxq"), upper: []rune("EAINRTOSLDUMCHPGBFKVWZJYXQ")}
	hexLetters  = &alphabet{lower: []rune("abcdef"), upper: []rune("ABCDEF")}
	punctuation = &alphabet{lower: []rune(`.,-_/!?:;*+#=~&%$@|^()<>`)}
	badBytes    = &alphabet{lower: byteRange(0xc2, 0xf4)} // see shape.loadBad
)

func byteRange(lo, hi rune) []rune {
	var rs []rune
	for r := lo; r <= hi; r++ {
		rs = append(rs, r)
	}
	return rs
}

// member is a character's place: which alphabet, which symbol, which case. A nil
// alphabet means that the character is kept.
type member struct {
	alphabet *alphabet
	sym      byte
	upper    bool
}

// asciiMembers is the members of ASCII: digits and letters; all else is punctuation, which is kept.
var asciiMembers = index(digits, letters)

// hexMembers is the members of hexadecimal text.
var hexMembers = index(digits, hexLetters)

// punctuationMembers is for values that have nothing but punctuation.
var punctuationMembers = index(punctuation)

func index(alphabets ...*alphabet) *[utf8.RuneSelf]member {
	var t [utf8.RuneSelf]member
	for _, a := range alphabets {
		for i, r := range a.lower {
			t[r] = member{alphabet: a, sym: byte(i)}
		}
		for i, r := range a.upper {
			t[r] = member{alphabet: a, sym: byte(i), upper: true}
		}
	}
	return &t
}

// page is the members of 256 neighbouring code points beyond ASCII. A page lies in one script or a few related ones
// and, above U+0080, in one length of UTF-8.
type page [256]member

// newPage builds the alphabets of the page that starts at first: letters with a case partner in the same
// page, other letters, numbers, and above U+2600 symbols (emoji). Punctuation, marks, joiners, controls
// and characters without a fellow are kept.
func newPage(first rune) *page {
	var p page
	cased, uncased, numbers, symbols := &alphabet{}, &alphabet{}, &alphabet{}, &alphabet{}
	for r := first; r < first+256; r++ {
		if r < utf8.RuneSelf {
			continue
		}
		lower, upper := unicode.ToLower(r), unicode.ToUpper(r)
		switch {
		case unicode.IsLetter(r) && lower != upper && lower>>8 == upper>>8 && unicode.ToUpper(lower) == upper && unicode.ToLower(upper) == lower && (r == lower || r == upper):
			if r == lower {
				cased.lower, cased.upper = append(cased.lower, r), append(cased.upper, upper)
			}
		case unicode.IsLetter(r):
			uncased.lower = append(uncased.lower, r)
		case unicode.IsNumber(r):
			numbers.lower = append(numbers.lower, r)
		case r >= 0x2600 && unicode.Is(unicode.So, r):
			symbols.lower = append(symbols.lower, r)
		}
	}
	for _, a := range []*alphabet{cased, uncased, numbers, symbols} {
		if len(a.lower) < 2 {
			continue
		}
		for i, r := range a.lower {
			p[r-first] = member{alphabet: a, sym: byte(i)}
		}
		for i, r := range a.upper {
			p[r-first] = member{alphabet: a, sym: byte(i), upper: true}
		}
	}
	return &p
}
