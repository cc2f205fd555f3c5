package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

const (
	// queriesTold is how many of a database's statements a digest names; queriesKnown is how many of them are remembered as told. A statement
	// that wanders about the end of the list is no news.
	queriesTold  = 5
	queriesKnown = 10
	longestQuery = 300
)

// slowQuery is a statement that a server has spent much of its time on.
type slowQuery struct {
	Database    string  `json:"database"`
	Fingerprint string  `json:"fingerprint"`
	Text        string  `json:"text"` // with placeholders in place of literals
	Share       float64 `json:"share"`
	Calls       float64 `json:"calls"`
	Seconds     float64 `json:"seconds"`
	New         bool    `json:"new"`
}

// queriesNote is where a store remembers which statements of an environment were told last.
func queriesNote(env string) string { return "queries-" + env + ".json" }

// tellQueries tells the channels of an environment what its databases spend their time on, when a statement has come among the slowest that was
// not among those told before. A channel that cannot be told is a warning, and is told the next time.
func (s *session) tellQueries(ctx context.Context, c *config.Config, store *snapshot.Store, env string, snap *snapshot.Snapshot) {
	hooks := slices.DeleteFunc(slices.Clone(c.Notify), func(h config.Hook) bool { return !slices.Contains(h.Queries, env) })
	slowest := slowQueries(snap)
	if len(hooks) == 0 || len(slowest) == 0 {
		return
	}
	told := map[string][]string{}
	text, err := store.ReadNote(ctx, queriesNote(env))
	if err == nil {
		err = json.Unmarshal(text, &told)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.warn("the statements told of %s before cannot be read, so they are told again: %v", env, err)
	}
	var digest []slowQuery
	news, known := false, map[string][]string{}
	for _, q := range slowest {
		rank := len(known[q.Database])
		if rank < queriesTold {
			q.New = !slices.Contains(told[q.Database], q.Fingerprint)
			news = news || q.New
			digest = append(digest, q)
		}
		if rank < queriesKnown {
			known[q.Database] = append(known[q.Database], q.Fingerprint)
		}
	}
	if !news {
		return
	}
	for i, hook := range hooks {
		message := map[string]any{"text": queriesText(env, digest)}
		if hook.Format == "json" {
			message = map[string]any{"format": "envdiff.queries/1", "environment": env, "captured_at": snap.Manifest.CapturedAt.UTC().Format(time.RFC3339), "queries": digest}
		}
		if err := s.post(ctx, hook, fmt.Sprintf("notify.%d", i), message); err != nil {
			s.warn("%v", err)
			return
		}
	}
	if text, err = json.Marshal(known); err == nil {
		err = store.WriteNote(ctx, queriesNote(env), text)
	}
	if err != nil {
		s.warn("which statements of %s were told cannot be remembered: %v", env, err)
	}
}

// slowQueries are the statements of every database, by database, the slowest first.
func slowQueries(snap *snapshot.Snapshot) []slowQuery {
	found := map[snapshot.Address]*slowQuery{}
	for i := range snap.Lines {
		l := &snap.Lines[i]
		if l.Address.Kind != "query" || l.Address.Name == "all" || len(l.Values) == 0 {
			continue
		}
		q := found[l.Address.Whole()]
		if q == nil {
			q = &slowQuery{Database: l.Address.Scope, Fingerprint: l.Address.Name}
			found[l.Address.Whole()] = q
		}
		for _, h := range l.Values {
			n, _ := h.Value.Number()
			switch l.Address.Attribute {
			case "text":
				q.Text, _ = h.Value.Text()
			case "share":
				q.Share = max(q.Share, n)
			case "calls":
				q.Calls = max(q.Calls, n)
			case "seconds":
				q.Seconds = max(q.Seconds, n)
			}
		}
	}
	var out []slowQuery
	for _, q := range found {
		if q.Text != "" && q.Share > 0 {
			out = append(out, *q)
		}
	}
	slices.SortFunc(out, func(a, b slowQuery) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(b.Share, a.Share), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out
}

// queriesText is a digest for a chat.
func queriesText(env string, digest []slowQuery) string {
	var lines []string
	database := ""
	for _, q := range digest {
		if q.Database != database {
			database = q.Database
			lines = append(lines, fmt.Sprintf("envdiff: what %s of %s spends its time on", ci.Chat(database), ci.Chat(env)))
		}
		mark := ""
		if q.New {
			mark = " new:"
		}
		text := q.Text
		if runes := []rune(text); len(runes) > longestQuery {
			text = string(runes[:longestQuery-1]) + "…"
		}
		each := ""
		if q.Calls > 0 {
			each = fmt.Sprintf(", %.4g ms each", 1000*q.Seconds/q.Calls)
		}
		lines = append(lines, fmt.Sprintf("%.1f %% in %.0f calls%s:%s %s", 100*q.Share, q.Calls, each, mark, ci.Chat(text)))
	}
	return strings.Join(lines, "\n")
}
