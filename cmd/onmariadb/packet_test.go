package onmariadb

import "testing"

// Values that are longer than max_allowed_packet come and go whole: the server sends rows in pieces, and LOAD DATA LOCAL takes them so.
func TestRefreshOfLongValues(t *testing.T) {
	f := newFeeding(t)
	f.server.Exec(t, f.production, "CREATE TABLE files (id int PRIMARY KEY, content longblob); INSERT INTO files VALUES (1, repeat(x'00ff', 1500000)), (2, NULL), (3, repeat('zqtoken ', 300000))")
	f.policy(t, "  files: {columns: {id: {keep: true, reason: key}, content: {mask: text, reason: anything}}}\n")
	packet := f.server.Ask(t, "", "SELECT @@GLOBAL.max_allowed_packet")
	f.server.Exec(t, "", "SET GLOBAL max_allowed_packet = 1048576")
	t.Cleanup(func() { f.server.Exec(t, "", "SET GLOBAL max_allowed_packet = "+packet) })
	f.expect(t, 0, "main of staging has 703 rows in 3 tables", "refresh", "production", "staging")
	if got := f.server.Ask(t, f.staging, "SELECT group_concat(coalesce(length(content), '-') ORDER BY id) FROM files"); got != "3000000,-,2400000" {
		t.Errorf("the values are %s bytes long", got)
	}
	f.nothingLeft(t)
}
