package mysql

import (
	"fmt"
	"strings"
	"testing"
)

func TestSplitFollowsTheClient(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"delimiter", "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\nSELECT 2//\ndelimiter ;\nSELECT 3;", []string{"2: CREATE PROCEDURE p() BEGIN SELECT 1; END", "3: SELECT 2", "5: SELECT 3"}},
		{"delimiter of dollars", "DELIMITER $$\r\nCREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = '$$';$$\r\nDELIMITER ;\r\nSELECT 1", []string{"2: CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = '$$';", "4: SELECT 1"}},
		{"a word that begins like delimiter", "DELIMITERS; SELECT 1", []string{"1: DELIMITERS", "1: SELECT 1"}},
		{"two semicolons", "DELIMITER ;;\nSELECT 1; SELECT 2;;\nDELIMITER ;\n", []string{"2: SELECT 1; SELECT 2"}},
		{"backslash escapes", `SELECT 'a\';b', "c\";d"; SELECT 2`, []string{`1: SELECT 'a\';b', "c\";d"`, "1: SELECT 2"}},
		{"backticks have no escapes", "SELECT `a\\`; SELECT `;``;`", []string{"1: SELECT `a\\`", "1: SELECT `;``;`"}},
		{"comments", "SELECT 1 # one; two\n, 2; -- three; four\n--\nSELECT 3--1;", []string{"1: SELECT 1 # one; two\n, 2", "4: SELECT 3--1"}},
		{"versioned comments are code", "/*!40101 SET NAMES utf8 */;\n/*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */;\n/*M!100100 SELECT 1; */;\nSELECT 2", []string{"1: /*!40101 SET NAMES utf8 */", "2: /*!50003 CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */", "3: /*M!100100 SELECT 1; */", "4: SELECT 2"}},
		{"a body of blocks", "CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN\nIF a THEN x; ELSEIF b THEN y; END IF; WHILE c DO z; END WHILE; l: LOOP LEAVE l; END LOOP; REPEAT d; UNTIL e END REPEAT; CASE f WHEN 1 THEN g; END CASE; SET h = IF(i, 1, REPEAT('x', 2)); END; SELECT 1",
			[]string{"1: CREATE DEFINER=`a`@`%` PROCEDURE p() BEGIN", "2: SELECT 1"}},
		{"a body of one IF", "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW IF NEW.a THEN SET NEW.b = 1; END IF; SELECT 1", []string{"1: CREATE TRIGGER", "1: SELECT 1"}},
		{"IF EXISTS is no block", "DROP TRIGGER IF EXISTS t; CREATE TRIGGER IF NOT EXISTS t BEFORE INSERT ON x FOR EACH ROW BEGIN DROP TEMPORARY TABLE IF EXISTS y; END; SELECT 1", []string{"1: DROP TRIGGER IF EXISTS t", "1: CREATE TRIGGER", "1: SELECT 1"}},
		{"a table called event", "CREATE TABLE event (begin INT); CREATE INDEX function ON t (a); SELECT 1", []string{"1: CREATE TABLE event (begin INT)", "1: CREATE INDEX function ON t (a)", "1: SELECT 1"}},
		{"an anonymous block", "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; SELECT 3", []string{"1: BEGIN NOT ATOMIC SELECT 1; SELECT 2; END", "1: SELECT 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			statements, err := New().Split(c.script)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, s := range statements {
				line := fmt.Sprintf("%d: %s", s.Line, s.Text)
				if i < len(c.want) && strings.HasPrefix(c.want[i][3:], "CREATE ") && strings.HasPrefix(line, c.want[i]) {
					line = c.want[i]
				}
				got = append(got, line)
			}
			if strings.Join(got, "\x00") != strings.Join(c.want, "\x00") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	for _, script := range []string{"SELECT 'a", "SELECT `a", "SELECT 1 /* a", "DELIMITER"} {
		if s, err := New().Split(script); err == nil {
			t.Errorf("%s was taken as %v", script, s)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"SELECT 1; -- x\nSELECT 'a\\';b'", "DELIMITER //\nCREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN a; END//", "/*!1 a */; #x\n`;`", "CREATE FUNCTION f() RETURNS INT BEGIN CASE a WHEN 1 THEN b; END CASE; END; x", "DELIMITER ''\n''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		statements, err := New().Split(script)
		if err != nil {
			return
		}
		at := 0
		for _, s := range statements {
			i := strings.Index(script[at:], s.Text)
			if i < 0 || s.Text == "" || s.Line < 1 {
				t.Fatalf("statement %q is not where it should be", s.Text)
			}
			at += i + len(s.Text)
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"(`a` > _utf8mb4'x')", "`select` + lcase(`b`) = 'it''s \\\\ \\n'", "((1))", "`db`.`t`.`c` + `db`.`t`", "'a", "_binary'x'", "--#0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := expression(text)
		if twice := expression(once); twice != once {
			t.Errorf("%q becomes %q and then %q", text, once, twice)
		}
		_, _ = withoutDatabase(text, "db", func(string) bool { return true })
		_ = selfContained("text", text)
		_ = onlyReads(text)
	})
}
