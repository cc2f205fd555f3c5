package cmd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

// queriesSnapshot is production with statements of decreasing cost.
func queriesSnapshot(fingerprints ...string) *snapshot.Snapshot {
	b := snapshot.NewBuilder(snapshot.Selection{})
	b.Instance("main", "database", "", "primary")
	var r snapshot.Result
	for i, name := range fingerprints {
		a := snapshot.At("main", "query", name)
		r.Add(a.Attr("text"), snapshot.String("select * from @here where "+name+" = ?"), "")
		r.Add(a.Attr("share"), snapshot.Float(0.5/float64(i+1)), "")
		r.Add(a.Attr("calls"), snapshot.Int(1000), "")
		r.Add(a.Attr("seconds"), snapshot.Float(10), "")
	}
	b.Add("main", "primary", r, collectors().Kinds())
	return b.Finish(snapshot.Manifest{Environment: "production", CapturedAt: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)})
}

// TestTheDigestOfSlowQueriesIsToldWhenAStatementComesUp: and to the channel of its environment alone.
func TestTheDigestOfSlowQueriesIsToldWhenAStatementComesUp(t *testing.T) {
	var heard []string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		heard = append(heard, r.URL.Path+" "+string(text))
		w.WriteHeader(status)
	}))
	defer server.Close()
	s, err := newSession(World{Stderr: io.Discard, Stdout: io.Discard, LookupEnv: func(string) (string, bool) { return "", false }}, options{color: "never", progress: "none"})
	if err != nil {
		t.Fatal(err)
	}
	c := &config.Config{Notify: []config.Hook{
		{URL: config.Text(server.URL + "/all")},
		{URL: config.Text(server.URL + "/slow"), Queries: []string{"production"}},
		{URL: config.Text(server.URL + "/other"), Queries: []string{"staging"}},
	}}
	store, err := snapshot.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, night := range []struct {
		queries string
		status  int
		want    string
	}{
		{"a b c d e f g h i j k l", 200, "50.0 % in 1000 calls, 10 ms each: new: `select * from @here where a = ?`"},
		{"b a d c f e g h i j k l", 200, ""}, // others of the known ten
		{"b k a d c f e g h i j l", 403, "where k"},
		{"b k a d c f e g h i j l", 200, "where k"}, // could not be told the night before
		{"b k a d c f e g h i j l", 200, ""},
		{"", 200, ""},
	} {
		heard, status = nil, night.status
		s.tellQueries(context.Background(), c, store, "production", queriesSnapshot(strings.Fields(night.queries)...))
		got := strings.Join(heard, "\n")
		if night.want == "" && got != "" || !strings.Contains(got, night.want) || strings.Contains(got, "/all") || strings.Contains(got, "/other") {
			t.Errorf("night %d: %q, want %q", i, got, night.want)
		}
		if night.want != "" && strings.Count(got, " calls") != queriesTold {
			t.Errorf("night %d tells of %d statements", i, strings.Count(got, " calls"))
		}
	}
	if n := fmt.Sprint(s.warnings); !strings.Contains(n, "HTTP status 403") {
		t.Errorf("warnings: %s", n)
	}
}
