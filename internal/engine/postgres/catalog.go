package postgres

import (
	"context"
	"encoding/json"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// capture reads the model with a fixed number of queries. The transaction it runs in is rolled back to before it: it empties search_path, so
// that deparsed text names every schema but pg_catalog.
func capture(ctx context.Context, pg *pgconn.PgConn) (*schema.Database, error) {
	if _, err := execute(ctx, pg, "SET LOCAL search_path = ''; SET LOCAL quote_all_identifiers = off"); err != nil {
		return nil, err
	}
	c := &catalog{db: &schema.Database{Engine: "postgres"}, tables: map[string]*schema.Table{}}
	for _, step := range []struct {
		sql  string
		each func(*record)
	}{
		{settingsQuery, c.setting},
		{tablesQuery, c.table},
		{partitionsQuery, c.partition},
		{columnsQuery, c.column},
		{constraintsQuery, c.constraint},
		{indexesQuery, c.index},
		{viewsQuery, c.view},
		{triggersQuery, c.trigger},
		{unmodelledQuery, c.unmodelled},
	} {
		var bad error
		err := query(ctx, pg, step.sql, func(values [][]byte) error {
			r := &record{values: values}
			step.each(r)
			bad = r.err
			return bad
		})
		if bad != nil {
			return nil, &engine.Error{Code: "XX000", Message: "the catalogue answered in a form that this version of envdiff does not know", Err: bad}
		}
		if err != nil {
			return nil, err
		}
	}
	return c.finish(), nil
}

// captureAside is capture on a connection whose transaction, if any, is not ours.
func captureAside(ctx context.Context, pg *pgconn.PgConn) (*schema.Database, error) {
	var s *schema.Database
	err := aside(ctx, pg, "BEGIN ISOLATION LEVEL REPEATABLE READ", func() (err error) {
		s, err = capture(ctx, pg)
		return err
	})
	return s, err
}

// aside runs f without a trace: in a savepoint when a transaction is open, else in one of its own.
func aside(ctx context.Context, pg *pgconn.PgConn, begin string, f func() error) error {
	end := "ROLLBACK"
	switch pg.TxStatus() {
	case 'T':
		begin, end = "SAVEPOINT envdiff_aside", "ROLLBACK TO SAVEPOINT envdiff_aside; RELEASE SAVEPOINT envdiff_aside"
	case 'E':
		return &engine.Error{Code: "25P02", Message: "the transaction has failed: roll it back first"}
	}
	if _, err := execute(ctx, pg, begin); err != nil {
		return err
	}
	err := f()
	if pg.IsClosed() {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, lost := execute(ctx, pg, end); lost != nil && err == nil {
		err = lost
	}
	return err
}

// record is one row of a catalogue query, read column by column. The first value that does not parse stays as its error.
type record struct {
	values [][]byte
	next   int
	err    error
}

func (r *record) bytes() []byte {
	if r.next >= len(r.values) {
		r.next++
		if r.err == nil {
			r.err = strconv.ErrRange
		}
		return nil
	}
	v := r.values[r.next]
	r.next++
	return v
}

func (r *record) text() string { return string(r.bytes()) }

func (r *record) flag() bool { return string(r.bytes()) == "t" }

func (r *record) optional() *string {
	v := r.bytes()
	if v == nil {
		return nil
	}
	s := string(v)
	return &s
}

func (r *record) number() int64 {
	n, err := strconv.ParseInt(string(r.bytes()), 10, 64)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n
}

// json decodes a to_json column. NULL leaves the target as it is.
func (r *record) json(into any) {
	v := r.bytes()
	if v == nil {
		return
	}
	if err := json.Unmarshal(v, into); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *record) list() []string {
	var l []string
	r.json(&l)
	if len(l) == 0 {
		return nil
	}
	return l
}

// name reads two columns: schema and name.
func (r *record) name() schema.Name {
	namespace := r.text()
	return nameOf(namespace, r.text())
}

// catalog is a model being filled; tables are found by oid.
type catalog struct {
	db     *schema.Database
	tables map[string]*schema.Table
	// partitions come parents first: parts are kept by their parent's oid until the tree is built.
	partitions map[string][]part
}

type part struct {
	oid string
	schema.Partition
}

// finish sorts what queries order by other things than the model.
func (c *catalog) finish() *schema.Database {
	for _, t := range c.tables {
		t.Partitions = c.parts(t.StorageID)
		c.db.Tables = append(c.db.Tables, *t)
	}
	db := c.db
	sort.Slice(db.Tables, func(i, j int) bool { return db.Tables[i].Name.Less(db.Tables[j].Name) })
	for i := range db.Tables {
		t := &db.Tables[i]
		sort.Slice(t.Unique, func(i, j int) bool { return t.Unique[i].Name < t.Unique[j].Name })
		sort.Slice(t.ForeignKeys, func(i, j int) bool { return t.ForeignKeys[i].Name < t.ForeignKeys[j].Name })
		sort.Slice(t.Checks, func(i, j int) bool { return t.Checks[i].Name < t.Checks[j].Name })
		sort.Slice(t.Indexes, func(i, j int) bool { return t.Indexes[i].Name < t.Indexes[j].Name })
	}
	sort.Slice(db.Views, func(i, j int) bool { return db.Views[i].Name.Less(db.Views[j].Name) })
	sort.Slice(db.Triggers, func(i, j int) bool {
		a, b := db.Triggers[i], db.Triggers[j]
		if a.Table != b.Table {
			return a.Table.Less(b.Table)
		}
		return a.Name < b.Name
	})
	sort.Slice(db.Unmodelled, func(i, j int) bool { return db.Unmodelled[i].Kind < db.Unmodelled[j].Kind })
	for _, u := range db.Unmodelled {
		sort.Strings(u.Names)
	}
	return db
}

func (c *catalog) parts(oid string) []schema.Partition {
	var parts []schema.Partition
	for _, p := range c.partitions[oid] {
		p.Partitions = c.parts(p.oid)
		parts = append(parts, p.Partition)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i].Name.Less(parts[j].Name) })
	return parts
}

func (c *catalog) setting(r *record) {
	s := schema.Setting{Name: r.text(), Value: r.text(), Behaviour: true, Source: r.text()}
	if s.Name == "server_version" {
		c.db.Version, _, _ = strings.Cut(s.Value, " ")
		return
	}
	c.db.Settings = append(c.db.Settings, s)
}

func (c *catalog) table(r *record) {
	t := &schema.Table{StorageID: r.text(), Name: r.name(), EstimatedRows: r.number(), Comment: r.text(), PartitionBy: r.text()}
	r.json(&t.Options)
	if len(t.Options) == 0 {
		t.Options = nil
	}
	c.tables[t.StorageID] = t
}

func (c *catalog) partition(r *record) {
	parent := r.text()
	p := part{oid: r.text()}
	p.Name, p.Bound, p.PartitionBy = r.name(), r.text(), r.text()
	if c.partitions == nil {
		c.partitions = map[string][]part{}
	}
	c.partitions[parent] = append(c.partitions[parent], p)
}

func (c *catalog) column(r *record) {
	t := c.tables[r.text()]
	if t == nil {
		return
	}
	t.Columns = append(t.Columns, schema.Column{
		Name: r.text(), Type: r.text(), Nullable: r.flag(), Default: r.optional(), Generated: r.text(), Stored: r.flag(),
		Identity: r.text(), Collation: r.text(), Comment: r.text(),
	})
}

func (c *catalog) constraint(r *record) {
	t, kind := c.tables[r.text()], r.text()
	if t == nil {
		return
	}
	name, columns := r.text(), r.list()
	deferrable, deferred, notValid := r.flag(), r.flag(), r.flag()
	expr, nullsNotDistinct := r.text(), r.flag()
	key := schema.Key{Name: name, Columns: columns, Deferrable: deferrable, InitiallyDeferred: deferred, NullsNotDistinct: nullsNotDistinct}
	switch kind {
	case "p":
		t.PrimaryKey = &key
	case "u":
		t.Unique = append(t.Unique, key)
	case "c":
		t.Checks = append(t.Checks, schema.Check{Name: name, Expr: expr, Columns: columns, NotValid: notValid})
	case "f":
		t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{
			Name: name, Columns: columns, Deferrable: deferrable, InitiallyDeferred: deferred, NotValid: notValid,
			RefTable: r.name(), RefColumns: r.list(), OnUpdate: r.text(), OnDelete: r.text(), Match: r.text(),
		})
	}
}

func (c *catalog) index(r *record) {
	t := c.tables[r.text()]
	if t == nil {
		return
	}
	ix := schema.Index{
		Name: r.text(), Unique: r.flag(), Method: r.text(), Invalid: r.flag(), NullsNotDistinct: r.flag(), Where: r.text(),
		Include: r.list(), Columns: r.list(),
	}
	r.json(&ix.Parts)
	t.Indexes = append(t.Indexes, ix)
}

func (c *catalog) view(r *record) {
	v := schema.View{Name: r.name(), Materialized: r.flag(), Definition: normalise(r.text()), Columns: r.list()}
	var reads [][2]string
	r.json(&reads)
	for _, n := range reads {
		v.Reads = append(v.Reads, nameOf(n[0], n[1]))
	}
	sort.Slice(v.Reads, func(i, j int) bool { return v.Reads[i].Less(v.Reads[j]) })
	c.db.Views = append(c.db.Views, v)
}

func (c *catalog) trigger(r *record) {
	c.db.Triggers = append(c.db.Triggers, schema.Trigger{Table: r.name(), Name: r.text(), Definition: r.text()})
}

func (c *catalog) unmodelled(r *record) {
	c.db.Unmodelled = append(c.db.Unmodelled, schema.Unmodelled{Kind: r.text(), Names: r.list()})
}
