// Package onmariadb holds the stories of migrations on a real MariaDB server.
package onmariadb
