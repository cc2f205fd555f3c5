// Package onmariadb holds the stories of whole commands on real MariaDB servers. It is apart
// from cmd so that its tests need no server.
package onmariadb
