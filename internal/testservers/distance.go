package testservers

import (
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// Distance is the way to a server that is far: a TCP port on 127.0.0.1 whose answers come later.
type Distance struct {
	// Port stands in for the server's.
	Port int

	roundTrip time.Duration
	waits     atomic.Int64
}

// chunk is what a server sent at once, and when it arrives.
type chunk struct {
	bytes []byte
	due   time.Time
}

// inFlight bounds the chunks between a server and its client; at 32 KiB each that is more than a round trip's worth.
const inFlight = 256

// NewDistance puts a network with that round trip in front of a port of this machine, for one test. Like a real network it
// delays and does not slow: what is sent together arrives together.
func NewDistance(t testing.TB, port int, roundTrip time.Duration) *Distance {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("loopback listener without a TCP address")
	}
	d := &Distance{Port: addr.Port, roundTrip: roundTrip}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go d.carry(client, "127.0.0.1:"+strconv.Itoa(port))
		}
	}()
	return d
}

// RoundTrips counts how often clients could not go on before an answer arrived: once for each connection made, and once
// for each time that it was answered after it had spoken: a farewell is not waited for. Connections that are used side by side are added up.
func (d *Distance) RoundTrips() int { return int(d.waits.Load()) }

// carry connects a client with the server until one of them ends.
func (d *Distance) carry(client net.Conn, address string) {
	defer client.Close()
	d.waits.Add(1)
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var asked atomic.Bool
	answers := make(chan chunk, inFlight)
	go d.listen(server, answers)
	go d.speak(client, server, &asked)
	for c := range answers {
		time.Sleep(time.Until(c.due))
		if asked.Swap(false) {
			d.waits.Add(1)
		}
		if _, err := client.Write(c.bytes); err != nil {
			break
		}
	}
	server.Close()
	for range answers { // lets listen end
	}
}

// listen takes what the server sends, until it ends.
func (d *Distance) listen(server net.Conn, answers chan<- chunk) {
	defer close(answers)
	for {
		buffer := make([]byte, 32<<10)
		n, err := server.Read(buffer)
		if n > 0 {
			answers <- chunk{buffer[:n], time.Now().Add(d.roundTrip)}
		}
		if err != nil {
			return
		}
	}
}

// speak passes on what the client sends, at once: the whole delay is on the way back.
func (d *Distance) speak(client io.Reader, server net.Conn, asked *atomic.Bool) {
	defer server.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 {
			asked.Store(true)
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
