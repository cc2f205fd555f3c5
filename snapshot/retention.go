package snapshot

import "time"

// Retention is what Prune keeps of an environment's snapshots.
type Retention struct {
	Age  time.Duration // older ones go
	Last int           // so many of the newest stay whatever their age
}

// Expired lists the stored snapshots of an environment that retention lets go, oldest first. The newest one that can
// really be read stays always, and so does the newest of those that looked at everything: read is asked from the newest
// on, until both are found.
func (st *Store) Expired(env string, keep Retention, now time.Time, read func(Entry) (*Snapshot, error)) ([]Entry, error) {
	entries, err := st.List(env)
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
	kept := lastGood(entries, read)
	var gone []Entry
	for _, e := range old {
		if !kept[e.Path] {
			gone = append(gone, e)
		}
	}
	return gone, nil
}

// lastGood are the newest snapshot that can be read and the newest one without gaps.
func lastGood(entries []Entry, read func(Entry) (*Snapshot, error)) map[string]bool {
	kept := map[string]bool{}
	for i := len(entries) - 1; i >= 0; i-- {
		if entries[i].Problem != "" {
			continue
		}
		s, err := read(entries[i])
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
	return kept
}
