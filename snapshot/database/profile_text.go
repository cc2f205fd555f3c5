package database

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// texts counts the traits of a column's texts.
type texts struct {
	values                       int64
	blanks, outerBlanks, control int64
	nonASCII, fourByte, mojibake int64
	notUTF8, notNumber, notDate  int64
	fold                         []byte // of the last value, see folded
	length                       int    // of the last value in characters
	ascii, lowerTrimmed          bool   // of the last value
}

// add counts n rows of a text.
func (t *texts) add(v []byte, n int64) {
	t.values += n
	t.ascii, t.lowerTrimmed, t.length = true, true, len(v)
	control := false
	for _, b := range v {
		if b >= utf8.RuneSelf {
			t.ascii = false
		} else if b-'A' < 26 {
			t.lowerTrimmed = false
		} else if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			control = true
		}
	}
	if control {
		t.control += n
	}
	outer := len(v) > 0 && (isBlank(v[0]) || isBlank(v[len(v)-1]))
	if len(v) == 0 || outer && len(bytes.TrimSpace(v)) == 0 {
		t.blanks += n
	} else {
		if outer {
			t.outerBlanks += n
		}
		if !isNumber(v) {
			t.notNumber += n
		}
		if _, kind := parseMoment(v); kind == noMoment {
			t.notDate += n
		}
	}
	t.lowerTrimmed = t.lowerTrimmed && !outer && t.ascii
	if !t.ascii {
		t.beyondASCII(v, n)
	}
}

func (t *texts) beyondASCII(v []byte, n int64) {
	t.nonASCII += n
	t.length = utf8.RuneCount(v)
	switch {
	case !utf8.Valid(v):
		t.notUTF8 += n
	case bytes.ContainsFunc(v, func(r rune) bool { return r > 0xffff }):
		t.fourByte += n
	}
	if readTwice(v) {
		t.mojibake += n
	}
}

// readTwice reports UTF-8 that was read as Latin-1 and encoded once more: é, in bytes C3 A9, becomes Ã and ©.
func readTwice(v []byte) bool {
	for i := 0; i+3 < len(v); i++ {
		if v[i] == 0xC3 && (v[i+1] == 0x82 || v[i+1] == 0x83) && v[i+2] == 0xC2 && v[i+3]&0xC0 == 0x80 {
			return true
		}
	}
	return false
}

// folded is the last value in lower case and trimmed; it is valid until the next one.
func (t *texts) folded(v []byte) []byte {
	if t.lowerTrimmed {
		return v
	}
	v = bytes.TrimSpace(v)
	t.fold = t.fold[:0]
	if t.ascii {
		for _, b := range v {
			if b-'A' < 26 {
				b |= 0x20
			}
			t.fold = append(t.fold, b)
		}
		return t.fold
	}
	for len(v) > 0 {
		r, size := utf8.DecodeRune(v)
		if r == utf8.RuneError && size == 1 {
			t.fold = append(t.fold, v[0])
		} else {
			t.fold = utf8.AppendRune(t.fold, unicode.ToLower(r))
		}
		v = v[size:]
	}
	return t.fold
}

func isBlank(b byte) bool { return b == ' ' || b-'\t' < 5 }

// isNumber reports what every engine casts to a number: digits with a sign, a point and an exponent, blanks around them.
func isNumber(v []byte) bool {
	for len(v) > 0 && isBlank(v[0]) {
		v = v[1:]
	}
	for len(v) > 0 && isBlank(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	v, digits := digitsOf(unsigned(v))
	if len(v) > 0 && v[0] == '.' {
		var more int
		v, more = digitsOf(v[1:])
		digits += more
	}
	if digits == 0 {
		return false
	}
	if len(v) > 0 && v[0]|0x20 == 'e' {
		var exponent int
		if v, exponent = digitsOf(unsigned(v[1:])); exponent == 0 {
			return false
		}
	}
	return len(v) == 0
}

func unsigned(v []byte) []byte {
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		return v[1:]
	}
	return v
}

func digitsOf(v []byte) (rest []byte, n int) {
	for n < len(v) && v[n]-'0' < 10 {
		n++
	}
	return v[n:], n
}
