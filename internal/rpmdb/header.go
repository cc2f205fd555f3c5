package rpmdb

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// The tags and types of a header that are read (rpm, "RPM V4 Package format": header structure; rpmtag.h).
const (
	tagName, tagVersion, tagRelease, tagEpoch, tagArch = 1000, 1001, 1002, 1003, 1022
	typeInt32, typeString                              = 4, 6
)

// header reads a package's header as a database holds it: the number of index entries, the bytes of data, the entries (tag, type, offset, count), and the data, all in network order.
func header(blob []byte) (Package, error) {
	var p Package
	if len(blob) < 8 {
		return p, errDamaged
	}
	entries, size := binary.BigEndian.Uint32(blob), binary.BigEndian.Uint32(blob[4:])
	rest := blob[8:]
	if uint64(entries)*16+uint64(size) > uint64(len(rest)) {
		return p, errDamaged
	}
	data := rest[entries*16:][:size]
	release := ""
	for i := range entries {
		entry := rest[i*16:]
		tag, kind, offset, count := binary.BigEndian.Uint32(entry), binary.BigEndian.Uint32(entry[4:]), binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		var to *string
		switch tag {
		case tagName:
			to = &p.Name
		case tagVersion:
			to = &p.Version
		case tagRelease:
			to = &release
		case tagArch:
			to = &p.Arch
		case tagEpoch:
			if kind != typeInt32 || count != 1 || uint64(offset)+4 > uint64(size) {
				return p, errDamaged
			}
			p.Epoch = strconv.FormatUint(uint64(binary.BigEndian.Uint32(data[offset:])), 10)
			continue
		default:
			continue
		}
		if kind != typeString || count != 1 || offset >= size {
			return p, errDamaged
		}
		text, _, ended := bytes.Cut(data[offset:], []byte{0})
		if !ended || len(text) > 1024 {
			return p, errDamaged
		}
		*to = string(text)
	}
	if p.Name == "" || p.Version == "" || release == "" {
		return p, errDamaged
	}
	p.Version += "-" + release
	return p, nil
}
