// Package onmysql8 holds the stories of comparing a MySQL 8 database. No such server can be had from a distribution here, so a server speaks its
// protocol and answers with what MySQL's manual says that 8.4 prints (testdata/8.4.txt); a real MariaDB stands beside it.
package onmysql8
