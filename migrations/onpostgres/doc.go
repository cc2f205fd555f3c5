// Package onpostgres holds the stories of migrations that need a real PostgreSQL server. It is apart from
// the stories on SQLite, which need none.
package onpostgres
