package onpostgres

import (
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
)

// change is one change of the world, and the one finding that it makes.
type change struct {
	name    string
	sql     string
	rule    string
	address string
}

var changes = []change{
	{"function body", `CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$`, "routine-different", "main:routine/touch()#definition"},
	{"function volatility", `ALTER FUNCTION add(integer, integer) STABLE`, "routine-different", "main:routine/add(integer, integer)#volatility"},
	{"function security", `ALTER FUNCTION secret() SECURITY INVOKER`, "routine-different", "main:routine/secret()#security"},
	{"function setting", `ALTER FUNCTION secret() SET search_path = pg_catalog`, "routine-different", "main:routine/secret()#settings"},
	{"function cost", `ALTER FUNCTION secret() COST 8`, "setting-tuning", "main:routine/secret()#cost"},
	{"function default argument", `CREATE OR REPLACE FUNCTION add(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT a + b'`, "routine-different", "main:routine/add(integer, integer)#arguments"},
	{"function of another signature", `CREATE FUNCTION add(text) RETURNS text LANGUAGE sql AS 'SELECT $1'`, "routine-different", "main:routine/add(text)"},
	{"parsed function body", `CREATE OR REPLACE FUNCTION atomic(m mood) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT upper(m::text); END`, "routine-different", "main:routine/atomic(public%2Emood)#definition"},
	{"procedure", `CREATE OR REPLACE PROCEDURE tidy(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n + 2; END $$`, "routine-different", "main:routine/tidy(integer)#definition"},
	{"aggregate", `CREATE OR REPLACE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = int4, INITCOND = '7')`, "routine-different", "main:routine/total(integer)#definition"},
	{"function dropped", `DROP FUNCTION of_view(cheerful)`, "routine-different", "main:routine/of_view(public%2Echeerful)"},
	{"function comment", `COMMENT ON FUNCTION add(integer, integer) IS 'sums'`, "comment-different", "main:routine/add(integer, integer)#comment"},
	{"trigger definition", `DROP TRIGGER users_off ON users; CREATE TRIGGER users_off AFTER DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION touch(); ALTER TABLE users DISABLE TRIGGER users_off`, "routine-different", "main:trigger/users.users_off#definition"},
	{"trigger enabled", `ALTER TABLE users ENABLE TRIGGER users_off`, "routine-different", "main:trigger/users.users_off#enabled"},
	{"trigger dropped", `DROP TRIGGER users_touch ON users`, "routine-different", "main:trigger/users.users_touch"},
	{"event trigger state", `ALTER EVENT TRIGGER watch ENABLE`, "routine-different", "main:event_trigger/watch#enabled"},
	{"event trigger dropped", `DROP EVENT TRIGGER watch`, "routine-different", "main:event_trigger/watch"},
	{"rule", `CREATE OR REPLACE RULE no_delete AS ON DELETE TO audit.log DO ALSO NOTHING`, "routine-different", "main:rule/audit.log.no_delete#definition"},
	{"rule disabled", `ALTER TABLE audit.log DISABLE RULE no_delete`, "routine-different", "main:rule/audit.log.no_delete#enabled"},
	{"sequence increment", `ALTER SEQUENCE tickets INCREMENT 6`, "object-different", "main:sequence/tickets#increment"},
	{"sequence bounds", `ALTER SEQUENCE tickets MAXVALUE 2000`, "object-different", "main:sequence/tickets#maximum"},
	{"sequence owner column", `ALTER SEQUENCE tickets OWNED BY fast.a`, "object-different", "main:sequence/tickets#owned_by"},
	{"sequence counter is none", `SELECT nextval('tickets')`, "", ""},
	{"sequence of a serial column", `ALTER SEQUENCE users_id_seq CYCLE`, "object-different", "main:sequence/users_id_seq#cycle"},
	{"identity options", `ALTER TABLE users ALTER number SET INCREMENT 3`, "column-different", "main:column/users.number#sequence"},
	{"enum label added", `ALTER TYPE mood ADD VALUE 'great'`, "object-different", "main:enum/mood#labels"},
	{"enum label renamed", `ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'`, "object-different", "main:enum/mood#labels"},
	{"domain check", `ALTER DOMAIN positive DROP CONSTRAINT above_zero`, "object-different", "main:domain/positive#checks"},
	{"domain default", `ALTER DOMAIN positive SET DEFAULT 2`, "object-different", "main:domain/positive#default"},
	{"domain null", `ALTER DOMAIN positive DROP NOT NULL`, "object-different", "main:domain/positive#nullable"},
	{"composite type added", `CREATE TYPE triple AS (a int, b int, c int)`, "object-different", "main:type/triple"},
	{"range type added", `CREATE TYPE textspan AS RANGE (subtype = text)`, "object-different", "main:type/textspan"},
	{"collation", `CREATE COLLATION swedish (provider = icu, locale = 'sv-SE')`, "object-different", "main:collation/swedish"},
	{"extension added", `CREATE EXTENSION pg_trgm`, "object-different", "main:extension/pg_trgm"},
	{"extension moved", `ALTER EXTENSION btree_gist SET SCHEMA "Odd.Schema"`, "object-different", "main:extension/btree_gist#schema"},
	{"column of a table with an odd name", "ALTER TABLE \"odd.name/with \"\"quotes\"\" '\\x☃'\nline\" ALTER \"c.d/é\"\"☃\" SET DEFAULT 1", "column-different", "main:column/odd%2Ename/with \"quotes\" '\\x☃'%0Aline.c%2Ed/é\"☃#default"},
	{"index of a table with an odd name", `DROP INDEX "i.x/""☃"`, "index-missing", "main:index/odd%2Ename/with \"quotes\" '\\x☃'%0Aline.i%2Ex/\"☃"},
	{"enum with an odd name", `ALTER TYPE "e.☃""'" ADD VALUE 'c'`, "object-different", "main:enum/e%2E☃\"'#labels"},
	{"table added", `CREATE TABLE extra (id int PRIMARY KEY, v text UNIQUE)`, "table-missing", "main:table/extra"},
	{"table comment", `COMMENT ON TABLE users IS 'persons'`, "comment-different", "main:table/users#comment"},
	{"table that inherits no more", `ALTER TABLE child NO INHERIT parent`, "setting-behaviour", "main:table/child#inherits"},
	{"column type", `ALTER TABLE audit.log ALTER line TYPE varchar(20)`, "column-different", "main:column/audit.log.line#type"},
	{"column null", `ALTER TABLE audit.log ALTER line SET NOT NULL`, "column-different", "main:column/audit.log.line#nullable"},
	{"column default", `ALTER TABLE audit.log ALTER line SET DEFAULT 'none'`, "column-different", "main:column/audit.log.line#default"},
	{"column generated", `ALTER TABLE users DROP low; ALTER TABLE users ADD low text GENERATED ALWAYS AS (add(2)::text) STORED`, "column-different", "main:column/users.low#generated"},
	{"column identity", `ALTER TABLE users ALTER number SET GENERATED BY DEFAULT`, "column-different", "main:column/users.number#identity"},
	{"column collation", `ALTER TABLE users ALTER name TYPE text COLLATE "C"`, "column-different", "main:column/users.name#collation"},
	{"column comment", `COMMENT ON COLUMN users.bio IS 'long'`, "comment-different", "main:column/users.bio#comment"},
	{"column added", `ALTER TABLE audit.log ADD more int DEFAULT 3`, "column-missing", "main:column/audit.log.more"},
	{"column order is off", `ALTER TABLE audit.log DROP id; ALTER TABLE audit.log ADD id int CONSTRAINT log_check CHECK (id > 0); CREATE UNIQUE INDEX log_id ON audit.log (id)`, "", ""},
	{"index method", `DROP INDEX audit.log_line; CREATE INDEX log_line ON audit.log USING hash (line)`, "index-different", "main:index/audit.log.log_line#method"},
	{"index operator class", `DROP INDEX audit.log_line; CREATE INDEX log_line ON audit.log (line text_pattern_ops)`, "index-different", "main:index/audit.log.log_line#columns"},
	{"index order", `DROP INDEX audit.log_line; CREATE INDEX log_line ON audit.log (line DESC NULLS LAST)`, "index-different", "main:index/audit.log.log_line#columns"},
	{"index expression", `DROP INDEX audit.log_line; CREATE INDEX log_line ON audit.log (lower(line))`, "index-different", "main:index/audit.log.log_line#columns"},
	{"index unique", `DROP INDEX audit.log_line; CREATE UNIQUE INDEX log_line ON audit.log (line)`, "index-different", "main:index/audit.log.log_line#unique"},
	{"index partial", `DROP INDEX audit.log_line; CREATE INDEX log_line ON audit.log (line) WHERE line <> ''`, "index-different", "main:index/audit.log.log_line#where"},
	{"index nulls not distinct", `DROP INDEX audit.log_id; CREATE UNIQUE INDEX log_id ON audit.log (id) NULLS NOT DISTINCT`, "index-different", "main:index/audit.log.log_id#nulls_not_distinct"},
	{"index invalid", `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'audit.log_line'::regclass`, "index-invalid", "main:index/audit.log.log_line#valid"},
	{"check", `ALTER TABLE audit.log DROP CONSTRAINT log_check; ALTER TABLE audit.log ADD CONSTRAINT log_check CHECK (id > 1)`, "constraint-different", "main:constraint/audit.log.log_check#definition"},
	{"check not valid", `ALTER TABLE audit.log DROP CONSTRAINT log_check; ALTER TABLE audit.log ADD CONSTRAINT log_check CHECK (id > 0) NOT VALID`, "constraint-not-valid", "main:constraint/audit.log.log_check#valid"},
	{"unique key dropped", `ALTER TABLE users DROP CONSTRAINT users_email_key`, "constraint-different", "main:constraint/users.users_email_key"},
	{"unique key deferrable", `ALTER TABLE users DROP CONSTRAINT users_email_key; ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email) DEFERRABLE`, "constraint-different", "main:constraint/users.users_email_key#deferrable"},
	{"unique key nulls not distinct", `ALTER TABLE users DROP CONSTRAINT users_email_key; ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE NULLS NOT DISTINCT (email)`, "constraint-different", "main:constraint/users.users_email_key#nulls_not_distinct"},
	{"foreign key deferrable", `ALTER TABLE orders ALTER CONSTRAINT orders_user DEFERRABLE INITIALLY DEFERRED`, "constraint-different", "main:constraint/orders.orders_user#deferrable"},
	{"primary key dropped", `ALTER TABLE orders DROP CONSTRAINT orders_pkey`, "constraint-different", "main:constraint/orders.orders_pkey"},
	{"view added", `CREATE VIEW extra AS SELECT 1 AS a`, "table-missing", "main:view/extra"},
	{"materialized view definition", `DROP MATERIALIZED VIEW totals; CREATE MATERIALIZED VIEW totals WITH (fillfactor = 50) AS SELECT user_id, max(total) AS sum FROM orders GROUP BY user_id; CREATE UNIQUE INDEX totals_user ON totals (user_id); CREATE INDEX totals_x ON totals ((sum + 1))`, "routine-different", "main:view/totals#definition"},
	{"composite type's attributes", `ALTER TYPE duo ADD ATTRIBUTE c int`, "object-different", "main:type/duo#attributes"},
	{"range type's multirange", `DROP TYPE span; CREATE TYPE span AS RANGE (subtype = int, multirange_type_name = spans)`, "object-different", "main:type/span#multirange"},
	{"collation's locale", `DROP COLLATION nocase; CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`, "object-different", "main:collation/nocase#locale"},
	{"extension's version", `UPDATE pg_extension SET extversion = '1.5' WHERE extname = 'citext'`, "object-different", "main:extension/citext#version"},
	{"publication dropped", `DROP PUBLICATION pub`, "object-different", "main:publication/pub"},
	{"statistics dropped", `DROP STATISTICS users_st`, "setting-tuning", "main:statistics/users_st"},
	{"cast dropped", `DROP CAST (int AS pair)`, "object-different", "main:cast/integer AS public%2Epair"},
	{"text search configuration dropped", `DROP TEXT SEARCH CONFIGURATION words`, "object-different", "main:text_search_configuration/words"},
	{"column storage", `ALTER TABLE users ALTER bio SET STORAGE MAIN`, "setting-tuning", "main:column/users.bio#storage"},
	{"column compression", `ALTER TABLE users ALTER bio SET COMPRESSION default`, "setting-tuning", "main:column/users.bio#compression"},
	{"column statistics target", `ALTER TABLE users ALTER name SET STATISTICS 100`, "setting-tuning", "main:column/users.name#statistics"},
	{"column options", `ALTER TABLE users ALTER email RESET (n_distinct)`, "setting-tuning", "main:column/users.email#options"},
	{"exclusion constraint", `ALTER TABLE plans DROP CONSTRAINT no_overlap; ALTER TABLE plans ADD CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&)`, "constraint-different", "main:constraint/plans.no_overlap#definition"},
	{"exclusion constraint dropped", `ALTER TABLE plans DROP CONSTRAINT no_overlap`, "constraint-different", "main:constraint/plans.no_overlap"},
	{"key with another column included", `ALTER TABLE plans DROP CONSTRAINT plans_pk CASCADE; ALTER TABLE plans ADD CONSTRAINT plans_pk PRIMARY KEY (id) WITH (fillfactor = 70);
		ALTER TABLE orders ADD CONSTRAINT orders_plan FOREIGN KEY (plan_id) REFERENCES plans NOT VALID`, "constraint-different", "main:constraint/plans.plans_pk#include"},
	{"check inherited", `ALTER TABLE plans DROP CONSTRAINT own; ALTER TABLE plans ADD CONSTRAINT own CHECK (room > -5)`, "constraint-different", "main:constraint/plans.own#no_inherit"},
	{"constraint validated", `ALTER TABLE orders VALIDATE CONSTRAINT orders_plan`, "constraint-not-valid", "main:constraint/orders.orders_plan#valid"},
	{"foreign key action", `ALTER TABLE orders DROP CONSTRAINT orders_user; ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL`, "constraint-different", "main:constraint/orders.orders_user#on_delete"},
	{"foreign key whose triggers are disabled", `ALTER TABLE plans DISABLE TRIGGER ALL`, "constraint-different", "main:constraint/orders.orders_plan#triggers"},
	{"partition added", `CREATE TABLE regions_east PARTITION OF regions FOR VALUES IN ('e')`, "setting-behaviour", "main:table/regions#partitions"},
	{"partition's values", `ALTER TABLE regions DETACH PARTITION regions_north; ALTER TABLE regions ATTACH PARTITION regions_north FOR VALUES IN ('n', 'nw')`, "setting-behaviour", "main:table/regions#partitions"},
	{"default partition dropped", `DROP TABLE regions_rest`, "setting-behaviour", "main:table/regions#partitions"},
	{"partition of a year is none", `CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')`, "", ""},
	{"index of one partition", `DROP INDEX north_ix`, "index-missing", "main:index/regions_north.north_ix"},
	{"index of one partition, otherwise", `DROP INDEX north_ix; CREATE INDEX north_ix ON regions_north (id DESC)`, "index-different", "main:index/regions_north.north_ix#definition"},
	{"constraint of one partition", `ALTER TABLE regions_north DROP CONSTRAINT north_check; ALTER TABLE regions_north ADD CONSTRAINT north_check CHECK (id > 1)`, "constraint-different", "main:constraint/regions_north.north_check#definition"},
	{"index of a year's partition is none", `CREATE INDEX ON events_2026 (id)`, "", ""},
	{"partitioned table dropped with what its partitions have", `DROP TABLE regions`, "table-missing", "main:table/regions"},
	{"text search parser", `DROP TEXT SEARCH PARSER own`, "object-different", "main:text_search_parser/own"},
	{"text search template", `DROP TEXT SEARCH TEMPLATE own; CREATE TEXT SEARCH TEMPLATE own (LEXIZE = dsimple_lexize)`, "object-different", "main:text_search_template/own#init"},
	{"operator family", `ALTER OPERATOR FAMILY loose USING btree ADD OPERATOR 5 > (int4, int8)`, "object-different", "main:operator_family/loose.using btree#members"},
	{"comment on a column of a view", `COMMENT ON COLUMN adults.id IS 'whom'`, "comment-different", "main:view/adults#comment.id"},
	{"comment on a column of a type", `COMMENT ON COLUMN pair.a IS NULL`, "comment-different", "main:type/pair#comment.a"},
	{"index included column", `DROP INDEX totals_user; CREATE UNIQUE INDEX totals_user ON totals (user_id) INCLUDE (sum)`, "index-different", "main:index/totals.totals_user#include"},
	{"index of a materialized view", `DROP INDEX totals_x`, "index-missing", "main:index/totals.totals_x"},
	{"index parameters", `ALTER INDEX plans_code SET (fillfactor = 61)`, "setting-tuning", "main:index/plans.plans_code#with"},
	{"index comment", `COMMENT ON INDEX plans_code IS NULL`, "comment-different", "main:index/plans.plans_code#comment"},
	{"row security enabled", `ALTER TABLE plans ENABLE ROW LEVEL SECURITY`, "setting-behaviour", "main:table/plans#row_security"},
	{"row security forced", `ALTER TABLE orders FORCE ROW LEVEL SECURITY`, "setting-behaviour", "main:table/orders#row_security"},
	{"policy expression", `ALTER POLICY mine ON orders USING (user_id > 1)`, "routine-different", "main:policy/orders.mine#using"},
	{"policy roles", `ALTER POLICY mine ON orders TO w_app`, "routine-different", "main:policy/orders.mine#roles"},
	{"policy dropped", `DROP POLICY all_of ON orders`, "routine-different", "main:policy/orders.all_of"},
	{"table grant", `GRANT DELETE ON users TO w_app`, "grant-different", "main:grant/table/users#w_app"},
	{"table grant to one more", `GRANT SELECT ON users TO w_reader`, "grant-different", "main:grant/table/users#w_reader"},
	{"first grant on a table", `GRANT SELECT ON orders TO w_reader`, "grant-different", "main:grant/table/orders"},
	{"grant option", `REVOKE GRANT OPTION FOR SELECT ON users FROM w_group`, "grant-different", "main:grant/table/users#w_group"},
	{"the owner's default rights revoked", `REVOKE DELETE ON orders FROM CURRENT_USER`, "grant-different", "main:grant/table/orders"},
	{"the default rights granted again", `GRANT ALL ON orders TO CURRENT_USER`, "", ""},
	{"column grant", `GRANT SELECT (bio) ON users TO w_app`, "grant-different", "main:grant/column/users.bio#w_app"},
	{"view grant", `GRANT SELECT ON adults TO w_app`, "grant-different", "main:grant/view/adults#w_app"},
	{"schema grant", `GRANT CREATE ON SCHEMA audit TO w_app`, "grant-different", "main:grant/schema/audit#w_app"},
	{"public schema", `GRANT CREATE ON SCHEMA public TO PUBLIC`, "grant-different", "main:grant/schema/public#PUBLIC"},
	{"sequence grant", `GRANT SELECT ON SEQUENCE tickets TO w_app`, "grant-different", "main:grant/sequence/tickets#w_app"},
	{"function grant", `GRANT EXECUTE ON FUNCTION secret() TO PUBLIC`, "grant-different", "main:grant/routine/secret()#PUBLIC"},
	{"type grant", `REVOKE USAGE ON TYPE mood FROM w_app`, "grant-different", "main:grant/enum/mood"},
	{"database grant", `DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$`, "grant-different", "main:grant/database"},
	{"default privileges", `ALTER DEFAULT PRIVILEGES IN SCHEMA audit GRANT INSERT ON TABLES TO w_app`, "grant-different", "main:grant/default_privileges/pg_database_owner.tables in schema audit#w_app"},
	{"table owner", `ALTER TABLE orders OWNER TO w_owner`, "owner-different", "main:table/orders#owner"},
	{"function owner", `ALTER FUNCTION touch() OWNER TO w_owner`, "owner-different", "main:routine/touch()#owner"},
	{"type owner", `ALTER TYPE mood OWNER TO w_owner`, "owner-different", "main:enum/mood#owner"},
	{"view owner", `ALTER VIEW cheerful OWNER TO w_owner`, "owner-different", "main:view/cheerful#owner"},
	{"schema owner", `ALTER SCHEMA "Odd.Schema" OWNER TO w_owner`, "owner-different", "main:schema/Odd%2ESchema#owner"},
	{"database setting", `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "TimeZone" = ''Asia/Tokyo''', current_database()); END $$`, "setting-behaviour", "main:setting/TimeZone#value"},
	{"database setting of an application", `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET app.flag = ''on''', current_database()); END $$`, "setting-behaviour", "main:setting/app%2Eflag"},
	{"database tuning", `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''64MB''', current_database()); END $$`, "setting-tuning", "main:setting/work_mem#value"},
	{"role setting in this database", `DO $$ BEGIN EXECUTE format('ALTER ROLE w_app IN DATABASE %I SET search_path = audit', current_database()); END $$`, "setting-behaviour", "main:role/w_app#setting.search_path"},
	{"storage parameters", `ALTER TABLE plans SET (fillfactor = 90)`, "setting-tuning", "main:table/plans#with"},
	{"replica identity", `ALTER TABLE orders REPLICA IDENTITY FULL`, "setting-behaviour", "main:table/orders#replica_identity"},
	{"unlogged", `ALTER TABLE fast SET LOGGED`, "setting-behaviour", "main:table/fast#unlogged"},
	{"publication operations", `ALTER PUBLICATION pub SET (publish = 'insert')`, "object-different", "main:publication/pub#publish"},
	{"publication tables", `ALTER PUBLICATION pub SET TABLE users (id, email) WHERE (id > 6), plans`, "object-different", "main:publication/pub#tables"},
	{"publication of a schema", `ALTER PUBLICATION in_audit ADD TABLES IN SCHEMA "Odd.Schema"`, "object-different", "main:publication/in_audit#schemas"},
	{"subscription", `CREATE SUBSCRIPTION sub CONNECTION 'host=db.example password=hidden-secret-3' PUBLICATION pub WITH (connect = false)`, "object-different", "main:subscription/sub"},
	{"foreign data wrapper", `CREATE FOREIGN DATA WRAPPER other`, "object-different", "main:foreign_data_wrapper/other"},
	{"foreign server option", `ALTER SERVER remote OPTIONS (SET host 'other.example')`, "object-different", "main:foreign_server/remote#option.host"},
	{"foreign server's secret is every environment's own", `ALTER SERVER remote OPTIONS (SET password 'hidden-secret-4')`, "", ""},
	{"foreign server's secret that is missing", `ALTER SERVER remote OPTIONS (DROP password)`, "object-different", "main:foreign_server/remote#option.password"},
	{"user mapping", `ALTER USER MAPPING FOR w_app SERVER remote OPTIONS (SET user 'other')`, "object-different", "main:user_mapping/remote.w_app#option.user"},
	{"foreign table's columns", `ALTER FOREIGN TABLE far ADD COLUMN w int`, "object-different", "main:foreign_table/far#columns"},
	{"foreign table dropped", `DROP FOREIGN TABLE far`, "table-missing", "main:foreign_table/far"},
	{"foreign server dropped with what is on it", `DROP SERVER remote CASCADE`, "object-different", "main:foreign_server/remote"},
	{"statistics object", `DROP STATISTICS users_st; CREATE STATISTICS users_st (ndistinct) ON email, rank FROM users; ALTER STATISTICS users_st SET STATISTICS 300`, "setting-tuning", "main:statistics/users_st#definition"},
	{"text search dictionary", `ALTER TEXT SEARCH DICTIONARY words (stopwords)`, "object-different", "main:text_search_dictionary/words#options"},
	{"text search configuration", `ALTER TEXT SEARCH CONFIGURATION words ALTER MAPPING FOR word WITH simple`, "object-different", "main:text_search_configuration/words#mappings"},
	{"cast", `DROP CAST (int AS pair); CREATE CAST (int AS pair) WITH FUNCTION to_pair(int) AS IMPLICIT`, "object-different", "main:cast/integer AS public%2Epair#context"},
	{"operator", `ALTER OPERATOR === (pair, pair) SET (RESTRICT = eqsel)`, "object-different", "main:operator/===(public%2Epair, public%2Epair)#restrict"},
	{"operator class dropped", `DROP OPERATOR FAMILY pair_ops USING hash CASCADE`, "object-different", "main:operator_class/pair_ops.using hash"},
	{"table dropped with all that is its", `DROP TABLE plans CASCADE`, "table-missing", "main:table/plans"},
	{"schema dropped with what is in it", `DROP SCHEMA "Odd.Schema" CASCADE`, "object-different", "main:schema/Odd%2ESchema"},
	{"column dropped with its sequence", `ALTER TABLE users DROP number`, "column-missing", "main:column/users.number"},
	{"view options", `ALTER VIEW adults RESET (security_barrier)`, "routine-different", "main:view/adults#with"},
	{"view definition", `CREATE OR REPLACE VIEW cheerful AS SELECT a.id, add(1, 3) AS three FROM adults a`, "routine-different", "main:view/cheerful#definition"},
	{"comment on a constraint", `COMMENT ON CONSTRAINT users_pkey ON users IS 'key'`, "comment-different", "main:constraint/users.users_pkey#comment"},
	{"comment on a schema", `COMMENT ON SCHEMA audit IS 'other'`, "comment-different", "main:schema/audit#comment"},
	{"layout of code", `CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS E' BEGIN RETURN NEW; END  \r\n'`, "", ""},
}

// leaveSubscription makes a database droppable.
const leaveSubscription = "DO $$ BEGIN IF EXISTS (SELECT FROM pg_subscription WHERE subname = 'sub') THEN ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub; END IF; END $$"

// TestEveryKindOfObject: a change of any kind is one finding at one address, in both
// directions, and the world as it was is none.
func TestEveryKindOfObject(t *testing.T) {
	server := testservers.Postgres(t)
	base := worldOn(t, server)
	original := taken(t, base)
	for _, l := range original.Lines {
		for _, held := range l.Values {
			if strings.Contains(held.Value.JSON(), "hidden-secret") || strings.Contains(held.Value.JSON(), "never-captured") {
				t.Fatalf("%s shows a secret: %s", l.Address, held.Value.JSON())
			}
		}
	}
	if again := found(t, original, taken(t, base)); len(again) > 0 {
		t.Fatalf("the world differs from itself:\n%s", lines(again))
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			copied := server.CopyDatabase(t, base)
			server.Exec(t, copied, c.sql)
			changed := taken(t, copied)
			for direction, got := range map[string][]finding.Finding{"changed on b": found(t, original, changed), "changed on a": found(t, changed, original)} {
				var kept []finding.Finding
				for _, f := range got {
					if f.Rule != "same-version-different-schema" {
						kept = append(kept, f)
					}
				}
				if c.rule == "" && len(kept) == 0 {
					continue
				}
				if len(kept) != 1 || kept[0].Rule != c.rule || kept[0].Address != c.address {
					t.Errorf("%s: want %s %s, got\n%s", direction, c.rule, c.address, lines(kept))
				}
			}
			if strings.Contains(c.sql, "SUBSCRIPTION") {
				server.Exec(t, copied, leaveSubscription)
			}
		})
	}
}

// TestWhatBelongsToTheServer and not to one database: roles that mean something to it, privileges on settings, tablespaces in which it keeps
// something, the server's own settings. Each step is one finding, forth and back.
func TestWhatBelongsToTheServer(t *testing.T) {
	server := testservers.NewPostgres(t, "allow_in_place_tablespaces = on")
	dsn := scriptOn(t, server, "CREATE TABLE users (id int); GRANT SELECT ON users TO w_app")
	server.Exec(t, dsn, "CREATE TABLESPACE fast LOCATION ''")
	server.Exec(t, dsn, "CREATE TABLE kept (id int) TABLESPACE fast")
	reload := func() {
		server.Exec(t, dsn, "SELECT pg_reload_conf()")
		time.Sleep(300 * time.Millisecond) // the postmaster tells its new sessions
	}
	reload()
	before := taken(t, dsn)
	for _, c := range []change{
		{"privilege on a setting", "GRANT SET ON PARAMETER log_statement TO w_app", "grant-different", "main:grant/setting/log_statement"},
		{"grant option of it", "GRANT SET ON PARAMETER log_statement TO w_app WITH GRANT OPTION", "grant-different", "main:grant/setting/log_statement#w_app"},
		{"tablespace's options", "ALTER TABLESPACE fast SET (random_page_cost = 1.5)", "object-different", "main:tablespace/fast#option.random_page_cost"},
		{"tablespace's owner", "ALTER TABLESPACE fast OWNER TO w_owner", "owner-different", "main:tablespace/fast#owner"},
		{"privilege on a tablespace", "GRANT CREATE ON TABLESPACE fast TO w_app", "grant-different", "main:grant/tablespace/fast"},
		{"role may make databases", "ALTER ROLE w_app CREATEDB", "grant-different", "main:role/w_app#create_database"},
		{"role may log in no more", "ALTER ROLE w_app NOLOGIN", "grant-different", "main:role/w_app#login"},
		{"role's limit", "ALTER ROLE w_app CONNECTION LIMIT 3", "grant-different", "main:role/w_app#connection_limit"},
		{"membership", "GRANT w_group TO w_app WITH ADMIN OPTION", "grant-different", "main:role/w_app#member_of"},
		{"role's setting everywhere", "ALTER ROLE w_app SET work_mem = '9MB'", "setting-behaviour", "main:role/w_app#setting.work_mem"},
		{"role's password is none", "ALTER ROLE w_app PASSWORD 'never-captured-other'", "", ""},
		{"a timeout of the server", "ALTER SYSTEM SET statement_timeout = '5min'", "setting-behaviour", "main:setting/statement_timeout#value"},
		{"a buffer of the server", "ALTER SYSTEM SET work_mem = '5MB'", "setting-tuning", "main:setting/work_mem#value"},
		{"isolation of the server", "ALTER SYSTEM SET default_transaction_isolation = 'serializable'", "setting-behaviour", "main:setting/default_transaction_isolation#value"},
		{"a file that says otherwise than the server runs", "ALTER SYSTEM SET max_prepared_transactions = 7", "not-loaded", "main:setting/max_prepared_transactions#pending_restart"},
	} {
		server.Exec(t, dsn, c.sql)
		if strings.HasPrefix(c.sql, "ALTER SYSTEM") {
			reload()
		}
		after := taken(t, dsn)
		for direction, got := range map[string][]finding.Finding{"forth": found(t, before, after), "back": found(t, after, before)} {
			if c.rule == "" && len(got) == 0 {
				continue
			}
			if len(got) != 1 || got[0].Rule != c.rule || got[0].Address != c.address {
				t.Errorf("%s, %s: want %s %s, got\n%s", c.name, direction, c.rule, c.address, lines(got))
			}
		}
		before = after
	}
}

// TestSubscriptions: what a subscription is told beyond where it comes from.
func TestSubscriptions(t *testing.T) {
	server := testservers.Postgres(t)
	subscribed := func(options string) string {
		dsn := server.NewDatabase(t)
		server.Exec(t, dsn, "CREATE SUBSCRIPTION sub CONNECTION 'host=db.example password=hidden-secret-6' PUBLICATION pub WITH (connect = false"+options+")")
		t.Cleanup(func() { server.Exec(t, dsn, leaveSubscription) })
		return dsn
	}
	plain := taken(t, subscribed(""))
	unlike(t, "the same subscription", plain, taken(t, subscribed("")))
	for _, c := range []struct{ options, attribute string }{
		{", binary = true", "binary"}, {", streaming = true", "streaming"}, {", two_phase = true", "two_phase"}, {", disable_on_error = true", "disable_on_error"}, {", synchronous_commit = local", "synchronous_commit"},
	} {
		changed := taken(t, subscribed(c.options))
		for direction, got := range map[string][]finding.Finding{"forth": found(t, plain, changed), "back": found(t, changed, plain)} {
			if len(got) != 1 || got[0].Rule != "object-different" || got[0].Address != "main:subscription/sub#"+c.attribute {
				t.Errorf("%s, %s: got\n%s", c.options, direction, lines(got))
			}
		}
	}
}
