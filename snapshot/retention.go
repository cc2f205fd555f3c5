package snapshot

import (
	"context"
	"errors"
	"time"
)

// Retention is what Prune keeps of an environment's snapshots.
type Retention struct {
	Age  time.Duration // older ones go
	Last int           // so many of the newest stay whatever their age
}

// Expired lists the stored snapshots of an environment that retention lets go, oldest first. The newest one that can
// really be read stays always, and so does the newest of those that looked at everything: they are read from the newest
// on, until both are found.
func (st *Store) Expired(ctx context.Context, env string, keep Retention, now time.Time) ([]Entry, error) {
	entries, err := st.List(ctx, env)
	if err != nil {
		return nil, err
	}
	var old []Entry
	for i, e := range entries {
		if len(entries)-i > max(keep.Last, 1) && now.Sub(e.At) > keep.Age {
			old = append(old, e)
		}
	}
	if len(old) == 0 {
		return nil, nil
	}
	kept, err := st.lastGood(ctx, entries)
	if err != nil {
		return nil, err
	}
	var gone []Entry
	for _, e := range old {
		if !kept[e.Path] {
			gone = append(gone, e)
		}
	}
	return gone, nil
}

// lastGood are the newest snapshot that can be read and the newest one without gaps. One that cannot be asked for is no damaged one.
func (st *Store) lastGood(ctx context.Context, entries []Entry) (map[string]bool, error) {
	kept := map[string]bool{}
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Problem != "" {
			continue
		}
		s, err := st.Read(ctx, entries[i])
		if unreached := (*unreachedError)(nil); errors.As(err, &unreached) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			continue
		}
		whole := len(s.Gaps) == 0
		s.Close()
		if len(kept) == 0 || whole {
			kept[entries[i].Path] = true
		}
		if whole {
			break
		}
	}
	return kept, nil
}
