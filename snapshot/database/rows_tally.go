package database

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/snapshot"
)

// MaxRowDigests is how large the digests of a table's rows may be, in bytes, before they are added up in buckets: about 260,000
// rows of eight columns. It follows from the table alone, so that equal tables are kept alike.
const MaxRowDigests = 16 << 20

// tally gathers the digests of a table's rows: each of them, until there are too many.
type tally struct {
	layout  layout
	most    int // records
	total   snapshot.BucketSum
	records []kept
	cells   []byte // of all records
	buckets []snapshot.BucketSum
}

// kept is a record whose cells are in the tally.
type kept struct {
	key, row [16]byte
	at       int
	text     string
	values   string
}

func newTally(l layout, limit int) *tally {
	if limit <= 0 {
		limit = MaxRowDigests
	}
	return &tally{layout: l, most: limit / (32 + 4*len(l.columns))}
}

// full reports that rows are only added up from now on.
func (t *tally) full() bool { return t.buckets != nil }

func (t *tally) add(r record) {
	t.total.Add(&r.row, 1)
	if t.buckets == nil && len(t.records) >= t.most {
		t.sumUp()
	}
	if t.buckets != nil {
		t.buckets[bucketOf(&r.key)].Add(&r.row, 1)
		return
	}
	t.records = append(t.records, kept{r.key, r.row, len(t.cells), string(r.text), string(r.values)})
	t.cells = append(t.cells, r.cells...)
}

// sumUp goes over to buckets.
func (t *tally) sumUp() {
	t.buckets = make([]snapshot.BucketSum, snapshot.RowBuckets)
	for i := range t.records {
		t.buckets[bucketOf(&t.records[i].key)].Add(&t.records[i].row, 1)
	}
	t.records, t.cells = nil, nil
}

// write writes the attachment.
func (t *tally) write(out io.Writer) error {
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(z, 64<<10)
	header, err := json.Marshal(t.header())
	if err != nil {
		return err
	}
	w.Write(append(header, '\n'))
	switch {
	case t.buckets != nil:
		t.writeBuckets(w)
	case len(t.layout.key) == 0:
		t.writeBag(w)
	default:
		t.writeRows(w)
	}
	err = w.Flush()
	if closeErr := z.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (t *tally) header() snapshot.RowsHeader {
	h := snapshot.RowsHeader{Format: snapshot.RowsFormat, Form: snapshot.RowByRow, Buckets: "digest", Key: []string{}, Columns: t.layout.columns, Rows: t.total.Rows}
	if t.buckets != nil {
		h.Form = snapshot.RowsInBuckets
	}
	if t.layout.byNumber {
		h.Buckets = "number"
	}
	if t.layout.part < snapshot.RowBuckets {
		h.Part = t.layout.part
	}
	h.Round = t.layout.round
	for _, i := range t.layout.key {
		h.Key = append(h.Key, t.layout.columns[i])
	}
	return h
}

func (t *tally) sorted() []kept {
	slices.SortFunc(t.records, func(a, b kept) int {
		if c := bytes.Compare(a.key[:], b.key[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.row[:], b.row[:])
	})
	return t.records
}

func (t *tally) writeRows(w *bufio.Writer) {
	var line []byte
	width := 4 * len(t.layout.columns)
	for _, r := range t.sorted() {
		line = hex.AppendEncode(line[:0], r.key[:])
		line = hex.AppendEncode(append(line, '\t'), r.row[:])
		line = hex.AppendEncode(append(line, '\t'), t.cells[r.at:r.at+width])
		if r.text != "" || r.values != "" {
			line = append(append(line, '\t'), r.text...)
		}
		if r.values != "" {
			line = append(append(line, '\t'), r.values...)
		}
		w.Write(append(line, '\n'))
	}
}

func (t *tally) writeBag(w *bufio.Writer) {
	records := t.sorted()
	for i := 0; i < len(records); {
		from := i
		for i < len(records) && records[i].row == records[from].row {
			i++
		}
		line := hex.AppendEncode(nil, records[from].row[:])
		line = strconv.AppendInt(append(line, '\t'), int64(i-from), 10)
		w.Write(append(line, '\n'))
	}
}

func (t *tally) writeBuckets(w *bufio.Writer) {
	var line []byte
	for n := range t.buckets {
		b := &t.buckets[n]
		if b.Rows == 0 {
			continue
		}
		sum := b.Sum()
		line = hex.AppendEncode(line[:0], []byte{byte(n >> 8), byte(n)})
		line = strconv.AppendInt(append(line, '\t'), b.Rows, 10)
		line = hex.AppendEncode(append(line, '\t'), sum[:])
		w.Write(append(line, '\n'))
	}
}

// memory is an attachment that is in memory alone.
type memory []byte

func (m *memory) Write(p []byte) (int, error) {
	*m = append(*m, p...)
	return len(p), nil
}

// Open reads it.
func (m memory) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m)), nil }

// Size is its length.
func (m memory) Size() int64 { return int64(len(m)) }
