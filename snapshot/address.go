package snapshot

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Address is the stable name of a fact: scope:kind/name#attribute. All four parts hold escaped text, so that String and
// ParseAddress are exact inverses. Attribute may be empty (a whole object), and so may Name.
type Address struct {
	Scope, Kind, Name, Attribute string
}

// scopePattern is what envdiff.yaml accepts as the name of a role, database or endpoint.
var scopePattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// ValidScope reports whether name can be a scope.
func ValidScope(name string) bool { return scopePattern.MatchString(name) }

// At makes an address from a scope, a kind and raw text. Name is a literal path or
// any text; for database objects use Ident.
func At(scope, kind, name string) Address {
	return Address{Scope: scope, Kind: kind, Name: Escape(name)}
}

// Object makes the address of a database object from its identifiers: table, or table and
// name. Dots inside an identifier become %2E.
func Object(scope, kind string, idents ...string) Address {
	return Address{Scope: scope, Kind: kind, Name: Ident(idents...)}
}

// Attr is a with an attribute of raw text; dots in it are literal. For key paths use Path.
func (a Address) Attr(attribute string) Address {
	a.Attribute = Escape(attribute)
	return a
}

// Path is a with a key path as attribute: segments joined with '.', dots inside a segment as %2E.
func (a Address) Path(segments ...string) Address {
	a.Attribute = Ident(segments...)
	return a
}

// Whole is a without its attribute: the object that the fact belongs to.
func (a Address) Whole() Address {
	a.Attribute = ""
	return a
}

// String is the address as printed, grepped and waived.
func (a Address) String() string {
	n := len(a.Scope) + 1 + len(a.Kind) + 1 + len(a.Name) + 1 + len(a.Attribute)
	b := make([]byte, 0, n)
	b = append(b, a.Scope...)
	b = append(b, ':')
	b = append(b, a.Kind...)
	if a.Name != "" {
		b = append(b, '/')
		b = append(b, a.Name...)
	}
	if a.Attribute != "" {
		b = append(b, '#')
		b = append(b, a.Attribute...)
	}
	return string(b)
}

// ParseAddress reads what String printed.
func ParseAddress(s string) (Address, error) {
	scope, rest, ok := strings.Cut(s, ":")
	if !ok || !ValidScope(scope) {
		return Address{}, fmt.Errorf("address %q has no scope: want scope:kind/name#attribute", s)
	}
	object, attr, _ := strings.Cut(rest, "#")
	kind, name, _ := strings.Cut(object, "/")
	if kind == "" {
		return Address{}, fmt.Errorf("address %q has no kind: want scope:kind/name#attribute", s)
	}
	a := Address{scope, kind, name, attr}
	if a.String() != s {
		return Address{}, fmt.Errorf("address %q is not in its canonical form %q", s, a.String())
	}
	return a, nil
}

// Escape percent-escapes what would break an address apart: % : # *, control bytes and bytes that are not UTF-8.
func Escape(s string) string { return escape(s, false) }

// Ident joins identifiers with '.', escaping each one and the dots inside it.
func Ident(idents ...string) string {
	if clean(idents) {
		return strings.Join(idents, ".")
	}
	parts := make([]string, len(idents))
	for i, id := range idents {
		parts[i] = escape(id, true)
	}
	return strings.Join(parts, ".")
}

// clean reports identifiers of which nothing has to be escaped.
func clean(idents []string) bool {
	for _, id := range idents {
		for i := 0; i < len(id); i++ {
			if c := id[i]; c < 0x20 || c >= 0x7f || c == '%' || c == ':' || c == '#' || c == '*' || c == '.' {
				return false
			}
		}
	}
	return true
}

// SplitIdent is the inverse of Ident: the raw identifiers.
func SplitIdent(name string) []string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = Unescape(p)
	}
	return parts
}

func escape(s string, dots bool) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '%' || c == ':' || c == '#' || c == '*' || dots && c == '.' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1, r < 0x20, r >= 0x7f && r < 0xa0,
			r == '%', r == ':', r == '#', r == '*', dots && r == '.':
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		default:
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// Unescape undoes Escape. Text that is not well escaped is returned as it is.
func Unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b = append(b, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
