package ci

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sort"
	"strings"
	"time"
)

// History is what the store remembers of judged runs: for each, what was new and what was gone since the run before of
// the same comparison. It holds no values.
type History struct {
	Runs []Run // oldest first
	seen map[string]map[string]bool
}

// Run is one line of the history.
type Run struct {
	At           time.Time `json:"at"`
	Command      string    `json:"command"`
	Environments []string  `json:"environments"` // as given, without their @date
	Status       string    `json:"status"`
	Counts       Counts    `json:"counts"`
	Gaps         int       `json:"gaps"`
	New          []Seen    `json:"new"`
	Gone         []string  `json:"gone"` // ids
}

// Seen is a finding as the history remembers it.
type Seen struct {
	ID       string `json:"id"`
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Address  string `json:"address"`
}

// maxHistoryLine bounds one run.
const maxHistoryLine = 64 << 20

// ReadHistory reads the lines of a history. A last line that a kill cut off is no line.
func ReadHistory(r io.Reader) (*History, error) {
	h := &History{seen: map[string]map[string]bool{}}
	lines := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return h, nil
		}
		if err != nil {
			return nil, err
		}
		if len(line) > maxHistoryLine {
			return nil, errors.New("a line of the history is longer than any run's")
		}
		var run Run
		if json.Unmarshal(line, &run) != nil {
			continue // cut off by a kill, before the next run began a line of its own
		}
		h.add(run)
	}
}

func (h *History) add(run Run) {
	h.Runs = append(h.Runs, run)
	key := run.Key()
	if h.seen[key] == nil {
		h.seen[key] = map[string]bool{}
	}
	for _, s := range run.New {
		h.seen[key][s.ID] = true
	}
	for _, id := range run.Gone {
		delete(h.seen[key], id)
	}
}

// Key names the comparison that a run is one of.
func (r Run) Key() string { return r.Command + " " + strings.Join(r.Environments, " ") }

// Next is the run that a judged report adds. What could not be looked at is not gone.
func (h *History) Next(r *Report, at time.Time) Run {
	run := Run{At: at.UTC(), Command: r.Command, Status: r.Verdict.Status, Counts: r.Verdict.Counts, Gaps: r.Verdict.Gaps, New: []Seen{}, Gone: []string{}}
	for _, e := range r.Environments {
		run.Environments = append(run.Environments, base(e.Name))
	}
	before, now := h.seen[run.Key()], map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !counts(f) || now[f.ID] {
			continue
		}
		now[f.ID] = true
		if !before[f.ID] {
			run.New = append(run.New, Seen{f.ID, f.Rule, f.Severity.String(), f.Address})
		}
	}
	for id := range before {
		if !now[id] && len(r.Gaps) == 0 {
			run.Gone = append(run.Gone, id)
		}
	}
	slices.Sort(run.Gone)
	return run
}

// Append writes the run as a line of its own, also where a kill left half a line before it.
func (r Run) Append(w io.Writer) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = visible{w}.Write(append(append([]byte{'\n'}, text...), '\n'))
	return err
}

// Last is the newest run of a comparison.
func (h *History) Last(key string) (Run, bool) {
	for i := len(h.Runs) - 1; i >= 0; i-- {
		if h.Runs[i].Key() == key {
			return h.Runs[i], true
		}
	}
	return Run{}, false
}

// Trend are the runs of a comparison, oldest first.
func (h *History) Trend(key string) []TrendPoint {
	var points []TrendPoint
	for _, run := range h.Runs {
		if run.Key() == key {
			points = append(points, TrendPoint{run.At, run.Status, run.Counts})
		}
	}
	return points
}

// Life is how long a finding was there.
type Life struct {
	Seen
	Key   string    `json:"comparison"`
	First time.Time `json:"first"` // of its present or last appearance
	Last  time.Time `json:"last"`  // the last run that had it
	// Before is the run before the first one, zero when there was none: it came between the two.
	Before time.Time `json:"before,omitzero"`
	Open   bool      `json:"open"`
}

// Lives are the findings of the history by their first appearance, newest first.
func (h *History) Lives() []Life {
	type place struct{ key, id string }
	at := map[place]int{}
	var lives []Life
	last := map[string]time.Time{}
	for _, run := range h.Runs {
		key := run.Key()
		for _, id := range run.Gone {
			if i, ok := at[place{key, id}]; ok {
				lives[i].Open = false
				lives[i].Last = last[key]
			}
		}
		for _, s := range run.New {
			p := place{key, s.ID}
			if i, ok := at[p]; ok {
				lives[i].Seen, lives[i].First, lives[i].Before, lives[i].Open = s, run.At, last[key], true
				continue
			}
			at[p] = len(lives)
			lives = append(lives, Life{Seen: s, Key: key, First: run.At, Before: last[key], Open: true})
		}
		last[key] = run.At
	}
	for i := range lives {
		if lives[i].Open {
			lives[i].Last = last[lives[i].Key]
		}
	}
	sort.SliceStable(lives, func(i, j int) bool { return lives[i].First.After(lives[j].First) })
	return lives
}

// ScopeTrend is how a scope of a comparison changed.
type ScopeTrend struct {
	Key, Scope      string
	Open            int
	Came, Went      int   // over all runs
	Course          []int // open after each run, oldest first
	FirstRun, Since time.Time
}

// Scopes follows each scope of each comparison through its runs.
func (h *History) Scopes() []ScopeTrend {
	type place struct{ key, scope string }
	trends := map[place]*ScopeTrend{}
	of := map[place]string{} // key and id → scope
	runs := map[string]int{}
	for _, run := range h.Runs {
		key := run.Key()
		touch := func(scope string) *ScopeTrend {
			t := trends[place{key, scope}]
			if t == nil {
				t = &ScopeTrend{Key: key, Scope: scope, Course: make([]int, runs[key]), FirstRun: run.At}
				trends[place{key, scope}] = t
			}
			return t
		}
		for _, s := range run.New {
			scope, _ := scopeAndKind(s.Address)
			of[place{key, s.ID}] = scope
			t := touch(scope)
			t.Open++
			t.Came++
			t.Since = run.At
		}
		for _, id := range run.Gone {
			if scope, ok := of[place{key, id}]; ok {
				t := touch(scope)
				t.Open--
				t.Went++
				t.Since = run.At
			}
		}
		runs[key]++
		for p, t := range trends {
			if p.key == key {
				t.Course = append(t.Course, t.Open)
			}
		}
	}
	list := make([]ScopeTrend, 0, len(trends))
	for _, t := range trends {
		list = append(list, *t)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Key != list[j].Key {
			return list[i].Key < list[j].Key
		}
		return list[i].Scope < list[j].Scope
	})
	return list
}

// Feed is the history as a feed: a run that changed something is an entry, newest first.
func (h *History) Feed() Feed {
	f := Feed{ID: TagURI("history"), Title: "envdiff: what changed"}
	known := map[string]Seen{} // by id: a run says of what is gone no more than that
	for _, run := range h.Runs {
		for _, s := range run.New {
			known[s.ID] = s
		}
	}
	for i := len(h.Runs) - 1; i >= 0 && len(f.Entries) < feedMost; i-- {
		run := h.Runs[i]
		if f.Updated.IsZero() {
			f.Updated = run.At
		}
		if len(run.New)+len(run.Gone) == 0 && i > 0 {
			continue
		}
		lines := []string{run.Key() + ": " + run.Status}
		for _, s := range run.New {
			lines = append(lines, "new: "+s.Severity+" "+s.Rule+" "+s.Address)
		}
		for _, id := range run.Gone {
			lines = append(lines, strings.TrimSpace("gone: "+known[id].Severity+" "+known[id].Rule+" "+cmp.Or(known[id].Address, id)))
		}
		f.Entries = append(f.Entries, FeedEntry{ID: TagURI("run/" + run.Key() + "/" + run.At.UTC().Format("20060102T150405.000000000Z")), Updated: run.At,
			Title: run.Key() + ": " + plural(len(run.New), "new finding", "new findings") + ", " + plural(len(run.Gone), "is gone", "are gone"), Text: strings.Join(lines, "\n")})
	}
	return f
}
