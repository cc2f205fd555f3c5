package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// forgeOf keeps comments behind the routes of a forge's interface, in pages of 100.
type forgeOf struct {
	list, one, update, header string
	comments                  []comment
	calls                     []string
	refuse                    int
}

func (f *forgeOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.calls = append(f.calls, r.Method)
	if f.refuse != 0 || !strings.Contains(r.Header.Get(f.header), "the-token") {
		http.Error(w, "Resource not accessible by integration", max(f.refuse, 401))
		return
	}
	var body struct{ Body string }
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, "bad", 400)
			return
		}
	}
	var id int64
	switch {
	case r.Method == http.MethodGet && r.URL.EscapedPath() == f.list:
		var page int
		fmt.Sscan(r.URL.Query().Get("page"), &page)
		from := min((page-1)*100, len(f.comments))
		json.NewEncoder(w).Encode(append([]comment{}, f.comments[from:min(from+100, len(f.comments))]...))
	case r.Method == http.MethodPost && r.URL.EscapedPath() == f.list:
		f.comments = append(f.comments, comment{int64(len(f.comments) + 1), body.Body})
		w.WriteHeader(201)
	case r.Method == f.update && scan(r.URL.EscapedPath(), f.one, &id):
		f.comments[id-1].Body = body.Body
	default:
		http.NotFound(w, r)
	}
}

func scan(path, format string, id *int64) bool {
	_, err := fmt.Sscanf(path, format, id)
	return err == nil
}

func TestOneCommentIsKeptUpToDate(t *testing.T) {
	for _, c := range []struct {
		name  string
		forge *forgeOf
		open  func(api, token string) Request
	}{
		{"GitHub", &forgeOf{list: "/repos/shop/app/issues/7/comments", one: "/repos/shop/app/issues/comments/%d", update: "PATCH", header: "Authorization"},
			func(api, token string) Request { return GitHub(api, "shop/app", "7", token) }},
		{"GitLab", &forgeOf{list: "/projects/shop%2Fapp/merge_requests/7/notes", one: "/projects/shop%%2Fapp/merge_requests/7/notes/%d", update: "PUT", header: "Private-Token"},
			func(api, token string) Request { return GitLab(api, "shop/app", "7", token) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i := range 130 { // other people's, so that ours is on the second page
				c.forge.comments = append(c.forge.comments, comment{int64(i + 1), "looks good"})
			}
			server := httptest.NewServer(c.forge)
			defer server.Close()
			request := c.open(server.URL, "the-token")
			for _, step := range []struct {
				body string
				want Outcome
			}{{"<!-- m -->\nfail", Posted}, {"<!-- m -->\nfail", Unchanged}, {"<!-- m -->\npass", Updated}, {"<!-- other -->\npass", Posted}} {
				marker, _, _ := strings.Cut(step.body, "\n")
				got, err := request.Upsert(context.Background(), marker, step.body)
				if err != nil || got != step.want {
					t.Fatalf("%q: %s, %v; want %s", step.body, got, err, step.want)
				}
			}
			if len(c.forge.comments) != 132 || c.forge.comments[130].Body != "<!-- m -->\npass" {
				t.Errorf("%d comments, ours says %q", len(c.forge.comments), c.forge.comments[130].Body)
			}
			var refused *RefusedError
			if _, err := c.open(server.URL, "another").Upsert(context.Background(), "m", "m"); !errors.As(err, &refused) {
				t.Errorf("without a right to write: %v", err)
			} else if strings.Contains(err.Error(), "another") {
				t.Error("the token is in the error")
			}
		})
	}
}
