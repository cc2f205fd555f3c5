package postgres

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
)

// objectQuery reads objects of the long tail: kind, schema, name, part, properties, lists, and the objects that take it along.
type objectQuery struct {
	about  string
	covers []string
	sql    string
}

// object writes such a query. kind and the names are SQL expressions; lists are pairs of a name and an expression of type json or NULL.
type objectSQL struct {
	kind, schema, name, part string
	properties, lists        []string
	of                       []string // SQL of json arrays [kind, schema, name, part]
	ofAll                    string   // or SQL of one array of such arrays
	from                     string
}

func (o objectSQL) text() string {
	or := func(sql string) string {
		if sql == "" {
			return "NULL"
		}
		return sql
	}
	props, lists, of := "NULL", "NULL", "NULL"
	if len(o.properties) > 0 {
		props = properties(o.properties...)
	}
	if len(o.lists) > 0 {
		var pairs []string
		for i := 0; i < len(o.lists); i += 2 {
			pairs = append(pairs, literal(o.lists[i]), o.lists[i+1])
		}
		lists = "json_build_object(" + strings.Join(pairs, ", ") + ")"
	}
	if len(o.of) > 0 {
		of = "json_build_array(" + strings.Join(o.of, ", ") + ")"
	}
	if o.ofAll != "" {
		of = o.ofAll
	}
	return "\nSELECT " + o.kind + ", " + or(o.schema) + ", " + o.name + ", " + or(o.part) + ",\n\t" + props + ",\n\t" + lists + ",\n\t" + of + "\nFROM " + o.from
}

// options is SQL for a set of name=value options, one property each: "option.host".
func optionList(options string) string {
	return `(SELECT json_agg(x ORDER BY x) FROM unnest(` + options + `) x)`
}

// ofTable is the json name of a table or view, for objectSQL.of.
const ofTable = "json_build_array(CASE c.relkind WHEN 'f' THEN 'foreign_table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' ELSE 'table' END, n.nspname, c.relname, NULL)"

// hidden is the property of an object whose options the role may not see.
const hidden = "hidden"

// objectQueries list the long tail by kind.
func objectQueries(v major) []objectQuery {
	queries := []objectQuery{
		{"schemas", []string{"schema/*"}, objectSQL{kind: "'schema'", name: "n.nspname",
			properties: []string{"comment", "nullif(ds.description, 'standard public schema')"},
			from:       "pg_namespace n" + comment("pg_namespace", "n.oid") + "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND" + unextended("pg_namespace", "n.oid")}.text()},
		{"extensions", []string{"extension/*"}, objectSQL{kind: "'extension'", name: "x.extname",
			properties: []string{"version", "x.extversion", "schema", "n.nspname"},
			from:       "pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace"}.text()},
		{"enums", []string{"enum/*"}, objectSQL{kind: "'enum'", schema: "n.nspname", name: "t.typname",
			properties: []string{"comment", "ds.description"},
			lists:      []string{"labels", "(SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)"},
			from:       "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace" + comment("pg_type", "t.oid") + "WHERE t.typtype = 'e' AND" + owned("pg_type", "t.oid")}.text()},
		{"domains", []string{"domain/*"}, domainsQuery()},
		{"types", []string{"type/*"}, compositesQuery() + "\nUNION ALL" + rangesQuery(v)},
		{"collations", []string{"collation/*"}, collationsQuery(v)},
		{"policies", []string{"policy/*"}, objectSQL{kind: "'policy'", schema: "n.nspname", name: "c.relname", part: "p.polname",
			properties: []string{"command", "CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END",
				"permissive", "CASE WHEN NOT p.polpermissive THEN 'false' END", "using", "pg_get_expr(p.polqual, p.polrelid)", "check", "pg_get_expr(p.polwithcheck, p.polrelid)", "comment", "ds.description"},
			lists: []string{"roles", "(SELECT json_agg(coalesce(r.rolname, 'PUBLIC') ORDER BY r.rolname) FROM unnest(p.polroles) x LEFT JOIN pg_roles r ON r.oid = x)"},
			of:    []string{ofTable},
			from:  "pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace" + comment("pg_policy", "p.oid") + "WHERE" + owned("pg_class", "c.oid")}.text()},
		{"rules", []string{"rule/*"}, objectSQL{kind: "'rule'", schema: "n.nspname", name: "c.relname", part: "w.rulename",
			properties: []string{"definition", "pg_get_ruledef(w.oid)", "enabled", "CASE w.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END", "comment", "ds.description"},
			of:         []string{ofTable},
			from: "pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace" + comment("pg_rewrite", "w.oid") +
				"WHERE w.rulename <> '_RETURN' AND" + owned("pg_class", "c.oid")}.text()},
		{"event triggers", []string{"event_trigger/*"}, objectSQL{kind: "'event_trigger'", name: "v.evtname",
			properties: []string{"event", "v.evtevent", "function", "v.evtfoid::regproc", "enabled", "CASE v.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END", "comment", "ds.description"},
			lists:      []string{"tags", "(SELECT json_agg(x ORDER BY x) FROM unnest(v.evttags) x)"},
			from:       "pg_event_trigger v" + comment("pg_event_trigger", "v.oid") + "WHERE" + unextended("pg_event_trigger", "v.oid")}.text()},
		{"statistics objects", []string{"statistics/*"}, statisticsQuery()},
		{"publications", []string{"publication/*"}, publicationsQuery(v)},
		{"subscriptions", []string{"subscription/*"}, subscriptionsQuery(v)},
		{"foreign data wrappers", []string{"foreign_data_wrapper/*"}, objectSQL{kind: "'foreign_data_wrapper'", name: "f.fdwname",
			properties: []string{"handler", "CASE WHEN f.fdwhandler <> 0 THEN f.fdwhandler::regproc END", "validator", "CASE WHEN f.fdwvalidator <> 0 THEN f.fdwvalidator::regproc END", "comment", "ds.description"},
			lists:      []string{"options", optionList("f.fdwoptions")},
			from:       "pg_foreign_data_wrapper f" + comment("pg_foreign_data_wrapper", "f.oid") + "WHERE" + unextended("pg_foreign_data_wrapper", "f.oid")}.text()},
		{"foreign servers", []string{"foreign_server/*"}, objectSQL{kind: "'foreign_server'", name: "s.srvname",
			properties: []string{"wrapper", "f.fdwname", "type", "s.srvtype", "server_version", "s.srvversion", "comment", "ds.description"},
			lists:      []string{"options", optionList("s.srvoptions")},
			of:         []string{"json_build_array('foreign_data_wrapper', NULL, f.fdwname, NULL)", "json_build_array('extension', NULL, (SELECT x.extname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND d.objid = f.oid AND d.deptype = 'e'), NULL)"},
			from:       "pg_foreign_server s JOIN pg_foreign_data_wrapper f ON f.oid = s.srvfdw" + comment("pg_foreign_server", "s.oid") + "WHERE" + unextended("pg_foreign_server", "s.oid")}.text()},
		{"user mappings", []string{"user_mapping/*"}, objectSQL{kind: "'user_mapping'", name: "m.srvname", part: "m.usename",
			properties: []string{hidden, "CASE WHEN m.umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 'true' END"},
			lists:      []string{"options", optionList("m.umoptions")},
			of:         []string{"json_build_array('foreign_server', NULL, m.srvname, NULL)"},
			from:       "pg_user_mappings m"}.text()},
		{"foreign tables", []string{"foreign_table/*"}, objectSQL{kind: "'foreign_table'", schema: "n.nspname", name: "c.relname",
			properties: []string{"server", "s.srvname", "comment", "ds.description"},
			lists: []string{"options", optionList("f.ftoptions"), "columns", `(SELECT json_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') ORDER BY a.attnum)
				FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`,
				"column_options", "(SELECT json_agg(quote_ident(a.attname) || ' ' || x ORDER BY a.attnum, x) FROM pg_attribute a, unnest(a.attfdwoptions) x WHERE a.attrelid = c.oid)"},
			of:   []string{"json_build_array('foreign_server', NULL, s.srvname, NULL)"},
			from: "pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_foreign_server s ON s.oid = f.ftserver" + comment("pg_class", "c.oid") + "WHERE" + owned("pg_class", "c.oid")}.text()},
		{"text search dictionaries", []string{"text_search_dictionary/*"}, objectSQL{kind: "'text_search_dictionary'", schema: "n.nspname", name: "d.dictname",
			properties: []string{"template", "quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname)", "options", "d.dictinitoption", "comment", "ds.description"},
			from: "pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace" +
				comment("pg_ts_dict", "d.oid") + "WHERE" + owned("pg_ts_dict", "d.oid")}.text()},
		{"text search configurations", []string{"text_search_configuration/*"}, objectSQL{kind: "'text_search_configuration'", schema: "n.nspname", name: "g.cfgname",
			properties: []string{"parser", "quote_ident(pn.nspname) || '.' || quote_ident(p.prsname)", "comment", "ds.description"},
			lists: []string{"mappings", `(SELECT json_agg(m.line ORDER BY m.line) FROM (SELECT tt.alias || ': ' || string_agg(mp.mapdict::regdictionary::text, ', ' ORDER BY mp.mapseqno) AS line
				FROM pg_ts_config_map mp JOIN ts_token_type(g.cfgparser) tt ON tt.tokid = mp.maptokentype WHERE mp.mapcfg = g.oid GROUP BY tt.alias) m)`},
			from: "pg_ts_config g JOIN pg_namespace n ON n.oid = g.cfgnamespace JOIN pg_ts_parser p ON p.oid = g.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace" +
				comment("pg_ts_config", "g.oid") + "WHERE" + owned("pg_ts_config", "g.oid")}.text()},
		{"casts", []string{"cast/*"}, objectSQL{kind: "'cast'", name: "format_type(k.castsource, NULL) || ' AS ' || format_type(k.casttarget, NULL)",
			properties: []string{"method", "CASE k.castmethod WHEN 'b' THEN 'without function' WHEN 'i' THEN 'inout' ELSE k.castfunc::regprocedure::text END",
				"context", "CASE k.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' END", "comment", "ds.description"},
			from: "pg_cast k" + comment("pg_cast", "k.oid") + "WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_cast'::regclass AND e.objid = k.oid AND e.deptype IN ('e', 'i'))"}.text()},
		{"operators", []string{"operator/*"}, objectSQL{kind: "'operator'", schema: "n.nspname",
			name:       "o.oprname",
			part:       "'(' || CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) ELSE 'NONE' END || ', ' || CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) ELSE 'NONE' END || ')'",
			properties: []string{"function", "o.oprcode::regproc", "commutator", "CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoper END", "negator", "CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoper END", "restrict", "CASE WHEN o.oprrest <> 0 THEN o.oprrest::regproc END", "join", "CASE WHEN o.oprjoin <> 0 THEN o.oprjoin::regproc END", "merges", "CASE WHEN o.oprcanmerge THEN 'true' END", "hashes", "CASE WHEN o.oprcanhash THEN 'true' END", "comment", "ds.description"},
			from:       "pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace" + comment("pg_operator", "o.oid") + "WHERE o.oprcode <> 0 AND" + owned("pg_operator", "o.oid")}.text()},
		{"operator classes", []string{"operator_class/*"}, operatorClassesQuery},
		{"roles", []string{"role/*"}, rolesQuery(v)},
		{"the database", []string{"database*"}, objectSQL{kind: "'database'", name: "''",
			properties: []string{"connection_limit", "CASE WHEN c.datconnlimit >= 0 THEN c.datconnlimit END", "tablespace", "(SELECT t.spcname FROM pg_tablespace t WHERE t.oid = c.dattablespace AND t.spcname <> 'pg_default')", "comment", "(SELECT x FROM shobj_description(c.oid, 'pg_database') x WHERE NOT starts_with(x, " + literal(scratchMark) + ") AND NOT starts_with(x, " + literal(engine.MarkPrefix) + "))"},
			from:       "pg_database c WHERE c.datname = current_database()"}.text()},
	}
	return queries
}

// domainsQuery folds NOT NULL, which 17 and later also keep as a constraint.
func domainsQuery() string {
	return objectSQL{kind: "'domain'", schema: "n.nspname", name: "t.typname",
		properties: []string{"type", "format_type(t.typbasetype, t.typtypmod)", "default", "pg_get_expr(t.typdefaultbin, 0)", "nullable", "CASE WHEN t.typnotnull THEN 'false' END",
			"collation", "CASE WHEN t.typcollation <> bt.typcollation THEN (SELECT " + collationText + " FROM pg_collation co JOIN pg_namespace con ON con.oid = co.collnamespace WHERE co.oid = t.typcollation) END",
			"comment", "ds.description"},
		lists: []string{"checks", "(SELECT json_agg('CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) ORDER BY k.conname) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')"},
		from: "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type bt ON bt.oid = t.typbasetype" + comment("pg_type", "t.oid") +
			"WHERE t.typtype = 'd' AND" + owned("pg_type", "t.oid")}.text()
}

func compositesQuery() string {
	return objectSQL{kind: "'type'", schema: "n.nspname", name: "t.typname",
		properties: []string{"form", "'composite'", "comment", "ds.description"},
		lists: []string{"attributes", `(SELECT json_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> at.typcollation THEN
			(SELECT ' COLLATE ' || ` + collationText + ` FROM pg_collation co JOIN pg_namespace con ON con.oid = co.collnamespace WHERE co.oid = a.attcollation) ELSE '' END ORDER BY a.attnum)
			FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`},
		from: "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'" + comment("pg_type", "t.oid") +
			"WHERE t.typtype = 'c' AND" + owned("pg_type", "t.oid")}.text()
}

func rangesQuery(v major) string {
	return objectSQL{kind: "'type'", schema: "n.nspname", name: "t.typname",
		properties: []string{"form", "'range'", "subtype", "format_type(r.rngsubtype, NULL)",
			"opclass", "CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.' || quote_ident(oc.opcname) END",
			"collation", "CASE WHEN r.rngcollation <> st.typcollation THEN (SELECT quote_ident(con.nspname) || '.' || quote_ident(co.collname) FROM pg_collation co JOIN pg_namespace con ON con.oid = co.collnamespace WHERE co.oid = r.rngcollation) END",
			"canonical", "CASE WHEN r.rngcanonical <> 0 THEN r.rngcanonical::regproc END", "subtype_diff", "CASE WHEN r.rngsubdiff <> 0 THEN r.rngsubdiff::regproc END",
			"multirange", v.since(14, "(SELECT CASE WHEN mt.typnamespace <> t.typnamespace THEN quote_ident(mn.nspname) || '.' ELSE '' END || quote_ident(mt.typname) FROM pg_type mt JOIN pg_namespace mn ON mn.oid = mt.typnamespace WHERE mt.oid = r.rngmultitypid)", "NULL"),
			"comment", "ds.description"},
		lists: []string{"attributes", "NULL::json"},
		from: "pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type st ON st.oid = r.rngsubtype JOIN pg_opclass oc ON oc.oid = r.rngsubopc JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace" +
			comment("pg_type", "t.oid") + "WHERE" + owned("pg_type", "t.oid")}.text()
}

func collationsQuery(v major) string {
	locale := v.since(15, "nullif(co."+string(v.since(17, "colllocale", "colliculocale"))+", '')", "NULL")
	return objectSQL{kind: "'collation'", schema: "n.nspname", name: "co.collname",
		properties: []string{"provider", "CASE co.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin' END",
			"locale", "coalesce(" + locale + ", nullif(co.collcollate, ''))", "ctype", "CASE WHEN co.collctype IS DISTINCT FROM co.collcollate THEN co.collctype END",
			"deterministic", "CASE WHEN NOT co.collisdeterministic THEN 'false' END", "rules", v.since(16, "co.collicurules", "NULL"), "version", "co.collversion",
			"outdated", "CASE WHEN co.collversion <> pg_collation_actual_version(co.oid) THEN 'the system has ' || pg_collation_actual_version(co.oid) END", "comment", "ds.description"},
		from: "pg_collation co JOIN pg_namespace n ON n.oid = co.collnamespace" + comment("pg_collation", "co.oid") + "WHERE" + owned("pg_collation", "co.oid")}.text()
}

// statisticsQuery: a statistics object goes with the columns that it is about.
func statisticsQuery() string {
	return objectSQL{kind: "'statistics'", schema: "n.nspname", name: "s.stxname",
		properties: []string{"definition", "pg_get_statisticsobjdef(s.oid)", "target", "CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END", "comment", "ds.description"},
		of:         []string{"json_build_array('table', cn.nspname, c.relname, NULL)"},
		from: "pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace" +
			comment("pg_statistic_ext", "s.oid") + "WHERE" + owned("pg_statistic_ext", "s.oid")}.text()
}

func publicationsQuery(v major) string {
	columns := v.since(15, `coalesce(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])) || ')', '')
		|| coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '')`, "''")
	schemas := v.since(15, `(SELECT json_agg(quote_ident(sn.nspname) ORDER BY sn.nspname) FROM pg_publication_namespace ps JOIN pg_namespace sn ON sn.oid = ps.pnnspid WHERE ps.pnpubid = p.oid)`, "NULL::json")
	return objectSQL{kind: "'publication'", name: "p.pubname",
		properties: []string{"publish", "concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)",
			"all_tables", "CASE WHEN p.puballtables THEN 'true' END", "via_root", "CASE WHEN p.pubviaroot THEN 'true' END", "comment", "ds.description"},
		lists: []string{"schemas", schemas, "tables", `(SELECT json_agg(x ORDER BY x) FROM (SELECT quote_ident(rn.nspname) || '.' || quote_ident(rc.relname) || ` + columns + ` AS x
			FROM pg_publication_rel r JOIN pg_class rc ON rc.oid = r.prrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE r.prpubid = p.oid) l)`},
		ofAll: `(SELECT json_agg(json_build_array('table', rn.nspname, rc.relname, NULL)) FROM pg_publication_rel r JOIN pg_class rc ON rc.oid = r.prrelid JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE r.prpubid = p.oid)`,
		from:  "pg_publication p" + comment("pg_publication", "p.oid") + "WHERE" + unextended("pg_publication", "p.oid")}.text()
}

// subscriptionsQuery leaves out where they come from, which superusers alone may read: conninfo asks that.
func subscriptionsQuery(v major) string {
	return objectSQL{kind: "'subscription'", name: "s.subname",
		properties: []string{"enabled", "s.subenabled", "slot", "s.subslotname", "synchronous_commit", "s.subsynccommit",
			"binary", v.since(14, "CASE WHEN s.subbinary THEN 'true' END", "NULL"),
			"streaming", v.since(16, "CASE s.substream WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel' END", v.since(14, "CASE WHEN s.substream THEN 'on' END", "NULL")),
			"two_phase", v.since(15, "CASE WHEN s.subtwophasestate <> 'd' THEN 'true' END", "NULL"),
			"disable_on_error", v.since(15, "CASE WHEN s.subdisableonerr THEN 'true' END", "NULL"),
			"password_required", v.since(16, "CASE WHEN NOT s.subpasswordrequired THEN 'false' END", "NULL"),
			"run_as_owner", v.since(16, "CASE WHEN s.subrunasowner THEN 'true' END", "NULL"),
			"origin", v.since(16, "CASE WHEN s.suborigin <> 'any' THEN s.suborigin END", "NULL"),
			"failover", v.since(17, "CASE WHEN s.subfailover THEN 'true' END", "NULL"), "comment", "ds.description"},
		lists: []string{"publications", "(SELECT json_agg(x ORDER BY x) FROM unnest(s.subpublications) x)"},
		from:  "pg_subscription s" + comment("pg_subscription", "s.oid") + "WHERE " + ofThisDatabase}.text()
}

const operatorClassesQuery = `
SELECT 'operator_class', n.nspname, o.opcname, 'using ' || am.amname,
	` + `(SELECT json_object_agg(x.k, x.v) FROM (VALUES ('type', format_type(o.opcintype, NULL)), ('default', CASE WHEN o.opcdefault THEN 'true' END),
		('family', quote_ident(fn.nspname) || '.' || quote_ident(f.opfname)), ('storage', CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END)) x (k, v) WHERE x.v IS NOT NULL),
	json_build_object('members', (SELECT json_agg(m ORDER BY m) FROM (
		SELECT 'OPERATOR ' || ao.amopstrategy || ' ' || ao.amopopr::regoperator || CASE WHEN ao.amopsortfamily <> 0 THEN ' FOR ORDER BY ' || (
			SELECT quote_ident(sn.nspname) || '.' || quote_ident(sf.opfname) FROM pg_opfamily sf JOIN pg_namespace sn ON sn.oid = sf.opfnamespace WHERE sf.oid = ao.amopsortfamily) ELSE '' END AS m
		FROM pg_amop ao JOIN pg_depend d ON d.classid = 'pg_amop'::regclass AND d.objid = ao.oid AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = o.oid
		UNION ALL SELECT 'FUNCTION ' || ap.amprocnum || ' (' || format_type(ap.amproclefttype, NULL) || ', ' || format_type(ap.amprocrighttype, NULL) || ') ' || ap.amproc::regprocedure
		FROM pg_amproc ap JOIN pg_depend d ON d.classid = 'pg_amproc'::regclass AND d.objid = ap.oid AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = o.oid) l (m))), NULL
FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am am ON am.oid = o.opcmethod JOIN pg_opfamily f ON f.oid = o.opcfamily JOIN pg_namespace fn ON fn.oid = f.opfnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_opclass'::regclass AND e.objid = o.oid AND e.deptype = 'e')`

// rolesQuery takes the roles that mean something to this database: those that own, are granted or have settings in it, who belongs to them, and
// what they belong to. Others on the server are other databases' affair. The role that made the cluster has another name on every server.
// Before 16 it is the member, and not each membership, that says whether what it belongs to is inherited.
func rolesQuery(v major) string {
	option := v.since(16, "CASE WHEN NOT m.inherit_option THEN ' without inherit' ELSE '' END || CASE WHEN NOT m.set_option THEN ' without set' ELSE '' END",
		"CASE WHEN m.member = r.oid AND NOT r.rolinherit THEN ' without inherit' ELSE '' END")
	return `
WITH RECURSIVE here AS (SELECT oid FROM pg_database WHERE datname = current_database()),
named AS (
	SELECT d.refobjid AS role FROM pg_shdepend d, here WHERE d.refclassid = 'pg_authid'::regclass AND (d.dbid = here.oid OR d.classid = 'pg_database'::regclass AND d.objid = here.oid)
	UNION SELECT s.setrole FROM pg_db_role_setting s, here WHERE s.setdatabase = here.oid),
above AS (SELECT role FROM named UNION SELECT m.roleid FROM pg_auth_members m JOIN above ON above.role = m.member),
below AS (SELECT role FROM named UNION SELECT m.member FROM pg_auth_members m JOIN below ON below.role = m.roleid),
involved AS (SELECT role FROM above UNION SELECT role FROM below)
SELECT 'role', NULL, r.rolname, NULL, ` + properties(
		"login", "CASE WHEN r.rolcanlogin THEN 'true' END", "superuser", "CASE WHEN r.rolsuper THEN 'true' END", "inherit", "CASE WHEN NOT r.rolinherit THEN 'false' END",
		"create_role", "CASE WHEN r.rolcreaterole THEN 'true' END", "create_database", "CASE WHEN r.rolcreatedb THEN 'true' END", "replication", "CASE WHEN r.rolreplication THEN 'true' END",
		"bypass_row_security", "CASE WHEN r.rolbypassrls THEN 'true' END", "connection_limit", "CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit END", "valid_until", "r.rolvaliduntil AT TIME ZONE 'UTC'") + `,
	json_build_object('member_of', (SELECT json_agg(l.x ORDER BY l.x) FROM (SELECT g.rolname || CASE WHEN bool_or(m.admin_option) THEN ' with admin option' ELSE '' END || min(` + option + `) AS x
			FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid GROUP BY g.rolname) l),
		'settings', (SELECT json_agg(DISTINCT l.x ORDER BY l.x) FROM (SELECT DISTINCT ON (split_part(x, '=', 1)) x FROM pg_db_role_setting s, here, unnest(s.setconfig) x
			WHERE s.setrole = r.oid AND s.setdatabase IN (0, here.oid) ORDER BY split_part(x, '=', 1), s.setdatabase DESC) l)), NULL
FROM pg_roles r WHERE r.oid IN (SELECT role FROM involved) AND r.oid <> 10 AND r.rolname !~ '^pg_'`
}
