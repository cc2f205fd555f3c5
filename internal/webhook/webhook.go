// Package webhook tells a URL about a run, within a deadline.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// SignatureHeader holds "sha256=" and the HMAC-SHA256 of the body under the hook's secret, in hex.
const SignatureHeader = "X-Envdiff-Signature"

const deadline = 15 * time.Second

// client follows no redirect: it would take the message to another host.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// pauses are before the second try and the third: a message about a change is sent that once.
var pauses = []time.Duration{time.Second, 5 * time.Second}

// Post sends a value as JSON, signed when there is a secret. A receiver that does not answer, is busy or out of order is tried three times. Errors
// name the host alone: the path of a hook is its password.
func Post(ctx context.Context, address string, message any, secret []byte) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errUnreadable
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		again, err := send(ctx, u, body, secret)
		if err == nil || !again || try == len(pauses) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pauses[try]):
		}
	}
}

var errUnreadable = errors.New("the webhook's URL cannot be read: want https://…")

// send sends it once, and says whether another try may end otherwise.
func send(ctx context.Context, u *url.URL, body, secret []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return false, errUnreadable
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "envdiff")
	if len(secret) > 0 {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		r.Header.Set(SignatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	answer, err := client.Do(r)
	if err != nil {
		return true, fmt.Errorf("the webhook at %s does not answer", u.Host)
	}
	defer answer.Body.Close()
	if status := answer.StatusCode; status/100 != 2 {
		return status >= 500 || status == http.StatusTooManyRequests, fmt.Errorf("the webhook at %s answered with HTTP status %d", u.Host, status)
	}
	return false, nil
}
