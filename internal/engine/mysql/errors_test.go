package mysql

import (
	"context"
	"errors"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/envdiff/envdiff/internal/engine"
)

const secret = "Tok3n-Zebra-7741"

func TestErrorsNameThePlaceAndNoValue(t *testing.T) {
	_, base := arrange(t, "")
	at := scratch(t, base, "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(20), n INT, d DATE, en ENUM('a'), js JSON, p_id INT, `od'd` VARCHAR(9) NOT NULL, UNIQUE KEY s_key (s), CONSTRAINT small CHECK (n < 10), CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p (id))",
		"INSERT INTO p VALUES (1)", "INSERT INTO t VALUES (1, '"+secret+"', 1, NULL, NULL, NULL, 1, 'x')", "CREATE TABLE nulls (phone VARCHAR(50))", "INSERT INTO nulls VALUES (NULL)",
		"CREATE PROCEDURE refuse() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '"+secret+"'")
	s := sessionOf(t, at)
	for _, c := range []struct{ sql, code, constraint, table, column, says string }{
		{"INSERT INTO t VALUES (2, '" + secret + "', 1, NULL, NULL, NULL, 1, 'x')", "1062", "s_key", "", "", "duplicate values under unique key s_key"},
		{"INSERT INTO t VALUES (2, '" + secret + " for key ''x''', 1, NULL, NULL, NULL, 1, 'x')", "1406", "", "", "s", "too long in column s"},
		{"INSERT INTO t VALUES (2, 'x', 11, NULL, NULL, NULL, 1, 'x')", "4025", "small", "t", "", "violated check constraint small of table t"},
		{"INSERT INTO t VALUES (2, 'x', 1, NULL, NULL, NULL, 7, 'x')", "1452", "fk", "t", "p_id", "no referenced row for foreign key fk"},
		{"DELETE FROM p", "1451", "fk", "t", "p_id", "still referenced by foreign key fk"},
		{"INSERT INTO t (id, `od'd`) VALUES (2, NULL)", "1048", "", "", "", "null values"},
		{"INSERT INTO t (id) VALUES (2)", "1364", "", "", "", "no value, and no default"},
		{"UPDATE t SET n = '" + secret + "'", "1366", "", "t", "n", "not valid in column n of table t"},
		{"UPDATE t SET d = '" + secret + "'", "1292", "", "t", "d", "not valid in column d of table t"},
		{"UPDATE t SET n = 99999999999", "1264", "", "", "n", "out of range in column n"},
		{"UPDATE t SET en = '" + secret + "'", "1265", "", "", "en", "does not fit"},
		{"UPDATE t SET js = '" + secret + "'", "4025", "js", "t", "", "violated check constraint js"},
		{"ALTER TABLE nulls MODIFY phone VARCHAR(50) NOT NULL", "1265", "", "", "phone", "null where none may be in column phone"},
		{"ALTER TABLE t MODIFY s INT", "1292", "", "", "", "a value is not valid"},
		{"CALL refuse()", "1644", "", "", "", "the database's own code refused"},
		{"SELECT CAST('" + secret + "' AS DATE) + EXTRACTVALUE('<', '" + secret + "')", "", "", "", "", ""},
		{"SELECT * FROM t WHERE '" + secret + "' GRUOP BY 1", "1064", "", "", "", "syntax error at or near GRUOP at line 1"},
		{"SELECT '" + secret + "' '" + secret + "' 5 '", "1064", "", "", "", "syntax error at a literal"},
		{"SELECT " + `"` + secret + `"` + ".x FROM t", "1064", "", "", "", "syntax error"},
		{"SELECT nocol FROM t", "1054", "", "", "", "Unknown column 'nocol'"},
		{"CREATE TABLE t (a INT)", "1050", "", "", "", "'t' already exists"},
		{"ALTER TABLE t DROP COLUMN nocol", "1091", "", "", "", "nocol"},
		{"ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES nowhere (id)", "1005", "", "", "", "referenced table"},
	} {
		_, err := s.Exec(context.Background(), c.sql)
		if c.code == "" && err == nil {
			continue
		}
		var e *engine.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if c.code != "" && (e.Code != c.code || e.Constraint != c.constraint || e.Table != c.table || e.Column != c.column) || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s\ngot  %s %q %q %q: %s\nwant %s %q %q %q: %s", c.sql, e.Code, e.Constraint, e.Table, e.Column, e.Message, c.code, c.constraint, c.table, c.column, c.says)
		}
		if strings.Contains(e.Message+e.Constraint+e.Table+e.Column, secret) {
			t.Errorf("%s: the error holds the value", strings.ReplaceAll(c.sql, secret, "‹value›"))
		}
	}
}

// TestMySQLsOwnWords: what only MySQL 8 says. Its manuals give the texts.
func TestMySQLsOwnWords(t *testing.T) {
	for _, c := range []struct {
		number                                uint16
		text, constraint, table, column, says string
	}{
		{1062, "Duplicate entry '" + secret + "' for key 't.s_key'", "s_key", "t", "", "unique key s_key of table t"},
		{1062, "Duplicate entry 'x' for key 'y' " + secret + "' for key 't.PRIMARY'", "PRIMARY", "t", "", "unique key PRIMARY of table t"},
		{3819, "Check constraint 'small' is violated.", "small", "", "", "violated check constraint small"},
		{1366, "Incorrect integer value: '" + secret + "' for column 'n' at row 1", "", "", "n", "not valid in column n"},
		{1138, "Invalid use of NULL value", "", "", "", "null values"},
		{3140, "Invalid JSON text: \"Invalid value.\" at position 0 in value for column 't.js'." + secret, "", "", "", "not valid JSON"},
		{3024, "Query execution was interrupted, maximum statement execution time exceeded", "", "", "", "max_execution_time"},
		{9999, "something about " + secret, "", "", "", "error 9999"},
	} {
		e := refused(&driver.MySQLError{Number: c.number, Message: c.text})
		if e.Constraint != c.constraint || e.Table != c.table || e.Column != c.column || !strings.Contains(e.Message, c.says) || strings.Contains(e.Message, secret) {
			t.Errorf("%d: %q %q %q: %s", c.number, e.Constraint, e.Table, e.Column, e.Message)
		}
	}
}

// A disk is full in many words, and none of them is shown: they hold names of files.
func TestAFullDiskIsCalledSo(t *testing.T) {
	for number, text := range map[uint16]string{
		3:    `Error writing file '/tmp/MLfd=34' (Errcode: 28 "No space left on device")`,
		1026: `Error writing file './x/t.MYD' (errno: 28 "No space left on device")`,
		1030: `Got error 28 "No space left on device" from storage engine InnoDB`,
		1021: "Disk full (/tmp); waiting for someone to free some space...",
		1114: "The table 'big' is full",
	} {
		if got := refused(&driver.MySQLError{Number: number, Message: text}).Message; !strings.HasPrefix(got, "no space is left on the server's disk") || strings.Contains(got, "tmp") {
			t.Errorf("%d: %s", number, got)
		}
	}
	if got := refused(&driver.MySQLError{Number: 1054, Message: "Unknown column 'error 28' in 'SELECT'"}).Message; !strings.Contains(got, "Unknown column") {
		t.Error(got)
	}
}
