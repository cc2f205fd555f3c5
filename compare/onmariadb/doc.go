// Package onmariadb holds the stories of comparing databases that need a real MariaDB server:
// capture, facts and findings from end to end.
package onmariadb
