package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/envdiff/envdiff/internal/engine"
)

// COPY's binary format (PostgreSQL manual, "COPY", binary format): a header, then rows of a count of fields, each with its length, -1 for NULL, then a count of
// -1. The server's functions that write moments, numbers and addresses as text take most of the time of a COPY of narrow rows; their binary forms, which have
// been what they are since integer datetimes became the only ones in PostgreSQL 10, cost it next to nothing and this process less than reading them as text would.

// binarySignature begins a stream. It is followed by flags and an extension, whose length it tells.
var binarySignature = []byte("PGCOPY\n\xff\r\n\x00")

// errCopyBinary is a stream that no server writes.
var errCopyBinary = errors.New("malformed binary COPY")

// binaryRows takes a stream of binary rows apart. Its row and cells are reused by the next one.
type binaryRows struct {
	forms   []binaryForm
	fn      func(engine.Row) error
	rest    []byte // an unfinished row
	started bool
	ended   bool
	row     engine.Row
	texts   []byte // of a row, the texts of what is not sent as such
}

// write takes a piece of the stream. Servers send one row per message; the format promises nothing of the kind.
func (b *binaryRows) write(p []byte) error {
	if len(b.rest) > 0 {
		b.rest = append(b.rest, p...)
		p = b.rest
	}
	taken, err := b.take(p)
	if err != nil {
		return err
	}
	b.rest = append(b.rest[:0], p[taken:]...)
	return nil
}

// take reads as many whole rows as there are, and says how many bytes they were.
func (b *binaryRows) take(p []byte) (taken int, err error) {
	if !b.started {
		head := len(binarySignature) + 8
		if len(p) < head {
			return 0, nil
		}
		more := int(binary.BigEndian.Uint32(p[head-4:]))
		if !bytes.HasPrefix(p, binarySignature) || more < 0 || more > 1<<20 {
			return 0, errCopyBinary
		}
		if len(p) < head+more {
			return 0, nil
		}
		taken, b.started = head+more, true
	}
	for {
		n, err := b.next(p[taken:])
		if n == 0 || err != nil {
			return taken, err
		}
		taken += n
	}
}

// next reads a row, and says how many bytes it was: 0 where it is not all there.
func (b *binaryRows) next(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, nil
	}
	switch count := int16(binary.BigEndian.Uint16(p)); {
	case b.ended:
		return 0, errCopyBinary
	case count == -1:
		b.ended = true
		return 2, nil
	case int(count) != len(b.forms):
		return 0, errCopyBinary
	}
	b.row, b.texts = b.row[:0], b.texts[:0]
	at := 2
	for i := range b.forms {
		if len(p)-at < 4 {
			return 0, nil
		}
		length := int(int32(binary.BigEndian.Uint32(p[at:])))
		at += 4
		if length == -1 {
			b.row = append(b.row, engine.Cell{})
			continue
		}
		if length < 0 {
			return 0, errCopyBinary
		}
		if len(p)-at < length {
			return 0, nil
		}
		value := p[at : at+length : at+length]
		at += length
		if b.forms[i] != binaryText {
			from, ok := len(b.texts), false
			if b.texts, ok = b.forms[i].appendText(b.texts, value); !ok {
				return 0, errCopyBinary
			}
			value = b.texts[from:len(b.texts):len(b.texts)] // what append moves stays where it was for the cells before
		}
		b.row = append(b.row, engine.Cell{Type: engine.CellText, Data: value})
	}
	return at, b.fn(b.row)
}

// finish reports a stream that ended too early.
func (b *binaryRows) finish() error {
	if !b.ended || len(b.rest) > 0 {
		return errCopyBinary
	}
	return nil
}
