package cmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/netutil"
)

// hostile is a site behind the server that envdiff serve runs, with its deadline for requests shortened.
func hostile(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	behind, _ := served(t, "a-token-of-24-characters")
	site, ok := behind.Config.Handler.(*site)
	if !ok {
		t.Fatalf("the handler is %T", behind.Config.Handler)
	}
	server := site.server(context.Background())
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.WriteTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Errorf("the server waits for ever, or reads without end: %+v", server)
	}
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// raw sends bytes as they are and returns what comes until the server hangs up.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, request) // the server may have hung up already
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%.60q: the connection is still open after a minute: %v", request, err)
	}
	return string(answer)
}

// Who opens many connections and says nothing, or half a request, keeps nobody waiting: here no deadline would ever free one.
func TestServeAnswersInACrowdThatSaysNothing(t *testing.T) {
	behind, _ := served(t, "a-token-of-24-characters")
	server := behind.Config.Handler.(*site).server(context.Background())
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = time.Hour, time.Hour, time.Hour
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(netutil.LimitListener(listener, 2*maxConnections))
	t.Cleanup(func() { server.Close() })
	for i := range 3 * maxConnections {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, []string{"", "G", "GET / HTTP/1.1\r\nHost: localhost\r\n"}[i%3])
	}
	answer := raw(t, listener.Addr().String(), "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer a-token-of-24-characters\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("in a crowd the answer is %.60q", answer)
	}
}

func TestServeHangsUpOnWhoSendsSlowlyOrTooMuch(t *testing.T) {
	address := hostile(t)
	const token = "Authorization: Bearer a-token-of-24-characters\r\n"
	for name, c := range map[string]struct{ request, holds string }{
		"half a request":       {"GET / HTTP/1.1\r\nHost: localhost\r\n", ""},
		"nothing":              {"", ""},
		"a body without end":   {"GET / HTTP/1.1\r\nHost: localhost\r\n" + token + "Content-Length: 1000000\r\n\r\nx", "200 OK"},
		"a huge header":        {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		"a huge path":          {"GET /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431"},
		"no HTTP":              {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "400"},
		"two lengths":          {"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
		"a path that leads up": {"GET /shop/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + token + "\r\n", "404"},
		"an escaped one":       {"GET /shop/compare?from=..%2f..%2fetc%2fpasswd&to=%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + token + "\r\n", "400"},
		"a null byte":          {"GET /shop%00/report HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + token + "\r\n", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := raw(t, address, c.request); !strings.Contains(got, c.holds) || strings.Contains(got, "root:") {
				t.Errorf("%.200q, want %s", got, c.holds)
			}
		})
	}
	t.Run("and answers the others", func(t *testing.T) {
		t.Parallel()
		request, err := http.NewRequest("GET", fmt.Sprintf("http://%s/", address), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer a-token-of-24-characters")
		if status, body, _ := get(t, request); status != 200 {
			t.Errorf("%d %.200s", status, body)
		}
	})
}
