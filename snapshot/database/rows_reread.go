package database

import (
	"context"
	"errors"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// errGone says that rows cannot be read again.
var errGone = errors.New("the table is not there any more")

// Reread digests the rows of some buckets once more, see snapshot.RowReader.
func (Rows) Reread(ctx context.Context, in snapshot.DatabaseInput, table string, buckets []uint16) (snapshot.Attachment, error) {
	db, err := in.DB.Schema(ctx)
	if err != nil {
		return nil, err
	}
	t := find(db, table)
	if t == nil {
		return nil, errGone
	}
	l, err := newLayout(in.DB.Engine().Name(), t, in.Spec)
	if err != nil {
		return nil, err
	}
	l.part = snapshot.RowBuckets // of the buckets that are asked for, all
	l.values = in.Spec.Keep != nil
	d := newDigester(in.Redact.Key("rows").Bytes(), tableName(t.Name), l)
	tally := newTally(l, rereadLimit)
	wanted := make(map[uint16]bool, len(buckets))
	for _, b := range buckets {
		wanted[b] = true
	}
	err = in.DB.CopyOut(ctx, l.read(t, buckets), func(row engine.Row) error {
		if wanted[d.bucketOf(row)] {
			tally.add(d.row(row, !tally.full()))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out memory
	if err := tally.write(&out); err != nil {
		return nil, err
	}
	return out, nil
}

// rereadLimit bounds what a second read holds.
const rereadLimit = 64 << 20

// maxModulo is how many buckets are named in one question.
const maxModulo = 4096

// read is the question for some buckets. Servers leave out the rows of other buckets themselves where the key is a number.
func (l *layout) read(t *schema.Table, buckets []uint16) engine.Read {
	read := engine.Read{Table: t.Name, Columns: l.columns}
	if !l.asksFor || len(buckets) > maxModulo {
		return read
	}
	read.Modulo = &engine.Modulo{Column: l.columns[l.key[0]], Of: snapshot.RowBuckets, Indexed: t.EstimatedRows}
	for _, b := range buckets {
		read.Modulo.In = append(read.Modulo.In, int64(b))
	}
	return read
}
