// Package fetch makes one GET request and bounds everything about it: directly, or as a command that a host runs with what it
// has. Its errors hold no header, no query and no credentials.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// The limits of a request.
const (
	MaxBytes     = 4 << 20 // of the body, unpacked
	MaxRedirects = 5
	maxHeader    = 64 << 10
)

// Request is one GET request.
type Request struct {
	URL     string // http or https
	Headers map[string]string
	CA      []byte // certificates in PEM to trust instead of the system's; nil trusts the system's
	// Insecure accepts any certificate.
	Insecure bool
	// Proxy chooses a proxy; nil connects directly.
	Proxy func(*http.Request) (*url.URL, error)
}

// Answer is what came back: text in UTF-8.
type Answer struct {
	Body      []byte
	MediaType string // lower case, without parameters; "" where the server names none
}

// Check finds what can not be asked for, without asking.
func (r Request) Check() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" {
		return errors.New("an endpoint is http://HOST/PATH or https://HOST/PATH")
	}
	for name, value := range r.Headers {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return !headerRune(c) }) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return errors.New("a header has a name of letters, digits and -, and a value of one line")
		}
	}
	return nil
}

func headerRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// Display is a URL for messages: without credentials and query.
func Display(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the endpoint"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Get asks for it, once. The error is the context's own where its deadline has passed.
func Get(ctx context.Context, r Request) (Answer, error) {
	if err := r.Check(); err != nil {
		return Answer{}, err
	}
	client, err := r.client()
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return Answer{}, errors.New("an endpoint is http://HOST/PATH or https://HOST/PATH")
	}
	req.Header.Set("User-Agent", "envdiff")
	req.Header.Set("Accept", "application/json, application/yaml, text/plain, text/html;q=0.5, */*;q=0.1")
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, explain(ctx, r.URL, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return Answer{}, statusError(r.URL, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBytes+1))
	if err != nil {
		return Answer{}, explain(ctx, r.URL, err)
	}
	return answer(r.URL, body, res.Header.Get("Content-Type"))
}

// statusError says what a status other than 200 means.
func statusError(raw string, status int) error {
	text := fmt.Sprintf("%s answers %d %s", Display(raw), status, http.StatusText(status))
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		text += ": give what it wants as headers of the endpoint, from a variable"
	}
	return errors.New(strings.TrimSpace(text))
}

// answer checks the size of a body and makes it UTF-8.
func answer(raw string, body []byte, contentType string) (Answer, error) {
	if len(body) > MaxBytes {
		return Answer{}, fmt.Errorf("%s answers more than %d MiB", Display(raw), MaxBytes>>20)
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, params = "", nil
	}
	text, err := toUTF8(body, params["charset"])
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", Display(raw), err)
	}
	return Answer{Body: text, MediaType: strings.ToLower(media)}, nil
}

var (
	errRedirects = fmt.Errorf("redirects more than %d times", MaxRedirects)
	errDowngrade = errors.New("redirects from https to what is not encrypted")
	errScheme    = errors.New("redirects to what is neither http nor https")
)

func (r Request) client() (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: r.Insecure}
	if r.CA != nil {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(r.CA) {
			return nil, errors.New("the file of ca holds no certificate in PEM")
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: r.Proxy, TLSClientConfig: conf, DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			switch {
			case len(via) > MaxRedirects:
				return errRedirects
			case req.URL.Scheme != "http" && req.URL.Scheme != "https":
				return errScheme
			case via[0].URL.Scheme == "https" && req.URL.Scheme == "http":
				return errDowngrade
			}
			if req.URL.Host != via[0].URL.Host { // what is meant for one host is nobody else's
				for name := range r.Headers {
					req.Header.Del(name)
				}
				req.Host = ""
			}
			return nil
		},
	}, nil
}

// explain puts an error of net/http into words, without the URL's query and credentials, which it quotes.
func explain(ctx context.Context, raw string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	at := Display(raw)
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	switch {
	case errors.Is(err, errRedirects), errors.Is(err, errDowngrade), errors.Is(err, errScheme):
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("%s %w", at, err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s has a certificate of an unknown authority: name its file as ca, or set insecure: true", at)
	case errors.As(err, &host):
		return fmt.Errorf("%s has a certificate for another name", at)
	case errors.As(err, &invalid):
		return fmt.Errorf("%s has a certificate that is not valid: %s", at, invalidReason(invalid))
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("%s: the name %s does not resolve", at, dns.Name)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("%s cannot be connected to: %w", at, op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s ends the connection before its answer is whole", at)
	}
	return fmt.Errorf("%s does not answer with HTTP that can be read", at)
}

func invalidReason(err x509.CertificateInvalidError) string {
	if err.Reason == x509.Expired {
		return "it has expired, or is not valid yet"
	}
	return "the chain is broken"
}
