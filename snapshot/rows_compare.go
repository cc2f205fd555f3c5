package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
)

// CompareRows merges the row digests of one table in two snapshots made under the same redact key. Its memory does not
// grow with the tables.
func CompareRows(a, b Attachment) (RowDiff, error) {
	return CompareRowsWhere(a, b, func(RowPair) bool { return true })
}

// CompareRowsWhere is CompareRows that counts only some of the differing rows.
func CompareRowsWhere(a, b Attachment, counts func(RowPair) bool) (RowDiff, error) {
	ra, err := openRows(a)
	if err != nil {
		return RowDiff{}, err
	}
	defer ra.close()
	rb, err := openRows(b)
	if err != nil {
		return RowDiff{}, err
	}
	defer rb.close()
	j := rowJoin{counts: counts, changed: map[string]int64{}}
	if j.columns, err = commonColumns(&ra.header, &rb.header); err != nil {
		return RowDiff{}, err
	}
	j.diff.Skipped = notCommon(ra.header.Columns, rb.header.Columns)
	ra.part = min(ra.header.buckets(), rb.header.buckets())
	rb.part = ra.part
	if err := errors.Join(ra.next(), rb.next()); err != nil {
		return RowDiff{}, err
	}
	if ra.header.Form == RowByRow && rb.header.Form == RowByRow {
		err = j.run(ra, rb)
	} else {
		err = j.buckets(ra, rb)
	}
	j.diff.setColumns(j.changed)
	if ra.part < RowBuckets {
		j.diff.Sampled = max(ra.taken, rb.taken)
	}
	return j.diff, err
}

// columnPair is a column that both tables have, and where its digests stand.
type columnPair struct {
	name string
	a, b int
}

// commonColumns pairs the columns. Tables of other columns can be compared by the digests of the cells that both have, where
// there are any.
func commonColumns(a, b *RowsHeader) ([]columnPair, error) {
	if !slices.Equal(a.Key, b.Key) || a.Buckets != b.Buckets {
		return nil, fmt.Errorf("%w: the tables have different keys", ErrRowsNotComparable)
	}
	if !maps.Equal(a.Round, b.Round) {
		return nil, ErrRowsRounded
	}
	var pairs []columnPair
	for i, name := range a.Columns {
		if at := slices.Index(b.Columns, name); at >= 0 {
			pairs = append(pairs, columnPair{name, i, at})
		}
	}
	if !slices.Equal(a.Columns, b.Columns) && (len(a.Key) == 0 || a.Form != RowByRow || b.Form != RowByRow) {
		return nil, fmt.Errorf("%w: the tables have different columns", ErrRowsNotComparable)
	}
	return pairs, nil
}

// buckets is how many the rows are of.
func (h *RowsHeader) buckets() int {
	if h.Part <= 0 {
		return RowBuckets
	}
	return min(h.Part, RowBuckets)
}

// notCommon are the columns that only one table has.
func notCommon(a, b []string) []string {
	var only []string
	for _, pair := range [2][2][]string{{a, b}, {b, a}} {
		for _, name := range pair[0] {
			if !slices.Contains(pair[1], name) {
				only = append(only, name)
			}
		}
	}
	slices.Sort(only)
	return only
}

// rowJoin is a merge join of two sorted files. Rows that share a key are a group, and within it a row without its equal
// on one side is paired with one on the other as changed.
type rowJoin struct {
	counts  func(RowPair) bool
	diff    RowDiff
	columns []columnPair
	changed map[string]int64
	key     [16]byte
	group   bool
	a, b    half
}

// half is what one side has more of in a group.
type half struct {
	rows   int64
	row    [16]byte
	cells  []byte
	text   []byte
	values []byte
}

func (h *half) reset() {
	h.rows, h.cells, h.text, h.values = 0, h.cells[:0], h.text[:0], h.values[:0]
}

func (h *half) take(r *rowsReader, rows int64) {
	if rows == 0 {
		return
	}
	h.rows, h.row = h.rows+rows, r.row
	h.cells = append(h.cells[:0], r.cells...)
	h.text = append(h.text[:0], r.text...)
	h.values = append(h.values[:0], r.values...)
}

func (j *rowJoin) run(a, b *rowsReader) error {
	for !a.done || !b.done {
		order := j.order(a, b)
		if order == 0 {
			order = bytes.Compare(a.row[:], b.row[:])
		}
		var err error
		switch {
		case order < 0:
			j.only(a, a.count, 0)
			err = a.next()
		case order > 0:
			j.only(b, 0, b.count)
			err = b.next()
		default:
			j.only(a, max(0, a.count-b.count), max(0, b.count-a.count))
			err = errors.Join(a.next(), b.next())
		}
		if err != nil {
			return err
		}
	}
	j.flush()
	return nil
}

// order compares the keys of the current records; a side that is done comes last.
func (j *rowJoin) order(a, b *rowsReader) int {
	switch {
	case a.done:
		return 1
	case b.done:
		return -1
	}
	return bytes.Compare(a.key[:], b.key[:])
}

// only notes rows that one side has more of.
func (j *rowJoin) only(r *rowsReader, onlyA, onlyB int64) {
	if !j.group || j.key != r.key {
		j.flush()
		j.group, j.key = true, r.key
	}
	j.a.take(r, onlyA)
	j.b.take(r, onlyB)
}

// flush counts the group.
func (j *rowJoin) flush() {
	if j.a.rows+j.b.rows > 0 {
		j.count()
	}
	j.a.reset()
	j.b.reset()
}

func (j *rowJoin) count() {
	d := &j.diff
	changed := min(j.a.rows, j.b.rows)
	pair := RowPair{Key: j.key}
	example := RowExample{Change: "changed"}
	switch {
	case j.b.rows == 0:
		example.Change, example.Key, pair.A = "removed", keyText(j.a.text), j.a.row
	case j.a.rows == 0:
		example.Change, example.Key, pair.B = "added", keyText(j.b.text), j.b.row
	default:
		example.Key, example.Columns, pair.A, pair.B = keyText(j.a.text), j.changedColumns(), j.a.row, j.b.row
		if len(example.Columns) == 0 && len(d.Skipped) > 0 {
			return // all that both have is equal
		}
	}
	if !j.counts(pair) {
		return
	}
	d.Changed += changed
	d.Removed += j.a.rows - changed
	d.Added += j.b.rows - changed
	d.addBucket(binary.BigEndian.Uint16(j.key[:]))
	for _, c := range example.Columns {
		j.changed[c]++
	}
	if len(d.Differing) < maxPairs {
		d.Differing = append(d.Differing, pair)
	}
	if example.Key != "" && len(d.Examples) < maxExamples {
		example.Values = j.valueChanges(example.Columns)
		d.Examples = append(d.Examples, example)
	}
}

// changedColumns are the columns whose cells differ in the rows of a group.
func (j *rowJoin) changedColumns() []string {
	var changed []string
	for _, c := range j.columns {
		if 4*c.a+4 <= len(j.a.cells) && 4*c.b+4 <= len(j.b.cells) && !bytes.Equal(j.a.cells[4*c.a:4*c.a+4], j.b.cells[4*c.b:4*c.b+4]) {
			changed = append(changed, c.name)
		}
	}
	return changed
}

// valueChanges are the kept values of changed columns. Values are a list per column, empty where the column is not kept.
func (j *rowJoin) valueChanges(changed []string) []ValueChange {
	from, to := texts(j.a.values), texts(j.b.values)
	var out []ValueChange
	for _, c := range j.columns {
		if c.a < len(from) && c.b < len(to) && from[c.a] != to[c.b] && slices.Contains(changed, c.name) {
			out = append(out, ValueChange{c.name, from[c.a], to[c.b]})
		}
	}
	return out
}

// buckets finds the buckets whose counts or sums differ. A side that has its rows one by one is folded.
func (j *rowJoin) buckets(a, b *rowsReader) error {
	for !a.done || !b.done {
		next := uint16(0)
		switch {
		case a.done:
			next = b.bucket()
		case b.done:
			next = a.bucket()
		default:
			next = min(a.bucket(), b.bucket())
		}
		inA, err := fold(a, next)
		if err != nil {
			return err
		}
		inB, err := fold(b, next)
		if err != nil {
			return err
		}
		if inA != inB {
			j.diff.Buckets = append(j.diff.Buckets, next)
			j.diff.Unread++
		}
	}
	return nil
}

// BucketSum is how many rows a bucket has, and the sum of their digests.
type BucketSum struct {
	Rows      int64
	High, Low uint64
}

// Add adds so many rows whose digests have this sum.
func (s *BucketSum) Add(sum *[16]byte, rows int64) {
	s.add(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:]), rows)
}

// addEqual adds equal rows.
func (s *BucketSum) addEqual(row *[16]byte, rows int64) {
	carry, low := bits.Mul64(binary.BigEndian.Uint64(row[8:]), uint64(rows))
	s.add(binary.BigEndian.Uint64(row[:8])*uint64(rows)+carry, low, rows)
}

func (s *BucketSum) add(high, low uint64, rows int64) {
	var carry uint64
	s.Rows += rows
	s.Low, carry = bits.Add64(s.Low, low, 0)
	s.High, _ = bits.Add64(s.High, high, carry)
}

// Sum is the sum as digests are.
func (s *BucketSum) Sum() (sum [16]byte) {
	binary.BigEndian.PutUint64(sum[:8], s.High)
	binary.BigEndian.PutUint64(sum[8:], s.Low)
	return sum
}

// fold reads to the end of a bucket.
func fold(r *rowsReader, bucket uint16) (BucketSum, error) {
	var s BucketSum
	for !r.done && r.bucket() == bucket {
		if r.header.Form == RowsInBuckets {
			s.Add(&r.row, r.count)
		} else {
			s.addEqual(&r.row, r.count)
		}
		if err := r.next(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// SumBuckets reads the sums of the buckets that are asked for.
func SumBuckets(a Attachment, wanted []uint16) (map[uint16]BucketSum, error) {
	r, err := openRows(a)
	if err != nil {
		return nil, err
	}
	defer r.close()
	sums := make(map[uint16]BucketSum, len(wanted))
	for _, b := range wanted {
		sums[b] = BucketSum{}
	}
	if err := r.next(); err != nil {
		return nil, err
	}
	for !r.done {
		b := r.bucket()
		s, err := fold(r, b)
		if err != nil {
			return nil, err
		}
		if _, asked := sums[b]; asked {
			sums[b] = s
		}
	}
	return sums, nil
}
