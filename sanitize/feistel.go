package sanitize

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"

	"github.com/envdiff/envdiff/internal/keys"
)

// feistel is a keyed permutation of short strings of symbols, each over an alphabet of its own size: an alternating
// Feistel network whose halves are positions and whose addition is modulo each position's radix, so every value stays
// in its domain without cycle-walking. The round function is CBC-MAC over AES of round, length and the other half, which is packed
// into words first; what that leaves too short is expanded in counter mode under a second key. Halves of a dozen letters
// cost one block. It is not safe for concurrent use: the buffers live here so that masking does not allocate.
type feistel struct {
	mac, expand cipher.Block
	in, out     [aes.BlockSize]byte
	ctr, more   [aes.BlockSize]byte
}

// newFeistel makes the permutation family of one masking domain.
func newFeistel(key keys.Key) *feistel {
	return &feistel{mac: newAES(key.Derive("mac")), expand: newAES(key.Derive("expand"))}
}

func newAES(key keys.Key) cipher.Block {
	b, err := aes.NewCipher(key.Bytes())
	if err != nil {
		panic(err) // only for a wrong key length
	}
	return b
}

// rounds follows the size of the domain: short strings need more of them to mix (NIST SP 800-38G uses 10 for FF1), long
// ones are safe with the four of Luby and Rackoff.
func rounds(n int) int {
	switch {
	case n <= 4:
		return 10
	case n <= 32:
		return 8
	default:
		return 4
	}
}

// permute replaces sym by its image. radix[i] is in 2..256 and sym[i] < radix[i].
func (f *feistel) permute(sym []byte, radix []uint16) {
	n, half := len(sym), (len(sym)+1)/2
	for r := range rounds(n) {
		f.round(r, n, half, sym, radix, false)
	}
}

// invert is the inverse of permute.
func (f *feistel) invert(sym []byte, radix []uint16) {
	n, half := len(sym), (len(sym)+1)/2
	for r := rounds(n) - 1; r >= 0; r-- {
		f.round(r, n, half, sym, radix, true)
	}
}

// round adds the round function of one half to the other, position by position, or subtracts it.
func (f *feistel) round(r, n, half int, sym []byte, radix []uint16, inverse bool) {
	target, other := sym[:half], sym[half:]
	targetRadix, otherRadix := radix[:half], radix[half:]
	if r%2 != 0 {
		target, other, targetRadix, otherRadix = other, target, otherRadix, targetRadix
	}
	f.absorb(r, n, other, otherRadix)
	s := stream{f: f}
	for i, m := range targetRadix {
		add := s.below(uint64(m))
		if inverse {
			add = uint32(m) - add
		}
		sum := uint32(target[i]) + add
		if sum >= uint32(m) {
			sum -= uint32(m)
		}
		target[i] = byte(sum)
	}
}

// oneWayRound is no round of the permutation: its function is independent of theirs.
const oneWayRound = 255

// oneWay replaces sym by pseudorandom symbols that depend on all of it: equal stays equal, and not even the key's
// holder can go back without trying values.
func (f *feistel) oneWay(sym []byte, radix []uint16) {
	f.absorb(oneWayRound, len(sym), sym, radix)
	s := stream{f: f}
	for i, m := range radix {
		sym[i] = byte(s.below(uint64(m)))
	}
}

// absorb leaves in out the CBC-MAC of (tag, n, sym). Symbols go into words of 64 bits as digits of their radix, as many as surely fit. All strings of
// a domain have the same length and radices, so no two pack alike.
func (f *feistel) absorb(tag, n int, sym []byte, radix []uint16) {
	f.in = [aes.BlockSize]byte{byte(tag), byte(n), byte(n >> 8), byte(n >> 16)}
	word, product, high := uint64(0), uint64(1), true // the header is the low half of the first block
	for i, m := range radix {
		if product >= 1<<56 {
			high = f.word(word, high)
			word, product = 0, 1
		}
		word = word*uint64(m) + uint64(sym[i])
		product *= uint64(m)
	}
	if f.word(word, high) {
		f.mac.Encrypt(f.out[:], f.in[:])
	}
}

// word adds one word to the block that waits, and passes that on when it is full; high is where the next one belongs.
func (f *feistel) word(w uint64, high bool) bool {
	if high {
		binary.LittleEndian.PutUint64(f.in[8:], binary.LittleEndian.Uint64(f.in[8:])^w)
		f.mac.Encrypt(f.out[:], f.in[:])
		f.in = f.out
		return false
	}
	binary.LittleEndian.PutUint64(f.in[:8], binary.LittleEndian.Uint64(f.in[:8])^w)
	return true
}

// stream reads pseudorandom symbols out of what absorb left.
type stream struct {
	f       *feistel
	next    uint64 // words used
	word    uint64
	product uint64 // of the radices that the word has served; 0 before the first
}

// below returns a number below m ≤ 256: the word is a fraction of which m makes one digit and the next fraction. A word serves until its digits'
// product would exceed 2^48, so no number is more than 2^-16 likelier than another.
func (s *stream) below(m uint64) uint32 {
	if s.product *= m; s.product-1 >= 1<<48 { // also at first, when it is 0
		s.refill()
		s.product = m
	}
	high, low := bits.Mul64(s.word, m)
	s.word = low
	return uint32(high)
}

// refill takes the next word: two are in out itself, the others come from counter mode.
func (s *stream) refill() {
	f, at := s.f, s.next%2*8
	switch {
	case s.next < 2:
		s.word = binary.LittleEndian.Uint64(f.out[at:])
	default:
		if at == 0 {
			binary.LittleEndian.PutUint64(f.ctr[:8], binary.LittleEndian.Uint64(f.out[:8]))
			binary.LittleEndian.PutUint64(f.ctr[8:], binary.LittleEndian.Uint64(f.out[8:])+s.next)
			f.expand.Encrypt(f.more[:], f.ctr[:])
		}
		s.word = binary.LittleEndian.Uint64(f.more[at:])
	}
	s.next++
}

// sum is a keyed hash of (tag, data): CBC-MAC with the length in front.
func (f *feistel) sum(tag byte, data []byte) uint64 {
	n := len(data)
	f.in = [aes.BlockSize]byte{tag, byte(n), byte(n >> 8), byte(n >> 16)}
	rest := data[copy(f.in[4:], data):]
	f.mac.Encrypt(f.out[:], f.in[:])
	for len(rest) > 0 {
		f.in = f.out
		k := min(len(rest), aes.BlockSize)
		for i := range k {
			f.in[i] ^= rest[i]
		}
		rest = rest[k:]
		f.mac.Encrypt(f.out[:], f.in[:])
	}
	return binary.LittleEndian.Uint64(f.out[:])
}

// number returns a pseudorandom number below limit that depends on tag and data.
func (f *feistel) number(tag byte, data []byte, limit uint64) uint64 {
	return f.sum(tag, data) % limit
}
