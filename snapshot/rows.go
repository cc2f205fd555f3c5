package snapshot

import (
	"errors"
	"sort"
)

// Row digests are an attachment of zstd-compressed text, for tools that read TSV: a header in one line of JSON, then one
// line per row, sorted:
//
//	KEY <tab> ROW <tab> CELLS [<tab> KEY-TEXT [<tab> VALUES]]   in a table with a key; the texts are JSON lists, there only where the policy keeps the columns
//	ROW <tab> COUNT                                             in one without: equal rows are counted
//
// and of a table whose digests would be larger than database.MaxRowDigests, one line per bucket of rows that is not empty:
//
//	BUCKET <tab> COUNT <tab> SUM
//
// KEY and ROW are 32 hex digits of SHA-256 over a key derived from the redact key, table and columns, and every cell in the canonical form of its
// logical type, with its length; a key's first four digits are its row's bucket. CELLS has eight digits per column,
// over the key and the cell. SUM is the sum, modulo 2^128, of the digests of the bucket's rows.

// RowsFormat is the header's format name.
const RowsFormat = "envdiff.rows/4"

// RowBuckets is how many buckets the rows of a table fall into.
const RowBuckets = 1 << 16

// The forms of row digests.
const (
	RowByRow      = "rows"
	RowsInBuckets = "buckets"
)

// RowsHeader is the first line of a row digest attachment.
type RowsHeader struct {
	Format  string   `json:"format"`
	Form    string   `json:"form"`
	Buckets string   `json:"buckets"` // what a bucket is made from: "number" of the key modulo RowBuckets, or "digest"
	Key     []string `json:"key"`     // columns of the key that rows are paired by; empty for a bag of rows
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	// Part is how many buckets the rows are of, see Sampled; 0 is all.
	Part  int            `json:"part,omitempty"`
	Round map[string]int `json:"round,omitempty"` // column → decimal places
}

// RowsAttachment is the name of the row digests of a table, whose identifiers are those of its address.
func RowsAttachment(scope, instance string, table ...string) string {
	return "rows/" + scope + "/" + pathElement(instance) + "/" + pathElement(Ident(table...)) + ".tsv.zst"
}

// RowDiff is how the rows of two tables differ. Rows that only the second has are added.
type RowDiff struct {
	Added, Removed, Changed int64
	Columns                 []ColumnDiff // of changed rows, most first
	Examples                []RowExample // differing rows whose keys are kept, at most maxExamples
	Differing               []RowPair    // every differing row, at most maxPairs
	Skipped                 []string     // columns that only one table has: of them nothing is said
	// Buckets are those that hold differing rows. Only where the digests are in buckets are they all that is known: Unread then
	// is how many there are, and the counts above are 0.
	Buckets []uint16
	Unread  int
	// Sampled is how many rows were compared, where it was not all of them: the larger number of the two sides.
	Sampled int64
}

// None reports that nothing differs.
func (d *RowDiff) None() bool { return d.Added+d.Removed+d.Changed == 0 && d.Unread == 0 }

// ColumnDiff counts the changed rows that differ in one column.
type ColumnDiff struct {
	Column string
	Rows   int64
}

// RowExample is one differing row, for people.
type RowExample struct {
	Key     string
	Change  string // added, removed or changed
	Columns []string
	Values  []ValueChange // of the columns that the policy keeps, where the rows have been read again
}

// ValueChange is a changed cell of a kept column.
type ValueChange struct{ Column, From, To string }

// RowPair is a differing row: its key and what it is on each side, zero where it is not there.
type RowPair struct{ Key, A, B [16]byte }

const (
	maxExamples = 5
	maxPairs    = 400_000
)

// ErrRowsRounded says that two tables were rounded in different ways.
var ErrRowsRounded = errors.New("the rows are not comparable: their values were rounded in different ways")

// ErrRowsNotComparable says that two tables differ in columns or key, so that their rows cannot be paired.
var ErrRowsNotComparable = errors.New("rows are not comparable")

// setColumns sorts the counted columns.
func (d *RowDiff) setColumns(counts map[string]int64) {
	for c, n := range counts {
		d.Columns = append(d.Columns, ColumnDiff{c, n})
	}
	sort.Slice(d.Columns, func(i, j int) bool {
		a, b := d.Columns[i], d.Columns[j]
		return a.Rows > b.Rows || a.Rows == b.Rows && a.Column < b.Column
	})
}

// addBucket notes a bucket once: they come in order.
func (d *RowDiff) addBucket(b uint16) {
	if n := len(d.Buckets); n == 0 || d.Buckets[n-1] != b {
		d.Buckets = append(d.Buckets, b)
	}
}
