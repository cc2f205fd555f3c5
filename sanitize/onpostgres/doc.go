// Package onpostgres measures sanitised copies on a real PostgreSQL server. It is apart from its parent so that the
// parent's tests need no server.
package onpostgres
