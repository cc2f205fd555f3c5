// Package rpmdb reads which packages are installed out of rpm's own database files, for hosts on which rpm cannot be asked: the two formats that rpm has written since 4.16, SQLite
// (rpmdb.sqlite; Fedora 33, RHEL 9) and ndb (Packages.db; SUSE). Berkeley DB (Packages), which rpm wrote before, is not read. It works on any bytes, and holds no more than it was given.
package rpmdb

import (
	"bytes"
	"errors"
)

// Package is an installed package, as rpm -qa tells it.
type Package struct {
	Name    string
	Epoch   string // "" for none
	Version string // with the release: VERSION-RELEASE
	Arch    string
}

// ErrFormat is a database in a format that is not read.
var ErrFormat = errors.New("a format that is not read")

var errDamaged = errors.New("it is damaged")

// maxPackages bounds what a database may hold.
const maxPackages = 200_000

// Read reads a database. wal is what stands in rpmdb.sqlite-wal beside it: SQLite's changes that were not yet written into the database itself.
func Read(database, wal []byte) ([]Package, error) {
	var all []Package
	each := func(blob []byte) error {
		p, err := header(blob)
		if err == nil {
			all = append(all, p)
		}
		if len(all) > maxPackages {
			return errors.New("it holds more packages than any host has")
		}
		return err
	}
	var err error
	switch {
	case bytes.HasPrefix(database, []byte(sqliteMagic)):
		err = readSQLite(database, wal, each)
	case bytes.HasPrefix(database, []byte(ndbMagic)):
		err = readNDB(database, each)
	default:
		err = ErrFormat
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}
