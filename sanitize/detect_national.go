package sanitize

import "strings"

// isNationalID recognises personal numbers that carry a check digit or a strict form. Formats that are any number of a
// length (most passports) are found by the column's name only.
func isNationalID(v []byte) bool {
	if len(v) < 8 || len(v) > 18 {
		return false
	}
	s := strings.ToUpper(strings.NewReplacer("-", "", " ", "", ".", "").Replace(string(v)))
	d := digitsOf(s)
	separated := len(s) < len(v)
	switch {
	case len(d) == 9 && separated && v[3] == '-' && len(v) == 11 && v[6] == '-':
		return s[:3] != "000" && s[:3] != "666" && s[3:5] != "00" && s[5:] != "0000" // United States SSN
	case len(d) == 11 && (separated && brazilCPF(d) || polandPESEL(d)):
		return true
	case len(s) == 9 && spainID(s), len(s) == 16 && italyCode(s), len(s) == 9 && ukNINO(s):
		return true
	case len(d) == 15 && franceNIR(d):
		return true
	}
	return false
}

// digitsOf returns the digits' values, or nil if s has anything else.
func digitsOf(s string) []int {
	d := make([]int, len(s))
	for i := range s {
		if s[i] < '0' || s[i] > '9' {
			return nil
		}
		d[i] = int(s[i] - '0')
	}
	return d
}

func weighted(d []int, weights ...int) int {
	sum := 0
	for i, w := range weights {
		sum += d[i] * w
	}
	return sum
}

// polandPESEL: a birth date with the century in the month, and a check digit modulo 10.
func polandPESEL(d []int) bool {
	month, day := (d[2]*10+d[3])%20, d[4]*10+d[5]
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && (10-weighted(d, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3)%10)%10 == d[10]
}

// brazilCPF: two check digits modulo 11; equal digits throughout are not issued.
func brazilCPF(d []int) bool {
	same := true
	for _, x := range d {
		same = same && x == d[0]
	}
	return !same && weighted(d, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == d[9] && weighted(d, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)*10%11%10 == d[10]
}

// spainID: DNI and NIE, eight digits (X, Y, Z stand for a first 0, 1, 2) and a letter by the remainder of 23.
func spainID(s string) bool {
	if i := strings.IndexByte("XYZ", s[0]); i >= 0 {
		s = string(rune('0'+i)) + s[1:]
	}
	d := digitsOf(s[:8])
	if d == nil {
		return false
	}
	n := 0
	for _, x := range d {
		n = n*10 + x
	}
	return s[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[n%23]
}

// ukNINO: two letters, six digits, a letter A to D.
func ukNINO(s string) bool {
	return strings.IndexByte("ABCEGHJKLMNOPRSTWXYZ", s[0]) >= 0 && strings.IndexByte("ABCEGHJKLMNPRSTWXYZ", s[1]) >= 0 && digitsOf(s[2:8]) != nil && s[8] >= 'A' && s[8] <= 'D'
}

// italyCode: the form of a codice fiscale, six letters, two digits, a month's
// letter, two digits, a place, a check letter.
func italyCode(s string) bool {
	for i := range s {
		digit := s[i] >= '0' && s[i] <= '9'
		switch {
		case i == 6, i == 7, i == 9, i == 10, i >= 12 && i <= 14:
			if !digit && strings.IndexByte("LMNPQRSTUV", s[i]) < 0 { // letters stand in for digits where two people's codes would be equal
				return false
			}
		case s[i] < 'A' || s[i] > 'Z':
			return false
		}
	}
	return strings.IndexByte("ABCDEHLMPRST", s[8]) >= 0
}

// franceNIR: 13 digits and a key that makes 97.
func franceNIR(d []int) bool {
	if d[0] != 1 && d[0] != 2 {
		return false
	}
	n := 0
	for _, x := range d[:13] {
		n = (n*10 + x) % 97
	}
	return 97-n == d[13]*10+d[14]
}
