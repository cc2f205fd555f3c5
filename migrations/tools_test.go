package migrations

import (
	"context"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/engine/sqlite"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
)

// toolStory is a directory of one tool's files, what its version table says, and what is pending then.
type toolStory struct {
	tool, name string
	files      map[string]string
	table      string // CREATE and INSERT of the version table
	pending    string
	findings   []string // parts of messages, in order
	failed     string   // part of the message of a rehearsal that fails
}

const addColumn = "ALTER TABLE users ADD COLUMN country TEXT;\n"

// liquibaseFile has a changeset of each kind; the checksums in the stories are those that Liquibase 4.28.0 and 4.4.0 printed for it.
const liquibaseFile = "--liquibase formatted sql\n--changeset ann:1\nCREATE TABLE a (x INTEGER);\n-- a comment, that stays\nINSERT INTO a   VALUES (1,\n\t'two');\n--rollback DROP TABLE a;\n--changeset ann:2 runInTransaction:false\n--comment: adds a column\nALTER TABLE a ADD COLUMN y TEXT;\n--changeset bob:3 splitStatements:false endDelimiter:$$ stripComments:false context:prod\n--preconditions onFail:MARK_RAN\n--precondition-sql-check expectedResult:1 SELECT count(*) FROM a\nCREATE VIEW v AS SELECT 1;\n/* block\n comment */\nSELECT 'ä  b';\n\n--changeset ann:4 dbms:mysql\nSELECT 4;\n--changeset ann:5\nSELECT 5;\n--rollback not required\n--validCheckSum: 8:abc\n--changeset ann:6\n" + addColumn

var toolStories = []toolStory{
	{tool: "goose", name: "what is not applied is pending", table: "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER); INSERT INTO goose_db_version VALUES (1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 2, 0)",
		files:   map[string]string{"00001_base.sql": "-- +goose Up\nSELECT 1;\n", "00002_country.sql": "-- +goose Up\n-- +goose StatementBegin\n" + addColumn + "-- +goose StatementEnd\n-- +goose Down\nALTER TABLE users DROP COLUMN country;\n"},
		pending: "2"},
	{tool: "goose", name: "out of order, a program, and a file that breaks", table: "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER); INSERT INTO goose_db_version VALUES (1, 2, 1)",
		files:   map[string]string{"1_base.sql": "-- +goose Up\nSELECT 1;\n", "2_x.sql": "-- +goose Up\nSELECT 1;\n", "3_unique.sql": "-- +goose Up\nCREATE UNIQUE INDEX users_email ON users (email);\n", "misnamed.sql": "SELECT 1"},
		pending: "1 3", findings: []string{"\"misnamed.sql\" is skipped", "1_base is older than what is applied and was never applied: goose refuses"}, failed: "3_unique fails: 2 rows of users share email"},
	{tool: "dbmate", name: "a set of versions", table: "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20240101000000')",
		files:   map[string]string{"20240101000000_base.sql": "-- migrate:up\nSELECT 1;\n", "20240201000000_country.sql": "-- migrate:up transaction:false\n" + addColumn + "-- migrate:down\nDROP TABLE users;\n"},
		pending: "20240201000000"},
	{tool: "dbmate", name: "a file without an up part", table: "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY)",
		files: map[string]string{"1_base.sql": addColumn}, pending: "1", failed: "has no comment that begins its up part"},
	{tool: "sql-migrate", name: "files by name", table: "CREATE TABLE gorp_migrations (id TEXT PRIMARY KEY, applied_at TEXT); INSERT INTO gorp_migrations VALUES ('1-base.sql', '')",
		files: map[string]string{"1-base.sql": "-- +migrate Up\nSELECT 1;\n", "2-country.sql": "-- +migrate Up\n" + addColumn + "-- +migrate Down\nSELECT 2;\n"}, pending: "2"},
	{tool: "flyway", name: "versions by number, repeatables by checksum", table: "CREATE TABLE flyway_schema_history (installed_rank INTEGER, version TEXT, description TEXT, type TEXT, script TEXT, checksum INTEGER, success INTEGER); INSERT INTO flyway_schema_history VALUES (1, '1.9', 'base', 'SQL', 'V1_9__base.sql', NULL, 1), (2, NULL, 'names', 'SQL', 'R__names.sql', 7, 1)",
		files: map[string]string{"V1_9__base.sql": "SELECT 1;\n", "V1_10__country.sql": addColumn, "R__names.sql": "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT email FROM users;\n", "U1_10__country.sql": "SELECT 1;"}, pending: "1.10 R"},
	{tool: "flyway", name: "skipped, edited and failed", table: "CREATE TABLE flyway_schema_history (installed_rank INTEGER, version TEXT, description TEXT, type TEXT, script TEXT, checksum INTEGER, success INTEGER); INSERT INTO flyway_schema_history VALUES (1, '2', 'base', 'SQL', 'V2__base.sql', 99, 1), (2, '3', 'x', 'SQL', 'V3__x.sql', NULL, 0)",
		files: map[string]string{"V1__late.sql": addColumn, "V2__base.sql": "SELECT 1;\n", "V3__x.sql": "SELECT 1;"}, findings: []string{"1_late is older than what is applied and was never applied: Flyway skips it", "was edited after it was applied", "3_x began to run and did not end"}},
	{tool: "prisma", name: "directories, and one that failed", table: "CREATE TABLE _prisma_migrations (id TEXT, checksum TEXT, finished_at TEXT, migration_name TEXT, rolled_back_at TEXT, applied_steps_count INTEGER); INSERT INTO _prisma_migrations VALUES ('a', '', '2024', '20240101_base', NULL, 1), ('b', '', NULL, '20240102_x', NULL, 2)",
		files: map[string]string{"20240101_base/migration.sql": "SELECT 1;", "20240102_x/migration.sql": addColumn, "migration_lock.toml": ""}, findings: []string{"20240102_x began to run and did not end: 2 of its steps are applied; Prisma refuses"}},
	{tool: "prisma", name: "one that was rolled back runs again", table: "CREATE TABLE _prisma_migrations (id TEXT, checksum TEXT, finished_at TEXT, migration_name TEXT, rolled_back_at TEXT, applied_steps_count INTEGER); INSERT INTO _prisma_migrations VALUES ('b', '', NULL, '20240102_x', '2024', 2)",
		files: map[string]string{"20240102_x/migration.sql": addColumn}, pending: "20240102"},
	{tool: "diesel", name: "directories by date", table: "CREATE TABLE __diesel_schema_migrations (version TEXT, run_on TEXT); INSERT INTO __diesel_schema_migrations VALUES ('20240101000000', '')",
		files: map[string]string{"2024-01-01-000000_base/up.sql": "SELECT 1;", "2024-01-01-000000_base/down.sql": "", "2024-01-02-000000_x/up.sql": addColumn, "2024-01-02-000000_x/down.sql": ""}, pending: "20240102000000"},
	{tool: "sqlx", name: "reversible files, edited", table: "CREATE TABLE _sqlx_migrations (version INTEGER, description TEXT, success INTEGER, checksum BLOB); INSERT INTO _sqlx_migrations VALUES (1, 'base', 1, x'00')",
		files: map[string]string{"1_base.up.sql": "SELECT 1;", "1_base.down.sql": "", "2_x.up.sql": addColumn, "2_x.down.sql": ""}, pending: "2", findings: []string{"\"1_base.up.sql\" was edited"}},
	{tool: "atlas", name: "a revision that stopped half-way", table: "CREATE TABLE atlas_schema_revisions (version TEXT, applied INTEGER, total INTEGER, error TEXT, hash TEXT); INSERT INTO atlas_schema_revisions VALUES ('20240101', 1, 3, 'x', '')",
		files: map[string]string{"20240101_base.sql": "SELECT 1;", "20240102_x.sql": addColumn, "atlas.sum": ""}, pending: "20240102", findings: []string{"1 of its 3 statements are applied"}},
	{tool: "atlas", name: "a file that was edited after it was applied", table: "CREATE TABLE atlas_schema_revisions (version TEXT, applied INTEGER, total INTEGER, error TEXT, hash TEXT); INSERT INTO atlas_schema_revisions VALUES ('20240101', 1, 1, NULL, '2ulQ+a9wJcBELIIUGrxyiFzBBt1GG/Jkhn7wWZV/TXs='), ('20240102', 1, 1, NULL, 'another')",
		files: map[string]string{"20240101_base.sql": "SELECT 1;", "20240102_y.sql": "SELECT 2;", "20240103_x.sql": addColumn}, pending: "20240103", findings: []string{"\"20240102_y.sql\" was edited after it was applied"}},
	{tool: "atlas", name: "files that are what atlas.sum says", table: "CREATE TABLE atlas_schema_revisions (version TEXT, applied INTEGER, total INTEGER, error TEXT, hash TEXT); INSERT INTO atlas_schema_revisions VALUES ('20240101', 1, 1, NULL, '')",
		files: map[string]string{"20240101_base.sql": "SELECT 1;", "20240102_y.sql": "SELECT 2;", "atlas.sum": "h1:x\n20240101_base.sql h1:2ulQ+a9wJcBELIIUGrxyiFzBBt1GG/Jkhn7wWZV/TXs=\n20240102_y.sql h1:Atifzcw6bE9N1lXeYnqkPwoxJHKTtnDOr+0iIKaLfdw=\n"}, pending: "20240102"},
	{tool: "atlas", name: "a file that is not what atlas.sum says", table: "CREATE TABLE atlas_schema_revisions (version TEXT, applied INTEGER, total INTEGER, error TEXT, hash TEXT); INSERT INTO atlas_schema_revisions VALUES ('20240101', 1, 1, NULL, '')",
		files: map[string]string{"20240101_base.sql": "SELECT 1;", "20240102_y.sql": addColumn, "atlas.sum": "h1:x\n20240101_base.sql h1:2ulQ+a9wJcBELIIUGrxyiFzBBt1GG/Jkhn7wWZV/TXs=\n20240102_y.sql h1:Atifzcw6bE9N1lXeYnqkPwoxJHKTtnDOr+0iIKaLfdw=\n"}, pending: "20240102", findings: []string{"\"20240102_y.sql\" is another than atlas.sum says: Atlas refuses the directory"}},
	{tool: "liquibase", name: "changesets of formatted SQL", table: "CREATE TABLE DATABASECHANGELOG (ID TEXT, AUTHOR TEXT, FILENAME TEXT, EXECTYPE TEXT); INSERT INTO DATABASECHANGELOG VALUES ('1', 'ann', 'db/changes.sql', 'EXECUTED')",
		files: map[string]string{"changes.sql": "--liquibase formatted sql\n--changeset ann:1\nSELECT 1;\n--changeset ann:2 runInTransaction:false\n" + addColumn + "--rollback ALTER TABLE users DROP COLUMN country;\n"}, pending: "2"},
	{tool: "liquibase", name: "edited after it was applied, by the checksums of both versions", table: "CREATE TABLE DATABASECHANGELOG (ID TEXT, AUTHOR TEXT, FILENAME TEXT, EXECTYPE TEXT, MD5SUM TEXT); INSERT INTO DATABASECHANGELOG VALUES ('1', 'ann', 'changes.sql', 'EXECUTED', '9:56b899504a97ed8e25ff204ef917326d'), " +
		"('2', 'ann', 'changes.sql', 'EXECUTED', '8:5b0bddc79ec6325cbf6a3f3bc1115623'), ('3', 'bob', 'changes.sql', 'EXECUTED', '9:00000000000000000000000000000000'), ('5', 'ann', 'changes.sql', 'EXECUTED', '7:00000000000000000000000000000000')",
		files: map[string]string{"changes.sql": liquibaseFile}, pending: "6", findings: []string{"\"changes.sql\" was edited after it was applied: its checksum is another; Liquibase refuses"}},
	{tool: "liquibase", name: "an edited changeset that runs on change, and one that takes any checksum", table: "CREATE TABLE DATABASECHANGELOG (ID TEXT, AUTHOR TEXT, FILENAME TEXT, EXECTYPE TEXT, MD5SUM TEXT); INSERT INTO DATABASECHANGELOG VALUES ('1', 'ann', 'x.sql', 'EXECUTED', '9:00'), ('2', 'ann', 'x.sql', 'EXECUTED', '9:00'), ('3', 'ann', 'x.sql', 'EXECUTED', '8:00')",
		files: map[string]string{"x.sql": "--liquibase formatted sql\n--changeset ann:1 runOnChange:true\nSELECT 1;\n--changeset ann:2\n--validCheckSum: ANY\nSELECT 2;\n--changeset ann:3\n--validCheckSum 8:00\nSELECT 3;\n"}, pending: "1"},
	{tool: "rails", name: "programs are named, and not replayed", table: "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY); CREATE TABLE ar_internal_metadata (key TEXT PRIMARY KEY, value TEXT); INSERT INTO schema_migrations VALUES ('20240101000000')",
		files: map[string]string{"20240101000000_base.rb": "", "20240102000000_country.rb": ""}, pending: "20240102000000", failed: "it is a program"},
	{tool: "alembic", name: "revisions in the order of their links", table: "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('aa')",
		files: map[string]string{"bb_second.py": "revision = 'bb'\ndown_revision = 'aa'\n", "aa_first.py": "revision: str = 'aa'\ndown_revision = None\n"}, pending: "bb", failed: "it is a program"},
	{tool: "django", name: "applications", table: "CREATE TABLE django_migrations (id INTEGER, app TEXT, name TEXT, applied TEXT); INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', '')",
		files: map[string]string{"shop/migrations/__init__.py": "", "shop/migrations/0001_initial.py": "", "shop/migrations/0002_email.py": ""}, pending: "shop.0002", failed: "it is a program"},
	{tool: "dbmate", name: "two files of one version", table: "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY)",
		files: map[string]string{"1_a.sql": "-- migrate:up\nSELECT 1;", "1_b.sql": "-- migrate:up\nSELECT 1;"}, pending: "1 1", findings: []string{"have the same version 1"}},
	{tool: "dbmate", name: "applied without a file", table: "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1'), ('7')",
		files: map[string]string{"1_a.sql": "-- migrate:up\nSELECT 1;"}, findings: []string{"applied, but without a file"}},
}

func TestPendingOfTheToolsThatPeopleUse(t *testing.T) {
	e := sqlite.New()
	for _, st := range toolStories {
		t.Run(st.tool+" "+st.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := makeDatabase(t, "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO users VALUES (1, 'a'), (2, 'a'); "+st.table)
			target := engine.Target{Engine: "sqlite", Path: path, DSN: path, Display: "production"}
			db, err := e.Open(t.Context(), target, engine.ReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			out, err := Rehearse(t.Context(), Input{Scope: "main", Environment: "production", Engine: e, Production: db, Spec: Spec{Tool: st.tool, Dir: writeFiles(t, st.files)},
				ScratchDir: dir, Now: time.Now, BuildCopy: func(ctx context.Context, _ []schema.Obligation) (CopyResult, error) {
					scratch, err := e.Open(ctx, target, engine.Scratch)
					if err != nil {
						return CopyResult{}, err
					}
					defer scratch.Close()
					to, err := scratch.Clone(ctx, engine.Target{}, dir)
					return CopyResult{Target: to, Copy: finding.Copy{Mode: "full"}}, err
				}})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(out.Database.Pending, " "); got != st.pending {
				t.Errorf("pending %q, want %q", got, st.pending)
			}
			var states, failures []string
			for _, f := range out.Findings {
				if f.Rule == "migration-state" {
					states = append(states, f.Message)
				} else {
					failures = append(failures, f.Rule+": "+f.Message)
				}
			}
			if len(states) != len(st.findings) {
				t.Errorf("findings %q, want %q", states, st.findings)
			}
			all := strings.Join(states, "\n")
			for _, want := range st.findings {
				if !strings.Contains(all, want) {
					t.Errorf("no finding says %q: %s", want, all)
				}
			}
			if text := strings.Join(failures, "\n"); (st.failed == "") != (len(failures) == 0) || !strings.Contains(text, st.failed) {
				t.Errorf("the rehearsal says %q, want %q", text, st.failed)
			}
			for _, g := range out.Gaps {
				if st.failed == "" && len(st.findings) == 0 {
					t.Errorf("gap %s: %s", g.Address, g.Reason)
				}
			}
		})
	}
}

func TestFlywayChecksum(t *testing.T) {
	// CRC-32 over the lines without their ends, as a signed number.
	for text, want := range map[string]string{"SELECT 1;\n": fmt.Sprint(int32(crc32.ChecksumIEEE([]byte("SELECT 1;")))), "a\r\nb": fmt.Sprint(int32(crc32.ChecksumIEEE([]byte("ab"))))} {
		if got := flyway.sums(nil, Migration{}, []byte(text))[0]; got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestChangesetsAreForSomeDatabases(t *testing.T) {
	for list, want := range map[string]string{"": "postgresql mysql sqlite", "postgresql": "postgresql", "mysql,h2": "mysql", "MariaDB": "mysql", "!sqlite": "postgresql mysql", "!mysql": "postgresql mysql sqlite", "all": "postgresql mysql sqlite", "oracle": ""} {
		var got []string
		for _, dbms := range []string{"postgresql", "mysql", "sqlite"} {
			if isFor(list, dbms) {
				got = append(got, dbms)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q runs on %q, want %q", list, text, want)
		}
	}
}

// TestLiquibasesChecksums are as Liquibase 4.28.0 (version 9) and 4.4.0 (version 8) print them.
func TestLiquibasesChecksums(t *testing.T) {
	for section, want := range map[string]string{
		"ann:1": "9:56b899504a97ed8e25ff204ef917326d 8:c5d41a0fd92fe3516ca24e0f241a3711",
		"ann:2": "9:482b2bbb0ab284020131c701982b68d3 8:5b0bddc79ec6325cbf6a3f3bc1115623",
		"bob:3": "9:91b4dbff685eae570254eee6645e19a3 8:587a221f66425c3c0f541079e2e461de",
	} {
		if got := strings.Join(changesetSums(nil, Migration{section: section}, []byte(liquibaseFile)), " "); got != want {
			t.Errorf("%s: %s, want %s", section, got, want)
		}
	}
}
