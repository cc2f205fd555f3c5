// Package progress tells a waiting person what a run is doing, on standard error: one changing
// line on a terminal, plain lines elsewhere.
package progress

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"
)

// Mode is how progress is shown.
type Mode int

// The modes. Plain writes what Say says and a heartbeat, so that a CI system sees that the job lives.
const (
	None Mode = iota
	Plain
	Line
)

// heartbeat is the longest silence in Plain mode.
const heartbeat = 10 * time.Second

// Reporter shows progress. It is safe for concurrent use; the zero Reporter and nil show nothing.
type Reporter struct {
	mode   Mode
	w      io.Writer
	escape func(string) string
	width  int

	mu     sync.Mutex
	active map[string]int // instance → steps that are running
	shown  string         // what stands on the changing line
	stop   chan struct{}
}

// New makes a Reporter that writes to w. escape makes captured names safe for a terminal.
func New(w io.Writer, mode Mode, width int, escape func(string) string) *Reporter {
	r := &Reporter{mode: mode, w: w, escape: escape, width: max(width, 40), active: map[string]int{}, stop: make(chan struct{})}
	if mode == Plain {
		go r.beat()
	}
	return r
}

// Start notes that a step of an instance began.
func (r *Reporter) Start(instance string) { r.step(instance, 1) }

// Done notes that a step of an instance ended.
func (r *Reporter) Done(instance string) { r.step(instance, -1) }

func (r *Reporter) step(instance string, by int) {
	if r == nil || r.mode == None {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active[instance] += by
	if r.active[instance] <= 0 {
		delete(r.active, instance)
	}
	r.draw()
}

// Say writes one message that stays.
func (r *Reporter) Say(format string, args ...any) {
	if r == nil || r.mode == None {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear()
	fmt.Fprintf(r.w, "envdiff: %s\n", r.escape(fmt.Sprintf(format, args...)))
	r.draw()
}

// Close removes the changing line and ends the heartbeat.
func (r *Reporter) Close() {
	if r == nil || r.mode == None {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clear()
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
	r.mode = None
}

func (r *Reporter) draw() {
	if r.mode != Line {
		return
	}
	text := ""
	if len(r.active) > 0 {
		text = r.escape(fmt.Sprintf("busy with %d: %s", len(r.active), strings.Join(r.names(), ", ")))
	}
	if runes := []rune(text); len(runes) > r.width-1 {
		text = string(runes[:r.width-2]) + "…"
	}
	if text == r.shown {
		return
	}
	r.clear()
	fmt.Fprint(r.w, text)
	r.shown = text
}

func (r *Reporter) clear() {
	if r.shown != "" {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.shown = ""
	}
}

func (r *Reporter) names() []string {
	names := make([]string, 0, len(r.active))
	for n := range r.active {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func (r *Reporter) beat() {
	t := time.NewTicker(heartbeat)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-t.C:
			r.mu.Lock()
			if len(r.active) > 0 {
				fmt.Fprintf(r.w, "envdiff: still busy with %s\n", r.escape(strings.Join(r.names(), ", ")))
			}
			r.mu.Unlock()
		}
	}
}
