package compare

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/envdiff/envdiff/snapshot"
)

// Reread digests the rows of some buckets of a table once more, as they are now, with the values of kept columns.
type Reread func(ctx context.Context, scope, instance, table string, buckets []uint16) (snapshot.Attachment, error)

const (
	// maxReread is how many rows are read again on one side.
	maxReread = 200_000
	// settleRounds is how often rows that move are read, settlePause what lies between the first two times; it doubles.
	settleRounds = 5
	settlePause  = 200 * time.Millisecond
)

// settle reads the rows of buckets that differ again, where both sides are live: rows that are equal by then differed because their
// table moved between two captures. It ends when nothing moves in a bucket that still differs, or says how many rows went on moving.
func (j *judgement) settle(ctx context.Context, a, b rowsAt, seen snapshot.RowDiff) (diff snapshot.RowDiff, moving int64, err error) {
	readA, readB := j.c.sides[a.side].Reread, j.c.sides[b.side].Reread
	if readA == nil || readB == nil || len(seen.Buckets) == 0 {
		return seen, 0, nil
	}
	wanted, err := fewRows(a.file, b.file, seen.Buckets)
	if err != nil || len(wanted) == 0 {
		return seen, 0, err
	}
	left, sampled := len(seen.Buckets)-len(wanted), seen.Sampled
	wasA, wasB := a.file, b.file
	for round := range settleRounds {
		if round > 0 {
			select {
			case <-ctx.Done():
				return diff, 0, ctx.Err()
			case <-time.After(settlePause << (round - 1)):
			}
		}
		var isA, isB snapshot.Attachment
		var errA, errB error
		var both sync.WaitGroup
		both.Go(func() { isA, errA = readA(ctx, a.scope, a.instance, a.table, wanted) })
		both.Go(func() { isB, errB = readB(ctx, b.scope, b.instance, b.table, wanted) })
		both.Wait()
		if err := errors.Join(errA, errB); err != nil {
			return diff, 0, fmt.Errorf("rows that differ could not be read again: %w", err)
		}
		before := pairs(seen)
		if diff, err = snapshot.CompareRows(isA, isB); err != nil {
			return diff, 0, err
		}
		still, err := nothingMoved(diff.Buckets, [2]snapshot.Attachment{wasA, isA}, [2]snapshot.Attachment{wasB, isB})
		if err != nil {
			return diff, 0, err
		}
		if still {
			break
		}
		if round == settleRounds-1 {
			all := len(diff.Differing)
			if diff, err = snapshot.CompareRowsWhere(isA, isB, func(p snapshot.RowPair) bool { return before[p] }); err != nil {
				return diff, 0, err
			}
			moving = int64(all - len(diff.Differing))
		}
		wanted, wasA, wasB, seen = diff.Buckets, isA, isB, diff
	}
	diff.Unread += left
	diff.Sampled = sampled
	return diff, moving, nil
}

func pairs(d snapshot.RowDiff) map[snapshot.RowPair]bool {
	set := make(map[snapshot.RowPair]bool, len(d.Differing))
	for _, p := range d.Differing {
		set[p] = true
	}
	return set
}

// fewRows are as many of the buckets as hold maxReread rows on either side.
func fewRows(a, b snapshot.Attachment, buckets []uint16) ([]uint16, error) {
	sumsA, err := snapshot.SumBuckets(a, buckets)
	if err != nil {
		return nil, err
	}
	sumsB, err := snapshot.SumBuckets(b, buckets)
	if err != nil {
		return nil, err
	}
	var rows int64
	for i, bucket := range buckets {
		if rows += max(sumsA[bucket].Rows, sumsB[bucket].Rows); rows > maxReread {
			return buckets[:i], nil
		}
	}
	return buckets, nil
}

// nothingMoved reports that some buckets were the same in two reads of each side.
func nothingMoved(buckets []uint16, sides ...[2]snapshot.Attachment) (bool, error) {
	for _, reads := range sides {
		was, err := snapshot.SumBuckets(reads[0], buckets)
		if err != nil {
			return false, err
		}
		is, err := snapshot.SumBuckets(reads[1], buckets)
		if err != nil {
			return false, err
		}
		for _, b := range buckets {
			if was[b] != is[b] {
				return false, nil
			}
		}
	}
	return true, nil
}
