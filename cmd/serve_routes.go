package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

// ServeHTTP answers GET and HEAD alone.
func (t *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "nothing can be written here", http.StatusMethodNotAllowed)
		return
	}
	if !t.allowed(r) {
		if t.token != "" {
			h.Set("WWW-Authenticate", `Basic realm="envdiff"`)
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		http.Error(w, "only as localhost", http.StatusForbidden)
		return
	}
	if r.URL.Path == "/" {
		t.answer(w, "text/html; charset=utf-8", func(b *bytes.Buffer) error { return t.index(r.Context()).Write(b) })
		return
	}
	if r.URL.Path == "/feed.atom" {
		t.answer(w, atomType, func(b *bytes.Buffer) error { return t.feed(r.Context()).Write(b) })
		return
	}
	name, page, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c := t.projects[name]
	switch {
	case c == nil:
		http.NotFound(w, r)
	case page == "compare":
		t.compare(w, r, c)
	case page == "report":
		t.answer(w, "text/html; charset=utf-8", func(b *bytes.Buffer) error { return t.report(r.Context(), b, t.stores[name]) })
	case page == "history.atom":
		t.answer(w, atomType, func(b *bytes.Buffer) error {
			h, err := readHistory(r.Context(), t.stores[name])
			if err != nil {
				return err
			}
			return h.Feed().Write(b)
		})
	default:
		http.NotFound(w, r)
	}
}

// answer writes a page as a whole or an error. What went wrong is for the operator, not for the visitor.
func (t *site) answer(w http.ResponseWriter, kind string, render func(*bytes.Buffer) error) {
	var b bytes.Buffer
	err := render(&b)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "that is not stored", http.StatusNotFound)
	case err != nil:
		fmt.Fprintf(t.session.world.Stderr, "envdiff: warning: %s\n", ci.Terminal(err.Error()))
		http.Error(w, "it cannot be shown: the server's log says why", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(b.Bytes())
	}
}

const atomType = "application/atom+xml; charset=utf-8"

// feed is one feed of all projects: what changed, and what is on the way. A store that cannot be read is told in the server's log.
func (t *site) feed(ctx context.Context) ci.Feed {
	var feeds []ci.NamedFeed
	for _, name := range t.names {
		h, err := readHistory(ctx, t.stores[name])
		if err == nil {
			feeds = append(feeds, ci.NamedFeed{Name: name, Feed: h.Feed()})
		}
		kept, more := readPending(ctx, t.stores[name])
		for _, p := range kept {
			feeds = append(feeds, ci.NamedFeed{Name: name, Feed: p.feed()})
		}
		if err = errors.Join(err, more); err != nil {
			fmt.Fprintf(t.session.world.Stderr, "envdiff: warning: %s\n", ci.Terminal(err.Error()))
		}
	}
	return ci.JoinFeeds(ci.TagURI("site/"+strings.Join(t.names, ",")), "envdiff: "+strings.Join(t.names, ", "), feeds)
}

// runsOnSite is how many runs the first page lists of a project.
const runsOnSite = 20

func (t *site) index(ctx context.Context) ci.Site {
	var out ci.Site
	for _, name := range t.names {
		store, p := t.stores[name], ci.SiteProject{Name: name}
		envs, err := stored(ctx, store)
		if err != nil {
			p.Problem = "the store cannot be read"
			fmt.Fprintf(t.session.world.Stderr, "envdiff: warning: %s\n", ci.Terminal(err.Error()))
		}
		for _, e := range envs {
			p.Environments = append(p.Environments, e)
			for _, snap := range e.Snapshots {
				if snap.Problem == "" {
					p.Refs = append(p.Refs, snap.Ref)
				}
			}
		}
		if h, err := readHistory(ctx, store); err == nil && len(h.Runs) > 0 {
			p.Runs = slices.Clone(h.Runs[max(0, len(h.Runs)-runsOnSite):])
			slices.Reverse(p.Runs)
			p.Trend = ci.TrendOf(h, p.Runs[0].Key())
		}
		p.Report, _ = store.HasNote(ctx, lastReport)
		if kept, err := readPending(ctx, store); err == nil {
			for _, one := range kept {
				p.Pending = append(p.Pending, one.onSite())
			}
		}
		out.Projects = append(out.Projects, p)
	}
	return out
}

// stored lists the snapshots of a project's store, newest first. A store that is not there yet is empty, and stays so.
func stored(ctx context.Context, store *snapshot.Store) ([]ci.SiteEnvironment, error) {
	names, err := store.Environments(ctx)
	if err != nil {
		return nil, err
	}
	var out []ci.SiteEnvironment
	for _, name := range names {
		entries, err := store.List(ctx, name)
		if err != nil {
			return nil, err
		}
		slices.Reverse(entries)
		e := ci.SiteEnvironment{Name: name}
		for _, entry := range entries {
			e.Snapshots = append(e.Snapshots, ci.SiteSnapshot{Ref: name + "@" + entry.At.UTC().Format(time.RFC3339), At: entry.At, Problem: entry.Problem})
		}
		if len(e.Snapshots) > 0 {
			out = append(out, e)
		}
	}
	return out, nil
}

func (t *site) report(ctx context.Context, b *bytes.Buffer, store *snapshot.Store) error {
	text, err := store.ReadNote(ctx, lastReport)
	if err != nil {
		return err
	}
	r, err := ci.ReadReport(text)
	if err != nil {
		return err
	}
	return asPage(b, r)
}

func asPage(b *bytes.Buffer, r *ci.Report) error {
	format, err := ci.FormatByName("html")
	if err != nil {
		return err
	}
	return format.Write(b, r, ci.Style{})
}

// compare compares two stored snapshots. Nothing else can be named: no live environment, and no path.
func (t *site) compare(w http.ResponseWriter, r *http.Request, c *config.Config) {
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "others are comparing: try again", http.StatusServiceUnavailable)
		return
	}
	args := []string{r.URL.Query().Get("from"), r.URL.Query().Get("to")}
	if args[0] == args[1] {
		args = args[:1]
	}
	for _, a := range args {
		if ref, err := snapshot.ParseRef(a); err != nil || !ref.Stored {
			http.Error(w, "name two stored snapshots: /PROJECT/compare?from=staging@latest&to=production@latest", http.StatusBadRequest)
			return
		}
	}
	t.answer(w, "text/html; charset=utf-8", func(b *bytes.Buffer) error { return t.compared(r.Context(), b, c, args) })
}

func (t *site) compared(ctx context.Context, b *bytes.Buffer, c *config.Config, args []string) error {
	s, err := newSession(t.session.world, t.session.opt)
	if err != nil {
		return err
	}
	s.opt.progress, s.opt.outputs = "none", nil
	defer s.close()
	var sides []side
	defer func() { closeSides(sides) }()
	for _, a := range args {
		ref, err := snapshot.ParseRef(a)
		if err != nil {
			return err
		}
		snap, source, err := s.readStored(ctx, c, ref)
		if err != nil {
			return err
		}
		sides = append(sides, side{ref: ref, source: source, snap: snap})
	}
	j, err := s.judgement(c)
	if err != nil {
		return err
	}
	r, err := s.compareSides(ctx, c, sides)
	if err != nil {
		return err
	}
	j.policy.Partial = true
	ci.Judge(r, j.policy)
	s.describe(c, r)
	r.Context.Reproduce = "envdiff " + strings.Join(args, " ")
	return asPage(b, r)
}
