package sqlite

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

const shop = `CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO users VALUES (1, 'a@x.example'), (2, 'b@x.example');`

// directory lists all files with their bytes and times; of a -shm, which belongs to
// running processes, only that it is there.
func directory(t *testing.T, path string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		line := e.Name()
		if !strings.HasSuffix(line, "-shm") {
			content, err := os.ReadFile(filepath.Join(filepath.Dir(path), line))
			if err != nil {
				t.Fatal(err)
			}
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %d bytes, %x, %s", len(content), sha256.Sum256(content), info.ModTime())
		}
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// readEverything does what a capture does.
func readEverything(t *testing.T, path string) (users string) {
	t.Helper()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Schema(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = db.CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "users"}, Columns: []string{"id", "email"}, OrderBy: []string{"email"}}, func(engine.Row) error {
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if counted := one(t, db, "SELECT count(*) FROM users"); counted != fmt.Sprint(n) {
		t.Fatalf("copied %d rows, counted %s", n, counted)
	}
	return fmt.Sprint(n)
}

// Each story leaves a directory behind that is read; none of its files may differ afterwards.
func TestReadingLeavesTheDirectoryAsItWas(t *testing.T) {
	for _, c := range []struct {
		name  string
		story func(t *testing.T, path string)
		files string // beside shop.db
		users string
	}{
		{"a database at rest", func(t *testing.T, path string) { makeFile(t, path, shop) }, "", "2"},
		{"WAL mode at rest", func(t *testing.T, path string) { makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop) }, "", "2"},
		{"a live writer with rows that are not checkpointed", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			startWriter(t, path).run("INSERT INTO users VALUES (3, 'c@x.example')")
		}, "-shm -wal", "3"},
		{"a live writer in the middle of a transaction", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			w := startWriter(t, path)
			w.run("INSERT INTO users VALUES (3, 'c@x.example')")
			w.run("BEGIN; INSERT INTO users SELECT value + 10, 'x' FROM " + series(5000))
		}, "-shm -wal", "3"},
		{"a live writer that has written nothing", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			startWriter(t, path).run("SELECT count(*) FROM users")
		}, "-shm -wal", "2"},
		{"a live writer after a checkpoint", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			w := startWriter(t, path)
			w.run("INSERT INTO users VALUES (3, 'c@x.example')")
			w.run("PRAGMA wal_checkpoint(TRUNCATE)")
			w.run("INSERT INTO users VALUES (4, 'd@x.example')")
			w.run("PRAGMA wal_checkpoint(RESTART)")
		}, "-shm -wal", "4"},
		{"a killed writer", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			w := startWriter(t, path)
			w.run("INSERT INTO users VALUES (3, 'c@x.example')")
			w.kill()
		}, "-shm -wal", "3"},
		{"a writer killed in the middle of a transaction", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			w := startWriter(t, path)
			w.run("INSERT INTO users VALUES (3, 'c@x.example')")
			w.run("BEGIN; INSERT INTO users SELECT value + 10, 'x' FROM " + series(5000))
			w.kill()
		}, "-shm -wal", "3"},
		{"an empty -wal alone", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
			touch(t, path+"-wal", "")
		}, "-wal", "2"},
		{"a journal that was finished and kept", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = PERSIST;"+shop+"UPDATE users SET email = 'x'")
		}, "-journal", "2"},
		{"a journal that was truncated", func(t *testing.T, path string) {
			makeFile(t, path, "PRAGMA journal_mode = TRUNCATE;"+shop+"UPDATE users SET email = 'x'")
		}, "-journal", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shop.db")
			c.story(t, path)
			if got := beside(t, path); got != c.files {
				t.Fatalf("the story left %q beside the database, want %q", got, c.files)
			}
			before := directory(t, path)
			if got := readEverything(t, path); got != c.users {
				t.Errorf("%s users, want %s", got, c.users)
			}
			if after := directory(t, path); after != before {
				t.Errorf("the directory changed\nbefore:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

func beside(t *testing.T, path string) string {
	t.Helper()
	names, err := filepath.Glob(path + "?*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], path)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

func touch(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReaderAndWriterDoNotDisturbEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c@x.example')")
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w.run("INSERT INTO users VALUES (4, 'd@x.example')")
	w.run("PRAGMA wal_checkpoint(PASSIVE)")
	w.run("DELETE FROM users")
	w.run("CREATE TABLE later (a)")
	if got := one(t, db, "SELECT count(*) FROM users"); got != "3" {
		t.Errorf("the reader sees %s users, want the 3 of its moment", got)
	}
	if model, err := db.Schema(t.Context()); err != nil || len(model.Tables) != 1 {
		t.Errorf("schema: %v", err)
	}
	db.Close()
	w.run("PRAGMA wal_checkpoint(TRUNCATE)")
	w.stop()
	if got := readEverything(t, path); got != "0" {
		t.Errorf("%s users after the writer went, want 0", got)
	}
}

// A writer may come back to a database whose last one was killed, while a reader has rebuilt
// the index of the -wal in its own memory.
func TestWriterReturnsBesideAReaderOfALeftoverWAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c@x.example')")
	w.kill()
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w = startWriter(t, path)
	w.run("INSERT INTO users SELECT value + 10, 'x' FROM " + series(3000))
	w.run("PRAGMA wal_checkpoint(PASSIVE)")
	if got := one(t, db, "SELECT count(*) FROM users"); got != "3" {
		t.Errorf("the reader sees %s users, want the 3 of its moment", got)
	}
	db.Close()
	w.stop()
	if got := readEverything(t, path); got != "3003" {
		t.Errorf("%s users, want 3003", got)
	}
}

// The second way to read beside a -wal, for when a live writer's index has no
// place for a reader that may not write to it.
func TestPlainReadOnlyKeepsALeftoverWAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c@x.example')")
	w.kill()
	before := directory(t, path)
	target := engine.Target{Engine: name, Path: path}
	f, err := look(target)
	if err != nil {
		t.Fatal(err)
	}
	db, err := openWith(t.Context(), target, f, "mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	if got := one(t, db, "SELECT count(*) FROM users"); got != "3" {
		t.Errorf("%s users, want 3", got)
	}
	db.Close()
	if after := directory(t, path); after != before {
		t.Errorf("the directory changed\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

func TestWALWithoutItsIndexIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c@x.example')")
	w.kill()
	if err := os.Remove(path + "-shm"); err != nil {
		t.Fatal(err)
	}
	before := directory(t, path)
	_, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path, Display: "sqlite:shop.db"}, engine.ReadOnly)
	if !errors.Is(err, engine.ErrUnsafeWAL) || !strings.Contains(err.Error(), "sqlite:shop.db") || !strings.Contains(err.Error(), "wal_checkpoint") {
		t.Errorf("want ErrUnsafeWAL with the target and what to do, got %v", err)
	}
	if after := directory(t, path); after != before {
		t.Errorf("the directory changed\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

// SQLite removes the -wal of an empty database, even where it may only read.
func TestWALOfAnEmptyFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c@x.example')")
	w.kill()
	touch(t, path, "")
	before := directory(t, path)
	if _, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("want an error about the empty file, got %v", err)
	}
	if after := directory(t, path); after != before {
		t.Errorf("the directory changed\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

func TestHalfWrittenTransactionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, shop)
	w := startWriter(t, path)
	w.run("PRAGMA journal_mode = DELETE")
	w.run("BEGIN; INSERT INTO users SELECT value + 10, 'x' FROM " + series(50000))
	w.kill()
	if got := beside(t, path); got != "-journal" {
		t.Fatalf("the killed writer left %q, want a journal", got)
	}
	before := directory(t, path)
	_, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err == nil || !strings.Contains(err.Error(), "shop.db-journal") {
		t.Errorf("want an error that names the journal, got %v", err)
	}
	if after := directory(t, path); after != before {
		t.Errorf("the directory changed\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

// Without a -wal no lock protects the reader: a change must become an error, never a wrong answer.
func TestChangeWhileReadingIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, shop)
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := one(t, db, "SELECT count(*) FROM users"); got != "2" {
		t.Fatalf("%s users", got)
	}
	w := startWriter(t, path)
	w.run("INSERT INTO users SELECT value + 10, 'x' FROM " + series(1000))
	read := engine.Read{Table: schema.Name{Name: "users"}, Columns: []string{"id"}}
	for what, err := range map[string]error{
		"query":    db.Query(t.Context(), "SELECT count(*) FROM users", func(engine.Row) error { return nil }),
		"copy":     db.CopyOut(t.Context(), read, func(engine.Row) error { return nil }),
		"schema":   func() error { _, err := db.Schema(t.Context()); return err }(),
		"identity": nil,
	} {
		if what != "identity" && (err == nil || !strings.Contains(err.Error(), "changed while it was read")) {
			t.Errorf("%s: want an error about the change, got %v", what, err)
		}
	}
	w.stop()
	if got := readEverything(t, path); got != "1002" {
		t.Errorf("a new reader sees %s users, want 1002", got)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	makeFile(t, good, shop+"CREATE TABLE big (a); INSERT INTO big SELECT hex(randomblob(500)) FROM "+series(200))
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	random := sha256.Sum256([]byte("a key"))
	for _, c := range []struct {
		name, content, want string
	}{
		{"text", "hello\n", "not a SQLite database"},
		{"an encrypted file", strings.Repeat(string(random[:]), 1000), "encrypted"},
		{"half a header", string(content[:50]), "damaged"},
		{"half a first page", string(content[:600]), "good.db"},
		{"half a file", string(content[:len(content)/2/4096*4096]), "good.db"},
		{"a damaged schema", string(content[:100]) + strings.Repeat("\xff", 3996) + string(content[4096:]), "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "good.db")
			touch(t, path, c.content)
			before := directory(t, path)
			db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path, Display: "sqlite:good.db"}, engine.ReadOnly)
			if err == nil {
				_, err = db.Schema(t.Context())
				if err == nil {
					err = db.CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "big"}, Columns: []string{"a"}}, func(engine.Row) error { return nil })
				}
				db.Close()
				if err != nil {
					err = fmt.Errorf("good.db: %w", err) // errors behind opening are named by the caller
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want an error with %q, got %v", c.want, err)
			}
			if after := directory(t, path); after != before {
				t.Error("the directory changed")
			}
		})
	}
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(t.TempDir(), "missing.db"), "no such file"},
		{"a directory", t.TempDir(), "is a directory"},
		{"a device", "/dev/null", "not a regular file"},
		{"nothing", "", "no file is named"},
	} {
		for _, mode := range []engine.Mode{engine.ReadOnly, engine.Scratch} {
			if _, err := New().Open(t.Context(), engine.Target{Engine: name, Path: c.path}, mode); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: want an error with %q, got %v", c.name, c.want, err)
			}
		}
		if c.name == "missing" {
			if _, err := os.Stat(c.path); err == nil {
				t.Error("opening made the missing file")
			}
		}
	}
}

func TestAnEmptyFileIsAnEmptyDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.db")
	touch(t, path, "")
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if model, err := db.Schema(t.Context()); err != nil || len(model.Tables) != 0 {
		t.Errorf("%v, %+v", err, model)
	}
}

func TestPathsAreNoURIs(t *testing.T) {
	dir := t.TempDir()
	files := []string{"a b.db", "a?mode=rwc.db", "a#b.db", "100%.db", "%41.db", "ä😀.db", "a&b=c.db", "a;b.db", "file:x.db", `a\b.db`, "a'b\".db"}
	for _, file := range files {
		path := filepath.Join(dir, file)
		makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
		if got := readEverything(t, path); got != "2" {
			t.Errorf("%s: %s users", file, got)
		}
	}
	strange := filepath.Join(dir, "wal ?#%.db")
	makeFile(t, strange, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, strange)
	w.run("INSERT INTO users VALUES (3, 'c')")
	if got := readEverything(t, strange); got != "3" {
		t.Errorf("beside a writer: %s users", got)
	}
	w.stop()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files)+1 {
		t.Errorf("the directory holds %v, want the %d databases", entries, len(files)+1)
	}
}

func TestSymbolicLinkLeadsToTheFilesBesideTheTarget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	makeFile(t, path, "PRAGMA journal_mode = WAL;"+shop)
	w := startWriter(t, path)
	w.run("INSERT INTO users VALUES (3, 'c')")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if got := readEverything(t, link); got != "3" {
		t.Errorf("%s users through the link, want 3", got)
	}
	ids := map[engine.Identity]bool{}
	for _, p := range []string{path, link} {
		db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: p}, engine.ReadOnly)
		if err != nil {
			t.Fatal(err)
		}
		id, err := db.Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = true
		db.Close()
	}
	if len(ids) != 1 {
		t.Errorf("one file has the identities %v", ids)
	}
}

// What a hostile schema or a policy's condition could try.
func TestReadOnlyCannotReachOtherFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "shop.db")
	makeFile(t, path, shop)
	db, err := New().Open(t.Context(), engine.Target{Engine: name, Path: path}, engine.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	other := filepath.Join(dir, "other.db")
	for _, sql := range []string{
		"ATTACH " + literal(other) + " AS other", "ATTACH 'file:" + other + "?mode=rwc' AS other", "VACUUM INTO " + literal(other), "VACUUM",
		"PRAGMA query_only = 0", "PRAGMA writable_schema = 1", "PRAGMA journal_mode = WAL", "PRAGMA user_version = 7", "SELECT load_extension('x')", "SELECT 1; DELETE FROM users",
		"CREATE TEMP TABLE x (a)",
	} {
		_ = db.Query(t.Context(), sql, func(engine.Row) error { return nil })
	}
	if err := db.CopyOut(t.Context(), engine.Read{Table: schema.Name{Name: "users"}, Columns: []string{"id"}, Where: "1); DELETE FROM users; --"}, func(engine.Row) error { return nil }); err == nil {
		t.Error("a condition with a second statement was taken")
	}
	if got := one(t, db, "SELECT count(*) FROM users"); got != "2" {
		t.Errorf("%s users", got)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("files appeared: %q", names)
	}
}
