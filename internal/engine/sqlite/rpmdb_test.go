package sqlite_test

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/rpmdb"
)

// header is one of a package as rpm's databases hold it, with as many bytes of other data as filler says.
func header(p rpmdb.Package, filler int) []byte {
	data := make([]byte, filler, filler+100)
	index := []byte{}
	for tag, text := range map[uint32]string{1000: p.Name, 1001: "1", 1002: "1.el9", 1022: p.Arch} {
		for _, n := range []uint32{tag, 6, uint32(len(data)), 1} { // 6 is STRING
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(append(data, text...), 0)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, index...), data...)
}

// some are packages whose headers take from a few bytes to hundreds of pages.
func some(n int) (all []rpmdb.Package, blobs [][]byte) {
	for i := range n {
		p := rpmdb.Package{Name: fmt.Sprintf("package%d", i), Version: "1-1.el9", Arch: "x86_64"}
		all, blobs = append(all, p), append(blobs, header(p, i*i*3%60_000))
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

// SQLite is the oracle of internal/rpmdb, which reads its files without it, for the fuzzer would be slow beside it: of any size of page, with what is in the log alone, after parts of the log were written into the database, and with what was never committed.
func TestRpmsDatabases(t *testing.T) {
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
			check := func(what string, want []rpmdb.Package) {
				t.Helper()
				got, err := rpmdb.Read(read(t, path), read(t, path+"-wal"))
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
