package onpostgres

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/postgres"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// everywhere is a database in which people are where nobody looks. All its people have Quillfeather in their names, and all their telephones 8675309.
const everywhere = `
CREATE EXTENSION hstore; CREATE EXTENSION citext;
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE DOMAIN mailbox AS citext CHECK (VALUE ~ '@');
CREATE DOMAIN label AS text;
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email mailbox NOT NULL UNIQUE, full_name label NOT NULL, state state NOT NULL,
	shown text GENERATED ALWAYS AS (upper(full_name::text)) STORED, words tsvector GENERATED ALWAYS AS (to_tsvector('simple', full_name::text)) STORED,
	aliases text[] NOT NULL DEFAULT '{}', phones varchar(30)[], ages int[], attributes hstore, profile jsonb, card xml, spot point, picture oid, quota money);
COMMENT ON COLUMN users.full_name IS 'as in the passport';
INSERT INTO users (email, full_name, state, aliases, phones, ages, attributes, profile, card, spot, picture, quota)
SELECT 'Ann.Quillfeather' || n || '@mail.example', 'Ann Quillfeather' || chr(65 + n % 26) || chr(97 + n / 26), 'paid', ARRAY['annie quillfeather ' || n, NULL, 'say "quillfeather", \ {' || n || '}'],
	ARRAY['+49 170 8675309', NULL], ARRAY[[n, NULL], [7, -n]], hstore(ARRAY['name', 'phone', 'none'], ARRAY['Ann Quillfeather ' || n, '0170 8675309', NULL]),
	jsonb_build_object('name', 'Ann Quillfeather', 'list', jsonb_build_array('quillfeather' || n, true, NULL), 'tel', '+49 170 8675309'),
	xmlparse(content '<person name="Ann Quillfeather"><!-- quillfeather --><tel>0170 8675309</tel>Miss Qu&#105;llfeather &amp; <![CDATA[quillfeather]]></person>'),
	point(n, n), lo_from_bytea(0, ('quillfeather ' || n)::bytea), n FROM generate_series(1, 200) n;
CREATE TABLE audit_log (id serial PRIMARY KEY, at timestamptz DEFAULT now(), old_row jsonb, new_row text, changed hstore);
INSERT INTO audit_log (old_row, new_row, changed) SELECT to_jsonb(u) - 'words' - 'card', u.full_name || ' has now ' || u.email, hstore('full_name', u.full_name) FROM users u;
CREATE TABLE sessions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), data bytea NOT NULL, ip inet, agent text);
INSERT INTO sessions (data, ip, agent) SELECT ('user=quillfeather' || n)::bytea, '10.1.2.3', 'curl' FROM generate_series(1, 60) n;
CREATE TABLE delayed_jobs (id serial PRIMARY KEY, handler text, queue text, last_error text);
INSERT INTO delayed_jobs (handler, queue, last_error) SELECT '--- !ruby/object:Mail to: ann.quillfeather@mail.example', 'mail', 'no route to quillfeather, tel. 0170 8675309' FROM generate_series(1, 60);
CREATE TABLE articles (id serial PRIMARY KEY, body text, search tsvector NOT NULL);
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.search := to_tsvector('simple', coalesce(NEW.body, '')); RETURN NEW; END$$;
CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON articles FOR EACH ROW EXECUTE FUNCTION fill();
INSERT INTO articles (body) SELECT 'Quillfeather wrote ' || n || ' letters to nobody in particular' FROM generate_series(1, 80) n;
CREATE INDEX ON articles USING gin (search);
CREATE INDEX ON users (lower(full_name::text));
CREATE STATISTICS both_ (dependencies, mcv) ON full_name, shown FROM users;
CREATE VIEW people AS SELECT id, full_name, email FROM users;
CREATE MATERIALIZED VIEW directory AS SELECT full_name, phones FROM users;
CREATE TABLE addressee (line text) PARTITION BY LIST (line);
CREATE TABLE addressee_rest PARTITION OF addressee DEFAULT;
INSERT INTO addressee SELECT 'Quillfeather ' || n FROM generate_series(1, 50) n;
ANALYZE;
`

func open(t *testing.T, dsn string, mode engine.Mode) engine.DB {
	t.Helper()
	db, err := postgres.New().Open(t.Context(), engine.Target{Engine: "postgres", DSN: dsn, Display: "test"}, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// scanned is the policy that scan proposes, as it is after it was written and read again.
func scanned(t *testing.T, src engine.DB, sch *schema.Database) *sanitize.Policy {
	t.Helper()
	proposed, _, err := sanitize.Scan(t.Context(), src, sch, nil, sanitize.ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := proposed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := sanitize.ParsePolicy(text, "sanitize.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return policy
}

// built is a sanitised copy and its report.
func built(t *testing.T, server *testservers.Server, src engine.DB, sch *schema.Database, policy *sanitize.Policy, use sanitize.Use) (engine.Target, *finding.Sanitization) {
	t.Helper()
	return builtBeside(t, server.DSN("postgres"), src, sch, policy, use)
}

// builtBeside makes the copy with the encoding of the database that a URL names.
func builtBeside(t *testing.T, base string, src engine.DB, sch *schema.Database, policy *sanitize.Policy, use sanitize.Use) (engine.Target, *finding.Sanitization) {
	t.Helper()
	plan, err := sanitize.NewPlan(policy, sch, use, nil)
	if err != nil {
		t.Fatal(err)
	}
	key := testKey(t)
	copied, err := sanitize.Build(t.Context(), src, engine.Target{Engine: "postgres", DSN: base, Display: "scratch"}, t.TempDir(), sch, plan, key, sanitize.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Engine().DropScratch(context.WithoutCancel(t.Context()), copied.Target); err != nil {
			t.Error(err)
		}
	})
	return copied.Target, copied.Report
}

// testKey is the same in each run, as a project's is.
func testKey(t testing.TB) keys.Key {
	t.Helper()
	key, err := keys.Parse("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestNobodyIsLeftAnywhereInACopy(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, everywhere)
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy := scanned(t, src, sch)
	for _, use := range []sanitize.Use{sanitize.Keepable, sanitize.Rehearsal} {
		copied, _ := built(t, server, src, sch, policy, use)
		server.Exec(t, copied.DSN, "ANALYZE; REFRESH MATERIALIZED VIEW directory")
		dump, err := exec.Command("pg_dump", "-b", "-d", copied.DSN).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, dump)
		}
		everything := string(dump)
		db := open(t, copied.DSN, engine.Scratch)
		for _, sql := range []string{
			"SELECT (s.*)::text FROM pg_stats s WHERE schemaname = 'public'", "SELECT coalesce(most_common_vals::text, '') FROM pg_stats_ext", "SELECT (d.*)::text FROM directory d", "SELECT encode(data, 'escape') FROM pg_largeobject",
			"SELECT encode(data, 'escape') FROM sessions", "SELECT (u.*)::text FROM users u",
		} {
			if err := db.Query(t.Context(), sql, func(r engine.Row) error { everything += "\n" + string(r[0].Data); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		db.Close()
		for _, raw := range []string{"quillfeather", "8675309", "mail.example"} {
			if i := strings.Index(strings.ToLower(everything), raw); i >= 0 {
				t.Errorf("use %d: %q is in the copy: …%s…", use, raw, everything[max(0, i-200):min(len(everything), i+60)])
			}
		}
		for sql, want := range map[string]string{
			"SELECT count(*) FROM users WHERE aliases[2] IS NULL AND cardinality(aliases) = 3 AND phones[2] IS NULL":                            "200",
			"SELECT count(*) FROM users WHERE ages[1][2] IS NULL AND ages[2][2] < 0 AND array_ndims(ages) = 2":                                  "200",
			"SELECT count(*) FROM users WHERE attributes ? 'phone' AND attributes->'none' IS NULL AND attributes->'name' ~ '^[A-Z][a-z]+ '":     "200",
			"SELECT count(*) FROM users WHERE profile->>'name' ~ '^[A-Z][a-z]{2} [A-Z]' AND (profile->'list'->>1) = 'true'":                     "200",
			"SELECT count(*) FROM users WHERE (xpath('/person/tel/text()', card))[1]::text ~ '^[0-9]{4} [0-9]{7}$' AND email ~ '@.*[.]invalid'": "200",
			"SELECT count(*) FROM users WHERE state = 'paid' AND shown = upper(full_name)":                                                      "200",
			"SELECT count(DISTINCT full_name) FROM people":                                                                                      "200",
			"SELECT count(*) FROM articles WHERE search = to_tsvector('simple', body) OR search = ''":                                           "80",
		} {
			if got := server.Ask(t, copied.DSN, sql); got != want {
				t.Errorf("use %d: %s is %s, want %s", use, sql, got, want)
			}
		}
	}
}

// TestWhatNoMaskHoldsWaitsForAPerson: scan never keeps what it can not judge.
func TestWhatNoMaskHoldsWaitsForAPerson(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	server.Exec(t, dsn, `CREATE TABLE visits (id int PRIMARY KEY, spot point NOT NULL, stay tstzrange, kind text); INSERT INTO visits VALUES (1, point(52.5, 13.4), NULL, 'a')`)
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy := scanned(t, src, sch)
	visits, _ := policy.Table("visits")
	for column, want := range map[string]sanitize.Action{"spot": sanitize.Review, "stay": sanitize.Set} {
		if c, ok := visits.Column(column); !ok || c.Action != want {
			t.Errorf("%s: %+v", column, c)
		}
	}
	_, err = sanitize.NewPlan(policy, sch, sanitize.Keepable, nil)
	if err == nil || !strings.Contains(fmt.Sprint(err), "visits.spot waits for somebody to decide") {
		t.Errorf("got %v", err)
	}
}
