package migrations

import (
	"regexp"
	"strings"
)

// Hazard is a form of statement that is known to lock or rewrite more than it needs, and the safer form. A hazard
// is told only where the replay saw it hurt.
type Hazard struct {
	Engine string // "" is all
	form   *regexp.Regexp
	Safer  string
	// Example shows it on a table t (id, a, b, note) with rows, and Instead does not: tests run both on real servers.
	Example, Instead string
	Effect           Effect // what Example does and Instead does not
}

// Effect is what a hazard costs.
type Effect int

// The effects.
const (
	BlocksWrites Effect = iota
	BlocksReads
	Rewrites
	ScansLocked // a scan while writes are blocked
)

// Hazards lists what is known, in the order in which it is searched.
func Hazards() []Hazard { return hazards }

func form(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?is)^` + pattern) }

var hazards = []Hazard{
	{"postgres", form(`create unique index (?:if not exists )?\w`), "CREATE UNIQUE INDEX CONCURRENTLY, alone in its file; then ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX where a constraint is wanted",
		"CREATE UNIQUE INDEX t_id2 ON t (id)", "CREATE UNIQUE INDEX CONCURRENTLY t_id2 ON t (id)", BlocksWrites},
	{"postgres", form(`create index (?:if not exists )?\w`), "CREATE INDEX CONCURRENTLY, alone in its file (it cannot run in a transaction)",
		"CREATE INDEX t_a ON t (a)", "CREATE INDEX CONCURRENTLY t_a ON t (a)", BlocksWrites},
	{"postgres", form(`drop index (?:if exists )?\w`), "DROP INDEX CONCURRENTLY, alone in its file", "DROP INDEX t_b", "DROP INDEX CONCURRENTLY t_b", BlocksReads},
	{"postgres", form(`reindex .*`), "REINDEX … CONCURRENTLY, alone in its file", "REINDEX INDEX t_b", "REINDEX INDEX CONCURRENTLY t_b", BlocksWrites},
	{"postgres", form(`alter table .*add .*foreign key`), "ADD CONSTRAINT … FOREIGN KEY … NOT VALID, then VALIDATE CONSTRAINT in a migration of its own: that blocks no writes", // the lock of the key itself is short
		"ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (a) REFERENCES t (id)", "ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (a) REFERENCES t (id) NOT VALID", ScansLocked},
	{"postgres", form(`alter table .*add .*check`), "ADD CONSTRAINT … CHECK … NOT VALID, then VALIDATE CONSTRAINT in a migration of its own",
		"ALTER TABLE t ADD CONSTRAINT t_c CHECK (a >= 0)", "ALTER TABLE t ADD CONSTRAINT t_c CHECK (a >= 0) NOT VALID", ScansLocked},
	{"postgres", form(`alter table .*set not null`), "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a migration of its own, then SET NOT NULL, which needs no scan any more",
		"ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t ADD CONSTRAINT t_n CHECK (a IS NOT NULL) NOT VALID", ScansLocked},
	{"postgres", form(`alter table .*add .*(unique|primary key)`), "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX",
		"ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (id)", "CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (id)", BlocksReads},
	{"postgres", form(`alter table .*alter .*type`), "add a column of the new type, fill it in batches, and swap the names",
		"ALTER TABLE t ALTER a TYPE bigint", "ALTER TABLE t ADD COLUMN a2 bigint", Rewrites},
	{"postgres", form(`alter table .*add .*(default|serial|generated)`), "add the column without the default, set the default apart, and fill old rows in batches: a volatile default, a serial or a stored generated column writes every row",
		"ALTER TABLE t ADD COLUMN seen timestamptz DEFAULT clock_timestamp()", "ALTER TABLE t ADD COLUMN seen timestamptz DEFAULT now()", Rewrites},
	{"postgres", form(`(vacuum full|cluster)`), "pg_repack, or plain VACUUM", "CLUSTER t USING t_b", "ANALYZE t", Rewrites},
	{"postgres", form(`alter table .*set (logged|unlogged)`), "do it before the table has rows", "ALTER TABLE t SET UNLOGGED", "ALTER TABLE t SET (fillfactor = 90)", Rewrites},
	{"postgres", form(`refresh materialized view \w`), "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index", "REFRESH MATERIALIZED VIEW tv", "REFRESH MATERIALIZED VIEW CONCURRENTLY tv", BlocksReads},
	{"mysql", form(`alter table .*(modify|change) `), "a change that the server can make INSTANT or INPLACE: say ALGORITHM=INSTANT or LOCK=NONE and it refuses instead of copying; else gh-ost or pt-online-schema-change",
		"ALTER TABLE t MODIFY a bigint", "ALTER TABLE t ADD COLUMN a2 bigint", Rewrites},
	{"mysql", form(`alter table .*convert to`), "convert a copy with gh-ost or pt-online-schema-change", "ALTER TABLE t CONVERT TO CHARACTER SET latin1", "ALTER TABLE t COMMENT 'x'", Rewrites},
	{"mysql", form(`alter table .*add .*foreign key`), "SET foreign_key_checks = 0 after a check by hand makes it INPLACE; else gh-ost",
		"ALTER TABLE t ADD CONSTRAINT t_fk FOREIGN KEY (a) REFERENCES t (id)", "ALTER TABLE t ADD KEY t_fk (a)", BlocksWrites},
	{"mysql", form(`alter table .*(drop primary key|engine *=)`), "gh-ost or pt-online-schema-change", "ALTER TABLE t ENGINE=Aria", "ALTER TABLE t ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE", BlocksWrites},
	{"mysql", form(`(create (fulltext|spatial) index|alter table .*add (fulltext|spatial))`), "add it on a replica first, or with gh-ost: building it blocks writes",
		"CREATE FULLTEXT INDEX t_n ON t (note)", "CREATE INDEX t_n ON t (note(20))", BlocksWrites},
	{"", form(`(update|delete|insert|with|merge|replace)\b`), "change the rows in batches of a few thousand, each in a transaction of its own", "", "", BlocksWrites},
}

// safer is the advice on a statement that hurts; "" leaves the rule's own.
func (r *rehearsal) safer(sql string) string { return saferForm(r.in.Engine.Name(), sql) }

func saferForm(engineName, sql string) string {
	text := strings.Join(strings.Fields(withoutComments(sql)), " ")
	for _, h := range hazards {
		if (h.Engine == "" || h.Engine == engineName) && h.form.MatchString(text) {
			return h.Safer
		}
	}
	return ""
}
