// Package onmariadb holds the stories of sanitised copies on a real MariaDB server. It is apart from its parent so that
// the parent's tests need no server.
package onmariadb
