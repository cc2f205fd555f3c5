package sanitize

// A richSet remembers digests of values of at least richBits, and the column of each, in 10 bytes: any one of them is a leak wherever it stands. It is in
// shards, so that growing needs memory for one of them twice, not for all.
type richSet struct {
	max    int
	used   int
	level  uint // only digests with this many zero bits above the shard's are kept: 1 value in 2^level
	shards [richShards]richShard
}

type richShard struct {
	digests []uint64 // 0 is free
	columns []uint16
	used    int
}

// A digest gives, from its low end, the shard, whether it is kept at a level, and the place in the shard.
const (
	richShards = 256
	levelAt    = 8
	placeAt    = 24
)

func (s *richSet) left(digest uint64) bool { return digest>>levelAt&(1<<s.level-1) != 0 }

// add remembers a digest; the first column that had it counts.
func (s *richSet) add(digest uint64, column uint16) {
	if digest == 0 || s.left(digest) {
		return
	}
	sh := &s.shards[digest%richShards]
	if !sh.add(digest, column) {
		return
	}
	s.used++
	for s.used > s.max {
		s.forget()
	}
}

func (s *richSet) find(digest uint64) (column uint16, ok bool) {
	sh := &s.shards[digest%richShards]
	if len(sh.digests) == 0 || digest == 0 {
		return 0, false
	}
	i := sh.place(digest)
	return sh.columns[i], sh.digests[i] == digest
}

// each visits all digests.
func (s *richSet) each(visit func(digest uint64)) {
	for i := range s.shards {
		for _, d := range s.shards[i].digests {
			if d != 0 {
				visit(d)
			}
		}
	}
}

// forget keeps every second digest.
func (s *richSet) forget() {
	s.level++
	s.used = 0
	for i := range s.shards {
		old := s.shards[i]
		s.shards[i] = newShard(len(old.digests))
		for at, d := range old.digests {
			if d != 0 && !s.left(d) && s.shards[i].add(d, old.columns[at]) {
				s.used++
			}
		}
	}
}

func newShard(size int) richShard {
	return richShard{digests: make([]uint64, size), columns: make([]uint16, size)}
}

// add reports whether a digest is new.
func (sh *richShard) add(digest uint64, column uint16) bool {
	if sh.used*4 >= len(sh.digests)*3 {
		old := *sh
		*sh = newShard(max(16, 2*len(old.digests)))
		for i, d := range old.digests {
			if d != 0 {
				sh.add(d, old.columns[i])
			}
		}
	}
	i := sh.place(digest)
	if sh.digests[i] == digest {
		return false
	}
	sh.digests[i], sh.columns[i] = digest, column
	sh.used++
	return true
}

// place is where a digest is, or belongs.
func (sh *richShard) place(digest uint64) uint64 {
	mask := uint64(len(sh.digests) - 1)
	i := digest >> placeAt & mask
	for sh.digests[i] != digest && sh.digests[i] != 0 {
		i = (i + 1) & mask
	}
	return i
}

// A prefilter is a Bloom filter of which each digest touches one word: it is small enough to stay in the processor's cache, and nearly all pieces of a copy
// that are nobody's end here. What it lets through is looked up.
type prefilter struct {
	words []uint64
	shift uint
}

// newPrefilter has room for n digests: about one piece in a hundred that is in no set passes.
func newPrefilter(n int) prefilter {
	p := prefilter{shift: 64}
	size := 1
	for size*4 < n {
		size *= 2
		p.shift--
	}
	p.words = make([]uint64, size)
	return p
}

// bits are three of a word's 64, from other bits of the digest than those that choose the word.
func filterBits(digest uint64) uint64 {
	return 1<<(digest&63) | 1<<(digest>>6&63) | 1<<(digest>>12&63)
}

func (p *prefilter) word(digest uint64) *uint64 {
	if p.shift == 64 {
		return &p.words[0]
	}
	return &p.words[digest>>p.shift]
}

func (p *prefilter) add(digest uint64) { *p.word(digest) |= filterBits(digest) }

func (p *prefilter) may(digest uint64) bool {
	b := filterBits(digest)
	return *p.word(digest)&b == b
}
