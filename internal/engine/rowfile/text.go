package rowfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/internal/engine"
)

// write encodes rows into a table's file.
func (d *DB) write(ctx context.Context, t Table, next func() (engine.Row, error)) (rows int64, err error) {
	f, err := d.files.Create(t.File)
	if err != nil {
		return 0, err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	defer func() { err = errors.Join(err, z.Close(), f.Close()) }()
	var line []byte
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if len(row) != len(t.Columns) {
			return rows, fmt.Errorf("a row of %d cells for %d columns", len(row), len(t.Columns))
		}
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		line = appendRow(line[:0], row)
		if _, err := z.Write(line); err != nil {
			return rows, err
		}
		rows++
	}
}

// maxRow bounds a line: a cell of a gigabyte, escaped.
const maxRow = 2<<30 - 1

// read decodes a table's file and gives the cells at these places to fn.
func (d *DB) read(ctx context.Context, t Table, at []int, fn func(engine.Row) error) error {
	f, err := d.files.Open(t.File)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(make([]byte, 64<<10), maxRow)
	var cells, row engine.Row
	var rows int64
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if cells, err = decodeRow(cells[:0], lines.Bytes()); err != nil || len(cells) != len(t.Columns) {
			return fmt.Errorf("the stored rows of %s are damaged", t.Name)
		}
		row = row[:0]
		for _, i := range at {
			row = append(row, cells[i])
		}
		rows++
		if err := fn(row); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stored rows of %s are damaged: %w", t.Name, err)
	}
	if rows != t.Rows {
		return fmt.Errorf("the stored rows of %s are damaged: %d of %d", t.Name, rows, t.Rows)
	}
	return nil
}

var prefixes = map[engine.CellType]string{engine.CellInteger: `\I`, engine.CellReal: `\R`, engine.CellBlob: `\B`}

func appendRow(to []byte, row engine.Row) []byte {
	for i, c := range row {
		if i > 0 {
			to = append(to, '\t')
		}
		switch c.Type {
		case engine.CellNull:
			to = append(to, `\N`...)
		case engine.CellBlob:
			to = append(to, prefixes[c.Type]...)
			to = hex.AppendEncode(to, c.Data)
		default:
			to = append(to, prefixes[c.Type]...)
			to = appendEscaped(to, c.Data)
		}
	}
	return append(to, '\n')
}

// escapes are the characters that a text may not hold as they are, with what stands for them.
var escapes = map[byte]byte{'\\': '\\', '\t': 't', '\n': 'n', '\r': 'r'}

func appendEscaped(to, text []byte) []byte {
	for {
		i := bytes.IndexAny(text, "\\\t\n\r")
		if i < 0 {
			return append(to, text...)
		}
		to = append(append(to, text[:i]...), '\\', escapes[text[i]])
		text = text[i+1:]
	}
}

var errLine = errors.New("a line that nobody wrote")

// decodeRow reads a line into cells, whose bytes it may be.
func decodeRow(cells engine.Row, line []byte) (engine.Row, error) {
	for {
		field, rest, more := bytes.Cut(line, []byte{'\t'})
		c, err := decodeCell(field)
		if err != nil {
			return cells, err
		}
		cells = append(cells, c)
		if !more {
			return cells, nil
		}
		line = rest
	}
}

func decodeCell(field []byte) (engine.Cell, error) {
	if len(field) >= 2 && field[0] == '\\' {
		switch field[1] {
		case 'N':
			if len(field) > 2 {
				return engine.Cell{}, errLine
			}
			return engine.Cell{}, nil
		case 'I':
			return engine.Cell{Type: engine.CellInteger, Data: field[2:]}, nil
		case 'R':
			return engine.Cell{Type: engine.CellReal, Data: field[2:]}, nil
		case 'B':
			data, err := hex.DecodeString(string(field[2:]))
			return engine.Cell{Type: engine.CellBlob, Data: data}, err
		}
	}
	if bytes.IndexByte(field, '\\') < 0 {
		return engine.Cell{Type: engine.CellText, Data: field}, nil
	}
	text := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		b := field[i]
		if b == '\\' {
			if i++; i == len(field) {
				return engine.Cell{}, errLine
			}
			switch field[i] {
			case '\\':
			case 't':
				b = '\t'
			case 'n':
				b = '\n'
			case 'r':
				b = '\r'
			default:
				return engine.Cell{}, errLine
			}
		}
		text = append(text, b)
	}
	return engine.Cell{Type: engine.CellText, Data: text}, nil
}
