package postgres

import (
	"context"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// watchEvery is the pause between looks at another session's locks.
const watchEvery = 20 * time.Millisecond

// watched runs a statement that cannot be inside a transaction while a second connection looks at its locks again and again.
func (s *session) watched(ctx context.Context, sql string) (int64, engine.Trace, error) {
	eye, err := dial(ctx, s.target)
	if err != nil {
		return 0, engine.Trace{}, err
	}
	defer hangUp(eye)
	seen := map[string]engine.TableLock{}
	done, stopped := make(chan struct{}), make(chan struct{})
	look := strings.Replace(lockedQuery, "$1", strconv.FormatUint(uint64(s.pg.PID()), 10), 1)
	known := map[string]heap{}
	for oid, r := range s.trace.known {
		known[oid] = r
	}
	go func() {
		defer close(stopped)
		watcher := tracer{held: map[string]map[string]bool{}}
		for {
			select {
			case <-done:
				return
			case <-time.After(watchEvery):
			}
			err := query(ctx, eye, look, func(v [][]byte) error {
				if v[1] == nil {
					return nil
				}
				if r, ok := known[string(v[1])]; ok {
					if lock, ok := watcher.fresh(string(v[1]), r.name, string(v[6])); ok && lock.Mode != seen[r.name.String()].Mode {
						seen[r.name.String()] = lock
					}
				}
				return nil
			})
			if err != nil {
				return
			}
		}
	}()
	began := s.trace.now()
	rows, err := execute(ctx, s.pg, sql)
	took := s.trace.now().Sub(began)
	close(done)
	<-stopped
	heard := s.trace.notice
	if err != nil {
		return rows, engine.Trace{}, fail(ctx, s.target, err)
	}
	t, err := s.observe(ctx, sql)
	t.Builds, t.Took = heard.built, took
	for _, lock := range seen {
		t.Locks = append(t.Locks, lock)
	}
	sort.Slice(t.Locks, func(i, j int) bool { return t.Locks[i].Table.Less(t.Locks[j].Table) })
	for _, table := range heard.scanned {
		for _, r := range known {
			if r.name.Name == table && len(t.Scans) == 0 {
				t.Scans = append(t.Scans, r.name)
			}
		}
	}
	return rows, t, fail(ctx, s.target, err)
}
