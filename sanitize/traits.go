package sanitize

import (
	"encoding/binary"
	"sort"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
)

// trait is an odd property of a value: what migrations stumble over and staging data rarely has.
type trait uint16

// The traits.
const (
	traitNull trait = 1 << iota
	traitEmpty
	traitBlank
	traitOuterBlank
	traitControl
	traitNonASCII
	traitFourByte
	traitNotUTF8
	traitZero
	traitNegative
)

var traitNames = map[trait]string{
	traitNull: "null", traitEmpty: "empty", traitBlank: "blank", traitOuterBlank: "outer blank", traitControl: "control character",
	traitNonASCII: "non-ascii", traitFourByte: "four-byte character", traitNotUTF8: "not utf-8", traitZero: "zero", traitNegative: "negative",
}

// traits is what is seen in a column.
type traits struct {
	seen    trait
	longest int // bytes
}

func (t *traits) add(c engine.Cell) {
	t.note(c, traitsOf(c))
}

// note is add for a cell whose traits are known.
func (t *traits) note(c engine.Cell, of trait) {
	if c.Type != engine.CellNull && len(c.Data) > t.longest {
		t.longest = len(c.Data)
	}
	t.seen |= of
}

func (t *traits) merge(o traits) {
	t.seen |= o.seen
	t.longest = max(t.longest, o.longest)
}

// traitsOf finds the traits of one value.
func traitsOf(c engine.Cell) trait {
	v := c.Data
	switch c.Type {
	case engine.CellNull:
		return traitNull
	case engine.CellInteger, engine.CellReal:
		switch {
		case len(v) > 0 && v[0] == '-':
			return traitNegative
		case len(v) == 1 && v[0] == '0', string(v) == "0.0":
			return traitZero
		}
		return 0
	}
	if len(v) == 0 {
		return traitEmpty
	}
	var t trait
	if space(v[0]) || space(v[len(v)-1]) {
		if t = traitOuterBlank; blank(v) {
			return traitBlank
		}
	}
	control, high := oddBytes(v)
	if control {
		t |= traitControl
	}
	if high {
		t |= traitNonASCII
		for i := 0; i < len(v); {
			r, size := utf8.DecodeRune(v[i:])
			if r == utf8.RuneError && size == 1 {
				return t | traitNotUTF8
			}
			if size == 4 {
				t |= traitFourByte
			}
			i += size
		}
	}
	return t
}

// oddBytes looks for control characters and for bytes beyond ASCII, eight bytes at a time where they have none.
func oddBytes(v []byte) (control, high bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(v) >= 8 {
		w := binary.LittleEndian.Uint64(v)
		del := w ^ 0x7f*ones
		if (w|(w-0x20*ones)|(del-ones))&tops != 0 {
			break
		}
		v = v[8:]
	}
	for _, b := range v {
		control = control || b < 0x20 || b == 0x7f
		high = high || b >= utf8.RuneSelf
	}
	return control, high
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// features compares source and copy, naming only what the source has.
func (tc *tableCopy) features() []finding.Feature {
	var out []finding.Feature
	for i := range tc.columns {
		c := &tc.columns[i]
		if c.from < 0 || tc.plan.Version {
			continue
		}
		copied := c.copied
		name := place{tc.plan.Table, c.plan.Column}.String()
		for t := traitNull; t <= traitNegative; t <<= 1 {
			if c.source.seen&t != 0 {
				out = append(out, finding.Feature{Column: name, Feature: traitNames[t], Source: true, Copy: copied.seen&t != 0})
			}
		}
		if c.source.longest > 0 {
			out = append(out, finding.Feature{Column: name, Feature: "longest", Source: true, Copy: copied.longest >= c.source.longest})
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		return out[i].Column < out[j].Column
	})
	return out
}
