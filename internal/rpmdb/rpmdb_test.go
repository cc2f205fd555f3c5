package rpmdb

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // writes the databases that are read here without it
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

func exec(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.Exec(text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

// SQLite itself is the oracle: of any size of page, with what is in the log alone, after parts of the log were written into the database, and with what was never committed.
func TestSQLite(t *testing.T) {
	for _, size := range []int{512, 1024, 4096, 65536} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rpmdb.sqlite")
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			for _, text := range []string{fmt.Sprintf("PRAGMA page_size=%d", size), "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
				"CREATE TABLE 'Name' (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)", "CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC)"} {
				exec(t, db, text)
			}
			all, blobs := some(160)
			check := func(what string, want []Package) {
				t.Helper()
				got, err := Read(read(t, path), read(t, path+"-wal"))
				if d := cmp.Diff(want, got); d != "" || err != nil {
					t.Fatalf("%s: %v %.2000s", what, err, d)
				}
			}
			check("no packages", nil)
			for i, b := range blobs[:100] {
				exec(t, db, "INSERT INTO Packages(hnum, blob) VALUES(?, ?)", i+1, b)
			}
			check("all in the log", all[:100])
			exec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			check("nothing in the log", all[:100])
			for i, b := range blobs[100:] {
				exec(t, db, "INSERT INTO Packages(hnum, blob) VALUES(?, ?)", i+101, b)
			}
			check("some in the log", all)
			exec(t, db, "PRAGMA wal_checkpoint(PASSIVE)")
			exec(t, db, "DELETE FROM Packages WHERE hnum > 80")
			check("the log is written over from its start", all[:80])
			exec(t, db, "PRAGMA cache_size=1")
			exec(t, db, "BEGIN")
			exec(t, db, "DELETE FROM Packages")
			for i := range 60 {
				exec(t, db, "INSERT INTO Packages(hnum, blob) VALUES(?, zeroblob(5000))", i+1)
			}
			check("pages that were never committed", all[:80])
		})
	}
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

func TestWhatIsNoDatabase(t *testing.T) {
	if _, err := Read([]byte("\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x61\x15\x06\x00"), nil); !errors.Is(err, ErrFormat) { // Berkeley DB
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
	path := filepath.Join(f.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, text := range []string{"PRAGMA page_size=512", "PRAGMA journal_mode=WAL", "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"} {
		exec(f, db, text)
	}
	for _, b := range blobs {
		exec(f, db, "INSERT INTO Packages(blob) VALUES(?)", b)
	}
	f.Add(read(f, path), read(f, path+"-wal"))
	exec(f, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	f.Add(read(f, path), []byte(nil))
	f.Fuzz(func(t *testing.T, database, wal []byte) {
		all, err := Read(database, wal)
		if err != nil && len(all) > 0 {
			t.Errorf("%d packages beside the error %v", len(all), err)
		}
	})
}
