package sanitize

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/envdiff/envdiff/internal/keys"
)

// feistel is a keyed permutation of short strings of symbols, each over an alphabet of its own size: an alternating
// Feistel network whose halves are positions and whose addition is modulo each position's radix, so every value stays
// in its domain without cycle-walking. The round function is CBC-MAC over AES of round, length and the other half,
// expanded in counter mode; halves up to 12 symbols cost one block. It is not safe for concurrent use: the buffers live
// here so that masking does not allocate.
type feistel struct {
	mac, expand cipher.Block
	in, out     [aes.BlockSize]byte
	ctr         [aes.BlockSize]byte
	stream      []byte
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
		if r%2 == 0 {
			f.shift(r, n, sym[:half], radix[:half], sym[half:], 1)
		} else {
			f.shift(r, n, sym[half:], radix[half:], sym[:half], 1)
		}
	}
}

// invert is the inverse of permute.
func (f *feistel) invert(sym []byte, radix []uint16) {
	n, half := len(sym), (len(sym)+1)/2
	for r := rounds(n) - 1; r >= 0; r-- {
		if r%2 == 0 {
			f.shift(r, n, sym[:half], radix[:half], sym[half:], -1)
		} else {
			f.shift(r, n, sym[half:], radix[half:], sym[:half], -1)
		}
	}
}

// shift adds the round function of other to target, position by position.
func (f *feistel) shift(round, n int, target []byte, radix []uint16, other []byte, sign int) {
	s := f.function(round, n, other, 2*len(target))
	for i := range target {
		m := uint32(radix[i])
		add := uint32(binary.LittleEndian.Uint16(s[2*i:])) * m >> 16
		if sign < 0 {
			add = m - add
		}
		sum := uint32(target[i]) + add
		if sum >= m {
			sum -= m
		}
		target[i] = byte(sum)
	}
}

// function returns want pseudorandom bytes of (round, n, data).
func (f *feistel) function(round, n int, data []byte, want int) []byte {
	f.in = [aes.BlockSize]byte{byte(round), byte(n), byte(n >> 8), byte(n >> 16)}
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
	if want <= aes.BlockSize {
		return f.out[:want]
	}
	return f.extend(want)
}

// extend stretches the 16 bytes in out to want bytes by counter mode under the second key.
func (f *feistel) extend(want int) []byte {
	blocks := (want + aes.BlockSize - 1) / aes.BlockSize
	if cap(f.stream) < blocks*aes.BlockSize {
		f.stream = make([]byte, blocks*aes.BlockSize)
	}
	f.stream = f.stream[:blocks*aes.BlockSize]
	high, low := binary.LittleEndian.Uint64(f.out[:8]), binary.LittleEndian.Uint64(f.out[8:])
	for i := range blocks {
		binary.LittleEndian.PutUint64(f.ctr[:8], high)
		binary.LittleEndian.PutUint64(f.ctr[8:], low+uint64(i))
		f.expand.Encrypt(f.stream[i*aes.BlockSize:], f.ctr[:])
	}
	return f.stream[:want]
}

// The rounds above are below oneWay's: the functions are independent of the permutation's.
const oneWayRound = 255

// oneWay replaces sym by pseudorandom symbols that depend on all of it: equal stays equal, and not even the key's
// holder can go back without trying values.
func (f *feistel) oneWay(sym []byte, radix []uint16) {
	s := f.function(oneWayRound, len(sym), sym, 2*len(sym))
	for i := range sym {
		sym[i] = byte(uint32(binary.LittleEndian.Uint16(s[2*i:])) * uint32(radix[i]) >> 16)
	}
}

// number returns a pseudorandom number below limit that depends on tag and data.
func (f *feistel) number(tag byte, data []byte, limit uint64) uint64 {
	s := f.function(int(tag), len(data), data, 8)
	return binary.LittleEndian.Uint64(s) % limit
}
