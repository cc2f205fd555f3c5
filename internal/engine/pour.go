package engine

import "context"

// Pourer is a database that can pour a table straight into another one of its engine: rows travel in the form of the engine's own bulk load, and only
// the cells that are changed are written anew. As finds it behind wrappers.
type Pourer interface {
	// Pour is CopyOut of this database and CopyIn of the other, in one: all rows or none. ok is false, and nothing has been read, where these two
	// cannot be joined: the caller takes the long way.
	Pour(ctx context.Context, p Pouring, to DB) (rows int64, ok bool, err error)
}

// Pouring says what is read and what becomes of it.
type Pouring struct {
	Read    Read
	Columns []Poured // of the other database's table
	// Each is called after each row, from the goroutine that the columns' functions are called from. Its error ends the pouring and is returned.
	Each func() error
}

// Poured is how one column gets its cells.
type Poured struct {
	Column string
	From   int  // index in Read.Columns; -1 for the same cell in each row
	Set    Cell // where From is -1
	// See is shown every cell that is read, nulls too; nil for nobody. The cell is only valid until it returns.
	See func(Cell)
	// Change appends what takes the cell's place; nil for the cell itself. It is never called for a null, which stays one.
	Change func(to []byte, c Cell) []byte
}
