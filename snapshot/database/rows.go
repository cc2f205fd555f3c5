package database

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sort"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Rows digests every row of the tables under `exact`.
type Rows struct{}

// Name is the collector's name.
func (Rows) Name() string { return "rows" }

// Doc describes the collector.
func (Rows) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Rows of the tables under exact",
		Text: "One keyed digest per row and per key, over all columns but generated ones, so that added, removed and changed rows are counted without storing any value. " +
			"Key values are stored only for key columns that the sanitising policy keeps. A table without a primary key or a unique key over columns that are not " +
			"null is compared as a bag of rows. NULL, the empty text, 1, 1.0 and '1' are different values where the engine tells them apart.",
		Needs:      []string{"SELECT on the tables under exact"},
		Attributes: []string{"rows/TABLE#count", "rows/TABLE#digest: over all rows; row by row in the attachment rows/SCOPE/INSTANCE/TABLE.tsv.zst"},
	}
}

// Kinds are compared by digest first, then by snapshot.CompareRows. Digests under different redact keys are not comparable.
func (Rows) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{
		Pattern: "rows/*", Area: finding.AreaData, Parents: []string{"table/{name}"},
		Doc: "the rows of a table that is to be equal; @columns are the columns that the digests are over: where they differ, rows are not comparable",
	}}
}

// Collect digests the tables that envdiff.yaml names. One that is not there is a gap.
func (c Rows) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	r := snapshot.Result{Looked: []string{}}
	if len(in.Spec.Exact) == 0 {
		return r
	}
	db, err := in.DB.Schema(ctx)
	if err != nil {
		return unreadable(in.Scope, "rows", c.Kinds(), err)
	}
	exact := append([]string(nil), in.Spec.Exact...)
	sort.Strings(exact)
	for i, table := range exact {
		if i > 0 && table == exact[i-1] {
			continue
		}
		a := snapshot.Address{Scope: in.Scope, Kind: "rows", Name: table}
		t := find(db, table)
		if t == nil {
			a.Name = snapshot.Ident(snapshot.SplitIdent(table)...)
			r.Missing(a, "the table does not exist", "correct `exact` in envdiff.yaml, or apply the migration that creates it", a.String()+"#*")
			continue
		}
		if err := digestTable(ctx, in, t, a, &r); err != nil {
			r.Missing(a, "the rows cannot be read: "+refusal(err), engine.Advice(err), a.String()+"#*")
			continue
		}
		r.Looked = append(r.Looked, "rows/"+table+"#*")
	}
	return r
}

// find looks a table up by its name in addresses.
func find(db *schema.Database, table string) *schema.Table {
	for i := range db.Tables {
		if tableName(db.Tables[i].Name) == table {
			return &db.Tables[i]
		}
	}
	return nil
}

// digestTable streams a table, sorts its digests and stores them.
func digestTable(ctx context.Context, in snapshot.DatabaseInput, t *schema.Table, a snapshot.Address, r *snapshot.Result) (err error) {
	layout := newLayout(t, in.Spec.Keep)
	sorter := newSorter(in.TempDir)
	defer sorter.close()
	d := newDigester(in.Redact.Key("rows").Bytes(), tableName(t.Name), layout)
	read := engine.Read{Table: t.Name, Columns: layout.columns}
	if err := in.DB.CopyOut(ctx, read, func(row engine.Row) error { return sorter.add(d.record(row)) }); err != nil {
		return err
	}
	out, err := in.Attach(snapshot.RowsAttachment(in.Scope, in.Instance, t.Name.Idents()...))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.Discard()
		}
	}()
	total, err := writeRows(ctx, out, layout, sorter)
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	names := make([]string, len(layout.columns))
	for i, c := range layout.columns {
		names[i] = snapshot.Ident(t.Name.Idents(c)...)
	}
	r.Add(a.Attr("count"), snapshot.Int(sorter.rows), "")
	r.Add(a.Attr("digest"), snapshot.String(total), "")
	r.Add(a.Attr("@columns"), snapshot.Strings(true, names...), "")
	return nil
}

// layout says how the rows of a table are digested.
type layout struct {
	columns []string // sorted by name: the order of columns is no difference of rows
	key     []int    // positions in columns; none for a bag of rows
	keyText bool     // the policy keeps every key column
}

func newLayout(t *schema.Table, keep func(table, column string) bool) layout {
	var l layout
	for i := range t.Columns {
		if t.Columns[i].Generated == "" {
			l.columns = append(l.columns, t.Columns[i].Name)
		}
	}
	sort.Strings(l.columns)
	key := keyOf(t)
	l.keyText = len(key) > 0 && keep != nil
	for _, name := range key {
		l.key = append(l.key, sort.SearchStrings(l.columns, name))
		l.keyText = l.keyText && keep(tableName(t.Name), name)
	}
	return l
}

// keyOf is the key that rows are paired by: the primary key, else the first unique key, else the first plain unique index, over columns that
// are not null and not generated.
func keyOf(t *schema.Table) []string {
	usable := func(columns []string) bool {
		for _, name := range columns {
			if c, ok := t.Column(name); !ok || c.Nullable || c.Generated != "" {
				return false
			}
		}
		return len(columns) > 0
	}
	if t.PrimaryKey != nil && usable(t.PrimaryKey.Columns) {
		return t.PrimaryKey.Columns
	}
	for _, k := range t.Unique {
		if usable(k.Columns) {
			return k.Columns
		}
	}
	for i := range t.Indexes {
		x := &t.Indexes[i]
		if !x.Unique || x.Where != "" || x.Invalid {
			continue
		}
		var columns []string
		for _, p := range x.Parts {
			columns = append(columns, p.Column) // "" for an expression is no column
		}
		if usable(columns) {
			return columns
		}
	}
	return nil
}

// rowDigester digests rows under a key. Each cell goes in with its column's name, its storage class and its length, so that no two rows run together.
type rowDigester struct {
	mac    hash.Hash
	table  string
	layout layout
	buf    []byte
}

func newDigester(key []byte, table string, l layout) *rowDigester {
	return &rowDigester{mac: hmac.New(sha256.New, key), table: table, layout: l}
}

// maxKeyText is how long a stored key may be: longer ones are not shown.
const maxKeyText = 200

func (d *rowDigester) record(row engine.Row) record {
	var r record
	d.begin("row")
	for i := range row {
		d.cell(d.layout.columns[i], row[i])
	}
	d.sum(&r.row)
	if len(d.layout.key) == 0 {
		r.key = r.row
		return r
	}
	d.begin("key")
	var texts []string
	for _, i := range d.layout.key {
		d.cell(d.layout.columns[i], row[i])
		if d.layout.keyText {
			texts = append(texts, string(row[i].Data))
		}
	}
	d.sum(&r.key)
	if d.layout.keyText {
		if text := snapshot.Strings(false, texts...).JSON(); len(text) <= maxKeyText {
			r.text = text
		}
	}
	return r
}

func (d *rowDigester) begin(what string) {
	d.mac.Reset()
	d.buf = append(d.buf[:0], what...)
	d.text(d.table)
}

func (d *rowDigester) text(s string) {
	d.buf = binary.AppendUvarint(d.buf, uint64(len(s)))
	d.buf = append(d.buf, s...)
}

func (d *rowDigester) cell(column string, c engine.Cell) {
	d.text(column)
	d.buf = append(d.buf, byte(c.Type))
	d.buf = binary.AppendUvarint(d.buf, uint64(len(c.Data)))
	if len(c.Data) > 4096 { // large values go past the buffer
		d.mac.Write(d.buf)
		d.mac.Write(c.Data)
		d.buf = d.buf[:0]
		return
	}
	d.buf = append(d.buf, c.Data...)
}

func (d *rowDigester) sum(to *[16]byte) {
	d.mac.Write(d.buf)
	var sum [sha256.Size]byte
	copy(to[:], d.mac.Sum(sum[:0]))
}

// String keeps a digester, which holds a key, out of messages.
func (d *rowDigester) String() string { return fmt.Sprintf("digester of %s", d.table) }
