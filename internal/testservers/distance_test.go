package testservers

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"
)

// echo is a server that answers each line with that line.
func echo(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintln(conn, lines.Text())
				}
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestDistanceDelaysAndCounts(t *testing.T) {
	const roundTrip = 50 * time.Millisecond
	d := NewDistance(t, echo(t), roundTrip)
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(d.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	talk := func(lines ...string) {
		t.Helper()
		at := time.Now()
		for _, line := range lines {
			fmt.Fprintln(conn, line)
		}
		for _, line := range lines {
			if got, err := answers.ReadString('\n'); err != nil || got != line+"\n" {
				t.Fatalf("got %q, %v", got, err)
			}
		}
		if took := time.Since(at); took < roundTrip {
			t.Errorf("%d lines took %s", len(lines), took)
		}
	}
	talk("one")
	talk("two", "three", "four")
	if got := d.RoundTrips(); got != 3 {
		t.Errorf("%d round trips, want one for the connection and two for what was asked", got)
	}
}
