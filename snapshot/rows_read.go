package snapshot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// rowsReader streams one attachment.
type rowsReader struct {
	header RowsHeader
	file   io.Closer
	zstd   *zstd.Decoder
	lines  *bufio.Reader
	read   int64
	part   int   // buckets that are compared
	taken  int64 // rows of them

	done     bool
	key, row [16]byte // of a bucket, the key is its number and the row its sum
	count    int64
	cells    []byte // four bytes per column
	text     []byte // JSON of the kept key
	values   []byte // JSON of the kept values
}

// maxRowLine bounds a line: digests of the most columns that a table can have, and a key and values that the writer cut.
const maxRowLine = 256 << 10

func openRows(a Attachment) (*rowsReader, error) {
	f, err := a.Open()
	if err != nil {
		return nil, fmt.Errorf("row digests: %w", err)
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("row digests: %w", err)
	}
	r := &rowsReader{part: RowBuckets, file: f, zstd: z, lines: bufio.NewReaderSize(z, maxRowLine)}
	line, err := r.line()
	if err == nil {
		err = json.Unmarshal(line, &r.header)
	}
	if err != nil || r.header.Format != RowsFormat || r.header.Form != RowByRow && r.header.Form != RowsInBuckets {
		r.close()
		return nil, errors.New("row digests: the header is damaged or of another format")
	}
	return r, nil
}

func (r *rowsReader) close() {
	r.zstd.Close()
	r.file.Close()
}

// line reads one line without its newline.
func (r *rowsReader) line() ([]byte, error) {
	line, err := r.lines.ReadSlice('\n')
	if err != nil {
		return line, err
	}
	return line[:len(line)-1], nil
}

var errRows = errors.New("row digests: the file is truncated or damaged")

// next reads the next record that is compared.
func (r *rowsReader) next() error {
	for {
		if err := r.nextOfAll(); err != nil || r.done {
			return err
		}
		if r.part >= RowBuckets || Sampled(r.bucket(), r.part) {
			r.taken += r.count
			return nil
		}
	}
}

// nextOfAll reads a record, checking the order that the joins rely on.
func (r *rowsReader) nextOfAll() error {
	line, err := r.line()
	if err == io.EOF && len(line) == 0 {
		if r.done = true; r.read != r.header.Rows {
			return errRows
		}
		return nil
	}
	if err != nil {
		return errRows
	}
	key, row, more := r.key, r.row, r.read > 0
	if !r.record(line) || r.count < 1 {
		return errRows
	}
	if c := bytes.Compare(key[:], r.key[:]); more && (c > 0 || c == 0 && (r.header.Form == RowsInBuckets || bytes.Compare(row[:], r.row[:]) > 0)) {
		return errRows
	}
	r.read += r.count
	return nil
}

// record takes a line apart and reports whether it is one.
func (r *rowsReader) record(line []byte) bool {
	first, rest, ok := bytes.Cut(line, []byte("\t"))
	if !ok {
		return false
	}
	r.count, r.cells, r.text, r.values = 1, r.cells[:0], nil, nil
	var err error
	switch {
	case r.header.Form == RowsInBuckets:
		count, sum, ok := bytes.Cut(rest, []byte("\t"))
		n, err := strconv.ParseUint(string(first), 16, 16)
		if err != nil || !ok || !digest(&r.row, sum) {
			return false
		}
		r.key = [16]byte{byte(n >> 8), byte(n)}
		r.count, err = strconv.ParseInt(string(count), 10, 64)
		return err == nil
	case len(r.header.Key) == 0:
		r.count, err = strconv.ParseInt(string(rest), 10, 64)
		if err != nil || !digest(&r.key, first) {
			return false
		}
		r.row = r.key
		return true
	}
	second, rest, _ := bytes.Cut(rest, []byte("\t"))
	cells, rest, _ := bytes.Cut(rest, []byte("\t"))
	r.text, r.values, _ = bytes.Cut(rest, []byte("\t"))
	if len(cells) != 8*len(r.header.Columns) || !digest(&r.key, first) || !digest(&r.row, second) {
		return false
	}
	r.cells, err = hex.AppendDecode(r.cells, cells)
	return err == nil
}

// bucket is the bucket of the current record.
func (r *rowsReader) bucket() uint16 { return binary.BigEndian.Uint16(r.key[:]) }

func digest(to *[16]byte, text []byte) bool {
	if len(text) != 32 {
		return false
	}
	_, err := hex.Decode(to[:], text)
	return err == nil
}

// keyText is a kept key for people.
func keyText(list []byte) string {
	text := ""
	for i, item := range texts(list) {
		if i > 0 {
			text += ", "
		}
		text += item
	}
	return text
}

// texts are the items of a JSON list as people read them.
func texts(list []byte) []string {
	if len(list) == 0 {
		return nil
	}
	v, err := ParseValue(list)
	if err != nil {
		return nil
	}
	var out []string
	for _, item := range v.Items() {
		out = append(out, item.Display())
	}
	return out
}
