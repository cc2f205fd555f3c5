package fetch_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/fetch"
)

var quiet = log.New(io.Discard, "", 0)

// bomb is a gzip stream of so many zeros.
func bomb(size int) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.CopyN(w, zeros{}, int64(size))
	_ = w.Close()
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// onHost runs the command of a request as a host would that has these programs alone.
func onHost(t *testing.T, r fetch.Request, programs ...string) (fetch.Answer, error) {
	t.Helper()
	dir := t.TempDir()
	for _, p := range programs {
		name, target, linked := strings.Cut(p, "=")
		if !linked {
			target = name
		}
		path, err := exec.LookPath(target)
		if err != nil {
			t.Fatalf("%s is not there: run make deps", target)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	argv, input := r.Command(2 * time.Second)
	if strings.Contains(strings.Join(argv, " "), secret) {
		t.Errorf("the arguments hold the secret: %q", argv)
	}
	cmd := exec.Command("/bin/sh", argv[1:]...)
	cmd.Env = []string{"PATH=" + dir}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	a, err := fetch.Read(r.URL, out)
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the error holds the secret: %v", err)
	}
	return a, err
}

// What a host answers with its own program is what envdiff gets itself.
func TestCommandAnswersLikeGet(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/config", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/gone":
			http.NotFound(w, r)
		case "/slow":
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "application/json; charset=iso-8859-1")
			fmt.Fprintf(w, "{\"a\": \"\xfc\", \"token\": %q}\n\n", r.Header.Get("X-Token"))
		}
	}
	plain, secure := serve(t, false, handler), serve(t, true, handler)
	token := map[string]string{"X-Token": secret}
	for _, c := range []struct {
		name     string
		request  fetch.Request
		programs []string
		want     string // a part of the answer, or of the error
	}{
		{"curl", fetch.Request{URL: plain.URL + "/config?x=" + secret, Headers: token}, []string{"curl"}, `{"a": "ü", "token": "` + secret + "\"}\n\n"},
		{"curl follows", fetch.Request{URL: plain.URL + "/moved"}, []string{"curl"}, `"token": ""`},
		{"curl does not follow with headers", fetch.Request{URL: plain.URL + "/moved", Headers: token}, []string{"curl"}, "answers 302"},
		{"curl in a loop", fetch.Request{URL: plain.URL + "/loop"}, []string{"curl"}, "redirects more than 5 times"},
		{"curl finds nothing", fetch.Request{URL: plain.URL + "/gone"}, []string{"curl"}, "answers 404 Not Found"},
		{"curl waits", fetch.Request{URL: plain.URL + "/slow"}, []string{"curl"}, "no whole answer in time"},
		{"curl checks certificates", fetch.Request{URL: secure.URL}, []string{"curl"}, "install the authority there"},
		{"curl is told not to", fetch.Request{URL: secure.URL, Insecure: true}, []string{"curl"}, `"token": ""`},
		{"curl and nobody there", fetch.Request{URL: "http://127.0.0.1:1/"}, []string{"curl"}, "it cannot be connected to"},
		{"wget", fetch.Request{URL: plain.URL + "/moved?" + secret}, []string{"wget", "grep"}, ""},
		{"wget finds nothing", fetch.Request{URL: plain.URL + "/gone"}, []string{"wget", "grep"}, "answers with an error"},
		{"wget shows no headers", fetch.Request{URL: plain.URL, Headers: token}, []string{"wget", "grep"}, "neither curl nor a wget that can do this"},
		{"busybox", fetch.Request{URL: plain.URL + "/gone"}, []string{"wget=busybox", "grep"}, "answers with an error"},
		{"busybox shows no query", fetch.Request{URL: plain.URL + "/?" + secret}, []string{"wget=busybox", "grep"}, "neither curl nor a wget"},
		{"busybox checks no certificates", fetch.Request{URL: secure.URL}, []string{"wget=busybox", "grep"}, "neither curl nor a wget"},
		{"nothing", fetch.Request{URL: plain.URL}, nil, "neither curl nor a wget"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := onHost(t, c.request, c.programs...)
			got := string(a.Body)
			if err != nil {
				got = err.Error()
			}
			if c.want == "" { // wget names no charset, and Latin 1 is no UTF-8
				c.want = "no text in UTF-8"
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("%q", got)
			}
			if strings.HasPrefix(c.want, "{") && (got != c.want || a.MediaType != "application/json") {
				t.Errorf("%q as %s", got, a.MediaType)
			}
		})
	}
}

func TestAnswersOfHostsThatAreNone(t *testing.T) {
	for _, out := range []string{"", "\n", "envdiff", "x\nenvdiff curl", "x\nenvdiff curl 0\n", "x\nenvdiff-http 200 a/b\nenvdiff curl 99\n", "x\nenvdiff-http 500 \nenvdiff curl 0\n"} {
		if a, err := fetch.Read("http://x/", []byte(out)); err == nil {
			t.Errorf("%q was taken for %q", out, a.Body)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{}\nenvdiff-http 200 application/json\nenvdiff curl 0\n"))
	f.Add([]byte("\nenvdiff none 1\n"))
	f.Fuzz(func(_ *testing.T, out []byte) { _, _ = fetch.Read("http://x/", out) })
}
