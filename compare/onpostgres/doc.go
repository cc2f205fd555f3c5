// Package onpostgres holds the stories of comparing databases that need a real PostgreSQL server:
// capture, facts and findings from end to end.
package onpostgres
