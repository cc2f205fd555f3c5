package sanitize

import "strings"

// Names of birth dates are shortened in more ways than a dictionary holds: a word for date, whole or its beginning, beside the beginning of a word for birth, as
// two words or as one (fec_nac, dt_urodz, gebdat, datnais).

// dateWords are how names say date.
var dateWords = words(`date dt dat datum data fecha fec fch f d`)

// birthWords are what abbreviations of birth are beginnings of, in the dictionary's languages.
var birthWords = strings.Fields(`birth geburt geboren naissance nacimiento nacido nascimento nascita nato geboorte urodzenia urodzony`)

// birthAbbreviation reports a name that is short for a date of birth.
func birthAbbreviation(parts []string) bool {
	for i, p := range parts {
		beside := i > 0 && dateWords[parts[i-1]] || i+1 < len(parts) && dateWords[parts[i+1]]
		if len(p) >= 4 && beginsBirth(p) || beside && len(p) >= 2 && beginsBirth(p) || len(parts) == 1 && len(p) == 3 && beginsBirth(p) {
			return true
		}
		for d := range dateWords {
			if rest, ok := strings.CutPrefix(p, d); ok && len(rest) >= 3 && beginsBirth(rest) {
				return true
			}
			if rest, ok := strings.CutSuffix(p, d); ok && len(rest) >= 3 && beginsBirth(rest) {
				return true
			}
		}
	}
	return false
}

func beginsBirth(p string) bool {
	for _, w := range birthWords {
		if strings.HasPrefix(w, p) {
			return true
		}
	}
	return false
}
