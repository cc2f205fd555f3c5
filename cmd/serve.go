package cmd

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/net/netutil"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

func serveCommand() command {
	return command{
		name: "serve", args: "[envdiff.yaml...]",
		short: "show the store as a small read-only site",
		long: `Shows stored snapshots, environments by time, compares any two of them, the history, and what envdiff
pending last found on the way; /feed.atom has what changed and what is on the way. Nothing is captured
and nothing can be written: there is no route that does. Several envdiff.yaml, each with its store,
are shown on one page and in one feed.

It listens on the loopback interface alone. Any other --listen needs ENVDIFF_SERVE_TOKEN, at least 16
characters: a client sends it as a bearer token, a browser as the password of any user. It speaks
plain HTTP: put a proxy with TLS before it.

  envdiff serve
  envdiff serve shop/envdiff.yaml forum/envdiff.yaml --listen 127.0.0.1:8787`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.StringVar(&o.listen, "listen", "127.0.0.1:8787", "listen on `ADDRESS:PORT`")
		},
		run: runServe,
	}
}

const (
	tokenVariable  = "ENVDIFF_SERVE_TOKEN"
	shortestToken  = 16
	maxComparisons = 2 // at once; each holds two snapshots in memory
	readDeadline   = 10 * time.Second
	writeDeadline  = 2 * time.Minute
	maxHeader      = 16 << 10
	maxConnections = 128 // at once: see crowd
)

func runServe(ctx context.Context, s *session, args []string) (int, error) {
	site, err := s.site(args)
	if err != nil {
		return 0, err
	}
	defer site.close()
	host, _, err := net.SplitHostPort(s.opt.listen)
	if err != nil {
		return 0, fmt.Errorf("--listen %q: write ADDRESS:PORT", s.opt.listen)
	}
	site.token, _ = s.world.LookupEnv(tokenVariable)
	site.loopback = isLoopback(host)
	if !site.loopback && len(site.token) < shortestToken {
		return 0, hinted(fmt.Errorf("%s is not the loopback interface: %s has to hold a token of at least %d characters", s.opt.listen, tokenVariable, shortestToken), "export %s=$(openssl rand -hex 24)", tokenVariable)
	}
	listener, err := net.Listen("tcp", s.opt.listen)
	if err != nil {
		return 0, fmt.Errorf("listening on %s: %w", s.opt.listen, err)
	}
	server := site.server(ctx)
	fmt.Fprintf(s.world.Stdout, "http://%s/\n", listener.Addr())
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(netutil.LimitListener(listener, 2*maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return 0, err
	}
	return exitOK, nil
}

// server has limits for clients that send slowly, much, or nothing.
func (t *site) server(ctx context.Context) *http.Server {
	c := &crowd{all: map[net.Conn]*visitor{}}
	return &http.Server{Handler: c.serving(t), ReadHeaderTimeout: readDeadline, ReadTimeout: readDeadline, WriteTimeout: writeDeadline, IdleTimeout: readDeadline,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0), BaseContext: func(net.Listener) context.Context { return ctx },
		ConnState: c.changed, ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, visitorKey{}, conn)
		}}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// site serves the stores of projects.
type site struct {
	session  *session
	sessions []*session // of the projects
	projects map[string]*config.Config
	stores   map[string]*snapshot.Store // of the projects
	names    []string                   // of the projects, as given
	token    string
	loopback bool
	busy     chan struct{}
}

func (t *site) close() {
	for _, s := range t.sessions {
		s.close()
	}
}

// site reads the envdiff.yaml of each project; a project is called as its directory.
func (s *session) site(paths []string) (*site, error) {
	out := &site{session: s, projects: map[string]*config.Config{}, stores: map[string]*snapshot.Store{}, busy: make(chan struct{}, maxComparisons)}
	if len(paths) == 0 {
		paths = []string{""}
	}
	for _, path := range paths {
		one, err := newSession(s.world, s.opt)
		if err != nil {
			return nil, err
		}
		if path != "" {
			one.opt.config = path
		}
		out.sessions = append(out.sessions, one)
		c, err := one.loadConfig()
		if err != nil {
			return nil, err
		}
		name := ci.CollectdName(filepath.Base(c.Dir()))
		if out.projects[name] != nil {
			return nil, fmt.Errorf("two projects are called %s, by their directories", name)
		}
		if out.stores[name], err = one.store(c); err != nil {
			return nil, err
		}
		out.projects[name] = c
		out.names = append(out.names, name)
	}
	return out, nil
}

// allowed holds a request to the token, and to a name of this machine where there is none: a page of somebody else's that
// makes its own name mean 127.0.0.1 is refused.
func (t *site) allowed(r *http.Request) bool {
	if t.token != "" {
		given, ok := "", false
		if _, password, basic := r.BasicAuth(); basic {
			given, ok = password, true
		} else if text := r.Header.Get("Authorization"); len(text) > 7 && text[:7] == "Bearer " {
			given, ok = text[7:], true
		}
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(t.token))
		return ok && subtle.ConstantTimeCompare(a[:], b[:]) == 1
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	return t.loopback && isLoopback(host)
}
