// Package onssh tests the command line on real hosts over ssh.
package onssh
