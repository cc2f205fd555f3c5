package onmariadb

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// A target whose space ends while rows are loaded keeps its old data, with nothing beside it, and the error says so. (InnoDB reports a full disk and a full tablespace alike.)
func TestRefreshOnAFullDisk(t *testing.T) {
	f := newFeedingOn(t, testservers.NewMariaDB(t, "--innodb-data-file-path=ibdata1:12M:autoextend:max:28M"))
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	f.server.Exec(t, f.production, "UPDATE people SET round = 7; CREATE TABLE big (id int PRIMARY KEY, filler text); INSERT INTO big SELECT seq, repeat(md5(seq), 120) FROM seq_1_to_8000; SET GLOBAL innodb_file_per_table = OFF")
	f.policy(t, "  big: {columns: {id: {keep: true, reason: surrogate key}, filler: {keep: true, reason: digests}}}\n")
	before := f.state(t, f.staging)
	f.expect(t, 2, "main of staging: copying big: no space is left on the server's disk, or the table's space may not grow", "refresh", "production", "staging")
	if f.state(t, f.staging) != before {
		t.Error("staging is not what it was")
	}
	f.nothingLeft(t)
	f.server.Exec(t, f.production, "SET GLOBAL innodb_file_per_table = ON")
	f.expect(t, 0, "no findings", "refresh", "production", "staging")
	if !strings.Contains(f.state(t, f.staging), "filler") {
		t.Error("the new data is not there")
	}
}
