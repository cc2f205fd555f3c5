package onmariadb

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// TestWhatStaysOfAMigrationThatFails is named, statement by statement: MariaDB undoes nothing of a file.
func TestWhatStaysOfAMigrationThatFails(t *testing.T) {
	server := testservers.MariaDB(t)
	database := server.NewDatabase(t)
	server.Exec(t, database, shop+"INSERT INTO users VALUES (1, 'zqtoken', 'pro'), (2, 'zqtoken', 'free');")
	for _, tt := range []struct{ name, script, want string }{
		{"rows in the way", "ALTER TABLE users ADD COLUMN country char(2);\nSET @a = 1;\nUPDATE users SET plan = 'zqtoken' WHERE id = 1;\nALTER TABLE users ADD UNIQUE KEY users_email (email);",
			"statement 4 of 4 (line 4), counted on the copy; what ran before stays applied: statement 1 (ALTER TABLE users ADD COLUMN country char(2)), statement 3 (UPDATE users SET plan = ? WHERE id = ?)"},
		{"its own transaction, which a change of the schema ends", "START TRANSACTION;\nUPDATE users SET plan = NULL;\nCREATE TABLE a (x int);\nINSERT INTO no_such VALUES (1);",
			"what ran before stays applied: statement 2 (UPDATE users SET plan = NULL), statement 3 (CREATE TABLE a (x int))"},
		{"its own transaction, open", "START TRANSACTION;\nUPDATE users SET plan = NULL;\nINSERT INTO no_such VALUES (1);", "statement 3 of 3 (line 3)"},
		{"the first statement", "ALTER TABLE users ADD UNIQUE KEY users_email (email);", "statement 1 of 1 (line 1)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := rehearseFile(t, server, database, tt.script, nil)
			if len(out.Findings) != 1 || !strings.HasSuffix(out.Findings[0].Message, tt.want) {
				t.Errorf("found %+v, want %q", out.Findings, tt.want)
			}
		})
	}
}
