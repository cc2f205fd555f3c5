package rpmdb

import "encoding/binary"

// apply reads a write-ahead log (sqlite.org, "WAL-mode File Format"): the pages of each transaction that was committed, the last of each counting. Frames of an earlier round of the log, which
// it is overwritten from the start in, have another salt; what comes behind a frame with a wrong sum was never written whole.
func (db *sqlite) apply(wal []byte) error {
	if len(wal) == 0 {
		return nil
	}
	if len(wal) < 32 {
		return nil // not even its header was written
	}
	var order binary.ByteOrder
	switch binary.BigEndian.Uint32(wal) {
	case 0x377f0682:
		order = binary.LittleEndian
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return errDamaged
	}
	if int(binary.BigEndian.Uint32(wal[8:])) != db.size {
		return errDamaged
	}
	salt := [2]uint32{binary.BigEndian.Uint32(wal[16:]), binary.BigEndian.Uint32(wal[20:])}
	sum := checksum(order, [2]uint32{}, wal[:24])
	if sum != [2]uint32{binary.BigEndian.Uint32(wal[24:]), binary.BigEndian.Uint32(wal[28:])} {
		return nil // as above: SQLite takes such a log for none
	}
	db.changed = map[uint32][]byte{}
	pending := map[uint32][]byte{}
	for frames := wal[32:]; len(frames) >= 24+db.size; frames = frames[24+db.size:] {
		head, page := frames[:24], frames[24:24+db.size]
		sum = checksum(order, checksum(order, sum, head[:8]), page)
		if [2]uint32{binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])} != salt ||
			sum != [2]uint32{binary.BigEndian.Uint32(head[16:]), binary.BigEndian.Uint32(head[20:])} {
			break
		}
		pending[binary.BigEndian.Uint32(head)] = page
		if pages := binary.BigEndian.Uint32(head[4:]); pages != 0 { // the transaction's last frame says how many pages the database then has
			for n, p := range pending {
				db.changed[n] = p
			}
			clear(pending)
			db.pages = int(pages)
		}
	}
	if db.pages > len(db.file)/db.size+len(db.changed) {
		return errDamaged
	}
	if first, ok := db.changed[1]; ok {
		db.usable = db.size - int(first[20])
	}
	return nil
}

// checksum goes on with a sum over b, whose length is a multiple of eight.
func checksum(order binary.ByteOrder, sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += order.Uint32(b) + sum[1]
		sum[1] += order.Uint32(b[4:]) + sum[0]
	}
	return sum
}
