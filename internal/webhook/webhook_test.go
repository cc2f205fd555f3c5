package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPostIsSignedAndKeepsItsPathToItself(t *testing.T) {
	pauses = []time.Duration{0, 0}
	var body, signature string
	status := 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body, signature = string(text), r.Header.Get(SignatureHeader)
		if status == 302 {
			w.Header().Set("Location", "http://attacker.example/")
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	hook := server.URL + "/services/the-password"
	if err := Post(context.Background(), hook, map[string]string{"text": "fail"}, []byte("key")); err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(body))
	if body != `{"text":"fail"}` || signature != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("%s is signed %s", body, signature)
	}
	for _, status = range []int{302, 403, 500} {
		if err := Post(context.Background(), hook, 1, nil); err == nil || strings.Contains(err.Error(), "the-password") {
			t.Errorf("status %d: %v", status, err)
		}
	}
	if signature != "" {
		t.Error("signed without a secret")
	}
	for _, bad := range []string{"", "file:///etc/passwd", "services/x", "http://\x00"} {
		if Post(context.Background(), bad, 1, nil) == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}

// TestABusyReceiverIsTriedAgain: a change is told once, so that one answer of a restarting receiver must not lose it; a refusal is no accident.
func TestABusyReceiverIsTriedAgain(t *testing.T) {
	pauses = []time.Duration{0, 0}
	for _, c := range []struct {
		answers []int
		tries   int
		told    bool
	}{{[]int{503, 429, 200}, 3, true}, {[]int{500, 500, 500, 200}, 3, false}, {[]int{403, 200}, 1, false}} {
		tries := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.answers[tries])
			tries++
		}))
		err := Post(context.Background(), server.URL, "x", nil)
		server.Close()
		if tries != c.tries || (err == nil) != c.told {
			t.Errorf("%v: %d tries, %v", c.answers, tries, err)
		}
	}
}
