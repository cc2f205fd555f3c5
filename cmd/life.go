package cmd

import (
	"context"
	"fmt"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/git"
)

// lifeCommits is how many commits are named that a finding may have come with.
const lifeCommits = 10

// showLife says since when a finding is there, and what was committed between the run that did not have it and the one
// that had it first.
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
