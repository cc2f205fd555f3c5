package database

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// layout says how the rows of a table are digested.
type layout struct {
	columns  []string // sorted by name: the order of columns is no difference of rows
	types    []logical
	kept     []bool // the policy keeps the column
	key      []int  // positions in columns; none for a bag of rows
	keyText  bool   // the policy keeps every key column
	byNumber bool   // the key is one whole number, whose remainder is the bucket
	asksFor  bool   // … in an engine that holds columns to their types, so that it can be asked for buckets
	values   bool   // kept values are written, too
	part     int    // buckets that are read; snapshot.RowBuckets is all
	round    map[string]int
	places   []int // of each column, noPlaces where it is not rounded
}

// noPlaces is of columns that are not rounded.
const noPlaces = -1

// newLayout lays a table out as spec asks. The error says that spec names a column that is not there, or one of the key.
func newLayout(engine string, t *schema.Table, spec snapshot.DatabaseSpec) (layout, error) {
	keep, lenient := spec.Keep, spec.Lenient[tableName(t.Name)]
	l := layout{round: lenient.Round, part: snapshot.PartOf(lenient.Sample, t.EstimatedRows)}
	if err := checkLeniency(engine, t, lenient); err != nil {
		return l, err
	}
	for i := range t.Columns {
		if t.Columns[i].Generated == "" && !slices.Contains(lenient.Skip, t.Columns[i].Name) {
			l.columns = append(l.columns, t.Columns[i].Name)
		}
	}
	sort.Strings(l.columns)
	for _, name := range l.columns {
		c, _ := t.Column(name)
		l.types = append(l.types, logicalOf(engine, c))
		places, rounded := lenient.Round[name]
		if !rounded {
			places = noPlaces
		}
		l.places = append(l.places, places)
		l.kept = append(l.kept, keep != nil && keep(tableName(t.Name), name))
	}
	key := keyOf(t)
	l.keyText = len(key) > 0
	for _, name := range key {
		i := sort.SearchStrings(l.columns, name)
		l.key = append(l.key, i)
		l.keyText = l.keyText && l.kept[i]
	}
	if len(key) == 1 {
		c, _ := t.Column(key[0])
		l.byNumber = integerType(engine, c.Type)
		l.asksFor = l.byNumber && engine != "sqlite"
	}
	return l, nil
}

// work names the digesting of a table: whatever decides what it comes to is in it.
func (l *layout) work(in snapshot.DatabaseInput, t *schema.Table) []string {
	work := append([]string{in.Redact.KeyID(), in.Scope, in.Instance, tableName(t.Name), strconv.Itoa(l.part), strconv.FormatBool(l.keyText)}, l.columns...)
	return append(work, fmt.Sprint(l.types, l.key, l.places, l.byNumber))
}

// checkLeniency refuses what would be left out silently, or would make rows of different keys equal.
func checkLeniency(engine string, t *schema.Table, lenient snapshot.Leniency) error {
	key := keyOf(t)
	check := func(what, name string) error {
		if c, ok := t.Column(name); !ok || c.Generated != "" {
			return fmt.Errorf("%s names the column %s, which is not there", what, name)
		}
		if slices.Contains(key, name) {
			return fmt.Errorf("%s names the column %s, which is part of the key", what, name)
		}
		return nil
	}
	for _, name := range lenient.Skip {
		if err := check("skip", name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lenient.Round)) {
		if err := check("round", name); err != nil {
			return err
		}
		c, _ := t.Column(name)
		switch logicalOf(engine, c) {
		case logicalNumber, logicalSingle, logicalDouble, logicalTimestamp, logicalTime:
		default:
			return fmt.Errorf("round names the column %s, whose type %s is neither a number nor a moment", name, c.Type)
		}
	}
	return nil
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

// integerType reports a type whose values are whole numbers, in engines that hold columns to their types.
func integerType(engine, t string) bool {
	t = strings.ToLower(t)
	switch engine {
	case "postgres":
		return t == "bigint" || t == "integer" || t == "smallint"
	case "mysql":
		name, _, _ := strings.Cut(t, " ")
		name, _, _ = strings.Cut(name, "(")
		return strings.HasSuffix(name, "int")
	}
	return strings.Contains(t, "int") // what is no number has a bucket by its digest
}
