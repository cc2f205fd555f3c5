package mysql

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// watchEvery is the pause between looks at a session's metadata locks.
const watchEvery = 20 * time.Millisecond

// eye is a second connection that looks at the metadata locks of the first while a statement runs.
type eye struct {
	c     *conn
	query string // lock mode, schema and table of what the session holds
}

// openEye finds where the server shows metadata locks: performance_schema.metadata_locks on MySQL, and on MariaDB where that is on, else MariaDB's plugin
// METADATA_LOCK_INFO. nil where neither is there: then locks are derived from the algorithm.
func (s *session) openEye(ctx context.Context) *eye {
	for _, source := range []struct{ there, query string }{
		{"SELECT 1 FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl' AND enabled = 'YES' AND @@GLOBAL.performance_schema = 1",
			"SELECT m.lock_type, m.object_schema, m.object_name FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id WHERE m.object_type = 'TABLE' AND m.lock_status = 'GRANTED' AND t.processlist_id = %s"},
		{"SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'METADATA_LOCK_INFO' AND plugin_status = 'ACTIVE'",
			"SELECT lock_mode, table_schema, table_name FROM information_schema.metadata_lock_info WHERE lock_type = 'Table metadata lock' AND thread_id = %s"},
	} {
		found := false
		if err := s.c.query(ctx, source.there, func(engine.Row) error { found = true; return nil }); err != nil || !found {
			continue
		}
		if c, err := dial(ctx, s.target); err == nil {
			return &eye{c, fmt.Sprintf(source.query, s.c.id)}
		}
	}
	return nil
}

// mdlBlocks says what the metadata locks of one strength and more block: MySQL's names, which the plugin writes with MDL_ before them. Weaker ones let
// everybody read and write.
var mdlBlocks = map[string]struct {
	strength int
	blocks   engine.Blocks
}{
	"SHARED_UPGRADABLE": {1, engine.BlocksNothing}, "SHARED_NO_WRITE": {2, engine.BlocksWrites},
	"SHARED_NO_READ_WRITE": {3, engine.BlocksReadsAndWrites}, "EXCLUSIVE": {4, engine.BlocksReadsAndWrites},
}

// watch runs a statement under the eye and gives the lock on a table that it held in at least a third of the looks, the strongest one; a moment of a
// stronger one, which every change of a table ends with, does not count. false where it was too short to be looked at three times.
func (e *eye) watch(ctx context.Context, table schema.Name, run func() error) (lock engine.TableLock, ok bool, err error) {
	looking, stop := context.WithCancel(ctx)
	seen, looks := map[string]int{}, 0
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		for {
			select {
			case <-looking.Done():
				return
			case <-time.After(watchEvery):
			}
			held := map[string]bool{}
			if err := e.c.query(looking, e.query, func(r engine.Row) error {
				if string(r[2].Data) == table.Name {
					held[plainMode(string(r[0].Data))] = true
				}
				return nil
			}); err != nil {
				return
			}
			looks++
			for mode := range held {
				seen[mode]++
			}
		}
	}()
	err = run()
	stop()
	wait.Wait()
	if looks < 3 {
		return lock, false, err
	}
	strength := 0
	for mode, n := range seen {
		if m, known := mdlBlocks[mode]; known && n*3 >= looks && m.strength > strength {
			strength, ok = m.strength, true
			lock = engine.TableLock{Table: table, Mode: mode, Blocks: m.blocks}
		}
	}
	return lock, ok, err
}

func plainMode(mode string) string {
	if len(mode) > 4 && mode[:4] == "MDL_" {
		return mode[4:]
	}
	return mode
}
