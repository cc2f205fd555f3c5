// Package onengines holds the stories of sanitised copies on PostgreSQL and MariaDB that both must tell alike, and measures them on MariaDB. It is apart from
// its parent so that the parent's tests need no server.
package onengines
