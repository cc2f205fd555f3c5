package mysql

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// insert sends a chunk as INSERTs of many rows.
func (l *loader) insert(ctx context.Context, c chunk) (err error) {
	head := "INSERT INTO " + qualified(l.table) + " (" + quoteAll(l.columns) + ") VALUES "
	var b strings.Builder
	if c.odd > 0 {
		if err := l.c.exec(ctx, setMode(strings.TrimPrefix(copyMode, "STRICT_ALL_TABLES,"))); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.c.exec(ctx, setMode(copyMode))) }()
	}
	warned := 0
	flush := func() error {
		if b.Len() == 0 {
			return nil
		}
		err := l.c.exec(ctx, head+b.String())
		b.Reset()
		if err != nil || c.odd == 0 {
			return err
		}
		count, err := l.warnings(ctx)
		n, _ := strconv.Atoi(count)
		warned += n
		return err
	}
	for rest := c.data; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		l.tuple(&b, rest[:end])
		rest = rest[end+1:]
		if b.Len() >= insertBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if warned != c.odd {
		return &engine.Error{Code: "1265", Table: l.table.String(), Message: "a value does not fit into its column of table " + l.table.String()}
	}
	return nil
}

// tuple writes an encoded row as a list of constants.
func (l *loader) tuple(b *strings.Builder, line []byte) {
	b.WriteByte('(')
	for i := range l.columns {
		field, rest, _ := bytes.Cut(line, []byte{'\t'})
		line = rest
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case string(field) == `\N`:
			b.WriteString("NULL")
		case l.hexed[i]:
			b.WriteString("X'")
			b.Write(field)
			b.WriteByte('\'')
		default:
			b.WriteString(literal(string(fieldValue(field))))
		}
	}
	b.WriteByte(')')
}

// fieldValue undoes appendField.
func fieldValue(field []byte) []byte {
	if bytes.IndexByte(field, '\\') < 0 {
		return field
	}
	value := make([]byte, 0, len(field))
	for i := 0; i < len(field); i++ {
		b := field[i]
		if b == '\\' && i+1 < len(field) {
			i++
			switch b = field[i]; b {
			case 't':
				b = '\t'
			case 'n':
				b = '\n'
			case '0':
				b = 0
			}
		}
		value = append(value, b)
	}
	return value
}
