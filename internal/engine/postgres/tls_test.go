package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestTLSThatDoesNotFit: an authority that nobody knows, a name that is another's, a certificate that has run out, a server that takes no plain
// connection. What fits is taken.
func TestTLSThatDoesNotFit(t *testing.T) {
	started := func(c testservers.Certificate) *testservers.Server {
		return testservers.NewPostgres(t, "ssl = on", "ssl_cert_file = '"+c.Path+"'", "ssl_key_file = '"+c.Key+"'")
	}
	good := testservers.NewCertificate(t, "localhost", time.Now().Add(time.Hour))
	old := testservers.NewCertificate(t, "localhost", time.Now().Add(-time.Hour))
	server, expired := started(good), started(old)
	url := func(s *testservers.Server, host, more string) string {
		return "postgres://envdiff_owner:" + password + "@" + host + ":" + strconv.Itoa(s.Port) + "/postgres?" + more
	}
	for _, c := range []struct{ name, dsn, says string }{
		{"an unknown authority", url(server, "localhost", "sslmode=verify-full"), "certificate is not valid"},
		{"another's name", url(server, "127.0.0.1", "sslmode=verify-full&sslrootcert="+good.Authority), "certificate is not valid"},
		{"another authority", url(server, "localhost", "sslmode=verify-ca&sslrootcert="+old.Authority), "certificate is not valid"},
		{"a certificate that has run out", url(expired, "localhost", "sslmode=verify-full&sslrootcert="+old.Authority), "certificate is not valid"},
		{"an authority's file that is not there", url(server, "localhost", "sslmode=verify-full&sslrootcert=/nowhere/ca.pem"), "not a usable PostgreSQL URL"},
		{"what fits", url(server, "localhost", "sslmode=verify-full&sslrootcert="+good.Authority), ""},
		{"no check asked for", url(expired, "127.0.0.1", "sslmode=require"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			db, err := New().Open(ctx, engine.Target{Engine: "postgres", DSN: c.dsn, Display: "postgres://u@db.example/shop"}, engine.ReadOnly)
			if err == nil {
				db.Close()
			}
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var refusal *engine.Error
			if !errors.As(err, &refusal) || refusal.Code != "08001" || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), password) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
		})
	}
}
