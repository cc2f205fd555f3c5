package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/git"
)

// approvals holds what is said to be approved against the history of the files: the commit that last wrote a waiver has
// its two approvers as author or in Reviewed-by or Approved-by trailers, and the last change of envdiff.yaml and of each
// sanitising policy has two different people. Where there is no history there is nothing to hold against, which is a
// note and no problem.
func (s *session) approvals(ctx context.Context, c *config.Config, waivers []*ci.Waiver) (problems, notes []string, err error) {
	path, _ := waiverFile(c)
	for _, w := range waivers {
		first, last := w.Lines()
		commit, err := git.LastOf(ctx, path, first, last)
		switch {
		case errors.Is(err, git.ErrNoHistory):
			notes = append(notes, w.Place()+": no history to hold its approvals against")
		case errors.Is(err, git.ErrUncommitted):
			problems = append(problems, w.Place()+": is not committed, so nobody has approved it")
		case err != nil:
			return nil, nil, err
		default:
			for _, name := range w.ApprovedBy {
				if !slices.ContainsFunc(commit.People(), func(p git.Person) bool { return p.Is(name) }) {
					problems = append(problems, fmt.Sprintf("%s: %s is neither the author of commit %.12s nor in its Reviewed-by or Approved-by trailers", w.Place(), name, commit.Hash))
				}
			}
		}
	}
	for _, file := range reviewed(c) {
		commit, err := git.Last(ctx, file)
		shown := inRepository(c, file)
		switch {
		case errors.Is(err, git.ErrNoHistory):
			notes = append(notes, shown+": no history to hold its approvals against")
		case errors.Is(err, git.ErrUncommitted):
			problems = append(problems, shown+": is changed and not committed, so nobody has approved it")
		case err != nil:
			return nil, nil, err
		case !slices.ContainsFunc(commit.Approvers, func(p git.Person) bool { return !p.Same(commit.Author) }):
			problems = append(problems, fmt.Sprintf("%s: commit %.12s by %s has no second person in a Reviewed-by or Approved-by trailer", shown, commit.Hash, commit.Author))
		}
	}
	return problems, notes, nil
}

// reviewed are the files that two people answer for, besides the waivers.
func reviewed(c *config.Config) []string {
	files := []string{c.File}
	for _, db := range slices.Sorted(maps.Keys(c.Databases)) {
		policy := c.Databases[db].Sanitize
		if policy == "" {
			policy = "sanitize.yaml"
		}
		if _, err := os.Stat(c.Path(policy)); err == nil && !slices.Contains(files, c.Path(policy)) {
			files = append(files, c.Path(policy))
		}
	}
	return files
}
