package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/testservers"
)

// TestTLSThatDoesNotFit: an authority that nobody knows, and an account that may only come by TLS.
func TestTLSThatDoesNotFit(t *testing.T) {
	c := testservers.NewCertificate(t, "localhost", time.Now().Add(time.Hour))
	server := testservers.NewMariaDB(t, "--ssl-cert="+c.Path, "--ssl-key="+c.Key, "--ssl-ca="+c.Authority)
	server.Exec(t, "", "CREATE DATABASE shop; CREATE USER safe@'127.0.0.1' IDENTIFIED BY '"+password+"' REQUIRE SSL; GRANT SELECT ON shop.* TO safe@'127.0.0.1'")
	for _, c := range []struct{ name, more, code, says string }{
		{"an unknown authority", "?ssl-mode=VERIFY_IDENTITY", "08001", "certificate is not valid"},
		{"no TLS where the account needs it", "?ssl-mode=DISABLED", "1045", "does not let user"},
		{"no check asked for", "?ssl-mode=REQUIRED", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			at := engine.Target{Engine: "mysql", DSN: fmt.Sprintf("mysql://safe:%s@127.0.0.1:%d/shop%s", password, server.Port, c.more), Display: "mysql://u@db.example/shop"}
			db, err := New().Open(ctx, at, engine.ReadOnly)
			if err == nil {
				db.Close()
			}
			var refusal *engine.Error
			if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &refusal) || refusal.Code != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), password)) {
				t.Fatalf("got %v, want %s %q", err, c.code, c.says)
			}
		})
	}
}
