package cmd

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// same DIR remembers every file of a directory the first time, and fails when one
// has changed, gone or come the next time.
func same(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	now := listing(ts, dir)
	memory := ts.MkAbs(".same-" + strings.ReplaceAll(args[0], "/", "_"))
	before, err := os.ReadFile(memory)
	if err != nil {
		ts.Check(os.WriteFile(memory, []byte(now), 0o600))
		return
	}
	if string(before) != now {
		ts.Fatalf("%s has changed:\n before\n%s now\n%s", args[0], before, now)
	}
}

func listing(ts *testscript.TestScript, dir string) string {
	var lines []string
	ts.Check(filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sum := [32]byte{}
		if d.Type().IsRegular() {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			sum = sha256.Sum256(text)
		}
		lines = append(lines, fmt.Sprintf("%s %x\n", p, sum[:8]))
		return nil
	}))
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// sql FILE SQL runs a statement in a database, which it makes if need be.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// answers FILE QUERY WANT: what a SQLite file answers to a question with one value.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	var got string
	ts.Check(db.QueryRow(args[1]).Scan(&got))
	if got != args[2] {
		ts.Fatalf("%s answers %q, want %q", args[0], got, args[2])
	}
}

// applySQL is a migration tool of its own kind: it runs the file of its argument where DATABASE_URL points to, and prints what it likes.
func applySQL() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		var db *sql.DB
		if db, err = sql.Open("sqlite", strings.TrimPrefix(os.Getenv("DATABASE_URL"), "sqlite:")); err == nil {
			_, err = db.Exec(string(text))
		}
	}
	if err != nil || os.Getenv("PRODUCTION_URL") != "" {
		fmt.Println("user-7@mail.example:", err, os.Getenv("PRODUCTION_URL"))
		os.Exit(3)
	}
}

// alike FILE FILE TABLE…: two SQLite files hold the same rows.
func alike(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("ATTACH ? AS other", ts.MkAbs(args[1]))
	ts.Check(err)
	for _, table := range args[2:] {
		var rows, extra int
		ts.Check(db.QueryRow("SELECT (SELECT count(*) FROM main."+table+") - (SELECT count(*) FROM other."+table+"), (SELECT count(*) FROM (SELECT * FROM main."+table+" EXCEPT SELECT * FROM other."+table+"))").Scan(&rows, &extra))
		if rows != 0 || extra != 0 {
			ts.Fatalf("%s differs: %d rows more, %d others", table, rows, extra)
		}
	}
}
