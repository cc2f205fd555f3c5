package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/internal/forge"
)

func commentCommand() command {
	return command{
		name: "comment", args: "REPORT.json",
		short: "keep one comment of the pull or merge request up to date",
		long: `Writes a saved report as the one comment of the pull or merge request that this CI job is about: the
next run changes it, and leaves it alone where nothing changed. A report that is too long for a
comment becomes a shorter one. What the job is about is read from what the CI system sets:

  GitHub, Gitea, Forgejo   GITHUB_TOKEN, GITHUB_API_URL, GITHUB_REPOSITORY, and the number in
                           GITHUB_REF or GITHUB_EVENT_PATH
  GitLab                   ENVDIFF_GITLAB_TOKEN, CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID

A forge that refuses the comment (a fork's job gets no right to write) fails nothing: the comment goes
to the step summary and to standard output, with what would be needed. Outside of a pull request it
does nothing.

  envdiff staging production -o json=drift.json; envdiff comment drift.json`,
		flags: func(fs *pflag.FlagSet, o *options) {
			fs.BoolVar(&o.print, "print", false, "print the comment and post nothing")
		},
		run: runComment,
	}
}

func runComment(ctx context.Context, s *session, args []string) (int, error) {
	if len(args) != 1 {
		return 0, hinted(errors.New("name one report"), "envdiff comment report.json")
	}
	r, err := s.readReport(args[0])
	if err != nil {
		return 0, err
	}
	marker := ci.CommentMarker(r)
	body := marker + "\n" + ci.Comment(r, ci.CommentLimit-len(marker)-1)
	if s.opt.print {
		_, err := fmt.Fprint(s.world.Stdout, body)
		return exitOK, err
	}
	request, ok, err := s.mergeRequest()
	if err != nil {
		return 0, err
	}
	if !ok {
		fmt.Fprintln(s.world.Stdout, "no pull or merge request: nothing to comment on")
		return exitOK, nil
	}
	outcome, err := request.Upsert(ctx, marker, body)
	var refused *forge.RefusedError
	if errors.As(err, &refused) {
		fmt.Fprintf(s.world.Stderr, "envdiff: warning: the comment was made and could not be posted: %v\nenvdiff: hint: %s\n", err, request.Needs)
		s.stepSummary(r)
		_, err := fmt.Fprint(s.world.Stdout, body)
		return exitOK, err
	}
	if err != nil {
		return 0, interrupted(ctx, err)
	}
	fmt.Fprintf(s.world.Stdout, "comment %s\n", outcome)
	return exitOK, nil
}

// mergeRequest finds the pull or merge request of the CI job; false when the job is about none.
func (s *session) mergeRequest() (forge.Request, bool, error) {
	env := func(name string) string { v, _ := s.world.LookupEnv(name); return v }
	switch {
	case env("CI_MERGE_REQUEST_IID") != "":
		if env("ENVDIFF_GITLAB_TOKEN") == "" || env("CI_API_V4_URL") == "" || env("CI_PROJECT_ID") == "" {
			return forge.Request{}, false, hinted(errors.New("ENVDIFF_GITLAB_TOKEN, CI_API_V4_URL or CI_PROJECT_ID is not set"), "make a project access token with the scope api and set it as a masked variable")
		}
		return forge.GitLab(env("CI_API_V4_URL"), env("CI_PROJECT_ID"), env("CI_MERGE_REQUEST_IID"), env("ENVDIFF_GITLAB_TOKEN")), true, nil
	case env("GITHUB_REPOSITORY") != "":
		number := pullNumber(env("GITHUB_REF"), env("GITHUB_EVENT_PATH"))
		if number == "" {
			return forge.Request{}, false, nil
		}
		if env("GITHUB_TOKEN") == "" {
			return forge.Request{}, false, hinted(errors.New("GITHUB_TOKEN is not set"), "env: {GITHUB_TOKEN: ${{ github.token }}} in the step")
		}
		api := env("GITHUB_API_URL")
		if api == "" {
			api = "https://api.github.com"
		}
		return forge.GitHub(api, env("GITHUB_REPOSITORY"), number, env("GITHUB_TOKEN")), true, nil
	}
	return forge.Request{}, false, nil
}

// pullNumber reads refs/pull/12/merge, or the event for workflows that run on another ref.
func pullNumber(ref, event string) string {
	if rest, ok := strings.CutPrefix(ref, "refs/pull/"); ok {
		number, _, _ := strings.Cut(rest, "/")
		return number
	}
	text, err := os.ReadFile(event)
	if err != nil {
		return ""
	}
	var e struct {
		Number      json.Number `json:"number"`
		PullRequest struct {
			Number json.Number `json:"number"`
		} `json:"pull_request"`
	}
	if json.Unmarshal(text, &e) != nil {
		return ""
	}
	if e.PullRequest.Number != "" {
		return e.PullRequest.Number.String()
	}
	return e.Number.String()
}
