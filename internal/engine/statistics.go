package engine

import (
	"context"
	"errors"

	"github.com/envdiff/envdiff/internal/schema"
)

// Statistician is a database whose server keeps statistics of columns for its planner, and can tell how old they are. As finds it behind
// wrappers.
type Statistician interface {
	// Statistics tells what the planner knows, table by table, and reads none of them. An error of fn stops it and is returned.
	Statistics(ctx context.Context, fn func(TableStatistics) error) error
}

// TableStatistics are a planner's of one table.
type TableStatistics struct {
	Table schema.Name
	Rows  int64 // an estimate; -1 is unknown
	// Examined is how many rows the columns' statistics come from.
	Examined int64
	// Changed is how many rows may have been inserted, updated or deleted since; -1 is unknown: what the statistics say may hold no longer.
	Changed int64
	// Undated says that the server tells neither when they were made nor what has changed since: they were true once. Changed is unknown then.
	Undated bool
	Columns []ColumnStatistics // those that have any, and that the role may read
}

// ColumnStatistics are a planner's of one column. Values are texts, as CopyOut writes them.
type ColumnStatistics struct {
	Column    string
	NullShare float64 // of the rows; below 0 is unknown
	Distinct  float64 // values, an estimate; 0 is unknown
	// Common are the most frequent values and their shares of the rows; Bounds part all others into ranges of equal shares, from the smallest
	// to the largest that was seen.
	Common []CommonValue
	Bounds []string
	// Loose says that the bounds are values and no more: what lies between two of them is any share of the rows.
	Loose bool
	// Ends says that the smallest and the largest value of all rows are among these.
	Ends bool
}

// CommonValue is a value and its share of the rows, nulls among them.
type CommonValue struct {
	Value string
	Share float64
}

// Sampler is a database that can choose rows by chance without reading all of a large table. As finds it behind wrappers.
type Sampler interface {
	// Sample streams about r.Limit rows, each of the table as likely as another. Small tables are read as a whole. Of r it heeds Table,
	// Columns and Limit. ErrNoSample is returned before the first row.
	Sample(ctx context.Context, r Read, fn func(Row) error) (whole bool, err error)
}

// ErrNoSample is returned for a table of which rows can not be chosen without reading it.
var ErrNoSample = errors.New("rows of this table can not be chosen by chance without reading all of them")
