package postgres

import "strings"

// securable is a catalogue whose objects have owners and privileges.
type securable struct {
	kind         string // SQL of the kind in addresses
	schema, name string // SQL; "" is none
	part         string
	owner, acl   string
	class        string // acldefault's letter, SQL
	from         string
	where        string
}

// securables are all catalogues with owners. Sequences of identities and serials have their table's owner, so that they are told only where
// their privileges are not the default ones.
func securables(v major) []securable {
	relation := "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	return append(parameterPrivileges(v), []securable{
		{kind: "CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'f' THEN 'foreign_table' ELSE 'table' END", schema: "n.nspname", name: "c.relname",
			owner: "c.relowner", acl: "c.relacl", class: "CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END", from: relation,
			where: "c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition AND" + owned("pg_class", "c.oid")},
		{kind: "'routine'", schema: "n.nspname", name: "p.proname", part: "'(' || oidvectortypes(p.proargtypes) || ')'", owner: "p.proowner", acl: "p.proacl", class: "'f'",
			from: "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace", where: owned("pg_proc", "p.oid")},
		{kind: "CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'type' END", schema: "n.nspname", name: "t.typname", owner: "t.typowner", acl: "t.typacl", class: "'T'",
			from:  "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class tc ON tc.oid = t.typrelid",
			where: "(t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND tc.relkind = 'c') AND" + owned("pg_type", "t.oid")},
		{kind: "'schema'", name: "n.nspname", owner: "n.nspowner", acl: "n.nspacl", class: "'n'", from: "pg_namespace n",
			where: "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND" + unextended("pg_namespace", "n.oid")},
		{kind: "'database'", name: "''", owner: "d.datdba", acl: "d.datacl", class: "'d'", from: "pg_database d", where: "d.datname = current_database()"},
		{kind: "'foreign_data_wrapper'", name: "f.fdwname", owner: "f.fdwowner", acl: "f.fdwacl", class: "'F'", from: "pg_foreign_data_wrapper f", where: unextended("pg_foreign_data_wrapper", "f.oid")},
		{kind: "'foreign_server'", name: "s.srvname", owner: "s.srvowner", acl: "s.srvacl", class: "'S'", from: "pg_foreign_server s", where: unextended("pg_foreign_server", "s.oid")},
		{kind: "'publication'", name: "p.pubname", owner: "p.pubowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_publication p", where: unextended("pg_publication", "p.oid")},
		{kind: "'event_trigger'", name: "v.evtname", owner: "v.evtowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_event_trigger v", where: unextended("pg_event_trigger", "v.oid")},
		{kind: "'collation'", schema: "n.nspname", name: "o.collname", owner: "o.collowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace", where: owned("pg_collation", "o.oid")},
		{kind: "'statistics'", schema: "n.nspname", name: "o.stxname", owner: "o.stxowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_statistic_ext o JOIN pg_namespace n ON n.oid = o.stxnamespace", where: owned("pg_statistic_ext", "o.oid")},
		{kind: "'operator'", schema: "n.nspname", name: "o.oprname", owner: "o.oprowner", acl: "NULL::aclitem[]", class: "'r'",
			part: "'(' || CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) ELSE 'NONE' END || ', ' || CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) ELSE 'NONE' END || ')'",
			from: "pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace", where: "o.oprcode <> 0 AND " + owned("pg_operator", "o.oid")},
		{kind: "'text_search_configuration'", schema: "n.nspname", name: "o.cfgname", owner: "o.cfgowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_ts_config o JOIN pg_namespace n ON n.oid = o.cfgnamespace", where: owned("pg_ts_config", "o.oid")},
		{kind: "'text_search_dictionary'", schema: "n.nspname", name: "o.dictname", owner: "o.dictowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_ts_dict o JOIN pg_namespace n ON n.oid = o.dictnamespace", where: owned("pg_ts_dict", "o.oid")},
		{kind: "'tablespace'", name: "t.spcname", owner: "t.spcowner", acl: "t.spcacl", class: "'t'", from: "pg_tablespace t", where: usedTablespaces},
		{kind: "'subscription'", name: "s.subname", owner: "s.subowner", acl: "NULL::aclitem[]", class: "'r'", from: "pg_subscription s", where: ofThisDatabase},
	}...)
}

// parameterPrivileges are what others than superusers may set. Parameters have no owner.
func parameterPrivileges(v major) []securable {
	if v < 15 {
		return nil
	}
	return []securable{{kind: "'setting'", name: "p.parname", owner: "10::oid", acl: "p.paracl", class: "'p'", from: "pg_parameter_acl p", where: "true"}}
}

// ofThisDatabase is SQL for the subscriptions of the database: the catalogue holds those of all.
const ofThisDatabase = "s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"

func orNull(sql string) string {
	if sql == "" {
		return "NULL::name"
	}
	return sql
}

// databaseOwner is what the model calls the role that owns the database, as PostgreSQL itself does since 14: whatever it is called on each
// server, what belongs to it belongs to the same. Who it is, is said of the database.
const databaseOwner = "pg_database_owner"

// roleName is SQL for the name of a role.
func roleName(oid string) string {
	return "CASE WHEN " + oid + " = (SELECT datdba FROM pg_database WHERE datname = current_database()) THEN " + literal(databaseOwner) + " ELSE pg_get_userbyid(" + oid + ") END"
}

// ownersQuery reads who owns what. A sequence that a column owns has its table's owner, and so only strange owners of sequences are told.
func ownersQuery(v major) string {
	var parts []string
	for _, s := range securables(v) {
		if s.kind == "'setting'" {
			continue
		}
		where := s.where
		if strings.Contains(s.from, "pg_class c") {
			where = "(c.relkind <> 'S' OR c.relowner <> (SELECT datdba FROM pg_database WHERE datname = current_database()) AND NOT EXISTS (SELECT FROM pg_depend sd WHERE sd.classid = 'pg_class'::regclass AND sd.objid = c.oid AND sd.deptype = 'a')) AND " + where
		}
		owner := roleName(s.owner)
		if s.kind == "'database'" {
			owner = "pg_get_userbyid(" + s.owner + ")"
		}
		parts = append(parts, "SELECT "+s.kind+", "+orNull(s.schema)+", "+s.name+"::text, "+orNull(s.part)+"::text, "+owner+" FROM "+s.from+" WHERE "+where)
	}
	return strings.Join(parts, "\nUNION ALL ")
}

// grantsQuery reads per grantee what differs from the class's defaults: NULL is the defaults, and so is their list. All privileges of a class are
// ALL, whose list grows with the version.
func grantsQuery(v major) string {
	var parts []string
	add := func(kind, schema, name, part, owner, acl, class, from, where string) {
		parts = append(parts, "SELECT "+kind+" AS kind, "+orNull(schema)+"::text AS ns, "+name+"::text AS name, "+orNull(part)+"::text AS part, "+owner+" AS owner, "+acl+" AS acl, "+
			"acldefault("+class+", "+owner+") AS dflt FROM "+from+" WHERE "+acl+" IS NOT NULL AND "+where)
	}
	for _, s := range securables(v) {
		if !strings.HasPrefix(s.acl, "NULL") {
			add(s.kind, s.schema, s.name, s.part, s.owner, s.acl, s.class, s.from, s.where)
		}
	}
	add("'column'", "n.nspname", "c.relname", "a.attname", "c.relowner", "a.attacl", "'c'", "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid",
		"NOT c.relispartition AND NOT a.attisdropped AND "+owned("pg_class", "c.oid"))
	add("'language'", "", "l.lanname", "", "l.lanowner", "l.lanacl", "'l'", "pg_language l", "l.lanpltrusted AND "+unextended("pg_language", "l.oid"))
	add("'default_privileges'", "", roleName("a.defaclrole"), "CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' WHEN 'L' THEN 'large objects' END || coalesce(' in schema ' || quote_ident(dn.nspname), '')",
		"a.defaclrole", "a.defaclacl", "CASE WHEN a.defaclnamespace = 0 THEN CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END ELSE 'c' END",
		"pg_default_acl a LEFT JOIN pg_namespace dn ON dn.oid = a.defaclnamespace", "true")
	return `
WITH objects AS (` + strings.Join(parts, "\nUNION ALL ") + `)
SELECT o.kind, o.ns, o.name, o.part,
	CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE ` + roleName("g.grantee") + ` END,
	CASE WHEN g.privileges = (SELECT array_agg(x.privilege_type ORDER BY x.privilege_type COLLATE "C") FROM aclexplode(o.dflt) x WHERE x.grantee = o.owner) THEN '["ALL"]' ELSE to_json(g.privileges) END
FROM objects o CROSS JOIN LATERAL (
	SELECT coalesce(a.grantee, d.grantee) AS grantee, coalesce(a.privileges, '{}') AS privileges
	FROM (SELECT x.grantee, array_agg(DISTINCT x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END COLLATE "C") AS privileges FROM aclexplode(o.acl) x GROUP BY x.grantee) a
	FULL JOIN (SELECT x.grantee, array_agg(DISTINCT x.privilege_type || CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END COLLATE "C") AS privileges FROM aclexplode(o.dflt) x GROUP BY x.grantee) d USING (grantee)
	WHERE a.privileges IS DISTINCT FROM d.privileges) g`
}
