package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/xo/dburl"

	"github.com/envdiff/envdiff/internal/engine"
)

// ParseDatabaseURL turns a URL of envdiff.yaml into a target by dburl's rules; relative SQLite paths are relative to
// dir. dburl's own errors quote the URL with its password, so none of its text is passed on.
func ParseDatabaseURL(raw, dir string) (engine.Target, error) {
	if !strings.Contains(raw, ":") {
		return engine.Target{}, errors.New("a database needs a URL: postgres://…, mysql://…, mariadb://… or sqlite:PATH")
	}
	u, err := dburl.Parse(raw)
	if err != nil {
		return engine.Target{}, fmt.Errorf("the database URL with scheme %q cannot be read: check its form, and percent-escape special characters of the password", scheme(raw))
	}
	switch u.Dialect {
	case "sqlite3", "sqlite":
		return sqliteTarget(u, dir)
	case "postgres":
		return engine.Target{Engine: "postgres", DSN: raw, Display: display("postgres", u)}, nil
	case "mysql", "mariadb":
		return engine.Target{Engine: "mysql", DSN: mysqlDSN(u), Display: display(u.SchemeName, u)}, nil
	}
	return engine.Target{}, fmt.Errorf("databases of scheme %q are not supported: use postgres, mysql, mariadb or sqlite", scheme(raw))
}

// mysqlDSN is the URL itself for servers in the network: the form that dburl writes for the driver cannot hold every
// password, name or IPv6 address. For sockets it is dburl's.
func mysqlDSN(u *dburl.URL) string {
	if u.Host == "" || u.Transport == "unix" {
		return u.DSN
	}
	plain := url.URL{Scheme: "mysql", User: u.User, Host: u.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	return plain.String()
}

func sqliteTarget(u *dburl.URL, dir string) (engine.Target, error) {
	path := u.Opaque // dburl unescapes it, also for sqlite://PATH
	if path == "" || path == ":memory:" {
		return engine.Target{}, errors.New("sqlite: needs the path of a file")
	}
	if u.RawQuery != "" {
		return engine.Target{}, errors.New("sqlite: takes no parameters: how the file is opened is envdiff's own affair")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return engine.Target{Engine: "sqlite", DSN: path, Display: "sqlite:" + path, Path: path}, nil
}

// display shows scheme, user, host and database by allow-list; parameters and passwords never.
func display(name string, u *dburl.URL) string {
	d := url.URL{Scheme: name, Host: u.Host, Path: u.Path}
	if u.User != nil && u.User.Username() != "" {
		d.User = url.User(u.User.Username())
	}
	return d.String()
}

func scheme(raw string) string {
	s, _, _ := strings.Cut(raw, ":")
	if len(s) > 20 {
		s = s[:20]
	}
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return "?"
		}
	}
	return s
}
