package database

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/snapshot"
)

// record is one row's digests.
type record struct {
	key, row [16]byte
	cells    []byte // four bytes per column, valid until the next row
	text     []byte // the key as a JSON list, where it is kept
	values   []byte // kept values as a JSON list
}

// digester digests rows under a key, behind a tag of the table, so that equal rows of two tables have nothing in common.
//
// A digest is the first half of SHA-256 over a key of what it is of, made from the secret and a tag, and canonical cells. Behind a key come as many cells as its
// tag names columns, each of which says where it ends: no message is the beginning of another one, and half of the state is withheld, so nobody can lengthen a
// digest's message without the key, and HMAC's second round, which costs as much as half a row, would add nothing. One key of 32 bytes, and not a secret
// and a tag, leaves a row of usual length a block of SHA-256 shorter.
type digester struct {
	secret         []byte
	layout         layout
	rowTag, keyTag []byte
	cellTags       [][]byte
	buf, body      []byte
	scratch        []byte
	cells          []byte
	ends           []int // where the canonical form of each cell ends in body
	texts          []string
}

func newDigester(secret []byte, table string, l layout) *digester {
	d := &digester{secret: secret, layout: l}
	var key []string
	for _, i := range l.key {
		key = append(key, l.columns[i])
	}
	d.keyTag = d.tag("key", table, key...)
	columns := slices.Clone(l.columns)
	for i, p := range l.places {
		if p != noPlaces {
			columns[i] = fmt.Sprintf("%s\x00%d", columns[i], p)
		}
	}
	d.rowTag = d.tag("row", table, columns...)
	for _, c := range columns {
		d.cellTags = append(d.cellTags, d.tag("cell", table, c))
	}
	return d
}

// tag is the key that stands in front of what is digested.
func (d *digester) tag(what, table string, columns ...string) []byte {
	text := slices.Clone(d.secret)
	for _, s := range append([]string{what, table}, columns...) {
		text = binary.AppendUvarint(text, uint64(len(s)))
		text = append(text, s...)
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// maxKeyText is how long a stored key may be: longer ones are not shown. maxValue is the same of a value.
const (
	maxKeyText = 200
	maxValue   = 60
)

// row digests a row, with its cells and texts where they are wanted; without them the key may have its bucket alone. The record is valid until the next row.
func (d *digester) row(row engine.Row, detail bool) record {
	var r record
	d.body, d.ends = append(d.body[:0], d.rowTag...), d.ends[:0]
	for i := range row {
		d.body = d.canonical(d.body, i, row[i])
		d.ends = append(d.ends, len(d.body))
	}
	d.sum(d.body, r.row[:])
	if len(d.layout.key) == 0 {
		r.key = r.row
		return r
	}
	if !detail && d.setBucket(&r.key, row) {
		return r // the rest of the key has no use
	}
	d.buf = append(d.buf[:0], d.keyTag...)
	for _, i := range d.layout.key {
		d.buf = append(d.buf, d.cell(i)...)
	}
	d.sum(d.buf, r.key[:])
	d.setBucket(&r.key, row)
	if !detail {
		return r
	}
	d.cells = d.cells[:0]
	for i := range row {
		d.buf = append(append(d.buf[:0], d.cellTags[i]...), r.key[:]...)
		d.buf = append(d.buf, d.cell(i)...)
		var sum [16]byte
		d.sum(d.buf, sum[:])
		d.cells = append(d.cells, sum[:4]...)
	}
	r.cells = d.cells
	d.addTexts(&r, row)
	return r
}

// canonical appends the canonical form of a cell, rounded where that is asked for.
func (d *digester) canonical(to []byte, i int, c engine.Cell) []byte {
	if p := d.layout.places[i]; p != noPlaces && c.Type != engine.CellNull && c.Type != engine.CellBlob {
		c.Data = roundCell(d.layout.types[i], c.Data, p)
	}
	return canonical(to, d.layout.types[i], c, &d.scratch)
}

// bucketOf is the bucket of a row.
func (d *digester) bucketOf(row engine.Row) uint16 {
	if len(d.layout.key) == 0 {
		r := d.row(row, false)
		return bucketOf(&r.key)
	}
	var key [16]byte
	if d.setBucket(&key, row) {
		return bucketOf(&key)
	}
	d.buf = append(d.buf[:0], d.keyTag...)
	for _, i := range d.layout.key {
		d.buf = canonical(d.buf, d.layout.types[i], row[i], &d.scratch)
	}
	d.sum(d.buf, key[:])
	return bucketOf(&key)
}

// cell is the canonical form of a cell of the row in body.
func (d *digester) cell(i int) []byte {
	from := len(d.rowTag)
	if i > 0 {
		from = d.ends[i-1]
	}
	return d.body[from:d.ends[i]]
}

// setBucket makes the remainder of a numeric key the bucket, and reports that it did.
func (d *digester) setBucket(key *[16]byte, row engine.Row) bool {
	if !d.layout.byNumber {
		return false
	}
	text := string(row[d.layout.key[0]].Data)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		var large uint64
		if large, err = strconv.ParseUint(text, 10, 64); err != nil {
			return false
		}
		n = int64(large)
	}
	binary.BigEndian.PutUint16(key[:], uint16(n))
	return true
}

func bucketOf(key *[16]byte) uint16 { return binary.BigEndian.Uint16(key[:]) }

// addTexts adds what the policy lets be seen.
func (d *digester) addTexts(r *record, row engine.Row) {
	if d.layout.keyText {
		d.texts = d.texts[:0]
		for _, i := range d.layout.key {
			d.texts = append(d.texts, string(row[i].Data))
		}
		if text := snapshot.Strings(false, d.texts...).JSON(); len(text) <= maxKeyText {
			r.text = []byte(text)
		}
	}
	if d.layout.values {
		d.texts = d.texts[:0]
		for i, c := range row {
			d.texts = append(d.texts, d.shown(i, c))
		}
		r.values = []byte(snapshot.Strings(false, d.texts...).JSON())
	}
}

// shown is a value for people, "" where it is not theirs to see.
func (d *digester) shown(i int, c engine.Cell) string {
	switch {
	case !d.layout.kept[i]:
		return ""
	case c.Type == engine.CellNull:
		return "NULL"
	case c.Type == engine.CellBlob:
		return fmt.Sprintf("%d bytes", len(c.Data))
	case len(c.Data) > maxValue:
		return fmt.Sprintf("%d bytes of text", len(c.Data))
	}
	if n, ok := number(c.Data, &d.scratch); ok && (c.Type != engine.CellText || d.layout.types[i] != logicalText) {
		return string(n)
	}
	return strconv.Quote(string(c.Data))
}

func (d *digester) sum(what []byte, to []byte) {
	sum := sha256.Sum256(what)
	copy(to, sum[:])
}

// String keeps a digester, which holds a key, out of messages.
func (d *digester) String() string { return "digester" }
