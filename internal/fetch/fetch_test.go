package fetch_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/fetch"
)

// secret stands in the query and the headers of every request: no error may hold it.
const secret = "zqsecretzq"

// serve starts a server whose failed handshakes are not printed.
func serve(t *testing.T, encrypted bool, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	if encrypted {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func authority(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func get(t *testing.T, r fetch.Request) (fetch.Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err := fetch.Get(ctx, r)
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the error holds the secret: %v", err)
	}
	return a, err
}

func TestGetReadsTextInTheCharsetsOfServers(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", `{"a":"ü"}`, `{"a":"ü"}`},
		{"Application/JSON; charset=ISO-8859-1", "{\"a\":\"\xfc\"}", `{"a":"ü"}`},
		{"text/plain; charset=windows-1252", "price=\x80 5", "price=€ 5"},
		{"text/plain; charset=utf-16le", "a\x00=\x001\x00", "a=1"},
		{"", "\xfe\xff\x00a\x00=\x001", "a=1"},
		{"text/plain", "\xef\xbb\xbfa=1", "a=1"},
	} {
		s := serve(t, false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			fmt.Fprint(w, c.body)
		})
		a, err := get(t, fetch.Request{URL: s.URL})
		if err != nil || string(a.Body) != c.want {
			t.Errorf("%q as %s: %q, %v", c.body, c.contentType, a.Body, err)
		}
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s := serve(t, true, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a=1") })
	if a, err := get(t, fetch.Request{URL: s.URL, CA: authority(s)}); err != nil || string(a.Body) != "a=1" {
		t.Errorf("with its authority: %q, %v", a.Body, err)
	}
	if _, err := get(t, fetch.Request{URL: s.URL}); err == nil || !strings.Contains(err.Error(), "unknown authority: name its file as ca") {
		t.Errorf("without its authority: %v", err)
	}
	if _, err := get(t, fetch.Request{URL: s.URL, Insecure: true}); err != nil {
		t.Errorf("insecure: %v", err)
	}
	other := strings.Replace(s.URL, "127.0.0.1", "localhost", 1) // httptest's certificate is for example.com and addresses
	if _, err := get(t, fetch.Request{URL: other, CA: authority(s)}); err == nil || !strings.Contains(err.Error(), "certificate for another name") {
		t.Errorf("another name: %v", err)
	}
	if _, err := get(t, fetch.Request{URL: s.URL, CA: []byte("no certificate")}); err == nil || !strings.Contains(err.Error(), "no certificate in PEM") {
		t.Errorf("no certificate: %v", err)
	}
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = quiet
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	if _, err := get(t, fetch.Request{URL: old.URL, Insecure: true}); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
}

func TestRedirectsAreFollowedWithCare(t *testing.T) {
	var seen http.Header
	stranger := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		fmt.Fprint(w, "stranger=1")
	})
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, stranger.URL, http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/config", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/config":
			fmt.Fprintf(w, "token=%s", r.Header.Get("X-Token"))
		default:
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}
	})
	headers := map[string]string{"X-Token": secret, "Authorization": "Bearer " + secret}
	if a, err := get(t, fetch.Request{URL: s.URL + "/here", Headers: headers}); err != nil || string(a.Body) != "token="+secret {
		t.Errorf("on the same host: %q, %v", a.Body, err)
	}
	if a, err := get(t, fetch.Request{URL: s.URL + "/away", Headers: headers}); err != nil || string(a.Body) != "stranger=1" || seen.Get("X-Token") != "" || seen.Get("Authorization") != "" {
		t.Errorf("to another host: %q, %v, it was sent %v", a.Body, err, seen)
	}
	if _, err := get(t, fetch.Request{URL: s.URL + "/loop?" + secret}); err == nil || !strings.Contains(err.Error(), "redirects more than 5 times") {
		t.Errorf("a loop: %v", err)
	}
	if _, err := get(t, fetch.Request{URL: s.URL + "/file"}); err == nil || !strings.Contains(err.Error(), "neither http nor https") {
		t.Errorf("to a file: %v", err)
	}
	secure := serve(t, true, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL, http.StatusFound) })
	if _, err := get(t, fetch.Request{URL: secure.URL, Insecure: true}); err == nil || !strings.Contains(err.Error(), "from https to what is not encrypted") {
		t.Errorf("to http: %v", err)
	}
}

// A server that means harm costs at most the deadline and a few MiB.
func TestHostileServers(t *testing.T) {
	chunk := []byte(strings.Repeat("x", 64<<10))
	endless := func(w http.ResponseWriter, r *http.Request) {
		for range (1 << 30) / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	drip := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}
	zeros := bomb(64 << 20)
	packed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zeros)
	}
	short := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("a=1"))
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"1 GiB":             {endless, "more than 4 MiB"},
		"a bomb":            {packed, "more than 4 MiB"},
		"drop by drop":      {drip, ""},
		"less than it says": {short, "before its answer is whole"},
		"not allowed":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "403 Forbidden: give what it wants as headers"},
		"broken":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "503 Service Unavailable"},
		"binary":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0x00, 0xfe}) }, "no text in UTF-8"},
		"strange charset": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=ebcdic")
			_, _ = w.Write([]byte("a"))
		}, "charset that envdiff does not read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, c.handler)
			patience := 10 * time.Second
			if c.want == "" {
				patience = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			_, err := fetch.Get(ctx, fetch.Request{URL: s.URL + "/?token=" + secret, Headers: map[string]string{"X-Token": secret}})
			switch {
			case err == nil:
				t.Error("no error")
			case strings.Contains(err.Error(), secret):
				t.Errorf("the error holds the secret: %v", err)
			case c.want == "" && !errors.Is(err, context.DeadlineExceeded), c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > patience+2*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestWhatDoesNotSpeakHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-OpenSSH\x1b[31m\r\n"))
			c.Close()
		}
	}()
	at := l.Addr().String()
	if _, err := get(t, fetch.Request{URL: "http://" + at}); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
	l.Close()
	if _, err := get(t, fetch.Request{URL: "http://user:" + secret + "@" + at}); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
	if _, err := get(t, fetch.Request{URL: "http://nowhere.invalid/"}); err == nil {
		t.Error("a name that does not exist resolved")
	}
	for _, bad := range []string{"ftp://x/", "https:///x", "x", "https://a b/", "http:opaque"} {
		if err := (fetch.Request{URL: bad}).Check(); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if err := (fetch.Request{URL: "http://x/", Headers: map[string]string{"X": "a\r\nHost: b"}}).Check(); err == nil {
		t.Error("a header of two lines was accepted")
	}
}
