// Package webhook tells a URL about a run, once, within a deadline.
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

// Post sends a value as JSON, signed when there is a secret. Errors name the host alone: the path of a hook is its
// password.
func Post(ctx context.Context, address string, message any, secret []byte) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the webhook's URL cannot be read: want https://…")
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL cannot be read: want https://…")
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
		return fmt.Errorf("the webhook at %s does not answer", u.Host)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook at %s answered with HTTP status %d", u.Host, answer.StatusCode)
	}
	return nil
}
