package engine

import (
	"context"
	"encoding/json"
	"strings"
	"time"
)

// Keeper is an engine that can keep a scratch database beyond the run that made it, for later runs to clone.
type Keeper interface {
	// Keep marks a scratch database, or moves it to dir for engines that live in files: no sweep takes it, and DropScratch does. From then on it is cloned only.
	Keep(ctx context.Context, t Target, dir string, k Kept) (Target, error)
	// Kept lists what is kept on base's server, or in dir, the newest first. dir need not be there.
	Kept(ctx context.Context, base Target, dir string) ([]Kept, error)
}

// Kept is a scratch database that outlives its run.
type Kept struct {
	Target Target          `json:"-"`
	Key    string          `json:"key"` // what it is made of; a copy of anything else has another
	MadeAt time.Time       `json:"made_at"`
	Until  time.Time       `json:"until"`
	Note   json.RawMessage `json:"note"` // the maker's own
}

// keptPrefix begins the line of a mark that says so.
const keptPrefix = "kept: "

// Text is one line for the mark of a kept database.
func (k Kept) Text() (string, error) {
	k.MadeAt, k.Until = k.MadeAt.UTC(), k.Until.UTC()
	b, err := json.Marshal(k)
	return keptPrefix + string(b), err
}

// ParseKept finds the line in a mark; false where there is none.
func ParseKept(mark string) (Kept, bool) {
	for line := range strings.Lines(mark) {
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), keptPrefix)
		var k Kept
		if ok && json.Unmarshal([]byte(rest), &k) == nil && k.Key != "" {
			return k, true
		}
	}
	return Kept{}, false
}
