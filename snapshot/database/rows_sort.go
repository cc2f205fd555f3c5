package database

import (
	"bufio"
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/envdiff/envdiff/snapshot"
)

// record is one row's digests.
type record struct {
	key, row [16]byte
	text     string // the key as a JSON list, where it is kept
}

func (r *record) compare(o *record) int {
	if c := bytes.Compare(r.key[:], o.key[:]); c != 0 {
		return c
	}
	return bytes.Compare(r.row[:], o.row[:])
}

// chunkBytes is how much of the records is kept in memory before a sorted chunk is spilled. Spilled files hold digests and kept keys only.
const chunkBytes = 16 << 20

// sorter sorts any number of records in bounded memory.
type sorter struct {
	dir    string
	limit  int // bytes, chunkBytes but in tests
	chunk  []record
	used   int
	spills []*os.File
	rows   int64
}

func newSorter(dir string) *sorter { return &sorter{dir: dir, limit: chunkBytes} }

func (s *sorter) add(r record) error {
	s.rows++
	s.chunk = append(s.chunk, r)
	if s.used += 48 + len(r.text); s.used >= s.limit {
		return s.spill()
	}
	return nil
}

func (s *sorter) sortChunk() {
	slices.SortFunc(s.chunk, func(a, b record) int { return a.compare(&b) })
}

// spill writes the chunk, sorted, to a file that has no name any more.
func (s *sorter) spill() error {
	s.sortChunk()
	f, err := os.CreateTemp(s.dir, "rows-*")
	if err != nil {
		return err
	}
	s.spills = append(s.spills, f)
	os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 256<<10)
	var n []byte
	for i := range s.chunk {
		r := &s.chunk[i]
		w.Write(r.key[:])
		w.Write(r.row[:])
		n = binary.AppendUvarint(n[:0], uint64(len(r.text)))
		w.Write(n)
		w.WriteString(r.text)
	}
	s.chunk, s.used = s.chunk[:0], 0
	return w.Flush()
}

func (s *sorter) close() {
	for _, f := range s.spills {
		f.Close()
	}
	s.spills, s.chunk = nil, nil
}

// each calls fn for every record in order.
func (s *sorter) each(ctx context.Context, fn func(*record) error) error {
	s.sortChunk()
	var h runHeap
	runs := []run{&memoryRun{records: s.chunk}}
	for _, f := range s.spills {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		runs = append(runs, &fileRun{r: bufio.NewReaderSize(f, 256<<10)})
	}
	for _, r := range runs {
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			h = append(h, r)
		}
	}
	heap.Init(&h)
	for n := 0; len(h) > 0; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fn(h[0].head()); err != nil {
			return err
		}
		ok, err := h[0].next()
		switch {
		case err != nil:
			return err
		case ok:
			heap.Fix(&h, 0)
		default:
			heap.Pop(&h)
		}
	}
	return nil
}

// run is one sorted sequence.
type run interface {
	head() *record
	next() (bool, error)
}

type memoryRun struct {
	records []record
	at      int
}

func (m *memoryRun) head() *record { return &m.records[m.at-1] }
func (m *memoryRun) next() (bool, error) {
	m.at++
	return m.at <= len(m.records), nil
}

type fileRun struct {
	r   *bufio.Reader
	rec record
}

func (f *fileRun) head() *record { return &f.rec }

func (f *fileRun) next() (bool, error) {
	if _, err := io.ReadFull(f.r, f.rec.key[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, err
	}
	if _, err := io.ReadFull(f.r, f.rec.row[:]); err != nil {
		return false, err
	}
	n, err := binary.ReadUvarint(f.r)
	if err != nil || n > maxKeyText {
		return false, errors.New("a spilled file is damaged")
	}
	text := make([]byte, n)
	_, err = io.ReadFull(f.r, text)
	f.rec.text = string(text)
	return true, err
}

type runHeap []run

func (h runHeap) Len() int           { return len(h) }
func (h runHeap) Less(i, j int) bool { return h[i].head().compare(h[j].head()) < 0 }
func (h runHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)        { *h = append(*h, x.(run)) }
func (h *runHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// writeRows writes the attachment and returns a digest over all rows.
func writeRows(ctx context.Context, out io.Writer, l layout, s *sorter) (total string, err error) {
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(z, 64<<10)
	header := snapshot.RowsHeader{Format: snapshot.RowsFormat, Key: []string{}, Columns: l.columns, Rows: s.rows}
	for _, i := range l.key {
		header.Key = append(header.Key, l.columns[i])
	}
	text, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	w.Write(append(text, '\n'))
	sum := sha256.New()
	lines := lineWriter{w: w, bag: len(l.key) == 0}
	err = s.each(ctx, func(r *record) error {
		sum.Write(r.key[:])
		sum.Write(r.row[:])
		return lines.add(r)
	})
	if err == nil {
		err = lines.flush()
	}
	if err == nil {
		err = w.Flush()
	}
	if closeErr := z.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// lineWriter writes a line per row, or per distinct row of a bag.
type lineWriter struct {
	w     *bufio.Writer
	bag   bool
	last  [16]byte
	count int64
	buf   []byte
}

func (l *lineWriter) add(r *record) error {
	if l.bag {
		if l.count > 0 && l.last == r.row {
			l.count++
			return nil
		}
		err := l.flush()
		l.last, l.count = r.row, 1
		return err
	}
	l.buf = hex.AppendEncode(l.buf[:0], r.key[:])
	l.buf = append(l.buf, '\t')
	l.buf = hex.AppendEncode(l.buf, r.row[:])
	if r.text != "" {
		l.buf = append(append(l.buf, '\t'), r.text...)
	}
	_, err := l.w.Write(append(l.buf, '\n'))
	return err
}

func (l *lineWriter) flush() error {
	if l.count == 0 {
		return nil
	}
	l.buf = hex.AppendEncode(l.buf[:0], l.last[:])
	l.buf = append(l.buf, '\t')
	l.buf = strconv.AppendInt(l.buf, l.count, 10)
	_, err := l.w.Write(append(l.buf, '\n'))
	return err
}
