package rpmdb

import "encoding/binary"

// rpm's own format, in little-endian order (rpm, lib/backend/ndb/rpmpkg.c): a header of 32 bytes, pages of 4096 bytes with slots of 16 bytes that say where packages lie, in blocks of 16 bytes, and the packages.
const (
	ndbMagic     = "RpmP"
	ndbSlotMagic = "Slot"
	ndbBlobMagic = "BlbS"
	ndbBlock     = 16
	ndbPage      = 4096
)

func readNDB(db []byte, each func(blob []byte) error) error {
	if len(db) < 32 {
		return errDamaged
	}
	if binary.LittleEndian.Uint32(db[4:]) != 0 {
		return ErrFormat
	}
	pages := uint64(binary.LittleEndian.Uint32(db[12:]))
	if pages == 0 || pages*ndbPage > uint64(len(db)) {
		return errDamaged
	}
	for at := uint64(2 * ndbBlock); at < pages*ndbPage; at += ndbBlock { // the first two slots are the header
		slot := db[at:]
		if string(slot[:4]) != ndbSlotMagic {
			return errDamaged
		}
		index, block, count := binary.LittleEndian.Uint32(slot[4:]), uint64(binary.LittleEndian.Uint32(slot[8:])), uint64(binary.LittleEndian.Uint32(slot[12:]))
		if index == 0 {
			continue
		}
		if (block+count)*ndbBlock > uint64(len(db)) || count < 1 {
			return errDamaged
		}
		blob := db[block*ndbBlock : (block+count)*ndbBlock]
		size := uint64(binary.LittleEndian.Uint32(blob[12:]))
		if string(blob[:4]) != ndbBlobMagic || binary.LittleEndian.Uint32(blob[4:]) != index || size > uint64(len(blob))-ndbBlock {
			return errDamaged
		}
		if err := each(blob[ndbBlock:][:size]); err != nil {
			return err
		}
	}
	return nil
}
