// Package onpostgres plays the commands on a real PostgreSQL; it is a folder of its
// own because cmd's tests need no server.
package onpostgres
