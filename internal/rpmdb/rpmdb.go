// Package rpmdb reads which packages are installed out of rpm's own database files, for hosts on which rpm cannot be asked: SQLite (rpmdb.sqlite;
// since Fedora 33 and RHEL 9), ndb (Packages.db; SUSE) and Berkeley DB (Packages; until rpm 4.15, RHEL 8). It works on any bytes, and holds little more than it was given.
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
		order := bdbOrder(database)
		if order == nil {
			return nil, ErrFormat
		}
		err = readBDB(database, order, each)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}
