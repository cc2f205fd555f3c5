package sanitize

import (
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/schema"
)

// limits is what a column holds at most, by its type or by its check; 0 is no limit. Most masks keep the length of a value, in characters and in bytes. Those that may not
// (.invalid behind a host, an address in a reserved range) ask for room.
type limits struct {
	chars int
	bytes int // in UTF-8
}

// tight is a limit that leaves no room to any value.
var tight = limits{chars: 1}

func (l limits) none() bool { return l == limits{} }

func (l limits) tighter(m limits) limits {
	return limits{tighter(l.chars, m.chars), tighter(l.bytes, m.bytes)}
}

// tighter is the smaller of two limits where 0 is none.
func tighter(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// room is how many characters, of ASCII, a column can take beside v; a negative number is no limit.
func (l limits) room(v []byte) int {
	room := -1
	if l.chars > 0 {
		room = max(0, l.chars-utf8.RuneCount(v))
	}
	if l.bytes > 0 {
		if n := max(0, l.bytes-len(v)); room < 0 || n < room {
			room = n
		}
	}
	return room
}

// holds reports whether a column can hold v.
func (l limits) holds(v []byte) bool {
	return (l.chars == 0 || utf8.RuneCount(v) <= l.chars) && (l.bytes == 0 || len(v) <= l.bytes)
}

// byteSizes are the types of MariaDB and MySQL that are limited in bytes whatever their character set
// (https://mariadb.com/kb/en/data-type-storage-requirements/).
var byteSizes = map[string]int{"tinytext": 255, "text": 65535, "mediumtext": 1<<24 - 1, "tinyblob": 255, "blob": 65535, "mediumblob": 1<<24 - 1}

// limitsOf is what a column's type holds.
func limitsOf(engineName string, c *schema.Column, f family) limits {
	f = f.element()
	if engineName == "mysql" {
		if n := byteSizes[f.typ]; n > 0 {
			for _, wide := range []string{"ucs2_", "utf16", "utf32_"} { // up to four bytes for what is one in UTF-8
				if strings.HasPrefix(c.Collation, wide) {
					return limits{chars: n / 4}
				}
			}
			return limits{bytes: n}
		}
		if f.kind == familyBytes {
			return limits{bytes: f.size}
		}
	}
	if f.kind == familyText {
		return limits{chars: f.size}
	}
	return limits{}
}

// fitted is a mask of documents for a column with a limit: a document that outgrows it is masked with nothing in it growing. Both are bijections where masks are, and nothing
// that has grown (all its hosts are under .invalid) is an image of the other.
type fitted struct {
	limits
	loose, tight documentMask
}

// documentMask masks what is inside of documents.
type documentMask interface {
	cellMasker
	plainly
}

// fit makes a mask of documents for a column's limits.
func fit(o maskOptions, build func(maskOptions) documentMask) cellMasker {
	l := o.limits
	o.limits = limits{}
	loose := build(o)
	if l.none() {
		return loose
	}
	o.limits = tight
	return &fitted{l, loose, build(o)}
}

func (m *fitted) append(dst, v []byte) []byte {
	start := len(dst)
	dst = m.loose.append(dst, v)
	if m.holds(dst[start:]) {
		return dst
	}
	return m.tight.append(dst[:start], v)
}

func (m *fitted) plain(v []byte) bool { return m.loose.plain(v) }

// spells reports whether a text can be written in the character set of one of MariaDB's or MySQL's collations; of sets that are not known here, it is taken to be.
func spells(collation, text string) bool {
	set, _, _ := strings.Cut(collation, "_")
	last := map[string]rune{"ascii": 0x7f, "latin1": 0xff, "utf8mb3": 0xffff, "utf8": 0xffff, "ucs2": 0xffff}[set]
	return last == 0 || strings.IndexFunc(text, func(r rune) bool { return r > last && (set != "latin1" || !strings.ContainsRune(windows1252, r)) }) < 0
}

// windows1252 is what latin1 has beyond ISO 8859-1 in these servers (https://mariadb.com/kb/en/supported-character-sets-and-collations/).
const windows1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
