package cmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/git"
	"github.com/envdiff/envdiff/snapshot"
)

// lifeCommits is how many commits are named that a finding may have come with.
const lifeCommits = 10

// showLife says since when a finding is there, and what came between the run that did not have it and the one that had it first: what was
// deployed and migrated, as far as stored snapshots of those moments tell, and what was committed.
func (s *session) showLife(ctx context.Context, id string) {
	c, err := s.loadConfig()
	if err != nil {
		return // a report alone was named
	}
	store, err := s.memory(c)
	if err != nil || store == nil {
		return
	}
	h, err := readHistory(ctx, store)
	if err != nil {
		return
	}
	for _, l := range h.Lives() {
		if l.ID != id {
			continue
		}
		fmt.Fprintf(s.world.Stdout, "  first seen %s, last %s (envdiff %s)\n", l.First.Format("2006-01-02 15:04"), l.Last.Format("2006-01-02 15:04"), ci.Terminal(l.Key))
		if l.Before.IsZero() {
			fmt.Fprintf(s.world.Stdout, "  it was there in the first run that the store remembers\n")
			continue
		}
		s.showArrivals(ctx, c, store, h, l)
		commits, err := git.During(ctx, c.Dir(), l.Before, l.First, lifeCommits)
		if err != nil || len(commits) == 0 {
			continue
		}
		fmt.Fprintf(s.world.Stdout, "  committed here between %s and then:\n", l.Before.Format("2006-01-02 15:04"))
		for _, commit := range commits {
			fmt.Fprintf(s.world.Stdout, "    %.12s %s (%s, %s)\n", commit.Hash, ci.Terminal(commit.Subject), ci.Terminal(commit.Author.String()), commit.At.Format("2006-01-02 15:04"))
		}
	}
}

// showArrivals says which revisions and migrations each environment got between a finding's absence and its first sight.
func (s *session) showArrivals(ctx context.Context, c *config.Config, store *snapshot.Store, h *ci.History, l ci.Life) {
	var names []string
	for _, r := range h.Runs {
		if r.Key() == l.Key {
			names = r.Environments
		}
	}
	for _, name := range names {
		env, _, _ := strings.Cut(name, "@")
		before, err := arrived(ctx, store, env, l.Before)
		if err != nil {
			continue // nothing of then is stored
		}
		after, err := arrived(ctx, store, env, l.First)
		if err != nil {
			continue
		}
		tellArrivals(s.world.Stdout, env, before, after)
	}
}

// arrived is what an environment ran at a moment, by address: revisions of deployments and applied migrations.
func arrived(ctx context.Context, store *snapshot.Store, env string, at time.Time) (map[string]string, error) {
	snap, _, err := store.Open(ctx, snapshot.Ref{Environment: env, Stored: true, At: at})
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	found := revisions(snap)
	for scope, m := range snap.Manifest.Scopes {
		if m.Type != "database" {
			continue
		}
		if version, ok := appliedVersion(snap, scope); ok {
			found[snapshot.At(scope, "migration", "applied").String()] = version
		}
	}
	return found, nil
}

func tellArrivals(w io.Writer, env string, before, after map[string]string) {
	for _, address := range slices.Sorted(maps.Keys(after)) {
		was, is := before[address], after[address]
		if was == is {
			continue
		}
		what := "revision"
		if strings.Contains(address, ":migration/") {
			what = "migration"
		}
		if was == "" {
			was = "none"
		}
		fmt.Fprintf(w, "  meanwhile in %s: %s %.12s → %.12s (%s)\n", ci.Terminal(env), what, ci.Terminal(was), ci.Terminal(is), ci.Terminal(address))
	}
}
