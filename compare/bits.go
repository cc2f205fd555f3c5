package compare

import "math/bits"

// members is a set of the instances of one scope on one side, by their index in
// scopeView.instances. nil is the empty set.
type members []uint64

func newMembers(n int) members { return make(members, (n+63)/64) }

func allMembers(n int) members {
	m := newMembers(n)
	for i := range n {
		m.add(i)
	}
	return m
}

func (m members) add(i int) { m[i/64] |= 1 << (i % 64) }

func (m members) has(i int) bool { return i/64 < len(m) && m[i/64]&(1<<(i%64)) != 0 }

func (m members) empty() bool {
	for _, w := range m {
		if w != 0 {
			return false
		}
	}
	return true
}

func (m members) count() int {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

func (m members) equal(o members) bool {
	for i := range max(len(m), len(o)) {
		if m.word(i) != o.word(i) {
			return false
		}
	}
	return true
}

func (m members) word(i int) uint64 {
	if i < len(m) {
		return m[i]
	}
	return 0
}

func (m members) union(o members) members {
	return combine(m, o, func(a, b uint64) uint64 { return a | b })
}
func (m members) minus(o members) members {
	return combine(m, o, func(a, b uint64) uint64 { return a &^ b })
}
func (m members) and(o members) members {
	return combine(m, o, func(a, b uint64) uint64 { return a & b })
}

func combine(m, o members, f func(a, b uint64) uint64) members {
	out := make(members, max(len(m), len(o)))
	for i := range out {
		out[i] = f(m.word(i), o.word(i))
	}
	return out
}

// each calls f for every member in order.
func (m members) each(f func(i int)) {
	for w, word := range m {
		for word != 0 {
			f(w*64 + bits.TrailingZeros64(word))
			word &= word - 1
		}
	}
}
