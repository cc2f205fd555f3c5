package mysql

import (
	"bufio"
	"context"
	"net"
)

// readAhead is how much of what has arrived is taken at once. The driver's own buffer is 4 KiB, a quarter of what a server writes at once: a table of a
// hundred megabytes would be thousands of system calls more.
const readAhead = 64 << 10

// aheadConn is a connection that reads ahead.
type aheadConn struct {
	net.Conn
	ahead *bufio.Reader
}

func (c *aheadConn) Read(p []byte) (int, error) { return c.ahead.Read(p) }

// dialAhead connects as the driver would, keepalive included, which Go's dialer turns on by itself.
func dialAhead(ctx context.Context, network, addr string) (*aheadConn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &aheadConn{c, bufio.NewReaderSize(c, readAhead)}, nil
}
