package onpostgres

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/compare"
	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/database"
)

func TestMain(m *testing.M) { testservers.Main(m) }

var testKey, _ = keys.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")

// roles are the server's own: they are made once on each.
const roles = `
CREATE ROLE w_app LOGIN PASSWORD 'never-captured-secret'; CREATE ROLE w_group; CREATE ROLE w_reader NOINHERIT IN ROLE w_group; CREATE ROLE w_owner; CREATE ROLE w_unrelated;
ALTER ROLE w_app SET work_mem = '8MB'; GRANT w_group TO w_app;
`

// world holds every kind of object that the model has.
const world = `
CREATE SCHEMA audit; CREATE SCHEMA "Odd.Schema"; COMMENT ON SCHEMA audit IS 'who did what';
CREATE EXTENSION citext; CREATE EXTENSION btree_gist SCHEMA audit;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); COMMENT ON TYPE mood IS 'of people';
CREATE DOMAIN positive AS int DEFAULT 1 NOT NULL CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text COLLATE "C"); CREATE TYPE span AS RANGE (subtype = int); CREATE DOMAIN pairs AS pair;
CREATE COLLATION german (provider = icu, locale = 'de-DE'); CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SEQUENCE tickets AS integer INCREMENT 5 MINVALUE 10 MAXVALUE 1000 START 20 CACHE 3 CYCLE;
CREATE FUNCTION add(a integer, b integer DEFAULT 1) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT a + b'; COMMENT ON FUNCTION add(integer, integer) IS 'adds';
CREATE FUNCTION add(a numeric, b numeric) RETURNS numeric LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION secret() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, audit SET work_mem = '1MB' COST 7 AS $$ BEGIN RETURN 'x'; END $$;
CREATE FUNCTION atomic(m mood) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT m::text; END;
CREATE PROCEDURE tidy(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = int4, INITCOND = '0');
CREATE TABLE users (id bigserial PRIMARY KEY, email citext UNIQUE, feeling mood DEFAULT 'ok', rank positive, at int4range, home pair, low text GENERATED ALWAYS AS (add(1)::text) STORED,
	name text COLLATE german, number int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 2), bio text COMPRESSION pglz);
ALTER TABLE users ALTER bio SET STORAGE EXTERNAL, ALTER name SET STATISTICS 500, ALTER email SET (n_distinct = -0.5);
COMMENT ON TABLE users IS 'people'; COMMENT ON CONSTRAINT users_pkey ON users IS 'the key';
CREATE TABLE plans (id int, code text NOT NULL, during int4range, room int, note text, CONSTRAINT plans_pk PRIMARY KEY (id) INCLUDE (code) WITH (fillfactor = 70),
	CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0), CONSTRAINT own CHECK (room > -5) NO INHERIT) WITH (fillfactor = 80, autovacuum_enabled = false, toast.autovacuum_enabled = false);
CREATE UNIQUE INDEX plans_code ON plans (code) INCLUDE (room) WITH (fillfactor = 60); CREATE INDEX plans_lower ON plans (lower(note) text_pattern_ops DESC) WHERE note IS NOT NULL; COMMENT ON INDEX plans_code IS 'codes';
ALTER INDEX plans_lower ALTER COLUMN 1 SET STATISTICS 200; ALTER TABLE plans CLUSTER ON plans_code; ALTER TABLE plans REPLICA IDENTITY USING INDEX plans_code;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user REFERENCES users ON DELETE CASCADE, plan_id int, total numeric(10,2), feeling mood);
ALTER TABLE orders ADD CONSTRAINT orders_plan FOREIGN KEY (plan_id) REFERENCES plans NOT VALID; ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE TABLE audit.log (id int CONSTRAINT log_check CHECK (id > 0), line text); CREATE INDEX log_line ON audit.log (line); CREATE UNIQUE INDEX log_id ON audit.log (id);
CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent); CREATE TYPE duo AS (a int, b int); CREATE TABLE "Odd.Schema"."T.a b" (x int, "c.d" text);
CREATE TABLE "odd.name/with ""quotes"" '\x☃'
line" ("c.d/é""☃" int CONSTRAINT "k.☃'" CHECK ("c.d/é""☃" > 0)); CREATE INDEX "i.x/""☃" ON "odd.name/with ""quotes"" '\x☃'
line" ("c.d/é""☃"); COMMENT ON COLUMN "odd.name/with ""quotes"" '\x☃'
line"."c.d/é""☃" IS 'it''s ☃'; CREATE VIEW "v.☃/""'" AS SELECT "c.d/é""☃" AS "a.b" FROM "odd.name/with ""quotes"" '\x☃'
line"; CREATE FUNCTION "f.☃/""'"(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'; CREATE TYPE "e.☃""'" AS ENUM ('a.b/"''☃');
CREATE TABLE typed OF pair; CREATE UNLOGGED TABLE fast (a int, b int, c int);
CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE regions (id int, code text) PARTITION BY LIST (code); CREATE TABLE regions_north PARTITION OF regions FOR VALUES IN ('n'); CREATE TABLE regions_rest PARTITION OF regions DEFAULT;
CREATE INDEX north_ix ON regions_north (id); ALTER TABLE regions_north ADD CONSTRAINT north_check CHECK (id > 0);
CREATE TEXT SEARCH PARSER own (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype); CREATE TEXT SEARCH TEMPLATE own (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE OPERATOR FAMILY loose USING btree; ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 1 < (int4, int8);
CREATE VIEW adults WITH (security_barrier) AS SELECT id, email FROM users WHERE rank > 18 WITH LOCAL CHECK OPTION; COMMENT ON VIEW adults IS 'grown up'; COMMENT ON COLUMN adults.id IS 'who'; COMMENT ON COLUMN pair.a IS 'first';
CREATE VIEW cheerful AS SELECT a.id, add(1, 2) AS three FROM adults a; CREATE FUNCTION of_view(cheerful) RETURNS bigint LANGUAGE sql AS 'SELECT $1.id';
CREATE MATERIALIZED VIEW totals WITH (fillfactor = 50) AS SELECT user_id, sum(total) AS sum FROM orders GROUP BY user_id; CREATE UNIQUE INDEX totals_user ON totals (user_id); CREATE INDEX totals_x ON totals ((sum + 1));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER users_touch BEFORE UPDATE OF bio ON users FOR EACH ROW WHEN (old.bio IS DISTINCT FROM new.bio) EXECUTE FUNCTION touch(); COMMENT ON TRIGGER users_touch ON users IS 'touches';
CREATE TRIGGER users_off AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION touch(); ALTER TABLE users DISABLE TRIGGER users_off; ALTER TABLE users ENABLE ALWAYS TRIGGER users_touch;
CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watch ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'ALTER TABLE') EXECUTE FUNCTION on_ddl(); ALTER EVENT TRIGGER watch DISABLE;
CREATE RULE no_delete AS ON DELETE TO audit.log DO INSTEAD NOTHING;
CREATE POLICY mine ON orders AS RESTRICTIVE FOR SELECT TO w_app, w_group USING (user_id > 0); CREATE POLICY all_of ON orders USING (true) WITH CHECK (total > 0);
CREATE STATISTICS users_st (dependencies) ON email, rank FROM users; ALTER STATISTICS users_st SET STATISTICS 300;
CREATE PUBLICATION pub FOR TABLE users (id, email) WHERE (id > 5), plans WITH (publish = 'insert, update'); CREATE PUBLICATION in_audit FOR TABLES IN SCHEMA audit;
CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER remote TYPE 'x' FOREIGN DATA WRAPPER wrapper OPTIONS (host 'db.example', password 'hidden-secret-1'); 
CREATE USER MAPPING FOR w_app SERVER remote OPTIONS (user 'remote', password 'hidden-secret-2'); CREATE FOREIGN TABLE far (id int NOT NULL, v text) SERVER remote OPTIONS (name 'near');
CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple, stopwords = 'english'); CREATE TEXT SEARCH CONFIGURATION words (PARSER = default); ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word, asciiword WITH words, simple;
CREATE FUNCTION to_pair(int) RETURNS pair LANGUAGE sql AS 'SELECT ROW($1, NULL)::pair'; CREATE CAST (int AS pair) WITH FUNCTION to_pair(int) AS ASSIGNMENT;
CREATE FUNCTION same(pair, pair) RETURNS boolean LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR === (FUNCTION = same, LEFTARG = pair, RIGHTARG = pair, COMMUTATOR = ===, HASHES);
CREATE FUNCTION pair_hash(pair) RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE OPERATOR CLASS pair_ops FOR TYPE pair USING hash AS OPERATOR 1 ===, FUNCTION 1 pair_hash(pair);
GRANT SELECT, INSERT ON users TO w_app; GRANT SELECT ON users TO w_group WITH GRANT OPTION; GRANT UPDATE (bio) ON users TO w_app; GRANT USAGE ON SCHEMA audit TO w_app; GRANT ALL ON audit.log TO w_app;
GRANT USAGE ON SEQUENCE tickets TO w_app; REVOKE ALL ON FUNCTION secret() FROM PUBLIC; GRANT EXECUTE ON FUNCTION secret() TO w_reader; GRANT USAGE ON TYPE mood TO w_app; GRANT SELECT ON adults TO w_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA audit GRANT SELECT ON TABLES TO w_app; ALTER DEFAULT PRIVILEGES FOR ROLE w_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER TABLE plans OWNER TO w_owner; ALTER FUNCTION add(numeric, numeric) OWNER TO w_owner;
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (42, false);
`

func target(t testing.TB, dsn string) engine.Target {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("the server's URL does not parse")
	}
	return engine.Target{Engine: "postgres", DSN: dsn, Display: "postgres://" + u.User.Username() + "@" + u.Host + u.Path}
}

// taken is a snapshot of a database as envdiff takes it.
func taken(t testing.TB, dsn string) *snapshot.Snapshot {
	t.Helper()
	at := target(t, dsn)
	s, err := snapshot.Capture(context.Background(), snapshot.Plan{
		Environment: "x", Redact: snapshot.NewRedactor(testKey, nil), Now: func() time.Time { return time.Unix(0, 0) }, Timeout: time.Minute, TempDir: t.TempDir(),
		Databases: []snapshot.DatabaseTarget{{Scope: "main", Instance: "primary", Open: func(ctx context.Context) (engine.DB, error) {
			return postgres.New().Open(ctx, at, engine.ReadOnly)
		}}},
	}, snapshot.Registry{Databases: []snapshot.DatabaseCollector{database.Schema{}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// found compares two snapshots, "a" with "b".
func found(t testing.TB, a, b *snapshot.Snapshot) []finding.Finding {
	t.Helper()
	r, err := compare.Compare(context.Background(), []compare.Side{{Name: "a", Snapshot: a}, {Name: "b", Snapshot: b}}, compare.Options{Kinds: database.Schema{}.Kinds()})
	if err != nil {
		t.Fatal(err)
	}
	return r.Findings
}

func lines(findings []finding.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %s: %s\n", f.Rule, f.Address, f.Change, f.Message)
	}
	return b.String()
}

func addresses(s *snapshot.Snapshot) []string {
	var list []string
	for _, l := range s.Lines {
		list = append(list, l.Address.String())
	}
	return list
}
