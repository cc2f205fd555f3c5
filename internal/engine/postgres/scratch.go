package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	scratchPrefix = "envdiff_scratch_"
	// scratchMark is the comment on databases that envdiff made; behind it stands the database from which it can be dropped.
	// and on a line of its own whose it is.
	scratchMark = "made by envdiff, which may drop it; beside database "
)

// CreateScratch makes a database with the encoding and locale of base's. dir is not used.
func (e postgres) CreateScratch(ctx context.Context, base engine.Target, _ string) (engine.Target, error) {
	return e.create(ctx, base, "")
}

// Clone copies a scratch database on its own server. The raw rows of an environment are never cloned.
func (d *database) Clone(ctx context.Context, base engine.Target, _ string) (engine.Target, error) {
	if d.mode != engine.Scratch {
		return engine.Target{}, errProtected(d.target, "clones are made")
	}
	config, err := pgconn.ParseConfig(d.target.DSN)
	if err != nil {
		return engine.Target{}, fail(ctx, d.target, err)
	}
	return postgres{}.create(ctx, base, config.Database)
}

// create makes a marked database from template, or an empty one.
func (postgres) create(ctx context.Context, base engine.Target, template string) (engine.Target, error) {
	name, err := base.Run.Name(scratchPrefix)
	if err != nil {
		return engine.Target{}, err
	}
	if _, err := withDatabase(base, name); err != nil {
		return engine.Target{}, err
	}
	pg, err := dial(ctx, base)
	if err != nil {
		return engine.Target{}, err
	}
	defer hangUp(pg)
	from, beside := "", ""
	err = query(ctx, pg, databaseQuery, func(values [][]byte) error {
		r := &record{values: values}
		beside, from = r.text(), r.text()
		return nil
	})
	if err != nil {
		return engine.Target{}, fail(ctx, base, err)
	}
	if template != "" {
		if from, err = fromTemplate(ctx, pg, template); err != nil {
			return engine.Target{}, fail(ctx, base, err)
		}
	}
	if _, err := execute(ctx, pg, "CREATE DATABASE "+quote(name)+" "+from); err != nil {
		return engine.Target{}, createError(ctx, base, err)
	}
	if _, err := execute(ctx, pg, "COMMENT ON DATABASE "+quote(name)+" IS "+literal(markBeside(beside, base.Run))); err != nil {
		cleanup, cancel := bounded(ctx)
		defer cancel()
		_, _ = execute(cleanup, pg, "DROP DATABASE IF EXISTS "+quote(name))
		return engine.Target{}, fail(ctx, base, err)
	}
	return sibling(base, beside, name)
}

// fromTemplate copies a large template file by file, and any where the server clones files (18): since 15 a template is else written to the
// log block by block, which is cheaper for small ones alone, whose two checkpoints it saves.
func fromTemplate(ctx context.Context, pg *pgconn.PgConn, template string) (string, error) {
	from := "TEMPLATE " + quote(template)
	err := query(ctx, pg, "SELECT pg_catalog.current_setting('server_version_num')::int >= 150000 AND (pg_catalog.pg_database_size("+literal(template)+
		") > 268435456 OR pg_catalog.current_setting('file_copy_method', true) = 'clone')", func(v [][]byte) error {
		if string(v[0]) == "t" {
			from += " STRATEGY FILE_COPY"
		}
		return nil
	})
	return from, err
}

// databaseQuery reads the connection's own database and how CREATE DATABASE writes its encoding and locale. ICU's came with 15 and its column
// was renamed by 17.
const databaseQuery = `
SELECT datname, 'TEMPLATE template0 ENCODING ' || quote_literal(pg_catalog.pg_encoding_to_char(encoding)) || ' LC_COLLATE ' || quote_literal(datcollate)
	|| ' LC_CTYPE ' || quote_literal(datctype) || CASE to_jsonb(d)->>'datlocprovider'
		WHEN 'i' THEN ' LOCALE_PROVIDER icu ICU_LOCALE ' || quote_literal(coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))
		WHEN 'b' THEN ' LOCALE_PROVIDER builtin BUILTIN_LOCALE ' || quote_literal(to_jsonb(d)->>'datlocale') ELSE '' END
FROM pg_catalog.pg_database d WHERE datname = current_database()`

func createError(ctx context.Context, base engine.Target, err error) error {
	var refusal *pgconn.PgError
	if errors.As(err, &refusal) {
		switch refusal.Code {
		case "42501":
			return &engine.Error{Code: refusal.Code, Message: base.String() + ": this role may not create databases: ALTER ROLE … CREATEDB on the scratch server", Err: err}
		case "55006":
			return &engine.Error{Code: refusal.Code, Message: base.String() + ": the database to clone is in use: close its sessions first", Err: err}
		}
	}
	return fail(ctx, base, err)
}

// DropScratch drops a marked database with every session in it. One that is gone already is no error.
func (e postgres) DropScratch(ctx context.Context, t engine.Target) error {
	pg, err := dial(ctx, t)
	var refusal *engine.Error
	if errors.As(err, &refusal) && refusal.Code == "3D000" {
		return nil
	}
	if err != nil {
		return err
	}
	name, mark := "", ""
	err = query(ctx, pg, `SELECT datname, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = current_database()`,
		func(values [][]byte) error {
			r := &record{values: values}
			name, mark = r.text(), r.text()
			return nil
		})
	hangUp(pg)
	if err != nil {
		return fail(ctx, t, err)
	}
	beside, marked := strings.CutPrefix(mark, scratchMark)
	if !marked || !strings.HasPrefix(name, scratchPrefix) {
		return &engine.Error{Code: "55000", Message: t.String() + ": envdiff did not make this database and does not drop it"}
	}
	beside, _, _ = strings.Cut(beside, "\n")
	home, err := sibling(t, name, beside)
	if err != nil {
		return err
	}
	if pg, err = dial(ctx, home); err != nil {
		return err
	}
	defer hangUp(pg)
	_, err = execute(ctx, pg, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return fail(ctx, t, err)
}

// markBeside is the comment on a scratch database of a run.
func markBeside(database string, run engine.Run) string {
	mark := scratchMark + database
	if text := run.Text(); text != "" {
		mark += "\n" + text
	}
	return mark
}

// sibling is the target of another database on the same server.
func sibling(t engine.Target, was, name string) (engine.Target, error) {
	dsn, err := withDatabase(t, name)
	if err != nil {
		return engine.Target{}, err
	}
	t.DSN, t.Run = dsn, engine.Run{}
	if head, found := strings.CutSuffix(t.Display, "/"+was); found {
		t.Display = head + "/" + name
	} else {
		t.Display = fmt.Sprintf("%s (database %s)", t.Display, name)
	}
	return t, nil
}

// withDatabase changes the database of a URL or of a keyword/value string, where the last word counts. A URL that it cannot change is an
// error: the statements meant for a scratch would otherwise run on the database it names.
func withDatabase(t engine.Target, name string) (string, error) {
	if !strings.Contains(t.DSN, "://") {
		return t.DSN + " dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'", nil
	}
	u, err := url.Parse(t.DSN)
	if err != nil {
		return "", &engine.Error{Code: "08001", Message: t.String() + ": scratch databases need a URL with one host and port"}
	}
	u.Path, u.RawPath = "/"+name, ""
	q := u.Query()
	q.Del("dbname")
	q.Del("database")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
