package postgres

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
)

// connectTimeout bounds one connection attempt when neither the URL nor the caller does.
const connectTimeout = 15 * time.Second

// dial connects. What the URL leaves open comes from where PostgreSQL's own tools take it: ~/.pgpass, service files and PG… variables. Its errors name the target by Display alone: the driver's hold the connection string.
func dial(ctx context.Context, t engine.Target) (*pgconn.PgConn, error) {
	return dialHearing(ctx, t, nil)
}

// dialHearing is dial for a connection whose notices are heard.
func dialHearing(ctx context.Context, t engine.Target, hear pgconn.NoticeHandler) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig(t.DSN)
	if err != nil {
		return nil, &engine.Error{Code: "08001", Message: fmt.Sprintf(
			"%s: not a usable PostgreSQL URL: write postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full, with special characters percent-encoded", t)}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	config.RuntimeParams["application_name"] = "envdiff"
	// A cancelled context has to stop the statement on the server, not only our waiting for it.
	config.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &canceller{pg: pg}
	}
	// Rows that have arrived are taken in larger pieces than the driver's 8 KiB.
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(bufio.NewReaderSize(r, 64<<10), w)
	}
	config.OnNotice = hear
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, connectError(ctx, t, config.User, err)
	}
	return pg, nil
}

// connectError says what to do about a failed connection, in our own words: the driver's text repeats parts of the URL, the server's may
// repeat anything.
func connectError(ctx context.Context, t engine.Target, user string, err error) error {
	say := func(code, format string, args ...any) error {
		return &engine.Error{Code: code, Message: t.String() + ": " + fmt.Sprintf(format, args...), Err: err}
	}
	if ctx.Err() != nil {
		return &engine.Error{Code: "08001", Message: t.String() + ": connecting was cancelled or took too long", Err: ctx.Err()}
	}
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		switch refusal.Code {
		case "28P01":
			return say(refusal.Code, "the password of user %q is wrong: check the URL in envdiff.yaml or the variable it names", user)
		case "28000":
			return say(refusal.Code, "the server does not let user %q in from this machine: the role may be missing, may not log in, or pg_hba.conf lacks a line", user)
		case "3D000":
			return say(refusal.Code, "the database does not exist")
		case "42501":
			return say(refusal.Code, "user %q may not connect to this database: GRANT CONNECT", user)
		case "53300":
			return say(refusal.Code, "the server has no connection left for user %q: raise the limit or try later", user)
		case "57P03":
			return say(refusal.Code, "the server is starting, stopping or recovering: try later")
		}
		return say(refusal.Code, "the server refused the connection (SQLSTATE %s)", refusal.Code)
	}
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var badCertificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &dns):
		return say("08001", "the host name does not resolve")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("08001", "connection refused: is the server running, and does it listen on this address and port?")
	case errors.As(err, &unknownAuthority), errors.As(err, &wrongName), errors.As(err, &badCertificate):
		return say("08001", "the server's certificate is not valid for this name and authority: set sslrootcert, or correct the host name")
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return say("08001", "no answer: a firewall, a wrong address, or a server that is overloaded")
	}
	return say("08001", "cannot connect: check host, port and sslmode")
}
