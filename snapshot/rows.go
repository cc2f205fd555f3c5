package snapshot

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/klauspost/compress/zstd"
)

// Row digests are an attachment of zstd-compressed text: a header in one line of JSON, then one line
// per row, sorted, for tools that read TSV:
//
//	KEY-DIGEST <tab> ROW-DIGEST [<tab> KEY]      in a table with a key; KEY is a JSON list, there only where the policy keeps the key's columns
//	ROW-DIGEST <tab> COUNT                       in one without: equal rows are counted
//
// A digest is 32 hex digits of HMAC-SHA-256 under the redact key, over every cell with its
// column's name, storage class and length.

// RowsFormat is the header's format name.
const RowsFormat = "envdiff.rows/1"

// RowsHeader is the first line of a row digest attachment.
type RowsHeader struct {
	Format  string   `json:"format"`
	Key     []string `json:"key"` // columns of the key that rows are paired by; empty for a bag of rows
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// RowsAttachment is the name of the row digests of a table, whose identifiers are those of its address.
func RowsAttachment(scope, instance string, table ...string) string {
	return "rows/" + scope + "/" + pathElement(instance) + "/" + pathElement(Ident(table...)) + ".tsv.zst"
}

// RowDiff is how the rows of two tables differ.
type RowDiff struct {
	Added, Removed, Changed int64
	Examples                []string // keys of differing rows, at most maxExamples; none where keys are not kept
}

const maxExamples = 5

// ErrRowsNotComparable says that two tables differ in columns or key, so that their rows cannot be paired.
var ErrRowsNotComparable = errors.New("rows are not comparable")

// CompareRows merges the row digests of one table in two snapshots made under the same redact key. Its memory does not
// grow with the tables. Rows that only b has are added.
func CompareRows(a, b Attachment) (RowDiff, error) {
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
	if !slices.Equal(ra.header.Columns, rb.header.Columns) {
		return RowDiff{}, fmt.Errorf("%w: the tables have different columns", ErrRowsNotComparable)
	}
	if !slices.Equal(ra.header.Key, rb.header.Key) {
		return RowDiff{}, fmt.Errorf("%w: the tables have different keys", ErrRowsNotComparable)
	}
	var j rowJoin
	if err := j.run(ra, rb); err != nil {
		return RowDiff{}, err
	}
	return j.diff, nil
}

// rowJoin is a merge join of two sorted files. Rows that share a key are a group, and within it a row without its equal
// on one side is paired with one on the other as changed.
type rowJoin struct {
	diff         RowDiff
	key          [16]byte
	group        bool
	onlyA, onlyB int64
	example      string
}

func (j *rowJoin) run(a, b *rowsReader) error {
	if err := errors.Join(a.next(), b.next()); err != nil {
		return err
	}
	for !a.done || !b.done {
		order := 0
		switch {
		case a.done:
			order = 1
		case b.done:
			order = -1
		default:
			if order = bytes.Compare(a.key[:], b.key[:]); order == 0 {
				order = bytes.Compare(a.row[:], b.row[:])
			}
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

// only notes rows that one side has more of.
func (j *rowJoin) only(r *rowsReader, onlyA, onlyB int64) {
	if !j.group || j.key != r.key {
		j.flush()
		j.group, j.key = true, r.key
	}
	j.onlyA, j.onlyB = j.onlyA+onlyA, j.onlyB+onlyB
	if onlyA+onlyB > 0 && r.text != "" {
		j.example = r.text
	}
}

// flush counts the group.
func (j *rowJoin) flush() {
	changed := min(j.onlyA, j.onlyB)
	j.diff.Changed += changed
	j.diff.Removed += j.onlyA - changed
	j.diff.Added += j.onlyB - changed
	if j.example != "" && len(j.diff.Examples) < maxExamples {
		j.diff.Examples = append(j.diff.Examples, j.example)
	}
	j.onlyA, j.onlyB, j.example = 0, 0, ""
}

// rowsReader streams one attachment.
type rowsReader struct {
	header RowsHeader
	file   io.Closer
	zstd   *zstd.Decoder
	lines  *bufio.Reader
	read   int64

	done     bool
	key, row [16]byte
	count    int64
	text     string
}

// maxRowLine bounds a line: two digests and a key that the writer cut.
const maxRowLine = 64 << 10

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
	r := &rowsReader{file: f, zstd: z, lines: bufio.NewReaderSize(z, maxRowLine)}
	line, err := r.line()
	if err == nil {
		err = json.Unmarshal(line, &r.header)
	}
	if err != nil || r.header.Format != RowsFormat {
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

// next reads a record, checking the order that the join relies on.
func (r *rowsReader) next() error {
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
	first, rest, ok := bytes.Cut(line, []byte("\t"))
	key, row, more := r.key, r.row, r.read > 0
	if !ok || !digest(&r.key, first) {
		return errRows
	}
	r.text, r.count = "", 1
	if len(r.header.Key) == 0 {
		r.row = r.key
		if r.count, err = strconv.ParseInt(string(rest), 10, 64); err != nil || r.count < 1 {
			return errRows
		}
	} else {
		second, text, _ := bytes.Cut(rest, []byte("\t"))
		if !digest(&r.row, second) {
			return errRows
		}
		r.text = keyText(text)
	}
	if c := bytes.Compare(key[:], r.key[:]); more && (c > 0 || c == 0 && bytes.Compare(row[:], r.row[:]) > 0) {
		return errRows
	}
	r.read += r.count
	return nil
}

func digest(to *[16]byte, text []byte) bool {
	if len(text) != 32 {
		return false
	}
	_, err := hex.Decode(to[:], text)
	return err == nil
}

// keyText is a kept key for people.
func keyText(list []byte) string {
	if len(list) == 0 {
		return ""
	}
	v, err := ParseValue(list)
	if err != nil {
		return ""
	}
	text := ""
	for i, item := range v.Items() {
		if i > 0 {
			text += ", "
		}
		text += item.Display()
	}
	return text
}
