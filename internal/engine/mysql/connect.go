package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	driver "github.com/go-sql-driver/mysql"
)

// connectTimeout bounds one connection attempt when neither the URL nor the caller does.
const connectTimeout = 15 * time.Second

// configure reads a DSN. Sessions are set up explicitly, so everything that changes how statements and values are read is taken out of it: session
// variables, among them the sql_mode=ansi that dburl adds, parsed times and local time zones. How to connect (TLS, timeouts, authentication) stays.
func configure(t engine.Target) (*driver.Config, error) {
	config, err := parse(t.DSN)
	if err != nil {
		return nil, &engine.Error{Code: "08001", Message: fmt.Sprintf(
			"%s: not a usable MySQL URL: write mysql://USER@HOST:PORT/DATABASE?tls=true, with special characters percent-encoded", t)}
	}
	clean := config.Clone()
	clean.Params, clean.ParseTime, clean.Loc = nil, false, time.UTC
	clean.MultiStatements, clean.InterpolateParams, clean.ClientFoundRows, clean.AllowAllFiles = false, false, false, false
	clean.MaxAllowedPacket = 0 // ask the server
	clean.Logger = &driver.NopLogger{}
	if clean.Timeout == 0 {
		clean.Timeout = connectTimeout
	}
	return clean, nil
}

// parse reads a URL, or the driver's own form of one.
func parse(dsn string) (*driver.Config, error) {
	var u *url.URL
	if strings.HasPrefix(dsn, "mysql://") || strings.HasPrefix(dsn, "mariadb://") {
		var err error
		if u, err = url.Parse(dsn); err != nil || u.Hostname() == "" || u.Fragment != "" {
			return nil, errors.New("no URL")
		}
		dsn = "/?" + u.RawQuery
	}
	dsn, err := tlsParameter(dsn)
	if err != nil {
		return nil, err
	}
	config, err := driver.ParseDSN(dsn)
	if err != nil || u == nil {
		return config, err
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	config.Net, config.Addr, config.DBName = "tcp", net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.Path, "/")
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	return config, nil
}

// sslModes are the values of the mysql client's --ssl-mode as the driver's tls.
var sslModes = map[string]string{
	"disabled": "false", "disable": "false", "preferred": "preferred", "prefer": "preferred", "required": "skip-verify", "require": "skip-verify",
	"verify_ca": "true", "verify-ca": "true", "verify_identity": "true", "verify-full": "true",
}

// tlsParameter renames ssl-mode and sslmode, which users know from other clients. An unknown value is an error: it must not mean no TLS.
func tlsParameter(dsn string) (string, error) {
	at := strings.LastIndex(dsn, "?")
	if at < 0 {
		return dsn, nil
	}
	params := strings.Split(dsn[at+1:], "&")
	for i, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if n := strings.ToLower(name); n != "ssl-mode" && n != "sslmode" && n != "ssl_mode" {
			continue
		}
		mode, ok := sslModes[strings.ToLower(value)]
		if !ok {
			return "", errors.New("unknown ssl-mode")
		}
		params[i] = "tls=" + mode
	}
	return dsn[:at+1] + strings.Join(params, "&"), nil
}

// dial connects. Its errors name the target by Display alone.
func dial(ctx context.Context, t engine.Target) (*conn, error) {
	config, err := configure(t)
	if err != nil {
		return nil, err
	}
	return connectAs(ctx, t, config)
}

func connectAs(ctx context.Context, t engine.Target, config *driver.Config) (*conn, error) {
	var wire *aheadConn
	heard := config.Clone()
	heard.DialFunc = func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
		wire, err = dialAhead(ctx, network, addr)
		return wire, err
	}
	connector, err := driver.NewConnector(heard)
	if err != nil {
		return nil, connectError(ctx, t, config, err)
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, connectError(ctx, t, config, err)
	}
	c, err := newConn(t, config, raw)
	if err != nil {
		return nil, connectError(ctx, t, config, err)
	}
	c.wire = wire
	if err := c.greet(ctx); err != nil {
		c.close()
		return nil, fail(ctx, t, err)
	}
	return c, nil
}

// refusals are what servers say to a client at the door, in our words. %s is the user.
var refusals = map[uint16]string{
	1040: "the server has no connection left: raise max_connections or try later",
	1044: "user %q may not use this database: GRANT SELECT ON it",
	1045: "the server does not let user %q in: wrong password, or no such account for this machine; check the URL in envdiff.yaml or the variable it names",
	1049: "the database does not exist",
	1129: "the server blocks this machine after too many failed connections: mysqladmin flush-hosts",
	1130: "the server does not let this machine in: the account needs a host that matches it",
	1203: "user %q has too many connections",
	1226: "user %q has used up a resource limit of its account",
	1251: "the server asks for an authentication that the driver does not speak",
	1698: "the server does not let user %q in over the network: its account may be for the local socket only",
	1820: "the password of user %q has expired: it must be changed",
	1862: "the password of user %q has expired: it must be changed",
	3118: "the account of user %q is locked",
	4151: "the account of user %q is locked",
}

// connectError says what to do about a failed connection in our own words: the driver's text may repeat parts of the DSN.
func connectError(ctx context.Context, t engine.Target, config *driver.Config, err error) error {
	say := func(code, text string) error {
		return &engine.Error{Code: code, Message: t.String() + ": " + text, Err: err}
	}
	if ctx.Err() != nil {
		return &engine.Error{Code: "08001", Message: t.String() + ": connecting was cancelled or took too long", Err: ctx.Err()}
	}
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) {
		text, known := refusals[refusal.Number]
		if !known {
			text = fmt.Sprintf("the server refused the connection (error %d)", refusal.Number)
		}
		if strings.Contains(text, "%q") {
			text = fmt.Sprintf(text, config.User)
		}
		return say(fmt.Sprint(refusal.Number), text)
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
	case errors.Is(err, driver.ErrNoTLS):
		return say("08001", "the server offers no TLS, and the URL asks for it (tls)")
	case errors.As(err, &unknownAuthority), errors.As(err, &wrongName), errors.As(err, &badCertificate):
		return say("08001", "the server's certificate is not valid for this name and authority: correct the host name, or the machine's trusted authorities")
	case errors.Is(err, driver.ErrCleartextPassword), errors.Is(err, driver.ErrNativePassword), errors.Is(err, driver.ErrOldPassword), errors.Is(err, driver.ErrUnknownPlugin):
		return say("08001", "the server asks for an authentication that the URL does not allow, such as a password in clear text")
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return say("08001", "no answer: a firewall, a wrong address, or a server that is overloaded")
	}
	return say("08001", "cannot connect: check host, port and tls")
}
