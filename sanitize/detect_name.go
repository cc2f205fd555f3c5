package sanitize

import (
	"strings"
	"unicode"
)

// nameParts splits a column's or table's name into lower-case words: camelCase, snake_case
// and digits end one; accents are taken off.
func nameParts(name string) []string {
	var parts []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			parts = append(parts, b.String())
			b.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			end()
		}
		if plain, ok := plainLetters[unicode.ToLower(r)]; ok {
			b.WriteString(plain)
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	end()
	return parts
}

// plainLetters are the letters with marks of the dictionaries' languages.
var plainLetters = map[rune]string{
	'ä': "a", 'ö': "o", 'ü': "u", 'ß': "ss", 'à': "a", 'á': "a", 'â': "a", 'ã': "a", 'ç': "c", 'è': "e", 'é': "e", 'ê': "e", 'ë': "e", 'ì': "i", 'í': "i", 'î': "i", 'ï': "i",
	'ñ': "n", 'ò': "o", 'ó': "o", 'ô': "o", 'õ': "o", 'ù': "u", 'ú': "u", 'û': "u", 'ą': "a", 'ć': "c", 'ę': "e", 'ł': "l", 'ń': "n", 'ś': "s", 'ź': "z", 'ż': "z",
}

// categoryOf reads what a column's name says: the longest run of words that the dictionary knows, the last
// one where several are as long (in "contact email" the mail counts). A name that ends like email_verified_at
// says something about a value and has none.
func categoryOf(name string) (category, bool) {
	parts := nameParts(name)
	if len(parts) > 1 && prefixes[parts[0]] {
		parts = parts[1:]
	}
	if len(parts) == 0 {
		return "", false
	}
	if last := parts[len(parts)-1]; len(parts) > 1 && notData[last] {
		if _, whole := nameWords[strings.Join(parts, "")]; !whole {
			return "", false
		}
	}
	for length := len(parts); length > 0; length-- {
		for from := len(parts) - length; from >= 0; from-- {
			if c, ok := wordCategory(strings.Join(parts[from:from+length], "")); ok {
				return c, true
			}
		}
	}
	if birthAbbreviation(parts) {
		return "birth-date", true
	}
	return "", false
}

// wordCategory looks a word up, also as a plural.
func wordCategory(w string) (category, bool) {
	for _, form := range []string{w, strings.TrimSuffix(w, "s"), strings.TrimSuffix(w, "es"), strings.TrimSuffix(w, "n")} {
		if c, ok := nameWords[form]; ok && form != "" {
			return c, true
		}
	}
	return "", false
}

// anyPart reports whether one of a name's words is in the set.
func anyPart(name string, set map[string]bool) bool {
	for _, p := range nameParts(name) {
		if set[p] {
			return true
		}
	}
	return false
}

// lastPart reports whether the last word of a name is in the set.
func lastPart(name string, set map[string]bool) bool {
	parts := nameParts(name)
	return len(parts) > 0 && set[parts[len(parts)-1]]
}
