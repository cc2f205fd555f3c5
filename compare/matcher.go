package compare

import (
	"slices"
	"sort"
)

// matcher finds many words in a text at once: at each word boundary the next four bytes are looked up in a bitmap, and
// only where some pattern begins with them the patterns of that beginning are tried, longest first. It costs about a
// nanosecond per byte of text that holds none of them, however many they are.
type matcher struct {
	seen    [1 << 10]uint64 // bitmap over the hash of a pattern's first four bytes
	lengths map[[4]byte][]int
	words   map[string][]target
}

// target says whose a word is: which placeholder it stands for, and on which host alone (everywhere when host is -1).
type target struct {
	id   int
	host int
}

// minWord is the shortest parameter that takes part: shorter ones occur by chance.
const minWord = 4

func newMatcher() *matcher {
	return &matcher{lengths: map[[4]byte][]int{}, words: map[string][]target{}}
}

// add makes word stand for t. Words shorter than minWord are ignored.
func (m *matcher) add(word string, t target) {
	if len(word) < minWord {
		return
	}
	old, known := m.words[word]
	for _, o := range old {
		if o == t {
			return
		}
	}
	m.words[word] = append(old, t)
	sort.Slice(m.words[word], func(i, j int) bool {
		a, b := m.words[word][i], m.words[word][j]
		return a.id < b.id || a.id == b.id && a.host < b.host
	})
	if known {
		return
	}
	g := [4]byte([]byte(word[:4]))
	h := gramHash(word)
	m.seen[h>>6] |= 1 << (h & 63)
	ls := append(m.lengths[g], len(word))
	slices.SortFunc(ls, func(a, b int) int { return b - a })
	m.lengths[g] = slices.Compact(ls)
}

// gramHash spreads the first four bytes over 16 bits.
func gramHash(s string) uint32 {
	g := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
	return g * 2654435761 >> 16
}

// wordByte tells the bytes beside which a parameter is part of something longer: web1 is not in web10, nor prod in
// prod-db. Bytes beyond ASCII belong to letters.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

// hit is one occurrence of a word.
type hit struct {
	from, to int
	targets  []target
}

// next finds the first word at or after position from for which apply accepts a
// target; at one position the longest wins.
func (m *matcher) next(s string, from int, apply func(target) bool) (hit, bool) {
	for i := from; i+minWord <= len(s); i++ {
		h := gramHash(s[i:])
		if m.seen[h>>6]&(1<<(h&63)) == 0 || i > 0 && wordByte(s[i-1]) && wordByte(s[i]) {
			continue
		}
		for _, n := range m.lengths[[4]byte([]byte(s[i:i+4]))] {
			if i+n > len(s) || i+n < len(s) && wordByte(s[i+n]) {
				continue
			}
			var ts []target
			for _, t := range m.words[s[i:i+n]] {
				if apply(t) {
					ts = append(ts, t)
				}
			}
			if len(ts) > 0 {
				return hit{i, i + n, ts}, true
			}
		}
	}
	return hit{}, false
}
