// Package forge keeps one comment of a pull or merge request up to date, by the interface of GitHub (Gitea and Forgejo
// have the same one) or GitLab.
package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is one pull or merge request.
type Request struct {
	comments string      // URL of its list of comments
	comment  string      // URL of one comment, without its id
	update   string      // the method that changes a comment
	header   http.Header // who asks
	Needs    string      // what the token must be allowed
}

// GitHub is the pull request number of the repository owner/name.
func GitHub(api, repository, number, token string) Request {
	base := strings.TrimSuffix(api, "/") + "/repos/" + repository
	return Request{
		comments: base + "/issues/" + url.PathEscape(number) + "/comments",
		comment:  base + "/issues/comments/", update: http.MethodPatch,
		header: http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/vnd.github+json"}},
		Needs:  "permissions: {pull-requests: write} in the workflow; a pull request from a fork never gets it",
	}
}

// GitLab is the merge request iid of a project.
func GitLab(api, project, iid, token string) Request {
	notes := strings.TrimSuffix(api, "/") + "/projects/" + url.PathEscape(project) + "/merge_requests/" + url.PathEscape(iid) + "/notes"
	return Request{
		comments: notes, comment: notes + "/", update: http.MethodPut,
		header: http.Header{"Private-Token": {token}},
		Needs:  "a project access token with the scope api and the role Reporter",
	}
}

// client follows no redirect: it would take the token to another host.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Outcome is what Upsert did.
type Outcome string

// The outcomes of Upsert.
const (
	Posted    Outcome = "posted"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// RefusedError says that the forge did not let the token do it.
type RefusedError struct{ Status int }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the forge refused it (HTTP status %d)", e.Status)
}

type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
}

const (
	deadline  = 30 * time.Second
	pageSize  = 100
	mostPages = 50
	maxAnswer = 16 << 20
)

// Upsert writes body, which holds marker, as the one comment with that marker: it changes the one that is there, and
// leaves it alone where it says the same already.
func (r Request) Upsert(ctx context.Context, marker, body string) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if !strings.Contains(body, marker) {
		return "", errors.New("a comment without its marker would be repeated")
	}
	mine, found, err := r.find(ctx, marker)
	switch {
	case err != nil:
		return "", err
	case found && strings.TrimSpace(mine.Body) == strings.TrimSpace(body):
		return Unchanged, nil
	case found:
		return Updated, r.send(ctx, r.update, fmt.Sprint(r.comment, mine.ID), body, nil)
	}
	return Posted, r.send(ctx, http.MethodPost, r.comments, body, nil)
}

// find looks through all comments for the first one with the marker.
func (r Request) find(ctx context.Context, marker string) (comment, bool, error) {
	for page := 1; page <= mostPages; page++ {
		var list []comment
		if err := r.send(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", r.comments, pageSize, page), "", &list); err != nil {
			return comment{}, false, err
		}
		for _, c := range list {
			if strings.Contains(c.Body, marker) {
				return c, true, nil
			}
		}
		if len(list) < pageSize {
			break
		}
	}
	return comment{}, false, nil
}

// send makes one request. Errors hold neither the token nor the answer's text.
func (r Request) send(ctx context.Context, method, address, body string, into any) error {
	var payload io.Reader
	if body != "" {
		text, err := json.Marshal(map[string]string{"body": body})
		if err != nil {
			return err
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, payload)
	if err != nil {
		return errors.New("the forge's address cannot be read")
	}
	req.Header = r.header.Clone()
	req.Header.Set("User-Agent", "envdiff")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the forge at %s does not answer", req.URL.Host)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusNotFound:
		return &RefusedError{answer.StatusCode}
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("the forge answered with HTTP status %d", answer.StatusCode)
	case into == nil:
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return errors.New("the forge's answer is not JSON")
	}
	return nil
}
