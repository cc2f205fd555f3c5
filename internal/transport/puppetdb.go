package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// PuppetDBOptions say where the catalogue of a node is asked for.
type PuppetDBOptions struct {
	Base string // http://HOST:PORT or https://…
	Node string
	// Certificate, Key and Authority are PEM files for TLS; "" is the system's authorities and no certificate.
	Certificate, Key, Authority string
}

// ParsePuppetDB reads puppetdb:https://HOST:8081/NODE, with ?cert=FILE&key=FILE&ca=FILE where the server wants a certificate.
func ParsePuppetDB(raw string) (PuppetDBOptions, error) {
	o, err := parsePuppetDB(strings.TrimPrefix(raw, "puppetdb:"))
	if err == nil && !validNode(o.Node) {
		err = errors.New("puppetdb: needs the node's name behind the port: puppetdb:https://HOST:8081/NODE")
	}
	return o, err
}

// parsePuppetDB reads the URL; its path is the node, and "" where it has none.
func parsePuppetDB(raw string) (PuppetDBOptions, error) {
	var o PuppetDBOptions
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return o, errors.New("write PuppetDB as puppetdb:https://HOST:8081/NODE or puppetdb:http://HOST:8080/NODE")
	}
	if u.User != nil {
		return o, errors.New("puppetdb: takes no user or password: it knows its clients by their certificates (?cert=FILE&key=FILE&ca=FILE)")
	}
	o.Node = strings.TrimPrefix(u.Path, "/")
	for name, values := range u.Query() {
		to := map[string]*string{"cert": &o.Certificate, "key": &o.Key, "ca": &o.Authority}[name]
		if to == nil || len(values) != 1 {
			return o, errors.New("puppetdb: takes cert, key and ca, each once")
		}
		*to = values[0]
	}
	if (o.Certificate == "") != (o.Key == "") {
		return o, errors.New("puppetdb: needs cert and key together")
	}
	o.Base = u.Scheme + "://" + u.Host
	return o, nil
}

// PuppetDB serves a host by the catalogue that PuppetDB has of it. It follows no redirects, reads no more than a catalogue may have, and quotes nothing of an answer.
func PuppetDB(o PuppetDBOptions) (Transport, error) {
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	ask := o.Base + "/pdb/query/v4/catalogs/" + url.PathEscape(o.Node)
	return &catalogued{node: o.Node, display: "puppetdb:" + o.Base + "/" + o.Node,
		fetch: func(ctx context.Context) ([]byte, error) { return o.get(ctx, client, ask, "catalogue of "+o.Node) }}, nil
}

// client is what asks, with the certificates that the options name.
func (o PuppetDBOptions) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fmt.Errorf("the certificate %s and the key %s of puppetdb: cannot be used: look at both files", o.Certificate, o.Key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if o.Authority != "" {
		pem, err := os.ReadFile(o.Authority)
		if err != nil {
			return nil, fmt.Errorf("the authority of puppetdb: cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate of an authority", o.Authority)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// get asks for something, what, of at most maxCatalog bytes.
func (o PuppetDBOptions) get(ctx context.Context, client *http.Client, ask, what string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ask, nil)
	if err != nil {
		return nil, errors.New("the URL of PuppetDB cannot be used")
	}
	request.Header.Set("Accept", "application/json")
	answer, err := client.Do(request)
	if cancelled := ctx.Err(); cancelled != nil {
		return nil, cancelled
	}
	var unknown x509.UnknownAuthorityError
	var said *net.OpError
	switch {
	case errors.As(err, &said) && said.Op == "remote error": // an alert of TLS
		return nil, fmt.Errorf("PuppetDB at %s ends the connection (%w): name a certificate of its authority, ?cert=FILE&key=FILE", o.Base, said.Err)
	case errors.As(err, &unknown):
		return nil, fmt.Errorf("PuppetDB at %s has a certificate of an authority that is not known here: name it, ?ca=FILE", o.Base)
	case err != nil:
		return nil, fmt.Errorf("PuppetDB at %s cannot be reached: try by hand: curl '%s'", o.Base, ask)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("PuppetDB at %s knows no %s: is that its certificate's name, and has it run?", o.Base, what)
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("PuppetDB at %s refuses this client: name its certificate, ?cert=FILE&key=FILE", o.Base)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("PuppetDB at %s answers with status %d: try by hand: curl '%s'", o.Base, answer.StatusCode, ask)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxCatalog+1))
	if cancelled := ctx.Err(); cancelled != nil {
		return nil, cancelled
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("PuppetDB at %s broke off in the middle of the %s", o.Base, what)
	case len(body) > maxCatalog:
		return nil, fmt.Errorf("the %s is larger than %d bytes", what, maxCatalog)
	}
	return body, nil
}
