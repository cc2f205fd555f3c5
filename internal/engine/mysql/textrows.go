package mysql

import (
	"bufio"
	"context"
	sqldriver "database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

// The driver makes a Go value of every cell, most of them on the heap, and parses numbers that are printed again: more than half of what reading a table costs
// this process. So tables are read without it: the query is sent, and its rows are taken, on the connection beneath it while it is idle, whose state it keeps per command.
// That needs a connection that carries the protocol as it is: over TLS, or compressed, the driver reads (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response.html).

const (
	comQuery = 0x03
	// packetMost is the length of a packet that is continued by the next one.
	packetMost = 1<<24 - 1
	iEOF       = 0xfe
	iERR       = 0xff
	iNull      = 0xfb // of a cell; at the head of an answer, the server's wish for a local file
)

// errProtocol is an answer that no server gives. The connection is of no use then.
var errProtocol = errors.New("the server's answer is not of its protocol")

// bare reports a connection that carries packets as they are.
func bare(config *driver.Config) bool {
	return config.TLS == nil && config.ReadTimeout == 0 && config.WriteTimeout == 0 && !strings.Contains(config.FormatDSN(), "compress=true")
}

// stream is query for many rows.
func (c *conn) stream(ctx context.Context, sql string, fn func(engine.Row) error) error {
	if c.wire == nil || !bare(c.config) {
		return c.query(ctx, sql, fn)
	}
	return c.run(ctx, func(inner context.Context) error {
		// The context ends when the connection is given up.
		stop := context.AfterFunc(inner, func() { _ = c.wire.SetDeadline(time.Unix(1, 0)) })
		defer stop()
		r := &textRows{from: c.wire.ahead}
		err := r.ask(c.wire, sql)
		for err == nil && !r.done {
			var row engine.Row
			if row, err = r.next(); err != nil || r.done {
				break
			}
			if err = fn(row); err != nil {
				c.killQuery()
				c.settleAfter(r)
				return err
			}
		}
		var refusal *driver.MySQLError
		if err != nil && !errors.As(err, &refusal) {
			c.broken = true // what is left of the answer is not the next one's
			if inner.Err() != nil {
				return inner.Err()
			}
			if !errors.Is(err, errProtocol) {
				return sqldriver.ErrBadConn
			}
		}
		return err
	})
}

// settleAfter takes what is left of an answer off the connection.
func (c *conn) settleAfter(r *textRows) {
	for !r.done {
		_, err := r.next()
		var refusal *driver.MySQLError
		if errors.As(err, &refusal) {
			c.settle(err)
			return
		}
		if err != nil {
			c.broken = true
			return
		}
	}
	c.settle(nil)
}

// textRows are the rows of a query's answer. A row and its cells are reused by the next one.
type textRows struct {
	from  *bufio.Reader
	taken int    // bytes of from that the last packet still uses
	large []byte // a packet that from has no room for
	types []engine.CellType
	row   engine.Row
	held  []byte // a packet that was looked at
	done  bool
}

// ask sends a query and reads the answer up to its first row.
func (r *textRows) ask(to io.Writer, sql string) error {
	packet := make([]byte, 0, 5+len(sql))
	packet = append(packet, 0, 0, 0, 0, comQuery)
	packet = append(packet, sql...)
	n := len(packet) - 4
	if n >= packetMost {
		return fmt.Errorf("%w: a query of %d bytes", errProtocol, n)
	}
	packet[0], packet[1], packet[2] = byte(n), byte(n>>8), byte(n>>16)
	if _, err := to.Write(packet); err != nil {
		return err
	}
	head, err := r.packet()
	if err != nil {
		return err
	}
	if head[0] == iERR {
		return r.refusal(head)
	}
	columns, _, ok := lengthOf(head)
	if !ok || head[0] == iNull || columns == 0 || columns > 4096 {
		return errProtocol
	}
	for range columns {
		definition, err := r.packet()
		if err != nil {
			return err
		}
		class, ok := classOf(definition)
		if !ok {
			return errProtocol
		}
		r.types = append(r.types, class)
	}
	// Servers that were not told otherwise end the definitions with a packet that is shorter than the one that may end an answer.
	first, err := r.packet()
	if err == nil && (first[0] != iEOF || len(first) != 5) {
		r.held = first
	}
	return err
}

// The types of columns whose cells are bytes where their character set is binary, and those that always are.
var (
	typesOfBytes      = map[byte]bool{16: true, 242: true, 255: true}                                             // BIT, VECTOR, GEOMETRY
	typesOfEither     = map[byte]bool{15: true, 249: true, 250: true, 251: true, 252: true, 253: true, 254: true} // VARCHAR, the BLOBs, VAR_STRING, STRING
	characterBinary   = byte(63)
	flagEnum, flagSet = uint16(1 << 8), uint16(1 << 11)
)

// classOf reads a column's definition, whose last twelve bytes are the same whatever the server puts before them.
func classOf(definition []byte) (engine.CellType, bool) {
	if len(definition) < 13 {
		return 0, false
	}
	tail := definition[len(definition)-12:]
	typ, flags := tail[6], binary.LittleEndian.Uint16(tail[7:])
	if typesOfBytes[typ] || typesOfEither[typ] && tail[0] == characterBinary && flags&(flagEnum|flagSet) == 0 {
		return engine.CellBlob, true
	}
	return engine.CellText, true
}

// next reads a row; after the last one done is true.
func (r *textRows) next() (engine.Row, error) {
	p := r.held
	r.held = nil
	if p == nil {
		var err error
		if p, err = r.packet(); err != nil {
			return nil, err
		}
	}
	switch {
	case p[0] == iERR:
		r.done = true
		return nil, r.refusal(p)
	case p[0] == iEOF && len(p) < packetMost:
		r.done = true
		r.release()
		return nil, nil
	}
	r.row = r.row[:0]
	for _, class := range r.types {
		if len(p) == 0 {
			return nil, errProtocol
		}
		if p[0] == iNull {
			r.row = append(r.row, engine.Cell{})
			p = p[1:]
			continue
		}
		length, n, ok := lengthOf(p)
		if !ok || length > uint64(len(p)-n) {
			return nil, errProtocol
		}
		end := n + int(length)
		r.row = append(r.row, engine.Cell{Type: class, Data: p[n:end:end]})
		p = p[end:]
	}
	if len(p) > 0 {
		return nil, errProtocol
	}
	return r.row, nil
}

// packet reads a packet, of at least one byte, that is valid until the next one. Small ones stay where they were read.
func (r *textRows) packet() ([]byte, error) {
	r.release()
	head, err := r.from.Peek(4)
	if err != nil {
		return nil, err
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if n == 0 {
		return nil, errProtocol
	}
	if n+4 <= r.from.Size() {
		p, err := r.from.Peek(n + 4)
		if err != nil {
			return nil, err
		}
		r.taken = n + 4
		return p[4:], nil
	}
	r.large = r.large[:0]
	for {
		if _, err := r.from.Discard(4); err != nil {
			return nil, err
		}
		from := len(r.large)
		r.large = append(r.large, make([]byte, n)...)
		if _, err := io.ReadFull(r.from, r.large[from:]); err != nil {
			return nil, err
		}
		if n < packetMost {
			return r.large, nil
		}
		if head, err = r.from.Peek(4); err != nil {
			return nil, err
		}
		n = int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	}
}

// release gives up the last packet. The driver must not read it once more.
func (r *textRows) release() {
	_, _ = r.from.Discard(r.taken) // it has been peeked at
	r.taken = 0
}

// lengthOf reads a length-encoded number and says how many bytes it takes.
func lengthOf(p []byte) (length uint64, n int, ok bool) {
	if len(p) == 0 {
		return 0, 0, false
	}
	switch p[0] {
	default:
		return uint64(p[0]), 1, true
	case iNull, iERR:
		return 0, 0, false
	case 0xfc:
		n = 3
	case 0xfd:
		n = 4
	case 0xfe:
		n = 9
	}
	if len(p) < n {
		return 0, 0, false
	}
	for i := n - 1; i > 0; i-- {
		length = length<<8 | uint64(p[i])
	}
	return length, n, true
}

// refusal reads an error, which ends an answer, as the driver does.
func (r *textRows) refusal(p []byte) error {
	defer r.release()
	if len(p) < 3 {
		return errProtocol
	}
	e := &driver.MySQLError{Number: binary.LittleEndian.Uint16(p[1:])}
	rest := p[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		copy(e.SQLState[:], rest[1:6])
		rest = rest[6:]
	}
	e.Message = string(rest)
	return e
}
