// Package onengines holds the stories of compare on rows in SQLite, PostgreSQL and MariaDB, and across them.
package onengines
