package mysql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

const (
	// alignAttempts is how often snapshots are opened until all of them stand at one transaction, alignPause what lies between the first two times; it doubles.
	alignAttempts = 8
	alignPause    = 20 * time.Millisecond
)

// Aligned opens connections whose snapshots all stand at one position of the binary log. No lock is taken: they are opened at once, MariaDB and Percona Server
// then say at which position each stands (Binlog_snapshot_file and Binlog_snapshot_position, exact since the commit of a transaction and its place in the log are
// one order), and where they are not one, it is done again. Their moment is later than this one's. Other servers do not say it, and comparing what they have
// executed before and after leaves a commit that is under way unseen. (https://mariadb.com/kb/en/start-transaction/#with-consistent-snapshot)
func (d *database) Aligned(ctx context.Context, connections int) ([]engine.DB, error) {
	if d.mode != engine.ReadOnly {
		return nil, misuse("%s: only a database that is opened for reading is shared", d.target)
	}
	if err := d.logsAll(ctx); err != nil {
		return nil, err
	}
	for attempt := range alignAttempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(alignPause << (attempt - 1)):
			}
		}
		opened, err := d.openAtOnce(ctx, connections)
		if err == nil {
			var one bool
			if one, err = atOnePosition(ctx, opened); one {
				out := make([]engine.DB, len(opened))
				for i := range opened {
					out[i] = opened[i]
				}
				return out, nil
			}
		}
		for _, o := range opened {
			if o != nil {
				_ = o.Close()
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s was written to at each of %d attempts", engine.ErrNotAligned, d.target, alignAttempts)
}

// logsAll reports an error where the binary log does not hold every transaction: where there is none, or on a replica that leaves out what it applies.
func (d *database) logsAll(ctx context.Context) error {
	var v map[string]string
	err := d.use(ctx, func(c *conn) (err error) {
		v, err = c.named(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'log_slave_updates', 'log_replica_updates')")
		return err
	})
	if err != nil {
		return err
	}
	if off(v["log_bin"]) {
		return fmt.Errorf("%w: %s writes no binary log", engine.ErrNotAligned, d.target)
	}
	if off(either(v, "log_slave_updates", "log_replica_updates")) {
		if replica, err := d.replicates(ctx); err != nil || replica {
			return fmt.Errorf("%w: %s logs nothing of what it applies as a replica", engine.ErrNotAligned, d.target)
		}
	}
	return nil
}

// openAtOnce opens connections side by side. After an error some may be nil.
func (d *database) openAtOnce(ctx context.Context, connections int) ([]*database, error) {
	opened, errs := make([]*database, connections), make([]error, connections)
	var all sync.WaitGroup
	begin := make(chan struct{})
	var ready sync.WaitGroup
	for i := range connections {
		ready.Add(1)
		all.Go(func() {
			o := &database{target: d.target, mode: d.mode, turn: make(chan struct{}, 1)}
			errs[i] = o.prepare(ctx)
			ready.Done()
			<-begin
			if errs[i] == nil {
				errs[i] = o.begin(ctx)
			}
			if errs[i] == nil {
				o.turn <- struct{}{}
				opened[i] = o
			}
		})
	}
	ready.Wait()
	close(begin)
	all.Wait()
	return opened, errors.Join(errs...)
}

// atOnePosition reports that all snapshots stand at one position.
func atOnePosition(ctx context.Context, opened []*database) (bool, error) {
	first := ""
	for i, o := range opened {
		var v map[string]string
		err := o.use(ctx, func(c *conn) (err error) {
			v, err = c.named(ctx, "SHOW STATUS LIKE 'Binlog_snapshot_%'")
			return err
		})
		if err != nil {
			return false, err
		}
		if v["binlog_snapshot_file"] == "" {
			return false, fmt.Errorf("%w: %s does not say at which transaction a snapshot stands", engine.ErrNotAligned, o.target)
		}
		position := v["binlog_snapshot_file"] + ":" + v["binlog_snapshot_position"]
		if i > 0 && position != first {
			return false, nil
		}
		first = position
	}
	return true, nil
}
