package engine

import "database/sql"

// Library is an engine whose scratch databases another program's code can be let into, through database/sql.
type Library interface {
	// SQL opens a scratch database as that code expects it, with the server's own settings. It refuses whatever envdiff did not make:
	// such code writes when it opens.
	SQL(t Target) (*sql.DB, error)
	// Refused is what the database answered to that code, without what could be a value.
	Refused(t Target, err error) error
}
