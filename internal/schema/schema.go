// Package schema is the typed model of a database that engines fill, collectors flatten into facts, and migrations compare
// before and after each statement. It holds no SQL of its own: expressions are the server's deparsed text.
package schema

import (
	"strconv"
	"strings"
)

// Name is an object's name. Schema is "" for the default schema (public, main, the MySQL database itself).
type Name struct {
	Schema, Name string
}

// String is schema.name for messages; addresses are made by snapshot.Object from Idents.
func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Idents are the identifiers of an address: [name] or [schema name].
func (n Name) Idents(more ...string) []string {
	ids := make([]string, 0, 2+len(more))
	if n.Schema != "" {
		ids = append(ids, n.Schema)
	}
	return append(append(ids, n.Name), more...)
}

// Less orders names.
func (n Name) Less(o Name) bool {
	if n.Schema != o.Schema {
		return n.Schema < o.Schema
	}
	return n.Name < o.Name
}

// Database is one captured schema. Slices are sorted by name; columns and key parts keep their order.
type Database struct {
	Engine   string // sqlite, postgres, mysql
	Version  string // of the server or library
	Tables   []Table
	Views    []View
	Triggers []Trigger
	Routines []Routine
	// Sequences are those that stand on their own, not those behind a column's Identity.
	Sequences []Sequence
	// Settings are what changes behaviour or is kept in the database (PRAGMA user_version, encoding, …).
	Settings []Setting
	// KnownSettings are the names of the settings that the server has, also where Settings leaves one out, sorted; nil where every version has the same.
	KnownSettings []string
	// Objects are all others, sorted.
	Objects []Object
	// Access are owners and privileges, sorted. They are apart from the objects: a copy on another server has other roles and is as good.
	Access []Access
	// Dependencies order what DDL cannot order by kind: routines, types, views.
	Dependencies []Dependency
	// Gaps are what the role may not see.
	Gaps []Gap `json:",omitempty"`
	// Unmodelled counts what the catalogue shows and this model does not hold.
	Unmodelled []Unmodelled
}

// Table finds a table by name.
func (d *Database) Table(n Name) (*Table, bool) {
	for i := range d.Tables {
		if d.Tables[i].Name == n {
			return &d.Tables[i], true
		}
	}
	return nil, false
}

// Unmodelled is a kind of object that is there and not compared.
type Unmodelled struct {
	Kind  string
	Names []string
}

// Setting is one setting of a database or server.
type Setting struct {
	Name, Value string
	Behaviour   bool // changes what statements do, not only how fast
	Source      string
	Pending     bool // the file says otherwise, and a restart will make it so
}

// Table is a table with everything that belongs to it.
type Table struct {
	Name Name
	// StorageID identifies the table's storage over a rename within one database (SQLite root page, PostgreSQL oid). Never compared across databases.
	StorageID   string
	Columns     []Column
	PrimaryKey  *Key
	Unique      []Key
	ForeignKeys []ForeignKey
	Checks      []Check
	Exclusions  []Exclusion
	Indexes     []Index // without those that back PrimaryKey and Unique
	// Options are the engine's own attributes that change behaviour: "strict", "without_rowid", "engine", "row_format".
	Options map[string]string
	Comment string
	// PartitionBy is the key of a partitioned table ("RANGE (day)"). Its Partitions are storage, no tables of their own: their rows are the table's.
	PartitionBy string
	Partitions  []Partition
	// EstimatedRows is the catalogue's idea of the size; -1 unknown.
	EstimatedRows int64
}

// Partition is a part of a partitioned table: sorted by name, or in their own order where that has a meaning (MySQL).
type Partition struct {
	Name        Name
	Bound       string // "FOR VALUES FROM … TO …" or "DEFAULT"
	PartitionBy string
	Partitions  []Partition
}

// Column finds a column by name.
func (t *Table) Column(name string) (*Column, bool) {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i], true
		}
	}
	return nil, false
}

// Column is one column.
type Column struct {
	Name      string
	Type      string // with modifiers, as the engine prints it; "" where SQLite has none
	Nullable  bool
	Default   *string // expression; nil is no default
	Generated string  // expression; "" is not generated
	Stored    bool    // a generated column that is stored
	Identity  string  // "always", "by default", "autoincrement" or ""
	Collation string  // "" is the default
	Hidden    bool    // not in SELECT *
	OnUpdate  string  // expression that MySQL sets the column to when its row changes
	// OnConflict is SQLite's conflict clause of NOT NULL ("replace", "ignore", …), "" default.
	OnConflict string
	Comment    string
	Properties map[string]string // further attributes that are not as by default: "storage", "compression", "statistics"
}

// Key is a primary or unique key.
type Key struct {
	Name              string // "" when the engine made it up
	Columns           []string
	Collations        []string // per column, "" is the column's own; nil when all are
	Prefixes          []int    // per column, how many characters MySQL looks at, 0 is all; nil when all are whole
	Desc              []bool   // per column; nil when all ascend
	NullsNotDistinct  bool
	Deferrable        bool
	InitiallyDeferred bool
	OnConflict        string   // SQLite's conflict clause, "" default
	Include           []string // columns that its index holds beside the key
	Properties        map[string]string
}

// ForeignKey references another table.
type ForeignKey struct {
	Name              string // "" when the engine made it up
	Columns           []string
	RefTable          Name
	RefColumns        []string // empty in SQLite means the primary key
	OnDelete          string   // "no action" when nothing was said
	OnUpdate          string
	Match             string // "simple" when nothing was said
	Deferrable        bool
	InitiallyDeferred bool
	NotValid          bool
	NotEnforced       bool // it refuses nothing
	Properties        map[string]string
}

// Check is a check constraint.
type Check struct {
	Name     string // "" when the engine made it up
	Expr     string
	Columns  []string // columns that the expression reads, where known
	NotValid bool
	// NotEnforced is MySQL's NOT ENFORCED: the check refuses nothing.
	NotEnforced bool
	NoInherit   bool // it does not hold for tables that inherit from this one
	Properties  map[string]string
}

// Index is an index that is no key's.
type Index struct {
	Name             string
	Unique           bool
	Method           string // "btree" and so on; "" where the engine has one
	Parts            []IndexPart
	Include          []string
	Where            string // predicate of a partial index
	Invalid          bool
	Hidden           bool // MySQL's INVISIBLE, MariaDB's IGNORED: kept, and not used by queries
	NullsNotDistinct bool
	Comment          string
	// Columns are all columns that the index reads, in keys, expressions and predicate, where known.
	Columns    []string
	Properties map[string]string // "with", "tablespace", "clustered"
}

// IndexPart is one key of an index: a column or an expression.
type IndexPart struct {
	Column     string
	Expr       string
	Prefix     int // how many characters or bytes of the column MySQL looks at; 0 is all
	Collation  string
	OpClass    string
	Desc       bool
	NullsFirst bool
}

// Text is the part as written, for messages and facts.
func (p IndexPart) Text() string {
	s := p.Column
	if s == "" {
		s = p.Expr
	}
	if p.Prefix > 0 {
		s += "(" + strconv.Itoa(p.Prefix) + ")"
	}
	if p.Collation != "" {
		s += " collate " + p.Collation
	}
	if p.OpClass != "" {
		s += " " + p.OpClass
	}
	if p.Desc {
		s += " desc"
	}
	if p.NullsFirst != p.Desc {
		if p.NullsFirst {
			s += " nulls first"
		} else {
			s += " nulls last"
		}
	}
	return s
}

// View is a view.
type View struct {
	Name         Name
	Definition   string // the server's text, white space normalised
	Columns      []string
	Materialized bool
	Reads        []Name  // tables and views that it reads, where known
	Indexes      []Index // of a materialized view
	// Properties are further attributes in the engine's terms: "definer", "security", "check_option".
	Properties map[string]string
}

// Trigger is a trigger.
type Trigger struct {
	Name       string
	Table      Name
	Definition string
	Properties map[string]string // as of View: "definer", "sql_mode", "order"
}

// Routine is stored code that is called or runs by itself.
type Routine struct {
	Name       Name
	Kind       string // function, procedure, aggregate, event, …
	Overload   string // what tells routines of one name apart in addresses: "(integer, text)" in PostgreSQL, "" elsewhere
	Arguments  string
	Returns    string
	Definition string            // the body
	Properties map[string]string // as of View: "language", "volatility", "definer", "sql_mode", "schedule"
}

// Sequence is a generator of numbers, without its counter.
type Sequence struct {
	Name       Name
	Type       string // "" where the engine has one
	Table      Name   // with Column: the column that owns it, if one does
	Column     string
	Properties map[string]string // "start", "increment", "minimum", "maximum", "cache", "cycle"
}

// AutoName is the name of a key, constraint or index in addresses: its own, or one made from its structure when the engine made it up,
// so that the same unnamed constraint has the same address on both sides.
func AutoName(own, kind string, columns []string, rest string) string {
	if own != "" {
		return own
	}
	s := kind + "(" + strings.Join(columns, ",") + ")"
	if rest != "" {
		s += " " + rest
	}
	return s
}
