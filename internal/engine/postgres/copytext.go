package postgres

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/envdiff/envdiff/internal/engine"
)

// COPY's text format (PostgreSQL manual, "COPY", file formats): one line per row, tabs between columns, \N for NULL, and backslash escapes
// for the characters that mean something.

// errCopyFormat is a line that no server writes.
var errCopyFormat = errors.New("malformed COPY text")

// lines takes the stream apart. Servers send one row per message; the format itself only promises lines.
type lines struct {
	fn   func(line []byte) error
	rest []byte // an unfinished line
}

func (l *lines) write(p []byte) error {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.rest = append(l.rest, p...)
			return nil
		}
		line := p[:end]
		p = p[end+1:]
		if len(l.rest) > 0 {
			line = append(l.rest, line...)
			l.rest = line[:0]
		}
		if err := l.fn(line); err != nil {
			return err
		}
	}
	return nil
}

func (l *lines) finish() error {
	if len(l.rest) > 0 {
		return errCopyFormat
	}
	return nil
}

// rowDecoder reads lines. Its row and cells are reused by the next one.
type rowDecoder struct {
	columns int
	row     engine.Row
	bytes   []byte // the unescaped cells of a row, one after the other
}

// decode reads one line without its newline. Where nothing is escaped, the cells are the line's own bytes.
func (d *rowDecoder) decode(line []byte) (engine.Row, error) {
	d.row = d.row[:0]
	escaped := bytes.IndexByte(line, '\\') >= 0
	if escaped {
		d.room(len(line))
	}
	for {
		field, more := line, false
		if tab := bytes.IndexByte(line, '\t'); tab >= 0 {
			field, line, more = line[:tab], line[tab+1:], true
		}
		cell := engine.Cell{Type: engine.CellText, Data: field[:len(field):len(field)]}
		if escaped {
			var err error
			if cell, err = d.cell(field); err != nil {
				return nil, err
			}
		}
		d.row = append(d.row, cell)
		if !more {
			break
		}
	}
	if len(d.row) != d.columns {
		return nil, fmt.Errorf("%w: %d columns instead of %d", errCopyFormat, len(d.row), d.columns)
	}
	return d.row, nil
}

// room makes the buffer empty, and large enough for a line: unescaping never makes a cell longer, so cells never move while the row is built.
func (d *rowDecoder) room(n int) {
	if cap(d.bytes) < n {
		d.bytes = make([]byte, 0, n)
	}
	d.bytes = d.bytes[:0]
}

func (d *rowDecoder) cell(field []byte) (engine.Cell, error) {
	if string(field) == `\N` {
		return engine.Cell{}, nil
	}
	start := len(d.bytes)
	for {
		backslash := bytes.IndexByte(field, '\\')
		if backslash < 0 {
			d.bytes = append(d.bytes, field...)
			return engine.Cell{Type: engine.CellText, Data: d.bytes[start:len(d.bytes):len(d.bytes)]}, nil
		}
		d.bytes = append(d.bytes, field[:backslash]...)
		if backslash+1 == len(field) {
			return engine.Cell{}, fmt.Errorf("%w: a line ends in a backslash", errCopyFormat)
		}
		var n int
		d.bytes, n = unescape(d.bytes, field[backslash+1:])
		field = field[backslash+1+n:]
	}
}

// unescape appends what the characters after a backslash stand for and says how many it took. Any other character stands for itself.
func unescape(to, from []byte) ([]byte, int) {
	switch c := from[0]; c {
	case 'b':
		return append(to, '\b'), 1
	case 'f':
		return append(to, '\f'), 1
	case 'n':
		return append(to, '\n'), 1
	case 'r':
		return append(to, '\r'), 1
	case 't':
		return append(to, '\t'), 1
	case 'v':
		return append(to, '\v'), 1
	case 'x':
		value, n := digits(from[1:], 16, 2)
		if n == 0 {
			return append(to, c), 1
		}
		return append(to, value), 1 + n
	default:
		if value, n := digits(from, 8, 3); n > 0 {
			return append(to, value), n
		}
		return append(to, c), 1
	}
}

// digits reads up to limit digits of a base.
func digits(from []byte, base, limit int) (value byte, n int) {
	for n < limit && n < len(from) {
		d := bytes.IndexByte([]byte("0123456789abcdef"), lower(from[n]))
		if d < 0 || d >= base {
			break
		}
		value = value*byte(base) + byte(d)
		n++
	}
	return value, n
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// appendRow writes a row as a line. Blobs are written as bytea's hexadecimal form. A text with a NUL byte is refused: PostgreSQL cannot hold it.
func appendRow(to []byte, row engine.Row) ([]byte, error) {
	for i, cell := range row {
		if i > 0 {
			to = append(to, '\t')
		}
		switch cell.Type {
		case engine.CellNull:
			to = append(to, `\N`...)
		case engine.CellBlob:
			to = append(to, `\\x`...)
			to = hex.AppendEncode(to, cell.Data)
		default:
			if bytes.IndexByte(cell.Data, 0) >= 0 {
				return nil, errNUL(i)
			}
			to = appendEscaped(to, cell.Data)
		}
	}
	return append(to, '\n'), nil
}

// escapes are the bytes that COPY text may not hold as they are.
var escapes = [256]bool{'\\': true, '\t': true, '\n': true, '\r': true}

func errNUL(column int) error {
	return fmt.Errorf("column %d of a row holds a NUL byte, which no PostgreSQL text can", column+1)
}

func appendEscaped(to, text []byte) []byte {
	for {
		i := 0
		for i < len(text) && !escapes[text[i]] {
			i++
		}
		if i == len(text) {
			return append(to, text...)
		}
		to = append(to, text[:i]...)
		switch text[i] {
		case '\\':
			to = append(to, `\\`...)
		case '\t':
			to = append(to, `\t`...)
		case '\n':
			to = append(to, `\n`...)
		case '\r':
			to = append(to, `\r`...)
		}
		text = text[i+1:]
	}
}
