package schema

// ObligationKind is what a statement demands of existing data.
type ObligationKind string

// The obligations.
const (
	NotNull     ObligationKind = "not null"
	UniqueKey   ObligationKind = "unique"
	Reference   ObligationKind = "foreign key"
	CheckExpr   ObligationKind = "check"
	Convertible ObligationKind = "type" // every value must be convertible to Type
)

// Obligation is one demand on the rows of a relation: the table as it is before the statement, or the rows that an INSERT … SELECT brings.
type Obligation struct {
	Kind             ObligationKind
	Table            Name   // the table whose constraint demands it
	Constraint       string // the constraint's name in addresses
	Columns          []string
	Exprs            []string // UniqueKey: key expressions, in the engine's syntax, over the relation's columns
	Collations       []string // UniqueKey: per key, "" is the key's own; nil when all are
	Where            string   // partial unique index
	NullsNotDistinct bool
	RefTable         Name
	RefColumns       []string
	Match            string
	Expr             string // CheckExpr: the row is bad when it is false (not when it is null)
	Type             string // Convertible
	Strict           bool   // Convertible in a SQLite STRICT table
}

// Relation is where an obligation is asked: a table, or a query whose columns are named.
type Relation struct {
	Table   Name
	Query   string   // when not "": SELECT text that yields Columns in order
	Columns []string // names that the obligation's expressions use
}
