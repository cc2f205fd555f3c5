package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/envdiff/envdiff/ci"
	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/snapshot"
)

// historyFile is where a store remembers its runs.
const historyFile = "history.jsonl"

func historyCommand() command {
	return command{
		name: "history", args: "[ENV...]",
		short: "what came and went: trends per scope, first and last seen",
		long: `Every compare, gate and rehearse of whole environments leaves a line in the store, where there is one:
its verdict, and which findings were new and gone since the run before. history shows the last runs of
each comparison, how many findings each scope has had, since when each finding that is open is there,
and when the last ones that went were last seen. With ENVs it shows the comparisons of exactly these.
Nothing is captured.

  envdiff history staging production
  envdiff history -o atom=changes.atom`,
		flags: overviewFlags,
		run:   runHistory,
	}
}

// runsShown is how many runs of a comparison are listed.
const runsShown = 10

func runHistory(ctx context.Context, s *session, args []string) (int, error) {
	c, err := s.loadConfig()
	if err != nil {
		return 0, err
	}
	store, err := s.store(c)
	if err != nil {
		return 0, err
	}
	h, err := readHistory(ctx, store)
	if err != nil {
		return 0, err
	}
	if len(args) > 0 {
		h.Runs = slices.DeleteFunc(h.Runs, func(r ci.Run) bool { return !slices.Equal(r.Environments, args) })
	}
	if len(h.Runs) == 0 {
		return 0, hinted(errors.New("the store remembers no run of it"), "envdiff snapshot ENV makes the store; each comparison after that leaves a line in it")
	}
	return exitOK, s.writeOverview(overview{text: historyText(h), data: map[string]any{"runs": h.Runs, "findings": h.Lives()}, feed: h.Feed()})
}

func historyText(h *ci.History) string {
	var b strings.Builder
	var keys []string
	for _, r := range h.Runs {
		if !slices.Contains(keys, r.Key()) {
			keys = append(keys, r.Key())
		}
	}
	for _, key := range keys {
		trend := h.Trend(key)
		fmt.Fprintf(&b, "%s  (%s)\n", ci.Terminal(key), count(len(trend), "run"))
		for _, p := range trend[max(0, len(trend)-runsShown):] {
			fmt.Fprintf(&b, "  %s  %-10s  %d critical, %d high, %d medium, %d low\n", p.At.Format("2006-01-02 15:04"), p.Status, p.Counts.Critical, p.Counts.High, p.Counts.Medium, p.Counts.Low)
		}
		fmt.Fprintf(&b, "  %-16s %5s %6s %6s  %s\n", "scope", "open", "came", "went", "course")
		for _, t := range h.Scopes() {
			if t.Key == key {
				fmt.Fprintf(&b, "  %-16s %5d %6d %6d  %s\n", ci.Terminal(t.Scope), t.Open, t.Came, t.Went, sparkline(t.Course))
			}
		}
		b.WriteString("  since             last seen         finding\n")
		for _, l := range h.Lives() {
			if l.Key == key && l.Open {
				fmt.Fprintf(&b, "  %s\n", lifeText(l))
			}
		}
		for _, l := range goneLast(h, key) {
			fmt.Fprintf(&b, "  %s, gone\n", lifeText(l))
		}
	}
	return b.String()
}

func lifeText(l ci.Life) string {
	return fmt.Sprintf("%s  %s  %s %s %s", l.First.Format("2006-01-02 15:04"), l.Last.Format("2006-01-02 15:04"), ci.Terminal(l.Severity), ci.Terminal(l.Rule), ci.Terminal(l.Address))
}

// goneShown is how many findings that are gone are listed of a comparison; all are in -o json.
const goneShown = 10

// goneLast are the findings that a comparison has no more, the last to go first.
func goneLast(h *ci.History, key string) []ci.Life {
	gone := slices.DeleteFunc(h.Lives(), func(l ci.Life) bool { return l.Key != key || l.Open })
	slices.SortStableFunc(gone, func(a, b ci.Life) int { return b.Last.Compare(a.Last) })
	return gone[:min(len(gone), goneShown)]
}

// sparkline draws numbers as eight heights, the newest 40 of them.
func sparkline(course []int) string {
	course = course[max(0, len(course)-40):]
	most := 1
	for _, n := range course {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range course {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[min(7, max(0, n*7/most))])
	}
	return b.String()
}

// readHistory reads the store's memory; a store without one remembers nothing.
func readHistory(ctx context.Context, store *snapshot.Store) (*ci.History, error) {
	text, err := store.ReadNote(ctx, historyFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	h, err := ci.ReadHistory(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	return h, nil
}

// inPassing bounds what is done for the memory of a store in a run that does not need it.
const inPassing = 30 * time.Second

// remember adds a judged report of whole environments to the memory of a store that exists, and shows in it what the
// store remembers of the runs before. It is a convenience, as keepReport is: nothing fails for it.
func (s *session) remember(ctx context.Context, c *config.Config, r *ci.Report) {
	store, err := s.memory(c)
	if err == nil && store == nil {
		return
	}
	brief, cancel := context.WithTimeout(ctx, inPassing)
	defer cancel()
	var h *ci.History
	if err == nil {
		h, err = readHistory(brief, store)
	}
	if err != nil {
		r.Warnings = append(r.Warnings, err.Error())
		return
	}
	run := h.Next(r, s.world.Now())
	before, known := h.Last(run.Key())
	r.Context.Trend = h.Trend(run.Key())
	if len(s.opt.only)+len(s.opt.skip) > 0 {
		return // a part of the environments says nothing of what is gone
	}
	r.Context.Trend = append(r.Context.Trend, ci.TrendPoint{At: run.At, Status: run.Status, Counts: run.Counts})
	var line bytes.Buffer
	if err := run.Append(&line); err != nil {
		return
	}
	if err := store.AppendNote(brief, historyFile, line.Bytes()); err == nil {
		s.notify(ctx, c, before, known, run)
	}
}

// overview is what history and pending show.
type overview struct {
	text string
	data any
	feed ci.Feed
}

func overviewFlags(fs *pflag.FlagSet, o *options) {
	fs.StringArrayVarP(&o.outputs, "output", "o", nil, "write `FORMAT[=PATH]`: table, json or atom (repeatable; one without PATH goes to standard output)")
}
