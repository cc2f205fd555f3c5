package sanitize

import (
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// rarities keep one row of every value of a column that has few, and one of every shape where those are few: the one odd status, or the one
// code that is not like the others, are what a migration trips over.
type rarities struct {
	values, shapes variety
	buffer         []byte
}

// variety is what was seen of one kind, and the row with the lowest hash that has it: the same one in whatever order they come.
type variety struct {
	seen map[string]uint64
	many bool // more than maxVariety: then none of them is rare
}

// maxVariety is how many values are few, and maxValue how long they may be.
const (
	maxVariety = 48
	maxValue   = 64
)

func (v *variety) add(key []byte, h uint64) {
	if v.many {
		return
	}
	have, ok := v.seen[string(key)]
	switch {
	case ok && have <= h:
	case ok || len(v.seen) < maxVariety:
		if v.seen == nil {
			v.seen = map[string]uint64{}
		}
		v.seen[string(key)] = h
	default:
		v.many, v.seen = true, nil
	}
}

func (v *variety) rows() []uint64 {
	var out []uint64
	for _, h := range v.seen {
		out = append(out, h)
	}
	return out
}

func (r *rarities) add(cell engine.Cell, h uint64) {
	if cell.Type == engine.CellNull {
		return
	}
	if !r.values.many && len(cell.Data) <= maxValue {
		r.buffer = append(append(r.buffer[:0], byte(cell.Type)), cell.Data...)
		r.values.add(r.buffer, h)
	}
	if !r.shapes.many {
		r.buffer = appendOutline(append(r.buffer[:0], byte(cell.Type)), cell.Data)
		if impossibleDate(cell.Data) {
			r.buffer = append(r.buffer, '!')
		}
		r.shapes.add(r.buffer, h)
	}
}

func (r *rarities) rows() []uint64 { return append(r.values.rows(), r.shapes.rows()...) }

// impossibleDate reports a text that is written like a date and is none: 1980-13-45, 2026-02-30, 0000-00-00.
func impossibleDate(text []byte) bool {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return false
	}
	for _, i := range []int{0, 1, 2, 3, 5, 6, 8, 9} {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	_, err := time.Parse(time.DateOnly, string(text[:10]))
	return err != nil || string(text[:4]) == "0000"
}

// maxOutline bounds an outline: longer texts are alike from there on.
const maxOutline = 24

// appendOutline writes the classes of a text's characters, runs of one class as one: "A12-x" is "A9-a".
func appendOutline(dst, text []byte) []byte {
	last := byte(0)
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			c = '9'
		case c >= 'a' && c <= 'z':
			c = 'a'
		case c >= 'A' && c <= 'Z':
			c = 'A'
		case c >= 0x80:
			c = 0x80
		}
		if c == last {
			continue
		}
		if last = c; len(dst) > maxOutline {
			break
		}
		dst = append(dst, c)
	}
	return dst
}
