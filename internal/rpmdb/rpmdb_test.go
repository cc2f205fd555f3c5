package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// blob is a header as rpm's databases hold it, with as many bytes of other data as filler says.
func blob(p Package, filler int) []byte {
	version, release, _ := strings.Cut(p.Version, "-")
	var index, data bytes.Buffer
	entry := func(tag, kind uint32, text []byte) {
		for _, n := range []uint32{tag, kind, uint32(data.Len()), 1} {
			_ = binary.Write(&index, binary.BigEndian, n)
		}
		data.Write(text)
	}
	entry(1, 7, bytes.Repeat([]byte{7}, filler)) // 7 is BIN
	if p.Epoch != "" {
		for data.Len()%4 != 0 {
			data.WriteByte(0)
		}
		var epoch uint32
		fmt.Sscan(p.Epoch, &epoch)
		entry(tagEpoch, typeInt32, binary.BigEndian.AppendUint32(nil, epoch))
	}
	for tag, text := range map[uint32]string{tagName: p.Name, tagVersion: version, tagRelease: release, tagArch: p.Arch} {
		entry(tag, typeString, append([]byte(text), 0))
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(index.Len()/16))
	out = binary.BigEndian.AppendUint32(out, uint32(data.Len()))
	return append(append(out, index.Bytes()...), data.Bytes()...)
}

// some are packages whose headers take from a few bytes to hundreds of pages.
func some(n int) (all []Package, blobs [][]byte) {
	for i := range n {
		p := Package{Name: fmt.Sprintf("package%d", i), Version: fmt.Sprintf("1.%d-1.el9", i), Arch: "x86_64"}
		if i%7 == 0 {
			p.Epoch = fmt.Sprint(i)
		}
		all = append(all, p)
		blobs = append(blobs, blob(p, i*i*3%60_000))
	}
	return all, blobs
}

// ndb makes a database of rpm's own format.
func ndb(blobs [][]byte) []byte {
	le := binary.LittleEndian
	pages := len(blobs)/200 + 1
	out := make([]byte, pages*ndbPage)
	copy(out, ndbMagic)
	le.PutUint32(out[12:], uint32(pages))
	for at := 32; at < len(out); at += 16 {
		copy(out[at:], ndbSlotMagic)
	}
	for i, b := range blobs {
		slot := out[32+16*i:]
		start := len(out)
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(start/16))
		out = append(append(out, ndbBlobMagic...), make([]byte, 12)...)
		le.PutUint32(out[start+4:], uint32(i+1))
		le.PutUint32(out[start+12:], uint32(len(b)))
		out = append(append(out, b...), "adler..gen.size"...)
		for len(out)%16 != 0 {
			out = append(out, 0)
		}
		slot = out[32+16*i:]
		le.PutUint32(slot[12:], uint32((len(out)-start)/16))
	}
	return out
}

func TestNDB(t *testing.T) {
	want, blobs := some(500)
	got, err := Read(ndb(blobs), nil)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v %.2000s", err, d)
	}
}

// bdbOf makes a hash table of Berkeley DB: two packages a page, every third on the page itself, if it is short.
func bdbOf(order binary.ByteOrder, blobs [][]byte) []byte {
	const size = 4096
	page := func(n int, kind byte) []byte {
		p := make([]byte, size)
		order.PutUint32(p[8:], uint32(n))
		p[25] = kind
		return p
	}
	var hashes, chains [][]byte
	first := 1 + (len(blobs)+2)/2 // behind the pages of the table
	end := 0
	put := func(item []byte) {
		p := hashes[len(hashes)-1]
		end -= len(item)
		copy(p[end:], item)
		n := order.Uint16(p[20:])
		order.PutUint16(p[bdbHead+2*n:], uint16(end))
		order.PutUint16(p[20:], n+1)
	}
	number := func(n int) []byte {
		key := make([]byte, 5)
		key[0] = bdbHere
		order.PutUint32(key[1:], uint32(n))
		return key
	}
	for i, b := range append([][]byte{{1, 2, 3, 4}}, blobs...) { // rpm's own count comes first
		if i%2 == 0 {
			hashes = append(hashes, page(len(hashes)+1, []byte{bdbUnsorted, bdbSorted}[i/2%2]))
			end = size
		}
		put(number(i))
		if i%3 == 0 && len(b) < 1000 {
			put(append([]byte{bdbHere}, b...))
			continue
		}
		item := make([]byte, 12)
		item[0] = bdbElsewhere
		order.PutUint32(item[4:], uint32(first+len(chains)))
		order.PutUint32(item[8:], uint32(len(b)))
		put(item)
		for rest := b; len(rest) > 0; {
			p := page(first+len(chains), bdbOverflow)
			n := copy(p[bdbHead:], rest)
			order.PutUint16(p[22:], uint16(n))
			if rest = rest[n:]; len(rest) > 0 {
				order.PutUint32(p[16:], uint32(first+len(chains)+1))
			}
			chains = append(chains, p)
		}
	}
	for len(hashes) < first-1 {
		hashes = append(hashes, page(len(hashes)+1, 0))
	}
	meta := page(0, 8)
	order.PutUint32(meta[12:], bdbMagic)
	order.PutUint32(meta[20:], size)
	order.PutUint32(meta[32:], uint32(len(hashes)+len(chains)))
	return bytes.Join(append([][]byte{meta}, append(hashes, chains...)...), nil)
}

// Real databases gave what rpm -qa gave: one of Mariner 2.0 as SQLite and as Berkeley DB that db5.3_load made, of 129 packages; one of SUSE's images as ndb; one of RHEL 8.
func TestBerkeleyDB(t *testing.T) {
	want, blobs := some(90)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		got, err := Read(bdbOf(order, blobs), nil)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v: %v %.2000s", order, err, d)
		}
	}
}

// sqliteOf makes a database of pages of 512 bytes with a table in a single leaf, for packages whose headers are short. SQLite itself is the oracle of what is read, in internal/engine/sqlite.
func sqliteOf(blobs [][]byte) []byte {
	be := binary.BigEndian
	out := make([]byte, 1024)
	copy(out, sqliteMagic)
	be.PutUint16(out[16:], 512)
	leaf := func(page []byte, at int, cells ...[]byte) {
		page[at] = pageLeaf
		be.PutUint16(page[at+3:], uint16(len(cells)))
		end := 512
		for i, c := range cells {
			end -= len(c)
			copy(page[end:], c)
			be.PutUint16(page[at+8+2*i:], uint16(end))
		}
	}
	cell := func(row byte, header, values []byte) []byte {
		record := append(append([]byte{byte(len(header) + 1)}, header...), values...)
		return append([]byte{0x80 | byte(len(record)>>7), byte(len(record) & 0x7f), row}, record...)
	}
	leaf(out[:512], 100, cell(1, []byte{23, 29, 29, 1, 13}, []byte("table"+"Packages"+"Packages"+"\x02")))
	var cells [][]byte
	for i, b := range blobs {
		if len(b) < 200 && len(cells) < 2 {
			size := len(b)*2 + 12
			cells = append(cells, cell(byte(i+1), []byte{0, 0x80 | byte(size>>7), byte(size & 0x7f)}, b))
		}
	}
	leaf(out[512:], 0, cells...)
	return out
}

func TestSmallSQLite(t *testing.T) {
	want, blobs := some(2)
	got, err := Read(sqliteOf(blobs), nil)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestWhatIsNoDatabase(t *testing.T) {
	if _, err := Read([]byte("PK\x03\x04"), nil); !errors.Is(err, ErrFormat) {
		t.Errorf("%v", err)
	}
	_, blobs := some(3)
	whole := ndb(blobs)
	for n := 5; n < len(whole); n += 97 {
		if all, err := Read(whole[:n], nil); err == nil {
			t.Errorf("cut at %d it holds %d packages", n, len(all))
		}
	}
}

func FuzzRead(f *testing.F) {
	_, blobs := some(8)
	f.Add(ndb(blobs), []byte(nil))
	f.Add(bdbOf(binary.LittleEndian, blobs), []byte(nil))
	f.Add(sqliteOf(blobs), []byte(nil))
	f.Add(sqliteOf(blobs), []byte("\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x02\x00"+strings.Repeat("\x00", 20+24+512)))
	f.Fuzz(func(t *testing.T, database, wal []byte) {
		all, err := Read(database, wal)
		if err != nil && len(all) > 0 {
			t.Errorf("%d packages beside the error %v", len(all), err)
		}
	})
}
