package onmariadb

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/mysql"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

func TestMain(m *testing.M) { testservers.Main(m) }

// everywhere is a database in which people are where nobody looks. All its people have Quillfeather in their names, and all their telephones 8675309.
const everywhere = `
SET sql_mode = '';
CREATE TABLE users (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, email varchar(120) NOT NULL UNIQUE, full_name varchar(80) NOT NULL COMMENT 'as in the passport', born date NOT NULL DEFAULT '0000-00-00', seen datetime NULL, state enum('new','paid') NOT NULL DEFAULT 'new',
	shown varchar(80) AS (upper(full_name)) STORED, initial varchar(1) AS (left(full_name, 1)) VIRTUAL, profile longtext CHECK (json_valid(profile)), phone varchar(30), age tinyint unsigned, raw blob, KEY shown (shown)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO users (email, full_name, born, seen, state, profile, phone, age, raw)
SELECT concat('Ann.Quillfeather', seq, '@mail.example'), concat('Ann Quillfeather', char(65 + seq % 26), char(97 + seq DIV 26)), CASE WHEN seq % 7 = 0 THEN '0000-00-00' WHEN seq % 11 = 0 THEN '1987-00-00' ELSE '1987-05-12' + INTERVAL seq DAY END,
	CASE WHEN seq % 5 = 0 THEN '0000-00-00 00:00:00' ELSE '2026-01-01 10:20:30' END, 'paid', json_object('name', 'Ann Quillfeather', 'tel', '+49 170 8675309', 'n', seq), '0170 8675309', seq % 99, concat('quillfeather', seq, char(0), char(255)) FROM seq_1_to_200;
CREATE TABLE audit_log (id int AUTO_INCREMENT PRIMARY KEY, old_row text, changed longtext) ENGINE=InnoDB;
INSERT INTO audit_log (old_row, changed) SELECT concat(full_name, ' has now ', email, ', tel. 0170 8675309'), profile FROM users;
CREATE TABLE sessions (id char(40) PRIMARY KEY, payload mediumblob NOT NULL, ip varchar(45)) ENGINE=InnoDB;
INSERT INTO sessions SELECT sha1(seq), concat('user|s:12:"quillfeather', seq, '";'), '10.1.2.3' FROM seq_1_to_60;
CREATE TABLE jobs (id int AUTO_INCREMENT PRIMARY KEY, queue varchar(20), payload longtext, error text) ENGINE=InnoDB;
INSERT INTO jobs (queue, payload, error) SELECT 'mail', concat('O:4:"Mail":1:{s:2:"to";s:29:"ann.quillfeather@mail.example";}'), 'no route to quillfeather' FROM seq_1_to_60;
CREATE TABLE notes (id int PRIMARY KEY, body text, old varchar(60) CHARACTER SET latin1, bin varbinary(60), FULLTEXT KEY words (body)) ENGINE=InnoDB;
INSERT INTO notes SELECT seq, CASE seq % 4 WHEN 0 THEN '\\N' WHEN 1 THEN 'quillfeather\ttab \\ and "quotes"' WHEN 2 THEN concat('quillfeather 😀', char(26), 'x') ELSE '' END, concat('Müller-Quillfeather ', seq), concat(char(0), 'quillfeather', char(200)) FROM seq_1_to_40;
CREATE VIEW people AS SELECT id, full_name, email FROM users;
ANALYZE TABLE users PERSISTENT FOR ALL;
`

type story struct {
	server *testservers.MariaServer
	source string
	src    engine.DB
	sch    *schema.Database
}

func newStory(t *testing.T, script string) *story {
	t.Helper()
	server := testservers.MariaDB(t)
	s := &story{server: server, source: server.NewDatabase(t)}
	server.Exec(t, s.source, script)
	s.src = s.open(t, server.DSN(s.source), engine.ReadOnly)
	var err error
	if s.sch, err = s.src.Schema(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) open(t *testing.T, dsn string, mode engine.Mode) engine.DB {
	t.Helper()
	db, err := mysql.New().Open(t.Context(), engine.Target{Engine: "mysql", DSN: dsn, Display: "test"}, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// copied builds a sanitised copy by what scan proposes.
func (s *story) copied(t *testing.T, use sanitize.Use) engine.DB {
	t.Helper()
	policy, _, err := sanitize.Scan(t.Context(), s.src, s.sch, nil, sanitize.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sanitize.NewPlan(policy, s.sch, use, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Parse("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")
	if err != nil {
		t.Fatal(err)
	}
	built, err := sanitize.Build(t.Context(), s.src, engine.Target{Engine: "mysql", DSN: s.server.DSN(""), Display: "scratch"}, t.TempDir(), s.sch, plan, key, sanitize.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.src.Engine().DropScratch(context.WithoutCancel(t.Context()), built.Target); err != nil {
			t.Error(err)
		}
	})
	return s.open(t, built.Target.DSN, engine.Scratch)
}

func ask(t *testing.T, db engine.DB, sql string) string {
	t.Helper()
	var lines []string
	if err := db.Query(t.Context(), sql, func(r engine.Row) error { lines = append(lines, string(r[0].Data)); return nil }); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, "\n")
}

func TestNobodyIsLeftAnywhereInACopy(t *testing.T) {
	s := newStory(t, everywhere)
	for _, use := range []sanitize.Use{sanitize.Keepable, sanitize.Rehearsal} {
		db := s.copied(t, use)
		name := ask(t, db, "SELECT database()")
		dump, err := exec.Command("mariadb-dump", "-h127.0.0.1", fmt.Sprintf("-P%d", s.server.Port), "-uroot", "--routines", "--skip-ssl", name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, dump)
		}
		everything := string(dump) + ask(t, db, "SELECT concat_ws(' ', min_value, max_value, histogram) FROM mysql.column_stats WHERE db_name = "+"database()") + ask(t, db, "SELECT concat_ws(' ', convert(payload using latin1)) FROM sessions")
		for _, raw := range []string{"quillfeather", "8675309", "mail.example"} {
			if i := strings.Index(strings.ToLower(everything), raw); i >= 0 {
				t.Errorf("use %d: %q is in the copy: …%s…", use, raw, everything[max(0, i-200):min(len(everything), i+60)])
			}
		}
		for sql, want := range map[string]string{
			"SELECT count(*) FROM users WHERE born = '0000-00-00' AND id % 7 = 0":                                           "28",
			"SELECT count(*) FROM users WHERE seen = '0000-00-00 00:00:00'":                                                 "40",
			"SELECT count(*) FROM users WHERE state = 'paid' AND shown = upper(full_name) AND initial = left(full_name, 1)": "200",
			"SELECT count(*) FROM users WHERE json_valid(profile) AND json_value(profile, '$.name') <> ''":                  "200",
			"SELECT count(*) FROM users WHERE email LIKE '%.invalid'":                                                       "200",
			"SELECT count(*) FROM notes WHERE char_length(body) = 2 AND id % 4 = 0":                                         "10",
			"SELECT count(*) FROM notes WHERE body = '' AND id % 4 = 3":                                                     "10",
			"SELECT count(*) FROM notes WHERE old LIKE '_üller-%' OR char_length(old) BETWEEN 21 AND 22":                    "40",
			"SELECT count(*) FROM people": "200",
		} {
			if got := ask(t, db, sql); got != want {
				t.Errorf("use %d: %s is %s, want %s", use, sql, got, want)
			}
		}
	}
}

// TestWideTablesAreCopied: 1,600 columns, more than InnoDB can have.
func TestWideTablesAreCopied(t *testing.T) {
	var columns, values []string
	for i := range 1600 {
		columns = append(columns, fmt.Sprintf("c%d tinytext", i))
		values = append(values, fmt.Sprintf("'q%d'", i))
	}
	s := newStory(t, "CREATE TABLE wide (id int PRIMARY KEY, "+strings.Join(columns, ", ")+") ENGINE=MyISAM; INSERT INTO wide VALUES (1, "+strings.Join(values, ", ")+")")
	db := s.copied(t, sanitize.Keepable)
	if got := ask(t, db, "SELECT c1599 FROM wide"); len(got) != 5 || got == "q1599" {
		t.Errorf("got %q", got)
	}
}
