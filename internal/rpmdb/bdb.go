package rpmdb

import "encoding/binary"

// Berkeley DB's hash tables (Oracle, dbinc/db_page.h and hash.h), which rpm wrote until 4.15: pages that begin with 26 bytes of their own, a list of where on the page the items lie, keys and values in turn,
// and chains of pages for values that are too long.
const (
	bdbMagic                            = 0x061561
	bdbHead                             = 26
	bdbUnsorted, bdbSorted, bdbOverflow = 2, 13, 7 // kinds of pages
	bdbHere, bdbElsewhere               = 1, 3     // kinds of items: on the page, or in a chain
)

// bdbOrder is the byte order of a database of Berkeley DB, nil for anything else.
func bdbOrder(db []byte) binary.ByteOrder {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(db) >= 512 && order.Uint32(db[12:]) == bdbMagic {
			return order
		}
	}
	return nil
}

// bdb is a database in memory.
type bdb struct {
	file   []byte
	size   int // of a page
	order  binary.ByteOrder
	chains int // pages of chains that were read, so that one that leads in circles ends
}

func readBDB(file []byte, order binary.ByteOrder, each func(blob []byte) error) error {
	db := &bdb{file: file, size: int(order.Uint32(file[20:])), order: order}
	if db.size < 512 || db.size > 64<<10 || db.size&(db.size-1) != 0 {
		return errDamaged
	}
	if file[24] != 0 { // encrypted
		return ErrFormat
	}
	last := int64(order.Uint32(file[32:]))
	if (last+1)*int64(db.size) > int64(len(file)) {
		return errDamaged
	}
	for n := int64(1); n <= last; n++ {
		page := file[n*int64(db.size):][:db.size]
		if kind := page[25]; kind != bdbUnsorted && kind != bdbSorted {
			continue
		}
		if err := db.items(page, each); err != nil {
			return err
		}
	}
	return nil
}

// items calls each with the values on a page. The key of a package is its number; 0 is rpm's own count.
func (db *bdb) items(page []byte, each func(blob []byte) error) error {
	count := int(db.order.Uint16(page[20:]))
	if count%2 != 0 || bdbHead+2*count > db.size {
		return errDamaged
	}
	end := db.size // items lie from the end of the page downwards
	for i := 0; i < count; i += 2 {
		key, value := int(db.order.Uint16(page[bdbHead+2*i:])), int(db.order.Uint16(page[bdbHead+2*i+2:]))
		if key < bdbHead || value < bdbHead || value >= key || key+5 > end {
			return errDamaged
		}
		number := db.order.Uint32(page[key+1:])
		item := page[value:key]
		end = value
		if number == 0 {
			continue
		}
		var blob []byte
		switch {
		case item[0] == bdbHere:
			blob = item[1:]
		case item[0] == bdbElsewhere && len(item) >= 12:
			var err error
			if blob, err = db.chain(db.order.Uint32(item[4:]), int64(db.order.Uint32(item[8:]))); err != nil {
				return err
			}
		default:
			return errDamaged
		}
		if err := each(blob); err != nil {
			return err
		}
	}
	return nil
}

// chain is a value that its own pages hold.
func (db *bdb) chain(next uint32, size int64) ([]byte, error) {
	if size > int64(len(db.file)) || size > maxValue {
		return nil, errDamaged
	}
	out := make([]byte, 0, size)
	for int64(len(out)) < size {
		at := int64(next) * int64(db.size)
		if db.chains++; next == 0 || at+int64(db.size) > int64(len(db.file)) || db.chains > 2*len(db.file)/db.size {
			return nil, errDamaged
		}
		page := db.file[at:][:db.size]
		used := int(db.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || bdbHead+used > db.size || used == 0 {
			return nil, errDamaged
		}
		out = append(out, page[bdbHead:][:min(int64(used), size-int64(len(out)))]...)
		next = db.order.Uint32(page[16:])
	}
	return out, nil
}
