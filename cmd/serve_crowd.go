package cmd

import (
	"net"
	"net/http"
	"sync"
)

// crowd are the connections to a site. When there are more than maxConnections, it hangs up on the one that has been longest without a whole request, so that who opens many and
// says nothing keeps nobody else waiting. A request that is being answered is never cut.
type crowd struct {
	mu   sync.Mutex
	all  map[net.Conn]*visitor
	last uint64
}

type visitor struct {
	since  uint64 // the order in which they came, or were last answered
	served bool
}

type visitorKey struct{}

func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.last++
		c.all[conn] = &visitor{since: c.last}
		if len(c.all) > maxConnections {
			c.hangUp()
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.all, conn)
	}
}

// hangUp closes the connection that has waited longest; it is forgotten at once, for its own end is told later.
func (c *crowd) hangUp() {
	var oldest net.Conn
	for conn, v := range c.all {
		if !v.served && (oldest == nil || v.since < c.all[oldest].since) {
			oldest = conn
		}
	}
	if oldest != nil {
		delete(c.all, oldest)
		_ = oldest.Close()
	}
}

// serving marks a connection while its request is answered.
func (c *crowd) serving(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(visitorKey{}).(net.Conn)
		c.mark(conn, true)
		defer c.mark(conn, false)
		h.ServeHTTP(w, r)
	})
}

func (c *crowd) mark(conn net.Conn, served bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.all[conn]; v != nil {
		c.last++
		v.since, v.served = c.last, served
	}
}
