package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// A refresh builds the new content in a database of its own and renames both in one transaction. While that transaction holds the target, new
// connections to it wait; sessions that are in it are ended. Roles, tablespaces and what other servers keep by the database's oid (replication
// slots, subscriptions) are not the database's and stay as they are.

const (
	// lockTries and lockEvery are how long a refresh waits for another one to end: the server needs a moment to notice that a killed envdiff is gone.
	lockTries = 25
	lockEvery = 200 * time.Millisecond
	// endEvery is the pause between two rounds of ending sessions in the target.
	endEvery = 50 * time.Millisecond
)

// refresh is one refresh of a database. Its connection holds an advisory lock in a database that no refresh renames.
type refresh struct {
	target    engine.Target
	home      engine.Target // the database of the lock
	pg        *pgconn.PgConn
	name      string // of the target
	next, old string
	probe     string // a scratch database beside the stage
	stage     engine.Target
	homeName  string
	built     bool // the stage may be there
	kept      bool // it stays there
}

// BeginRefresh takes an advisory lock by the target's name in the server's database postgres, which every server has; template1 stands in for it.
func (e postgres) BeginRefresh(ctx context.Context, t engine.Target, resume bool) (engine.Refresh, error) {
	config, err := pgconn.ParseConfig(t.DSN)
	if err != nil || config.Database == "" {
		return nil, &engine.Error{Code: "08001", Message: t.String() + ": the URL of a database that is refreshed names it"}
	}
	r := &refresh{target: t, name: config.Database}
	sum := sha256.Sum256([]byte(r.name))
	id := hex.EncodeToString(sum[:8])
	r.next, r.old, r.probe = scratchPrefix+"next_"+id, scratchPrefix+"old_"+id, scratchPrefix+"probe_"+id
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.lock(ctx); err != nil {
		hangUp(r.pg)
		return nil, err
	}
	left := []string{r.old, r.probe}
	if !resume {
		left = append(left, r.next)
	}
	for _, left := range left {
		if err := r.drop(ctx, left); err != nil {
			hangUp(r.pg)
			return nil, fail(ctx, t, err)
		}
	}
	return r, nil
}

func (r *refresh) connect(ctx context.Context) (err error) {
	for _, r.homeName = range []string{"postgres", "template1"} {
		if r.homeName == r.name {
			continue
		}
		if r.home, err = sibling(r.target, r.name, r.homeName); err != nil {
			return err
		}
		if r.pg, err = dial(ctx, r.home); err == nil {
			return nil
		}
	}
	return fmt.Errorf("a refresh needs to connect to the database postgres or template1 beside it: %w", err)
}

// lock waits a little: a killed refresh's session ends only when the server looks.
func (r *refresh) lock(ctx context.Context) error {
	sum := sha256.Sum256([]byte("envdiff refresh " + r.name))
	sql := fmt.Sprintf("SELECT pg_catalog.pg_try_advisory_lock(('x%x')::bit(64)::bigint)", sum[:8])
	for try := 1; ; try++ {
		taken := false
		err := query(ctx, r.pg, sql, func(v [][]byte) error { taken = string(v[0]) == "t"; return nil })
		if err != nil {
			return fail(ctx, r.target, err)
		}
		if taken {
			return nil
		}
		if try == lockTries {
			return fmt.Errorf("%s: %w", r.target, engine.ErrRefreshing)
		}
		select {
		case <-ctx.Done():
			return fail(ctx, r.target, ctx.Err())
		case <-time.After(lockEvery):
		}
	}
}

// drop removes a database of a refresh, if it is there and envdiff made it.
func (r *refresh) drop(ctx context.Context, name string) error {
	mark, found := "", false
	err := query(ctx, r.pg, "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database WHERE datname = "+literal(name), func(v [][]byte) error {
		mark, found = string(v[0]), true
		return nil
	})
	if err != nil || !found {
		return err
	}
	// Nobody but envdiff has reason for such a name; one without a comment is of a run that was killed between the two statements.
	if mark != "" && !strings.HasPrefix(mark, scratchMark) {
		return &engine.Error{Code: "55000", Message: "database " + name + " was not made by envdiff: it is not dropped"}
	}
	_, err = execute(ctx, r.pg, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return err
}

// Exists is always true: connecting to a database that is not there is an error already.
func (r *refresh) Exists() bool { return true }

// Stage makes the new database with the target's encoding, locale and tablespace; its owner, settings and connection limit come with the swap.
func (r *refresh) Stage(ctx context.Context) (stage engine.Target, err error) {
	if err := r.drop(ctx, r.next); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	r.built = true
	r.stage, err = r.create(ctx, r.next)
	return r.stage, err
}

// create makes a marked database like the target.
func (r *refresh) create(ctx context.Context, name string) (engine.Target, error) {
	from, space := "", ""
	sql := strings.Replace(databaseQuery, "datname = current_database()", "datname = "+literal(r.name), 1)
	if err := query(ctx, r.pg, sql, func(v [][]byte) error { from = string(v[1]); return nil }); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	if from == "" {
		return engine.Target{}, &engine.Error{Code: "3D000", Message: r.target.String() + ": the database does not exist"}
	}
	err := query(ctx, r.pg, "SELECT s.spcname FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace s ON s.oid = d.dattablespace WHERE s.spcname <> 'pg_default' AND d.datname = "+literal(r.name),
		func(v [][]byte) error { space = " TABLESPACE " + quote(string(v[0])); return nil })
	if err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	if _, err := execute(ctx, r.pg, "CREATE DATABASE "+quote(name)+" "+from+space); err != nil {
		return engine.Target{}, createError(ctx, r.target, err)
	}
	if _, err := execute(ctx, r.pg, "COMMENT ON DATABASE "+quote(name)+" IS "+literal(scratchMark+r.homeName)); err != nil {
		return engine.Target{}, fail(ctx, r.target, err)
	}
	return sibling(r.target, r.name, name)
}

// Empty deletes a table's rows.
func (r *refresh) Empty(ctx context.Context, table schema.Name) error {
	pg, err := dial(ctx, r.stage)
	if err != nil {
		return err
	}
	defer hangUp(pg)
	_, err = execute(ctx, pg, "DELETE FROM "+qualified(table))
	return fail(ctx, r.stage, err)
}

// inherit gives the stage what belongs to the target's database itself. What the role may not do is a warning.
func (r *refresh) inherit(ctx context.Context) (warnings []string, err error) {
	var statements []string
	err = query(ctx, r.pg, strings.NewReplacer("$OLD", literal(r.name), "$NEW", literal(r.next)).Replace(inheritQuery), func(v [][]byte) error {
		statements = append(statements, string(v[0]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, sql := range statements {
		_, err := execute(ctx, r.pg, sql)
		var refusal *pgconn.PgError
		if errors.As(err, &refusal) {
			warnings = append(warnings, "not done for lack of rights: "+sql)
			continue
		}
		if err != nil {
			return warnings, err
		}
	}
	return warnings, nil
}

// inheritQuery writes the statements; pg_db_role_setting holds NAME=VALUE. List settings (search_path) keep their form by set_config's own reading:
// ALTER … SET takes a list only without quotes, so it is quoted as one value where it is no list.
const inheritQuery = `
SELECT format('ALTER DATABASE %I OWNER TO %I', $NEW::text, r.rolname) FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
	JOIN pg_catalog.pg_database n ON n.datname = $NEW WHERE d.datname = $OLD AND d.datdba <> n.datdba
UNION ALL SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', $NEW::text, datconnlimit) FROM pg_catalog.pg_database WHERE datname = $OLD AND datconnlimit >= 0
UNION ALL SELECT format('ALTER %s SET %I TO %s', CASE WHEN s.setrole = 0 THEN format('DATABASE %I', $NEW::text) ELSE format('ROLE %I IN DATABASE %I', r.rolname, $NEW::text) END,
	split_part(c, '=', 1), CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries', 'DateStyle')
		THEN substr(c, strpos(c, '=') + 1) ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END)
	FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
	WHERE d.datname = $OLD`

// Swap renames both databases and sets their comments in one transaction. The first renaming locks the target, so that who connects now waits;
// sessions that are in it are ended meanwhile from a second connection.
func (r *refresh) Swap(ctx context.Context, m engine.Mark) (engine.Swapped, error) {
	var out engine.Swapped
	warnings, err := r.inherit(ctx)
	out.Warnings = warnings
	if err != nil {
		return out, fail(ctx, r.target, err)
	}
	ender, err := dial(ctx, r.home)
	if err != nil {
		return out, err
	}
	defer hangUp(ender)
	done, ended := make(chan struct{}), make(chan []string, 1)
	go func() { ended <- endSessions(ctx, ender, r.name, done) }()
	_, err = execute(ctx, r.pg, "BEGIN; ALTER DATABASE "+quote(r.name)+" RENAME TO "+quote(r.old)+"; COMMENT ON DATABASE "+quote(r.old)+" IS "+literal(scratchMark+r.homeName)+
		"; ALTER DATABASE "+quote(r.next)+" RENAME TO "+quote(r.name)+"; COMMENT ON DATABASE "+quote(r.name)+" IS "+literal(m.Text())+"; COMMIT")
	close(done)
	out.Ended = <-ended
	if err != nil {
		cleanup, cancel := bounded(ctx)
		defer cancel()
		_, _ = execute(cleanup, r.pg, "ROLLBACK")
		return out, r.swapError(ctx, err)
	}
	r.built = false
	if err := r.drop(ctx, r.old); err != nil {
		out.Warnings = append(out.Warnings, "the old data could not be dropped yet: database "+r.old+"; the next refresh does it")
	}
	return out, nil
}

func (r *refresh) swapError(ctx context.Context, err error) error {
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		switch refusal.Code {
		case "55006":
			return &engine.Error{Code: refusal.Code, Message: r.target.String() + ": others are connected, and this role may not end their sessions: GRANT pg_signal_backend to it, or close them; the old data is still there", Err: err}
		case "42501":
			return &engine.Error{Code: refusal.Code, Message: r.target.String() + ": this role may not rename the database: it has to own it and have CREATEDB; the old data is still there", Err: err}
		}
	}
	return fail(ctx, r.target, err)
}

// endSessions ends the sessions in a database until done, and tells whose they were.
func endSessions(ctx context.Context, pg *pgconn.PgConn, database string, done <-chan struct{}) []string {
	var who []string
	seen := map[string]bool{}
	for {
		_ = query(ctx, pg, `SELECT pid, concat_ws(', ', usename, nullif(application_name, ''), coalesce(host(client_addr), 'local')), pg_catalog.pg_terminate_backend(pid)
FROM pg_catalog.pg_stat_activity WHERE datname = `+literal(database)+` AND pid <> pg_catalog.pg_backend_pid()`, func(v [][]byte) error {
			if pid := string(v[0]); !seen[pid] && string(v[2]) == "t" {
				seen[pid] = true
				who = append(who, string(v[1]))
			}
			return nil
		})
		select {
		case <-done:
			return who
		case <-ctx.Done():
			return who
		case <-time.After(endEvery):
		}
	}
}

// Close drops the stage and gives the lock back with its connection.
func (r *refresh) Close(ctx context.Context) error {
	defer hangUp(r.pg)
	if !r.built || r.kept {
		return nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	return fail(ctx, r.target, r.drop(ctx, r.next))
}

// Mark reads the comment on the database.
func (d *database) Mark(ctx context.Context) (m *engine.Mark, err error) {
	err = d.use(ctx, func(pg *pgconn.PgConn) error {
		return query(ctx, pg, "SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database WHERE datname = current_database()", func(v [][]byte) error {
			m = engine.ParseMark(string(v[0]))
			return nil
		})
	})
	return m, err
}
