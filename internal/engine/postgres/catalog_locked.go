package postgres

import (
	"context"
	"regexp"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// lockNotAvailable is the refusal of a lock that somebody else does not give back in time.
const lockNotAvailable = "55P03"

// shortWait is for who did not give a lock back in the time before, and will not now.
const shortWait = "SET LOCAL lock_timeout = 500; "

// held are the relations that other sessions have locked exclusively, and what the server cannot print meanwhile: to print an expression over a
// relation, it locks it. Everything else is read around them.
type held struct {
	looks int
	oids  map[string][]string // what the argument of a function is → oids
	parts map[string][]schema.Part
	names []string // of the relations
}

// maxLooks bounds how often the catalogue is read again because something else is locked by then.
const maxLooks = 3

// look asks what is locked now, and says whether reading around it is worth another try.
func (h *held) look(ctx context.Context, pg *pgconn.PgConn) (more bool, err error) {
	if h.looks == maxLooks {
		return false, nil
	}
	h.looks++
	if _, err := execute(ctx, pg, "ROLLBACK TO SAVEPOINT envdiff_step"); err != nil {
		return false, err
	}
	before := len(h.names)
	if h.oids == nil {
		h.oids, h.parts = map[string][]string{}, map[string][]schema.Part{}
	}
	err = query(ctx, pg, heldQuery, func(v [][]byte) error {
		what, oid, by := string(v[0]), string(v[1]), string(v[5])
		for _, known := range h.oids[what] {
			if known == oid {
				return nil
			}
		}
		h.oids[what] = append(h.oids[what], oid)
		ref := schema.Ref{Kind: string(v[2]), Name: nameOfRef(string(v[3]), string(v[4])), Part: string(v[6])}
		if what == "relation" {
			h.names = append(h.names, by)
			h.parts[by] = append(h.parts[by], partsOf(ref)...)
			return nil
		}
		glob := "#definition"
		if what == "publication" {
			glob = "#tables"
		}
		h.parts[by] = append(h.parts[by], schema.Part{Ref: ref, Glob: glob})
		return nil
	})
	return len(h.names) > before, err
}

// partsOf are what a locked relation has expressions in. A partition's name follows from its parent's fact, so that its bound is there.
func partsOf(relation schema.Ref) []schema.Part {
	parts := []schema.Part{{Ref: relation, Glob: "#partition*"}}
	for _, p := range [][2]string{{"column", ".*#generated"}, {"constraint", ".*#definition"}, {"index", ".*#columns"}, {"index", ".*#where"}, {"index", ".*#definition"},
		{"trigger", ".*#definition"}, {"policy", ".*#using"}, {"policy", ".*#check"}, {"foreign_table", "#columns"}} {
		parts = append(parts, schema.Part{Ref: schema.Ref{Kind: p[0], Name: relation.Name}, Glob: p[1]})
	}
	return parts
}

// heldQuery: 'relation' is one that is locked; the others are what has its text from one. A locked partition is its table's too.
const heldQuery = `
WITH locked AS (
	SELECT DISTINCT c.oid, c.relkind, c.relispartition, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS by
	FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' LIMIT 10000)
SELECT 'relation', oid, CASE relkind WHEN 'f' THEN 'foreign_table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END, nspname, relname, by, NULL FROM locked
UNION ALL SELECT 'partition', p.oid, 'table', n.nspname, c.relname, p.by, NULL FROM locked p JOIN pg_class c ON c.oid = pg_partition_root(p.oid) JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.relispartition
UNION ALL SELECT * FROM (SELECT DISTINCT ON (w.oid) CASE w.rulename WHEN '_RETURN' THEN 'view' ELSE 'rule' END, CASE w.rulename WHEN '_RETURN' THEN w.ev_class ELSE w.oid END,
		CASE w.rulename WHEN '_RETURN' THEN 'view' ELSE 'rule' END, n.nspname, c.relname, k.by, CASE WHEN w.rulename <> '_RETURN' THEN w.rulename END
	FROM locked k JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = k.oid
	JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY w.oid, k.by) r
UNION ALL SELECT * FROM (SELECT DISTINCT ON (p.oid) 'routine', p.oid, 'routine', n.nspname, p.proname, k.by, '(' || oidvectortypes(p.proargtypes) || ')'
	FROM locked k JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = k.oid
	JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace ORDER BY p.oid, k.by) f
UNION ALL SELECT 'statistics', s.oid, 'statistics', n.nspname, s.stxname, k.by, NULL FROM locked k JOIN pg_statistic_ext s ON s.stxrelid = k.oid JOIN pg_namespace n ON n.oid = s.stxnamespace
UNION ALL SELECT * FROM (SELECT DISTINCT ON (p.oid) 'publication', p.oid, 'publication', NULL, p.pubname, k.by, NULL FROM locked k JOIN pg_publication_rel r ON r.prrelid = k.oid JOIN pg_publication p ON p.oid = r.prpubid ORDER BY p.oid, k.by) p`

// printers are the functions that lock what they print, and whose oid decides it.
var printers = []struct {
	call *regexp.Regexp
	what string
	of   string // SQL of the oid; of an argument: $1
}{
	{regexp.MustCompile(`pg_get_expr\([\w.]+, (\w+\.\w+)\)`), "relation", "$1"},
	{regexp.MustCompile(`pg_get_partkeydef\((\w+\.oid)\)`), "relation", "$1"},
	{regexp.MustCompile(`pg_get_constraintdef\((\w+)\.oid\)`), "relation", "$1.conrelid"},
	{regexp.MustCompile(`pg_get_indexdef\([^()]*\)`), "relation", "i.indrelid"},
	{regexp.MustCompile(`pg_get_triggerdef\((\w+)\.oid\)`), "relation", "$1.tgrelid"},
	{regexp.MustCompile(`pg_get_statisticsobjdef\((\w+)\.oid\)`), "relation", "$1.stxrelid"},
	{regexp.MustCompile(`pg_get_viewdef\((\w+\.oid)\)`), "view", "$1"},
	{regexp.MustCompile(`pg_get_ruledef\((\w+\.oid)\)`), "rule", "$1"},
	{regexp.MustCompile(`pg_get_function_sqlbody\((\w+\.oid)\)`), "routine", "$1"},
}

// guarded is a query of the catalogue that prints nothing for which a lock would be waited for.
func (h *held) guarded(sql string) string {
	for _, p := range printers {
		if oids := h.oids[p.what]; len(oids) > 0 {
			sql = p.call.ReplaceAllString(sql, "CASE WHEN "+p.of+" NOT IN ("+strings.Join(oids, ", ")+") THEN ${0} END")
		}
	}
	return sql
}

// gaps say what stays unknown, one for each relation.
func (h *held) gaps(db *schema.Database) {
	sort.Strings(h.names)
	for _, name := range h.names {
		db.Gaps = append(db.Gaps, schema.Gap{
			Parts: h.parts[name], Reason: "another session holds an exclusive lock on " + name + ": its expressions, and what reads it, could not be read",
			Hint: lockHint, Busy: true,
		})
	}
}

const lockHint = "run again when that transaction has ended; pg_stat_activity and pg_locks say whose it is"

// busy notes that a step waited in vain for a lock of which the server does not say what is locked.
func (c *catalog) busy(s *step) {
	c.db.Gaps = append(c.db.Gaps, schema.Gap{Kinds: s.covers, Reason: "another session holds an exclusive lock: the catalogue's " + s.about + " could not be read", Hint: lockHint, Busy: true})
}
