package postgres

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// userTables are the tables of the model: ordinary and partitioned ones outside the system's schemas, without partitions, which belong to
// their parent, and without what an extension owns.
const userTables = userRelations + ` AND c.relkind IN ('r', 'p') AND NOT c.relispartition`

const userRelations = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`

// comment joins the description of an object as alias ds.
func comment(catalogue, oid string) string {
	return " LEFT JOIN pg_description ds ON ds.objoid = " + oid + " AND ds.classoid = '" + catalogue + "'::regclass AND ds.objsubid = 0 "
}

// parameters is SQL for storage parameters as WITH takes them, in a fixed order.
func parameters(reloptions string) string {
	return `(SELECT string_agg(quote_ident(split_part(x, '=', 1)) || '=' || quote_literal(substr(x, strpos(x, '=') + 1)), ', ' ORDER BY x) FROM unnest(` + reloptions + `) x)`
}

// properties is a JSON object of the pairs whose value is not null, NULL when there is none. pairs are names and SQL expressions of type text.
func properties(pairs ...string) string {
	var values []string
	for i := 0; i < len(pairs); i += 2 {
		values = append(values, "("+literal(pairs[i])+", ("+pairs[i+1]+")::text)")
	}
	return "(SELECT json_object_agg(o.k, o.v) FROM (VALUES " + strings.Join(values, ", ") + ") o (k, v) WHERE o.v IS NOT NULL)"
}

const tablespaceText = `(SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = c.reltablespace)`

// tablesQuery: 2 is the access method heap, and tables that are as most have no properties to be put together.
func tablesQuery(v major) string {
	return `
SELECT c.oid, n.nspname, c.relname,
	CASE WHEN c.reltuples < 0 ` + v.since(14, "", "OR c.reltuples = 0 AND c.relpages = 0") + ` THEN -1 ELSE c.reltuples::bigint END,
	ds.description, CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
	CASE WHEN c.relpersistence <> 'p' OR c.relrowsecurity OR c.relforcerowsecurity OR c.relam <> 2 OR c.reloftype <> 0 OR c.reloptions IS NOT NULL
		OR tc.reloptions IS NOT NULL OR c.reltablespace <> 0 OR c.relreplident <> 'd' OR c.oid IN (SELECT inhrelid FROM pg_inherits) THEN ` + properties(
		"unlogged", "CASE WHEN c.relpersistence = 'u' THEN 'true' END",
		"row_security", "CASE WHEN c.relforcerowsecurity AND c.relrowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' WHEN c.relforcerowsecurity THEN 'forced when enabled' END",
		"access_method", "(SELECT a.amname FROM pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap')",
		"inherits", `(SELECT string_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname), ', ' ORDER BY i.inhseqno)
			FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid)`,
		"of_type", "CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END",
		"with", `nullif(concat_ws(', ', `+parameters("c.reloptions")+`, (SELECT string_agg('toast.' || p, ', ') FROM unnest(string_to_array(
			`+parameters("tc.reloptions")+`, ', ')) p)), '')`,
		"tablespace", tablespaceText,
		"replica_identity", `CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index ' || (SELECT quote_ident(ic.relname)
			FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident) END`) + ` END
FROM ` + userTables + `
LEFT JOIN pg_class tc ON tc.oid = c.reltoastrelid` + comment("pg_class", "c.oid")
}

const partitionsQuery = `
SELECT i.inhparent, c.oid, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid), CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relispartition AND c.relkind IN ('r', 'p')`

// columnsQuery names no table to pg_get_expr for defaults, which mention no column: looking the columns up is most of that
// function's work. It reads materialized views' too, for their indexes. Columns come in any order: sorting so many would go to
// the server's disk. A NOT NULL that is NOT VALID (18) allows the nulls that are there already.
func columnsQuery(v major) string {
	notValid := `EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey))`
	compression := v.since(14, "a.attcompression", "''")
	return `
SELECT a.attrelid, a.attnum, a.attcollation, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull` + v.since(18, " OR "+notValid, "") + `,
	CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, 0) END,
	CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, a.attgenerated = 's',
	CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
	CASE WHEN a.attcollation <> t.typcollation THEN (SELECT ` + collationText + ` FROM pg_collation co JOIN pg_namespace con ON con.oid = co.collnamespace WHERE co.oid = a.attcollation) END,
	ds.description,
	CASE WHEN a.attstorage <> t.typstorage OR ` + compression + ` <> '' OR a.attstattarget >= 0 OR a.attoptions IS NOT NULL OR a.attidentity <> '' THEN ` + properties(
		"storage", "CASE WHEN a.attstorage <> t.typstorage THEN "+storageText("a.attstorage")+" END",
		"compression", "CASE "+compression+" WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END",
		"statistics", "CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END",
		"options", parameters("a.attoptions"),
		"sequence", `CASE WHEN a.attidentity <> '' THEN (SELECT `+sequenceOptions+` FROM pg_depend sd JOIN pg_sequence s ON s.seqrelid = sd.objid
			WHERE sd.classid = 'pg_class'::regclass AND sd.refclassid = 'pg_class'::regclass AND sd.refobjid = a.attrelid AND sd.refobjsubid = a.attnum AND sd.deptype = 'i') END`) + ` END
FROM ` + userRelations + ` AND (c.relkind IN ('r', 'p') AND NOT c.relispartition OR c.relkind = 'm')
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_description ds ON ds.objoid = a.attrelid AND ds.classoid = 'pg_class'::regclass AND ds.objsubid = a.attnum`
}

func storageText(column string) string {
	return "CASE " + column + " WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END"
}

// sequenceOptions is SQL for what an identity's sequence has otherwise than by default, in the words of the statement.
const sequenceOptions = `nullif(concat_ws(' ', CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END, CASE WHEN s.seqmin <> 1 THEN 'MINVALUE ' || s.seqmin END,
	CASE WHEN s.seqmax <> ` + sequenceMaximum + ` THEN 'MAXVALUE ' || s.seqmax END, CASE WHEN s.seqstart <> 1 THEN 'START WITH ' || s.seqstart END,
	CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END, CASE WHEN s.seqcycle THEN 'CYCLE' END), '')`

// sequenceMaximum is SQL for the largest number of a sequence's type.
const sequenceMaximum = `CASE s.seqtypid WHEN 'smallint'::regtype THEN 32767 WHEN 'integer'::regtype THEN 2147483647 ELSE 9223372036854775807 END`

// collationText is SQL: quoted, and with its schema where it is not the system's.
const collationText = `CASE WHEN con.nspname <> 'pg_catalog' THEN quote_ident(con.nspname) || '.' ELSE '' END || quote_ident(co.collname)`

// namesOf lists the columns of a table by an array of their numbers, in its order.
func namesOf(table, numbers string) string {
	return strings.NewReplacer("TABLE", table, "NUMBERS", numbers).Replace(
		`to_json(ARRAY(SELECT ka.attname FROM unnest(NUMBERS) WITH ORDINALITY listed (num, pos) JOIN pg_attribute ka ON ka.attrelid = TABLE AND ka.attnum = listed.num ORDER BY listed.pos))`)
}

const actionText = ` WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END`

// constraintsQuery leaves out what a parent's constraint made (conparentid) and NOT NULL (contype n since 18), which is the column's. Columns are
// numbers, which are known by then; those of a table that is not in the model are named here.
func constraintsQuery(v major) string {
	return `
SELECT k.conrelid, k.contype, k.conname, k.conkey, k.condeferrable, k.condeferred, NOT k.convalidated,
	CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) WHEN k.contype = 'x' THEN pg_get_constraintdef(k.oid) END,
	` + v.since(15, "coalesce(ix.indnullsnotdistinct, false)", "false") + `, k.connoinherit, ` + v.since(18, "NOT k.conenforced", "false") + `,
	CASE WHEN ix.indnatts > ix.indnkeyatts THEN (ix.indkey::int2[])[ix.indnkeyatts:] END,
	CASE WHEN ds.description IS NOT NULL OR ic.reloptions IS NOT NULL OR ic.reltablespace <> 0 OR ix.indisclustered OR ix.indisreplident` + v.since(18, " OR k.conperiod", "") + ` THEN ` + properties(
		"comment", "ds.description", "period", v.since(18, "CASE WHEN k.conperiod THEN 'true' END", "NULL"), "with", parameters("ic.reloptions"),
		"tablespace", "(SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = ic.reltablespace)",
		"clustered", "CASE WHEN ix.indisclustered THEN 'true' END") + ` END,
	fn.nspname, f.relname, k.confrelid, k.confkey,
	CASE WHEN f.relispartition OR fe.objid IS NOT NULL THEN ` + namesOf("k.confrelid", "k.confkey") + ` END,
	CASE k.confupdtype` + actionText + `,
	CASE k.confdeltype` + actionText + `, ` + v.since(15, "CASE WHEN k.confdelsetcols IS NOT NULL THEN "+namesOf("k.conrelid", "k.confdelsetcols")+" END", "NULL") + `,
	CASE k.confmatchtype WHEN 's' THEN 'simple' WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' END,
	k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger ft WHERE ft.tgconstraint = k.oid AND ft.tgenabled = 'D')
FROM ` + userTables + `
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0
LEFT JOIN pg_index ix ON ix.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = ix.indexrelid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
LEFT JOIN pg_depend fe ON fe.classid = 'pg_class'::regclass AND fe.objid = f.oid AND fe.deptype = 'e'` + comment("pg_constraint", "k.oid")
}

const opclassesQuery = `
SELECT o.oid, CASE WHEN n.nspname <> 'pg_catalog' THEN quote_ident(n.nspname) || '.' ELSE '' END || quote_ident(o.opcname), o.opcdefault
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace`

const indexCollationsQuery = `
SELECT co.oid, ` + collationText + ` FROM pg_collation co JOIN pg_namespace con ON con.oid = co.collnamespace
WHERE co.oid IN (SELECT unnest(i.indcollation::oid[]) FROM pg_index i)`

// indexColumnsQuery reads what few columns of indexes have: parameters of their operator class, a statistics target.
var indexColumnsQuery = `
SELECT a.attrelid, a.attnum, ` + parameters("a.attoptions") + `, CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind IN ('i', 'I') AND c.oid >= 16384 AND (a.attoptions IS NOT NULL OR a.attstattarget >= 0)`

// indexExpressionsQuery reads the keys of indexes that are no columns, and the collation that is their own.
const indexExpressionsQuery = `
SELECT i.indexrelid, a.attnum, pg_get_indexdef(i.indexrelid, a.attnum, false), t.typcollation
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND i.indkey[a.attnum - 1] = 0 AND a.attnum <= i.indnkeyatts JOIN pg_type t ON t.oid = a.atttypid
WHERE i.indexprs IS NOT NULL AND i.indexrelid >= 16384`

// indexesQuery leaves out the indexes of constraints. What only an index over expressions has is asked of those alone: a column's name, operator
// class and collation follow from numbers that are known by then.
func indexesQuery(v major) string {
	return `
SELECT i.indrelid, i.indexrelid, ic.relname, i.indisunique, am.amname, NOT i.indisvalid, ` + v.since(15, "i.indnullsnotdistinct", "false") + `,
	pg_get_expr(i.indpred, i.indrelid), i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
	CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN (SELECT json_agg(DISTINCT d.refobjsubid) FROM pg_depend d
		WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0) END,
	CASE WHEN ds.description IS NOT NULL OR ic.reloptions IS NOT NULL OR ic.reltablespace <> 0 OR i.indisclustered THEN ` + properties(
		"comment", "ds.description", "with", parameters("ic.reloptions"),
		"tablespace", "(SELECT ts.spcname FROM pg_tablespace ts WHERE ts.oid = ic.reltablespace)",
		"clustered", "CASE WHEN i.indisclustered THEN 'true' END") + ` END
FROM ` + userRelations + ` AND (c.relkind IN ('r', 'p') AND NOT c.relispartition OR c.relkind = 'm')
JOIN pg_index i ON i.indrelid = c.oid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
` + comment("pg_class", "ic.oid") + `
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))`
}

const userObject = ` n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = tableoid_of AND e.objid = oid_of AND e.deptype IN ('e', 'i'))`

// owned fills in userObject for a catalogue: neither an extension's nor made by the server for another object.
func owned(catalogue, oid string) string {
	return strings.NewReplacer("tableoid_of", "'"+catalogue+"'::regclass", "oid_of", oid).Replace(userObject)
}

// unextended is the half of userObject for catalogues without schemas. Few objects are extensions', so that their list is hashed; as a join it is
// taken for empty and gone through for every row.
func unextended(catalogue, oid string) string {
	return fmt.Sprintf(" %s NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = '%s'::regclass AND e.deptype = 'e')", oid, catalogue)
}

var viewsQuery = `
SELECT c.oid, n.nspname, c.relname, c.relkind = 'm', pg_get_viewdef(c.oid),
	to_json(ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)),
	(SELECT json_agg(DISTINCT jsonb_build_array(rn.nspname, rc.relname))
		FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
		JOIN pg_class rc ON rc.oid = d.refobjid AND rc.relkind IN ('r', 'p', 'v', 'm', 'f') JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE w.ev_class = c.oid),
	CASE WHEN ds.description IS NOT NULL OR c.reloptions IS NOT NULL OR c.reltablespace <> 0 OR c.relkind = 'm' THEN ` + properties(
	"comment", "ds.description", "with", parameters("c.reloptions"), "tablespace", tablespaceText,
	"access_method", "(SELECT a.amname FROM pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap')",
	"populated", "CASE WHEN NOT c.relispopulated THEN 'false' END") + ` END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace` + comment("pg_class", "c.oid") + `
WHERE c.relkind IN ('v', 'm') AND ` + owned("pg_class", "c.oid")

var triggersQuery = `
SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid), ` + properties(
	"enabled", "CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END", "comment", "ds.description") + `
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace` + comment("pg_trigger", "t.oid") + `
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ` + owned("pg_class", "c.oid") + ` AND ` + unextended("pg_trigger", "t.oid")

// sequencesQuery leaves out those of identities, which are their columns'.
var sequencesQuery = `
SELECT n.nspname, c.relname, format_type(s.seqtypid, NULL), tn.nspname, tc.relname, ta.attname,
	CASE WHEN s.seqincrement <> 1 OR s.seqstart <> 1 OR s.seqmin <> 1 OR s.seqmax <> ` + sequenceMaximum + ` OR s.seqcache <> 1 OR s.seqcycle
		OR ds.description IS NOT NULL OR c.relpersistence = 'u' THEN ` + properties(
	"increment", "CASE WHEN s.seqincrement <> 1 THEN s.seqincrement END", "start", "CASE WHEN s.seqstart <> 1 THEN s.seqstart END",
	"minimum", "CASE WHEN s.seqmin <> 1 THEN s.seqmin END", "maximum", "CASE WHEN s.seqmax <> "+sequenceMaximum+" THEN s.seqmax END",
	"cache", "CASE WHEN s.seqcache <> 1 THEN s.seqcache END", "cycle", "CASE WHEN s.seqcycle THEN 'true' END",
	"unlogged", "CASE WHEN c.relpersistence = 'u' THEN 'true' END", "comment", "ds.description") + ` END
FROM ` + userRelations + `
JOIN pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class tc ON tc.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace
LEFT JOIN pg_attribute ta ON ta.attrelid = d.refobjid AND ta.attnum = d.refobjsubid` + comment("pg_class", "c.oid") + `
WHERE d.deptype IS DISTINCT FROM 'i'`

// routinesQuery takes functions apart, so that one changed property is one difference. The body of an aggregate is written by aggregateText.
func routinesQuery(v major) string {
	body := `CASE WHEN l.lanname = 'c' THEN quote_literal(p.probin) || ', ' || quote_literal(p.prosrc) ELSE p.prosrc END`
	return `
SELECT n.nspname, p.proname, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, '(' || oidvectortypes(p.proargtypes) || ')',
	pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
	CASE WHEN p.prokind = 'a' THEN (SELECT ` + aggregateText + ` FROM pg_aggregate g WHERE g.aggfnoid = p.oid) ELSE ` + v.since(14, "coalesce(pg_get_function_sqlbody(p.oid), "+body+")", body) + ` END,
	` + properties(
		"language", "CASE WHEN p.prokind <> 'a' THEN l.lanname END",
		"volatility", "CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END",
		"security", "CASE WHEN p.prosecdef THEN 'definer' END",
		"strict", "CASE WHEN p.proisstrict AND p.prokind <> 'a' THEN 'true' END",
		"parallel", "CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END",
		"leakproof", "CASE WHEN p.proleakproof THEN 'true' END",
		"window", "CASE WHEN p.prokind = 'w' THEN 'true' END",
		"cost", "CASE WHEN p.prokind <> 'a' AND p.procost <> CASE WHEN l.lanname IN ('c', 'internal') THEN 1 ELSE 100 END THEN p.procost END",
		"rows", "CASE WHEN p.proretset AND p.prorows <> 1000 THEN p.prorows END",
		"support", "CASE WHEN p.prosupport <> 0 THEN p.prosupport::regproc END",
		"transform", "(SELECT string_agg('FOR TYPE ' || format_type(x, NULL), ', ') FROM unnest(p.protrftypes) x)",
		"settings", `(SELECT string_agg('SET ' || quote_ident(split_part(x, '=', 1)) || ' TO ' || CASE WHEN lower(split_part(x, '=', 1)) IN ('search_path', 'datestyle', 'temp_tablespaces',
			'session_preload_libraries', 'shared_preload_libraries', 'local_preload_libraries', 'unix_socket_directories') THEN replace(substr(x, strpos(x, '=') + 1), '""', '''''')
			ELSE quote_literal(substr(x, strpos(x, '=') + 1)) END, ' ' ORDER BY x) FROM unnest(p.proconfig) x)`,
		"sql_body", v.since(14, "CASE WHEN p.prosqlbody IS NOT NULL THEN 'true' END", "NULL"),
		"comment", "ds.description") + `
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang` + comment("pg_proc", "p.oid") + `
WHERE` + owned("pg_proc", "p.oid")
}

// aggregateText is SQL for the parameters of CREATE AGGREGATE, whose text no function of the server's prints.
var aggregateText = func() string {
	parts := []string{"'SFUNC = ' || g.aggtransfn::regproc", "'STYPE = ' || format_type(g.aggtranstype, NULL)", "CASE WHEN g.aggtransspace > 0 THEN 'SSPACE = ' || g.aggtransspace END"}
	function := func(word, column string) {
		parts = append(parts, fmt.Sprintf("CASE WHEN g.%s <> 0 THEN '%s = ' || g.%s::regproc END", column, word, column))
	}
	modify := func(word, column string) {
		parts = append(parts, fmt.Sprintf("CASE WHEN g.%s <> CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN '%s = ' || CASE g.%s WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END", column, word, column))
	}
	function("FINALFUNC", "aggfinalfn")
	parts = append(parts, "CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END")
	modify("FINALFUNC_MODIFY", "aggfinalmodify")
	function("COMBINEFUNC", "aggcombinefn")
	function("SERIALFUNC", "aggserialfn")
	function("DESERIALFUNC", "aggdeserialfn")
	parts = append(parts, "'INITCOND = ' || quote_literal(g.agginitval)")
	function("MSFUNC", "aggmtransfn")
	function("MINVFUNC", "aggminvtransfn")
	parts = append(parts, "CASE WHEN g.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(g.aggmtranstype, NULL) END", "CASE WHEN g.aggmtransspace > 0 THEN 'MSSPACE = ' || g.aggmtransspace END")
	function("MFINALFUNC", "aggmfinalfn")
	parts = append(parts, "CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END")
	parts = append(parts, "'MINITCOND = ' || quote_literal(g.aggminitval)",
		"CASE WHEN g.aggsortop <> 0 THEN 'SORTOP = OPERATOR(' || g.aggsortop::regoper || ')' END", "CASE WHEN g.aggkind = 'h' THEN 'HYPOTHETICAL' END")
	return "concat_ws(', ', " + strings.Join(parts, ", ") + ")"
}()

// nameOfRef is the model's name of an object that the catalogue calls by schema and name; "" is no schema.
func nameOfRef(namespace, name string) schema.Name {
	if namespace == "" {
		return schema.Name{Name: name}
	}
	return nameOf(namespace, name)
}

// dependenciesQuery says what routines, types, tables and views need among themselves: what they mention in signatures, defaults, columns and
// bodies that the server has parsed. Row types and arrays stand for what they are of. What a generated column needs is said of the column before 15
// (deptype a), and of its expression since.
const dependenciesQuery = `
WITH object AS (
	SELECT 'pg_proc'::regclass AS class, p.oid, 'routine' AS kind, n.nspname, p.proname AS name, '(' || oidvectortypes(p.proargtypes) || ')' AS part
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'pg_type'::regclass, t.oid,
		CASE WHEN base.typrelid <> 0 AND c.relkind IN ('r', 'p') THEN 'table' WHEN base.typrelid <> 0 AND c.relkind IN ('v', 'm') THEN 'view' WHEN c.relkind = 'f' THEN 'foreign_table'
			ELSE CASE base.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'type' END END, n.nspname, coalesce(c.relname, base.typname), NULL
	FROM pg_type t JOIN pg_type base ON base.oid = CASE WHEN t.typelem <> 0 AND t.typcategory = 'A' THEN t.typelem ELSE t.oid END
		JOIN pg_namespace n ON n.oid = base.typnamespace LEFT JOIN pg_class c ON c.oid = base.typrelid WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	UNION ALL SELECT 'pg_class'::regclass, c.oid, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign_table' ELSE 'view' END, n.nspname, c.relname, NULL
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),
edge AS (
	SELECT d.classid, d.objid, d.refclassid, d.refobjid FROM pg_depend d
	WHERE d.deptype = 'n' AND d.refobjid >= 16384 AND d.classid IN ('pg_proc'::regclass, 'pg_type'::regclass)
	UNION ALL SELECT d.classid, d.objid, d.refclassid, d.refobjid FROM pg_depend d
	WHERE (d.deptype = 'n' OR d.deptype = 'a' AND d.objsubid > 0) AND d.refobjid >= 16384 AND d.classid = 'pg_class'::regclass AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass)
	UNION ALL SELECT 'pg_class'::regclass, a.adrelid, d.refclassid, d.refobjid FROM pg_depend d JOIN pg_attrdef a ON a.oid = d.objid
	WHERE d.classid = 'pg_attrdef'::regclass AND d.deptype = 'n' AND d.refobjid >= 16384 AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass)
	UNION ALL SELECT 'pg_class'::regclass, w.ev_class, d.refclassid, d.refobjid FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND w.rulename = '_RETURN'
	WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid >= 16384 AND d.refclassid IN ('pg_proc'::regclass, 'pg_type'::regclass)
	UNION ALL SELECT 'pg_type'::regclass, k.contypid, d.refclassid, d.refobjid FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid AND k.contypid <> 0
	WHERE d.classid = 'pg_constraint'::regclass AND d.deptype = 'n' AND d.refobjid >= 16384
	UNION ALL SELECT 'pg_type'::regclass, r.rngtypid, 'pg_proc'::regclass, f FROM pg_range r CROSS JOIN LATERAL (VALUES (r.rngsubdiff::oid), (r.rngcanonical::oid)) x (f) WHERE f >= 16384
)
SELECT DISTINCT o.kind, o.nspname, o.name, o.part, r.kind, r.nspname, r.name, r.part
FROM edge e JOIN object o ON o.class = e.classid AND o.oid = e.objid JOIN object r ON r.class = e.refclassid AND r.oid = e.refobjid
WHERE (o.kind, o.nspname, o.name, coalesce(o.part, '')) <> (r.kind, r.nspname, r.name, coalesce(r.part, ''))`

// unmodelledQuery lists what is there and not in the model, by kind.
var unmodelledQuery = `
SELECT kind, to_json(array_agg(name)) FROM (
	SELECT 'type' AS kind, quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS name
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'b' AND t.typelem = 0 AND` + owned("pg_type", "t.oid") + `
UNION ALL SELECT 'language', lanname::text FROM pg_language l WHERE l.oid >= 16384 AND` + unextended("pg_language", "l.oid") + `
UNION ALL SELECT 'access method', amname::text FROM pg_am a WHERE a.oid >= 16384 AND` + unextended("pg_am", "a.oid") + `
UNION ALL SELECT 'conversion', quote_ident(n.nspname) || '.' || quote_ident(o.conname) FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace WHERE` + owned("pg_conversion", "o.oid") + `
UNION ALL SELECT 'transform', format_type(o.trftype, NULL) FROM pg_transform o WHERE o.oid >= 16384 AND` + unextended("pg_transform", "o.oid") + `
UNION ALL SELECT 'large object', count(*)::text FROM pg_largeobject_metadata HAVING count(*) > 0
UNION ALL SELECT 'security label', provider || ' ' || objoid FROM pg_seclabel
) o GROUP BY kind ORDER BY kind`
