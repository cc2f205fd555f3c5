package postgres

import "strings"

// The catalogue queries run with an empty search_path, where unqualified names mean pg_catalog. Columns that came with a later version are
// read through to_jsonb(row), which yields NULL where they do not exist, so that one text serves 13 to 18.

// userTables are the tables of the model: ordinary and partitioned ones outside the system's schemas, without partitions, which belong to
// their parent, and without what an extension owns.
const userTables = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`

// settingsQuery reads the settings that change what statements mean. Their value is the one that sessions begin with, not the one envdiff sets.
const settingsQuery = `
SELECT name, CASE WHEN name = 'server_version' THEN setting ELSE coalesce(reset_val, setting) END, ''
FROM pg_settings
WHERE name IN ('server_version', 'server_encoding', 'TimeZone', 'DateStyle', 'IntervalStyle', 'standard_conforming_strings',
	'default_transaction_isolation', 'transform_null_equals', 'array_nulls', 'backslash_quote', 'row_security', 'search_path', 'xmloption',
	'default_text_search_config', 'extra_float_digits', 'bytea_output', 'check_function_bodies', 'session_replication_role')
UNION ALL SELECT 'lc_collate', datcollate, '' FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'lc_ctype', datctype, '' FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'locale_provider', coalesce(to_jsonb(d)->>'datlocprovider', 'c'), '' FROM pg_database d WHERE datname = current_database()
UNION ALL SELECT 'icu_locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''), '' FROM pg_database d WHERE datname = current_database()
ORDER BY 1`

const tablesQuery = `
SELECT c.oid, n.nspname, c.relname,
	CASE WHEN c.reltuples < 0 OR c.reltuples = 0 AND c.relpages = 0 AND current_setting('server_version_num')::int < 140000 THEN -1 ELSE c.reltuples::bigint END,
	obj_description(c.oid, 'pg_class'), CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
	(SELECT json_object_agg(o.k, o.v) FROM (VALUES
		('unlogged', CASE WHEN c.relpersistence = 'u' THEN 'true' END),
		('row_security', CASE WHEN c.relforcerowsecurity AND c.relrowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END),
		('access_method', (SELECT a.amname FROM pg_am a WHERE a.oid = c.relam AND a.amname <> 'heap')),
		('inherits', (SELECT string_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname), ', ' ORDER BY i.inhseqno)
			FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid)),
		('replica_identity', CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END)
	) o (k, v) WHERE o.v IS NOT NULL)
FROM ` + userTables

const partitionsQuery = `
SELECT i.inhparent, c.oid, n.nspname, c.relname, pg_get_expr(c.relpartbound, c.oid), CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relispartition AND c.relkind IN ('r', 'p')`

// A NOT NULL that is NOT VALID (18) allows the nulls that are there already.
const columnsQuery = `
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
	NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)),
	CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
	CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END, a.attgenerated = 's',
	CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
	CASE WHEN a.attcollation <> t.typcollation THEN ` + collationText + ` END,
	col_description(a.attrelid, a.attnum)
FROM ` + userTables + `
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace con ON con.oid = co.collnamespace
ORDER BY a.attrelid, a.attnum`

// collationText is SQL: quoted, and with its schema where it is not the system's.
const collationText = `CASE WHEN con.nspname <> 'pg_catalog' THEN quote_ident(con.nspname) || '.' ELSE '' END || quote_ident(co.collname)`

// namesOf lists the columns of a table by an array of their numbers, in its order.
func namesOf(table, numbers string) string {
	return strings.NewReplacer("TABLE", table, "NUMBERS", numbers).Replace(
		`to_json(ARRAY(SELECT ka.attname FROM unnest(NUMBERS) WITH ORDINALITY listed (num, pos) JOIN pg_attribute ka ON ka.attrelid = TABLE AND ka.attnum = listed.num ORDER BY listed.pos))`)
}

const actionText = ` WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END`

// constraintsQuery leaves out what a parent's constraint made (conparentid) and NOT NULL (contype n since 18), which is the column's.
var constraintsQuery = `
SELECT k.conrelid, k.contype, k.conname, ` + namesOf("k.conrelid", "k.conkey") + `, k.condeferrable, k.condeferred, NOT k.convalidated,
	pg_get_expr(k.conbin, k.conrelid), coalesce(to_jsonb(ix)->>'indnullsnotdistinct', 'false')::boolean,
	fn.nspname, f.relname, ` + namesOf("k.confrelid", "k.confkey") + `,
	CASE k.confupdtype` + actionText + `,
	CASE k.confdeltype` + actionText + ` || coalesce(' (' || (SELECT string_agg(quote_ident(da.attname), ', ' ORDER BY da.attnum) FROM pg_attribute da
		WHERE da.attrelid = k.conrelid AND to_jsonb(da.attnum) <@ (to_jsonb(k)->'confdelsetcols')) || ')', ''),
	CASE k.confmatchtype WHEN 's' THEN 'simple' WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' END
FROM ` + userTables + `
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c') AND k.conparentid = 0
LEFT JOIN pg_index ix ON ix.indexrelid = k.conindid AND k.contype IN ('p', 'u')
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace`

// indexesQuery leaves out the indexes of constraints.
var indexesQuery = `
SELECT i.indrelid, ic.relname, i.indisunique, am.amname, NOT i.indisvalid, coalesce(to_jsonb(i)->>'indnullsnotdistinct', 'false')::boolean,
	pg_get_expr(i.indpred, i.indrelid),
	to_json(ARRAY(SELECT a.attname FROM generate_series(i.indnkeyatts, i.indnatts - 1) s (pos) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[s.pos] ORDER BY s.pos)),
	to_json(ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum IN (
		SELECT d.refobjsubid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
			AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0) ORDER BY a.attnum)),
	(SELECT json_agg(json_build_object(
		'Column', CASE WHEN i.indkey[s.pos] <> 0 THEN ta.attname ELSE '' END,
		'Expr', CASE WHEN i.indkey[s.pos] = 0 THEN pg_get_indexdef(i.indexrelid, s.pos + 1, false) ELSE '' END,
		'Collation', CASE WHEN i.indcollation[s.pos] <> 0 AND i.indcollation[s.pos] <> CASE WHEN i.indkey[s.pos] <> 0 THEN ta.attcollation ELSE t.typcollation END
			THEN ` + collationText + ` ELSE '' END,
		'OpClass', CASE WHEN o.opcdefault AND ia.attoptions IS NULL THEN ''
			ELSE CASE WHEN opn.nspname <> 'pg_catalog' THEN quote_ident(opn.nspname) || '.' ELSE '' END || quote_ident(o.opcname) || coalesce((
				SELECT ' (' || string_agg(quote_ident(split_part(x, '=', 1)) || ' = ' || quote_literal(substr(x, strpos(x, '=') + 1)), ', ') || ')' FROM unnest(ia.attoptions) x), '') END,
		'Desc', (i.indoption[s.pos] & 1) = 1,
		'NullsFirst', (i.indoption[s.pos] & 2) = 2) ORDER BY s.pos)
	FROM generate_series(0, i.indnkeyatts - 1) s (pos)
	JOIN pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = s.pos + 1
	JOIN pg_type t ON t.oid = ia.atttypid
	JOIN pg_opclass o ON o.oid = i.indclass[s.pos]
	JOIN pg_namespace opn ON opn.oid = o.opcnamespace
	LEFT JOIN pg_attribute ta ON ta.attrelid = i.indrelid AND ta.attnum = i.indkey[s.pos]
	LEFT JOIN pg_collation co ON co.oid = i.indcollation[s.pos]
	LEFT JOIN pg_namespace con ON con.oid = co.collnamespace)
FROM ` + userTables + `
JOIN pg_index i ON i.indrelid = c.oid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))`

const userObject = ` n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = tableoid_of AND e.objid = oid_of AND e.deptype IN ('e', 'i'))`

// owned fills in userObject for a catalogue: neither an extension's nor made by the server for another object.
func owned(catalogue, oid string) string {
	return strings.NewReplacer("tableoid_of", "'"+catalogue+"'::regclass", "oid_of", oid).Replace(userObject)
}

var viewsQuery = `
SELECT n.nspname, c.relname, c.relkind = 'm', pg_get_viewdef(c.oid),
	to_json(ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)),
	(SELECT json_agg(DISTINCT jsonb_build_array(rn.nspname, rc.relname))
		FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
		JOIN pg_class rc ON rc.oid = d.refobjid AND rc.relkind IN ('r', 'p', 'v', 'm', 'f') JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE w.ev_class = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND ` + owned("pg_class", "c.oid")

// A trigger that does not fire as it was created says so behind its definition.
var triggersQuery = `
SELECT n.nspname, c.relname, t.tgname,
	pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'D' THEN ' /* disabled */' WHEN 'R' THEN ' /* enabled on replicas */' WHEN 'A' THEN ' /* enabled always */' ELSE '' END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ` + owned("pg_class", "c.oid")

// unmodelledQuery lists what is there and not in the model, by kind.
var unmodelledQuery = `
SELECT kind, to_json(array_agg(name)) FROM (
	SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
		quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE` + owned("pg_proc", "p.oid") + `
UNION ALL
	SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('S', 'f')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')) AND` + owned("pg_class", "c.oid") + `
UNION ALL
	SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite type' WHEN 'r' THEN 'range type' ELSE 'type' END,
		quote_ident(n.nspname) || '.' || quote_ident(t.typname)
	FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
	WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'b' AND t.typelem = 0) AND` + owned("pg_type", "t.oid") + `
UNION ALL
	SELECT CASE WHEN k.contype = 'x' THEN 'exclusion constraint' WHEN k.contype = 'c' THEN 'check that is not inherited'
			WHEN to_jsonb(k)->>'conenforced' = 'false' THEN 'constraint that is not enforced' WHEN to_jsonb(k)->>'conperiod' = 'true' THEN 'temporal key'
			ELSE 'key with included columns' END,
		quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(k.conname)
	FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = k.conindid
	WHERE k.conparentid = 0 AND (k.contype = 'x' OR k.contype IN ('p', 'u') AND i.indnatts > i.indnkeyatts OR k.contype = 'c' AND k.connoinherit
		OR to_jsonb(k)->>'conenforced' = 'false' OR to_jsonb(k)->>'conperiod' = 'true') AND` + owned("pg_class", "c.oid") + `
UNION ALL
	SELECT 'index of a materialized view', quote_ident(n.nspname) || '.' || quote_ident(ic.relname)
	FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relkind = 'm' JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE` + owned("pg_class", "c.oid") + `
UNION ALL
	SELECT 'rule', quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(w.rulename)
	FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE w.rulename <> '_RETURN' AND` + owned("pg_class", "c.oid") + `
UNION ALL
	SELECT 'policy', quote_ident(n.nspname) || '.' || quote_ident(c.relname) || '.' || quote_ident(p.polname)
	FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE` + owned("pg_class", "c.oid") + `
UNION ALL
	SELECT 'statistics', quote_ident(n.nspname) || '.' || quote_ident(s.stxname)
	FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE` + owned("pg_statistic_ext", "s.oid") + `
UNION ALL
	SELECT 'collation', quote_ident(n.nspname) || '.' || quote_ident(l.collname)
	FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE` + owned("pg_collation", "l.oid") + `
UNION ALL SELECT 'extension', extname::text FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'event trigger', evtname::text FROM pg_event_trigger v WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = v.oid AND e.deptype = 'e')
UNION ALL SELECT 'publication', pubname::text FROM pg_publication
) o GROUP BY kind ORDER BY kind`
