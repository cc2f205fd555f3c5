package sanitize

import (
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Policy is sanitize.yaml: what happens to every column of every copied table.
type Policy struct {
	Tables     []TablePolicy
	References []Reference
	After      []string // statements run on a kept copy, never on a rehearsal's
	Schema     []KnownText

	// File is the path that was read, for messages.
	File string
	// doc is the document as read, so that writing keeps its comments and order.
	doc *document
}

// TablePolicy is one table's entry. Table is an address name.
type TablePolicy struct {
	Table    string
	Columns  []ColumnPolicy
	Groups   *Groups // columns that tell people apart when taken together; nil is none
	Strata   Strata  // of a sample
	Where    string  // condition in the engine's SQL; "" is all rows
	Exclude  bool    // the copy has the table, empty
	Preserve bool    // the target keeps its own rows; in a rehearsal as Exclude
	Reason   string
	Comment  string // printed above the entry by scan
	Line     int
	Col      int
}

// Strata are the groups of a table's rows by the values of some columns. A sample keeps at least Rows of each, or all where there are fewer. No columns is no
// strata.
type Strata struct {
	By   []string
	Rows int
}

// Action is what happens to a column.
type Action int

// The actions.
const (
	Keep Action = iota
	Mask
	Set
	Drop   // the copy's rows are loaded without the column, which gets its default or NULL
	Review // nobody has decided: it stops the copy
)

// ColumnPolicy is one column's entry.
type ColumnPolicy struct {
	Column string
	Action Action
	Mask   string  // for Mask
	Domain string  // for Mask: equal values get equal pseudonyms wherever the domain is named; "" is a domain of the column's own
	Value  *string // for Set; nil is NULL
	Reason string
	Line   int
	Col    int
}

// Reference is a foreign key that the schema does not declare.
type Reference struct {
	From, To ColumnRef
	When     string // condition on the referencing rows, in the engine's SQL
	Line     int
	Col      int
}

// KnownText is a statement of the copy's schema in which values of masked columns may stand: a person has looked at it.
type KnownText struct {
	In     string // the beginning of the statement, as the finding names it: CREATE VIEW public.directors
	Reason string
}

// ColumnRef names a column: an address name of a table, and a column.
type ColumnRef struct{ Table, Column string }

func (r ColumnRef) String() string { return r.Table + "." + snapshot.Ident(r.Column) }

// TableKey is the name of a table in a policy: as in addresses.
func TableKey(n schema.Name) string { return snapshot.Ident(n.Idents()...) }

// Table finds a table's entry.
func (p *Policy) Table(key string) (*TablePolicy, bool) {
	for i := range p.Tables {
		if p.Tables[i].Table == key {
			return &p.Tables[i], true
		}
	}
	return nil, false
}

// Column finds a column's entry.
func (t *TablePolicy) Column(name string) (*ColumnPolicy, bool) {
	for i := range t.Columns {
		if t.Columns[i].Column == name {
			return &t.Columns[i], true
		}
	}
	return nil, false
}
