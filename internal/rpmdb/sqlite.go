package rpmdb

import (
	"encoding/binary"
	"math"
)

// sqliteMagic begins a database of SQLite (sqlite.org, "Database File Format"). What is read of it here is one table, Packages(hnum INTEGER PRIMARY KEY, blob BLOB): its B-tree of pages,
// and the chains of pages that long values go on in. A library would want the file on disk, with an index beside it that it writes.
const sqliteMagic = "SQLite format 3\x00"

const (
	pageInterior, pageLeaf = 0x05, 0x0d
	maxTreeDepth           = 20 // SQLite's own limit
	maxValue               = 64 << 20
)

// sqlite is a database in memory. changed holds the pages that stand in its write-ahead log.
type sqlite struct {
	file    []byte
	size    int // of a page
	usable  int // of it
	pages   int
	changed map[uint32][]byte
	visits  int // pages that were read, so that a tree that leads in circles ends
}

func readSQLite(file, wal []byte, each func(blob []byte) error) error {
	if len(file) < 512 {
		return errDamaged
	}
	db := &sqlite{file: file, size: int(binary.BigEndian.Uint16(file[16:]))}
	if db.size == 1 {
		db.size = 65536
	}
	if db.size < 512 || db.size&(db.size-1) != 0 {
		return errDamaged
	}
	db.usable = db.size - int(file[20])
	db.pages = len(file) / db.size
	if err := db.apply(wal); err != nil {
		return err
	}
	if db.usable < 480 {
		return errDamaged
	}
	root := uint32(0)
	err := db.table(1, 0, func(payload []byte) error {
		columns, err := record(payload, 5) // type, name, tbl_name, rootpage, sql
		if err == nil && string(columns[0].bytes) == "table" && string(columns[1].bytes) == "Packages" && columns[3].number > 0 && columns[3].number <= math.MaxUint32 {
			root = uint32(columns[3].number)
		}
		return err
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return errDamaged
	}
	return db.table(root, 0, func(payload []byte) error {
		columns, err := record(payload, 2)
		if err != nil {
			return err
		}
		return each(columns[1].bytes)
	})
}

// page returns a page by its number, from 1.
func (db *sqlite) page(n uint32) ([]byte, error) {
	if db.visits++; db.visits > 4*db.pages+64 {
		return nil, errDamaged
	}
	if p, ok := db.changed[n]; ok {
		return p, nil
	}
	if n == 0 || int64(n) > int64(len(db.file)/db.size) || int64(n) > int64(db.pages) {
		return nil, errDamaged
	}
	return db.file[(int64(n)-1)*int64(db.size):][:db.size], nil
}

// table walks a table's tree and calls each with the payload of each row.
func (db *sqlite) table(root uint32, depth int, each func(payload []byte) error) error {
	page, err := db.page(root)
	if err != nil || depth > maxTreeDepth {
		return errDamaged
	}
	at := 0
	if root == 1 {
		at = 100 // behind the database's own header
	}
	kind, cells := page[at], int(binary.BigEndian.Uint16(page[at+3:]))
	pointers := at + 8
	if kind == pageInterior {
		pointers = at + 12
	} else if kind != pageLeaf {
		return errDamaged
	}
	if pointers+2*cells > db.usable {
		return errDamaged
	}
	for i := range cells {
		cell := int(binary.BigEndian.Uint16(page[pointers+2*i:]))
		if cell+4 > db.usable {
			return errDamaged
		}
		if kind == pageInterior {
			if err := db.table(binary.BigEndian.Uint32(page[cell:]), depth+1, each); err != nil {
				return err
			}
			continue
		}
		payload, err := db.payload(page[cell:db.usable])
		if err == nil {
			err = each(payload)
		}
		if err != nil {
			return err
		}
	}
	if kind == pageInterior {
		return db.table(binary.BigEndian.Uint32(page[at+8:]), depth+1, each)
	}
	return nil
}

// payload is a row's bytes: what its cell holds, and the chain of pages behind that.
func (db *sqlite) payload(cell []byte) ([]byte, error) {
	size, n := varint(cell)
	_, m := varint(cell[n:]) // the row's number
	if n == 0 || m == 0 || size < 0 || size > maxValue {
		return nil, errDamaged
	}
	cell = cell[n+m:]
	local := int64(db.usable - 35)
	if size > local {
		least := int64((db.usable-12)*32/255 - 23)
		if local = least + (size-least)%int64(db.usable-4); local > int64(db.usable-35) {
			local = least
		}
	} else {
		local = size
	}
	if int64(len(cell)) < local {
		return nil, errDamaged
	}
	if size == local {
		return cell[:size], nil
	}
	if int64(len(cell)) < local+4 || size > int64(db.pages)*int64(db.size) {
		return nil, errDamaged
	}
	out := append(make([]byte, 0, size), cell[:local]...)
	for next := binary.BigEndian.Uint32(cell[local:]); int64(len(out)) < size; {
		page, err := db.page(next)
		if err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		out = append(out, page[4:4+min(int64(db.usable-4), size-int64(len(out)))]...)
	}
	return out, nil
}

// column is one value of a record: an integer, or the bytes of a text or blob.
type column struct {
	number int64
	bytes  []byte
}

// record reads the first n columns of a record.
func record(payload []byte, n int) ([]column, error) {
	size, at := varint(payload)
	if at == 0 || size < int64(at) || size > int64(len(payload)) {
		return nil, errDamaged
	}
	types, values := payload[at:size], payload[size:]
	columns := make([]column, n)
	for i := range columns {
		kind, m := varint(types)
		if m == 0 || kind < 0 {
			return nil, errDamaged
		}
		types = types[m:]
		length := int64(0)
		switch {
		case kind >= 12:
			length = (kind - 12) / 2
		case kind == 5:
			length = 6
		case kind == 6, kind == 7:
			length = 8
		case kind >= 1 && kind <= 4:
			length = kind
		}
		if length > int64(len(values)) {
			return nil, errDamaged
		}
		if columns[i].bytes = values[:length]; kind >= 1 && kind <= 6 {
			for _, b := range columns[i].bytes {
				columns[i].number = columns[i].number<<8 | int64(b)
			}
		}
		if kind == 9 {
			columns[i].number = 1
		}
		values = values[length:]
	}
	return columns, nil
}

// varint reads SQLite's integer of one to nine bytes and says how many it took, 0 where there are too few.
func varint(b []byte) (int64, int) {
	var v uint64
	for i, c := range b {
		if i == 8 {
			return int64(v<<8 | uint64(c)), 9
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return int64(v), i + 1
		}
	}
	return 0, 0
}
