package cmd

import (
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

// pendingNote is where a store keeps what is on the way, for serve and its feed: of each pair of environments the newest.
const pendingNote = "pending.json"

// keptPending is what was on the way between two environments when they were last looked at.
type keptPending struct {
	From  string     `json:"from"`
	To    string     `json:"to"`
	At    time.Time  `json:"at"` // of the newer capture
	Items []onTheWay `json:"items"`
}

// readPending reads what a store keeps; nothing is kept until pending was run.
func readPending(ctx context.Context, store *snapshot.Store) ([]keptPending, error) {
	text, err := store.ReadNote(ctx, pendingNote)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what is on the way: %w", err)
	}
	return parsePending(text)
}

func parsePending(text []byte) (kept []keptPending, err error) {
	if len(text) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return nil, fmt.Errorf("reading what is on the way: %w", err)
	}
	return kept, nil
}

// keepPending says of each item since when it is on the way, as far as the store remembers, and keeps the list where there is a store: runs for other
// pairs of environments lose nothing of theirs. It is a convenience, as keepReport is: nothing fails for it.
func (s *session) keepPending(ctx context.Context, c *config.Config, p keptPending) {
	for i := range p.Items {
		p.Items[i].Since = p.At
	}
	store, err := s.memory(c)
	if err != nil || store == nil || len(s.opt.only)+len(s.opt.skip) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, inPassing)
	defer cancel()
	err = store.ChangeNote(ctx, pendingNote, func(text []byte) ([]byte, error) {
		kept, err := parsePending(text)
		if err != nil {
			return nil, err
		}
		return p.among(kept)
	})
	if err == nil {
		return
	}
	kept, err := readPending(ctx, store) // a store that this run may only read
	if err != nil {
		s.warn("%v", err)
		return
	}
	_, _ = p.among(kept)
}

// among is what is kept with this pair's list in place of an older one, from which its items have since when they are on the way. Of a newer one nothing is replaced.
func (p keptPending) among(kept []keptPending) ([]byte, error) {
	same := func(k keptPending) bool { return k.From == p.From && k.To == p.To }
	if i := slices.IndexFunc(kept, same); i >= 0 {
		if p.At.Before(kept[i].At) { // an older pair of snapshots was looked at
			return nil, nil
		}
		since := map[string]time.Time{}
		for _, item := range kept[i].Items {
			since[item.ID] = item.Since
		}
		for j := range p.Items {
			if at, known := since[p.Items[j].ID]; known {
				p.Items[j].Since = at
			}
		}
	}
	return json.Marshal(append(slices.DeleteFunc(kept, same), p))
}

// feed is what is on the way as a feed: an entry says since when, and stays as it is from night to night.
func (p keptPending) feed() ci.Feed {
	f := ci.Feed{ID: ci.TagURI("pending/" + p.From + "/" + p.To), Title: "envdiff: on the way, " + p.From + " → " + p.To, Updated: p.At}
	for _, item := range p.Items {
		entry := ci.FeedEntry{ID: f.ID + "/" + ci.RelativeURI(item.ID), Title: item.What + ": " + item.Text, Updated: item.Since, Text: strings.TrimSpace(item.Address + "\n" + item.Text + "\n" + item.Who)}
		if !item.At.IsZero() {
			entry.Updated = item.At
		}
		f.Entries = append(f.Entries, entry)
	}
	return f
}

// onSite is what is on the way as the site shows it.
func (p keptPending) onSite() ci.SitePending {
	out := ci.SitePending{From: p.From, To: p.To, At: p.At}
	for _, item := range p.Items {
		out.Items = append(out.Items, ci.SiteItem{What: item.What, Address: ci.Terminal(item.Address), Text: ci.Terminal(item.Text), Who: ci.Terminal(item.Who), Since: item.Since})
	}
	return out
}
