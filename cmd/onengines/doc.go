// Package onengines plays the commands on an estate of hosts and of databases of all engines at once; it is a folder of its
// own because cmd's tests need no server.
package onengines
