package onpostgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/sanitize"
)

// TestValuesInTheSchemaStopTheCopy: everything of a catalogue that a copy gets is searched, and each finding names what to look at, not what is in it.
func TestValuesInTheSchemaStopTheCopy(t *testing.T) {
	server := testservers.Postgres(t)
	dsn := server.NewDatabase(t)
	const value = "lara.quillfeather@mail.example"
	server.Exec(t, dsn, strings.ReplaceAll(`
CREATE TYPE sender AS ENUM ('nobody', '$V');
CREATE TABLE people (id int PRIMARY KEY, email text);
INSERT INTO people VALUES (1, '$V');
CREATE TABLE letters (id int, kind sender, to_ text DEFAULT '$V', CONSTRAINT not_her CHECK (to_ <> '$V'));
COMMENT ON COLUMN letters.to_ IS 'such as $V';
CREATE TABLE boxes (owner text) PARTITION BY LIST (owner);
CREATE TABLE box_1 PARTITION OF boxes FOR VALUES IN ('$V');
CREATE VIEW hers AS SELECT id FROM letters WHERE to_ = '$V';
CREATE FUNCTION hers_too() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM letters WHERE to_ = '$V'$$;
CREATE INDEX hers_alone ON letters (id) WHERE to_ = '$V';
CREATE RULE kept AS ON DELETE TO letters WHERE OLD.to_ = '$V' DO INSTEAD NOTHING;
CREATE POLICY sees ON letters USING (to_ <> '$V');
`, "$V", value))
	src := open(t, dsn, engine.ReadOnly)
	sch, err := src.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	policy, err := sanitize.ParsePolicy([]byte(`
tables:
  people: {columns: {id: {keep: true}, email: {mask: email}}}
  letters: {columns: {id: {keep: true}, kind: {keep: true}, to_: {keep: true}}}
  boxes: {columns: {owner: {keep: true}}}`), "sanitize.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := sanitize.NewPlan(policy, sch, sanitize.Keepable, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sanitize.Build(t.Context(), src, engine.Target{Engine: "postgres", DSN: server.DSN("postgres"), Display: "scratch"}, t.TempDir(), sch, plan, keys.New(), sanitize.CopyOptions{})
	var leak *sanitize.LeakError
	if !errors.As(err, &leak) {
		t.Fatalf("got %v", err)
	}
	found := leak.Findings("main", "production")
	if len(found) != 1 || len(leak.Leaks) != 0 {
		t.Fatalf("%d findings, leaks in rows: %v", len(found), leak.Leaks)
	}
	for _, in := range []string{"CREATE TYPE public.sender", "CREATE TABLE public.letters", "ALTER TABLE public.letters ADD CONSTRAINT not_her CHECK", "COMMENT ON COLUMN public.letters.to_", "PARTITION OF public.boxes", "VIEW public.hers", "FUNCTION public.hers_too",
		"CREATE INDEX hers_alone ON public.letters", "RULE kept", "CREATE POLICY sees ON public.letters"} {
		if !strings.Contains(found[0].Message, in) {
			t.Errorf("%s is not named in: %s", in, found[0].Message)
		}
	}
	if strings.Contains(found[0].Message+found[0].Hint+err.Error(), "quillfeather") {
		t.Errorf("the value is told: %s", found[0].Message)
	}
}
