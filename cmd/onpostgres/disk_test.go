package onpostgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// The copy is built where the target is. A disk that fills up on the way leaves the old data, nothing beside it, and an error that says which disk it was; a
// copy that fits is swapped in.
func TestRefreshOnAFullDisk(t *testing.T) {
	p := newFeed(t)
	name := p.value(t, p.staging, "SELECT current_database()")
	space := "space_" + name
	for _, sql := range []string{"CREATE TABLESPACE " + space + " LOCATION '" + smallDisk(t) + "'", "ALTER DATABASE " + name + " SET TABLESPACE " + space} {
		p.server.Exec(t, p.production, sql)
	}
	t.Cleanup(func() {
		for _, sql := range []string{"ALTER DATABASE " + name + " SET TABLESPACE pg_default", "DROP TABLESPACE " + space} {
			p.server.Exec(t, p.production, sql)
		}
	})
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	p.server.Exec(t, p.production, `CREATE TABLE big (id bigint PRIMARY KEY, filler text);
		INSERT INTO big SELECT n, (SELECT string_agg(md5((n * 100 + k)::text), '') FROM generate_series(1, 56) k) FROM generate_series(1, 16000) n`)
	p.write(t, "sanitize.yaml", strings.Replace(feedPolicy, "  flags:", "  big:\n    columns:\n      id: {keep: true, reason: surrogate key}\n      filler: {keep: true, reason: digests}\n  flags:", 1))
	before := p.value(t, p.staging, state)
	p.expect(t, 2, "main of staging: copying big: no space is left on the server's disk", "refresh", "production", "staging")
	if p.value(t, p.staging, state) != before {
		t.Error("staging is not what it was")
	}
	p.noScratch(t)
	p.server.Exec(t, p.production, "DELETE FROM big WHERE id > 100; UPDATE events SET note = 'zqtoken changed'")
	p.expect(t, 0, "no findings", "refresh", "production", "staging")
	if got := p.value(t, p.staging, "SELECT count(*) || ' ' || (SELECT spcname FROM pg_database d JOIN pg_tablespace s ON s.oid = d.dattablespace WHERE datname = current_database()) FROM big"); got != "100 "+space {
		t.Errorf("staging has %s", got)
	}
}

// smallDisk is a file system of 40 MiB that the server may use.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "envdiff-disk-")
	if err != nil {
		t.Fatal(err)
	}
	owner, err := throwaway.Account()
	if err != nil {
		t.Fatal(err)
	}
	sudo, options := []string{}, "size=40m,mode=0700"
	if owner != nil {
		options += fmt.Sprintf(",uid=%d,gid=%d", owner.Uid, owner.Gid)
	} else {
		sudo, options = []string{"sudo", "-n"}, options+fmt.Sprintf(",uid=%d,gid=%d", os.Getuid(), os.Getgid())
	}
	run := func(ctx context.Context, args ...string) {
		args = append(sudo, args...)
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t.Context(), "mount", "-t", "tmpfs", "-o", options, "envdiff-disk", dir)
	t.Cleanup(func() {
		run(context.WithoutCancel(t.Context()), "umount", dir)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
