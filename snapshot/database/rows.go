package database

import (
	"context"
	"fmt"
	"sort"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Rows digests every row of the tables under `exact`.
type Rows struct {
	Limit int // bytes of digests that are kept row by row; 0 is MaxRowDigests
}

// Name is the collector's name.
func (Rows) Name() string { return "rows" }

// Doc describes the collector.
func (Rows) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Rows of the tables under exact",
		Text: "One keyed digest per row, per key and per cell, over all columns but generated ones, so that added, removed and changed rows, and the columns that they " +
			"differ in, are counted without storing any value. Values are taken by their logical type, on every engine alike: 1.0 and 1.00 are one number, a boolean is 0 or 1, " +
			"a moment is UTC (one without a zone is taken for it), JSON is compared by content, CHAR without its padding, text byte by byte whatever its collation; NULL, the empty text and 'NULL' are three values. " +
			"In SQLite, where every value has a class of its own, '1' is never 1, and in a column without a type 1 is not 1.0. " +
			"Key values are stored only for key columns that the sanitising policy keeps. A table without a primary key or a unique key over columns that are not " +
			"null is compared as a bag of rows. Where the digests of a table would take more than 16 MiB, the rows are counted and their digests added up in 65,536 buckets by key; " +
			"the rows of buckets that differ are read again, where both sides are live, and so are all rows that differ: what is equal by then, or still moving, is no finding. " +
			"All tables of a database are read at one moment, over a quarter of --jobs connections where they can be made to see it: PostgreSQL exports its snapshot; MariaDB and Percona Server say at which " +
			"position of the binary log a snapshot stands, so that several are opened at once, without a lock, until all stand at one. Elsewhere, and where the server is written to at every attempt, one connection reads all. " +
			"Reading pauses while more than max_load statements run on the server (25 in a protected environment), or a replica is further behind than max_lag. " +
			"A run that was interrupted is gone on from with --resume: tables that it had finished are not read again, and the report says of when they are. " +
			"`exact` may leave out part of a table, as `exact: [plans, {table: orders, sample: 30000, skip: [seen_at], round: {total: 2, placed_at: 0}}]`: then about so many rows are read, chosen by their keys, so that every " +
			"side takes the same ones (where the key is one whole number and the sample below a sixteenth, the server reads the others for nobody; the catalogue's estimate says how large the table is, and a table without one is read whole); " +
			"columns are skipped; numbers, and fractions of seconds, are rounded to decimal places, half away from zero. The report says so of every such table: equal is said of less, and a sample without a " +
			"difference says what it proves (\"no difference in 30,412 sampled rows: below 0.01 % at 95 %\").",
		Needs:      []string{"SELECT on the tables under exact"},
		Attributes: []string{"rows/TABLE#count", "rows/TABLE#sampled: of a sample, instead", "rows/TABLE#digest: over all rows; row by row, or by bucket, in the attachment rows/SCOPE/INSTANCE/TABLE.tsv.zst"},
	}
}

// Kinds are compared by digest first, then by snapshot.CompareRows. Digests under different redact keys are not comparable.
func (Rows) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{
		Pattern: "rows/*", Area: finding.AreaData, Parents: []string{"table/{name}"},
		Doc: "the rows of a table that is to be equal; @columns are the columns that the digests are over",
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
	var work []*tableWork
	for i, table := range exact {
		if i > 0 && table == exact[i-1] {
			continue
		}
		a := snapshot.Address{Scope: in.Scope, Kind: "rows", Name: table}
		t := find(db, table)
		if t == nil {
			a.Name = snapshot.Ident(snapshot.SplitIdent(table)...)
			r.Missing(a, "the table does not exist", "correct `exact` in envdiff.yaml or --exact, or apply the migration that creates it", a.String()+"#*")
			continue
		}
		l, err := newLayout(in.DB.Engine().Name(), t, in.Spec)
		if err != nil {
			r.Missing(a, err.Error(), "correct `exact` in envdiff.yaml", a.String()+"#*")
			continue
		}
		work = append(work, &tableWork{address: a, table: t, layout: l})
	}
	c.digestTables(ctx, in, work)
	for _, w := range work {
		r.Facts, r.Gaps, r.Looked = append(r.Facts, w.result.Facts...), append(r.Gaps, w.result.Gaps...), append(r.Looked, w.result.Looked...)
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

// digestTable streams a table and stores its digests, or takes over those of a run that was interrupted.
func (c Rows) digestTable(ctx context.Context, in snapshot.DatabaseInput, w *tableWork, gate *gate) (err error) {
	t, l, r := w.table, w.layout, &w.result
	out, err := in.Attach(snapshot.RowsAttachment(in.Scope, in.Instance, t.Name.Idents()...))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.Discard()
		}
	}()
	work := l.work(in, t)
	at, about, err := in.Unfinished.Take(out, work...)
	if err != nil {
		return err
	}
	if about == nil {
		tally, err := c.stream(ctx, in, t, l, gate)
		if err != nil {
			return err
		}
		if err := tally.write(out); err != nil {
			return err
		}
		about = map[string]string{"rows": strconv.FormatInt(tally.total.Rows, 10), "digest": fmt.Sprintf("%x", tally.total.Sum())}
		_ = in.Unfinished.Keep(in.Now, about, tally.write, work...) // what cannot be kept is read again by a next run
	} else {
		resumedAt(w.address, at, r)
	}
	if err := out.Commit(); err != nil {
		return err
	}
	addRowFacts(in, w, about)
	return nil
}

// addRowFacts says what is known of a table's rows as a whole.
func addRowFacts(in snapshot.DatabaseInput, w *tableWork, about map[string]string) {
	a, l, r, name := w.address, w.layout, &w.result, w.table.Name
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = snapshot.Ident(name.Idents(c)...)
	}
	if l.part < snapshot.RowBuckets {
		r.Add(a.Attr("sampled"), snapshot.String(about["rows"]+" sampled rows"), "")
		r.Add(a.Attr("@part"), snapshot.Int(int64(l.part)), "")
	} else if rows, err := strconv.ParseInt(about["rows"], 10, 64); err == nil {
		r.Add(a.Attr("count"), snapshot.Int(rows), "")
	}
	if skip := in.Spec.Lenient[tableName(name)].Skip; len(skip) > 0 {
		r.Add(a.Attr("@skip"), snapshot.Strings(true, skip...), "")
	}
	if len(l.round) > 0 {
		r.Add(a.Attr("@round"), snapshot.String(snapshot.Rounding(l.round)), "")
	}
	r.Add(a.Attr("digest"), snapshot.String(about["digest"]), "")
	r.Add(a.Attr("@columns"), snapshot.Strings(true, names...), "")
}

// stream digests all rows. Where the catalogue says that they are too many to be kept, they are added up from the first one on;
// where it was wrong, they are read once more.
func (c Rows) stream(ctx context.Context, in snapshot.DatabaseInput, t *schema.Table, l layout, gate *gate) (*tally, error) {
	d := newDigester(in.Redact.Key("rows").Bytes(), tableName(t.Name), l)
	read := engine.Read{Table: t.Name, Columns: l.columns}
	if l.part < snapshot.RowBuckets {
		read = l.read(t, snapshot.SampledBuckets(l.part))
	}
	all := func(tally *tally) error {
		return in.DB.CopyOut(ctx, read, func(row engine.Row) error {
			if err := gate.pass(ctx); err != nil {
				return err
			}
			if l.part == snapshot.RowBuckets || snapshot.Sampled(d.bucketOf(row), l.part) {
				tally.add(d.row(row, !tally.full()))
			}
			return nil
		})
	}
	tally := newTally(l, c.Limit)
	if t.EstimatedRows*int64(l.part)/snapshot.RowBuckets > int64(tally.most) {
		tally.sumUp()
	}
	err := all(tally)
	if err == nil && tally.full() && tally.total.Rows <= int64(tally.most) {
		tally = newTally(l, c.Limit)
		err = all(tally)
	}
	return tally, err
}
