package postgres

// rareQueries list the kinds of objects that few databases have.
func rareQueries() []objectQuery {
	return []objectQuery{
		{"indexes and constraints of single partitions", []string{"index/*", "constraint/*"}, partitionIndexesQuery() + "\nUNION ALL" + partitionConstraintsQuery()},
		{"text search parsers", []string{"text_search_parser/*"}, objectSQL{kind: "'text_search_parser'", schema: "n.nspname", name: "p.prsname",
			properties: []string{"start", "p.prsstart", "gettoken", "p.prstoken", "end", "p.prsend", "headline", "CASE WHEN p.prsheadline <> 0 THEN p.prsheadline::text END", "lextypes", "p.prslextype", "comment", "ds.description"},
			from:       "pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace" + comment("pg_ts_parser", "p.oid") + "WHERE" + owned("pg_ts_parser", "p.oid")}.text()},
		{"text search templates", []string{"text_search_template/*"}, objectSQL{kind: "'text_search_template'", schema: "n.nspname", name: "t.tmplname",
			properties: []string{"init", "CASE WHEN t.tmplinit <> 0 THEN t.tmplinit::text END", "lexize", "t.tmpllexize", "comment", "ds.description"},
			from:       "pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace" + comment("pg_ts_template", "t.oid") + "WHERE" + owned("pg_ts_template", "t.oid")}.text()},
		{"operator families", []string{"operator_family/*"}, operatorFamiliesQuery()},
		{"tablespaces", []string{"tablespace/*"}, objectSQL{kind: "'tablespace'", name: "t.spcname",
			properties: []string{"comment", "(SELECT x FROM shobj_description(t.oid, 'pg_tablespace') x)"},
			lists:      []string{"options", optionList("t.spcoptions")},
			from:       "pg_tablespace t WHERE " + usedTablespaces}.text()},
	}
}

// usedTablespaces is SQL for those in which the database keeps something: others are other databases' affair.
const usedTablespaces = `t.spcname NOT IN ('pg_default', 'pg_global') AND (t.oid IN (SELECT reltablespace FROM pg_class) OR t.oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database()))`

// ofRoot is the json name of the table that a partition c belongs to in the end, for objectSQL.of.
const ofRoot = "(SELECT json_build_array('table', rn.nspname, rc.relname, NULL) FROM pg_class rc JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE rc.oid = pg_partition_root(c.oid))"

// partitionIndexesQuery reads the indexes that a partition has beyond those of its table, as statements: there are few, and none of them is a part of the model's tables.
func partitionIndexesQuery() string {
	return objectSQL{kind: "'index'", schema: "n.nspname", name: "c.relname", part: "ic.relname",
		properties: []string{"definition", "pg_get_indexdef(ic.oid)", "valid", "CASE WHEN NOT i.indisvalid THEN 'false' END", "comment", "ds.description"},
		of:         []string{ofRoot},
		from: "pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relispartition JOIN pg_class ic ON ic.oid = i.indexrelid AND NOT ic.relispartition JOIN pg_namespace n ON n.oid = c.relnamespace" +
			comment("pg_class", "ic.oid") + "WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = ic.oid AND k.contype IN ('p', 'u', 'x')) AND" + owned("pg_class", "c.oid")}.text()
}

func partitionConstraintsQuery() string {
	return objectSQL{kind: "'constraint'", schema: "n.nspname", name: "c.relname", part: "k.conname",
		properties: []string{"definition", "pg_get_constraintdef(k.oid)", "valid", "CASE WHEN NOT k.convalidated THEN 'false' END", "comment", "ds.description"},
		of:         []string{ofRoot},
		from: "pg_constraint k JOIN pg_class c ON c.oid = k.conrelid AND c.relispartition JOIN pg_namespace n ON n.oid = c.relnamespace" + comment("pg_constraint", "k.oid") +
			"WHERE k.contype IN ('c', 'f', 'x', 'p', 'u') AND k.conparentid = 0 AND k.coninhcount = 0 AND" + owned("pg_class", "c.oid")}.text()
}

// operatorFamiliesQuery leaves out what a family has of its classes, and families that have nothing but those.
func operatorFamiliesQuery() string {
	loose := func(catalogue, alias string) string {
		return " JOIN pg_depend d ON d.classid = '" + catalogue + "'::regclass AND d.objid = " + alias + ".oid AND d.refclassid = 'pg_opfamily'::regclass AND d.refobjid = f.oid"
	}
	members := `(SELECT json_agg(m ORDER BY m) FROM (
		SELECT 'OPERATOR ' || ao.amopstrategy || ' ' || ao.amopopr::regoperator || CASE WHEN ao.amopsortfamily <> 0 THEN ' FOR ORDER BY ' || (
			SELECT quote_ident(sn.nspname) || '.' || quote_ident(sf.opfname) FROM pg_opfamily sf JOIN pg_namespace sn ON sn.oid = sf.opfnamespace WHERE sf.oid = ao.amopsortfamily) ELSE '' END AS m
		FROM pg_amop ao` + loose("pg_amop", "ao") + `
		UNION ALL SELECT 'FUNCTION ' || ap.amprocnum || ' (' || format_type(ap.amproclefttype, NULL) || ', ' || format_type(ap.amprocrighttype, NULL) || ') ' || ap.amproc::regprocedure
		FROM pg_amproc ap` + loose("pg_amproc", "ap") + `) l (m))`
	return objectSQL{kind: "'operator_family'", schema: "f.nspname", name: "f.opfname", part: "'using ' || f.amname",
		properties: []string{"comment", "ds.description"},
		lists:      []string{"members", "f.members"},
		from: `(SELECT f.oid, f.opfname, n.nspname, am.amname, ` + members + ` AS members, EXISTS (SELECT FROM pg_opclass oc WHERE oc.opcfamily = f.oid) AS has_classes
			FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am am ON am.oid = f.opfmethod WHERE` + owned("pg_opfamily", "f.oid") + `) f` +
			comment("pg_opfamily", "f.oid") + "WHERE f.members IS NOT NULL OR NOT f.has_classes"}.text()
}

// columnCommentsQuery reads what is said of columns that the model does not have as such.
const columnCommentsQuery = `
SELECT CASE c.relkind WHEN 'c' THEN 'type' WHEN 'f' THEN 'foreign_table' ELSE 'view' END, n.nspname, c.relname, a.attname, ds.description
FROM pg_description ds JOIN pg_class c ON c.oid = ds.objoid AND ds.classoid = 'pg_class'::regclass AND c.relkind IN ('v', 'm', 'c', 'f')
	JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ds.objsubid
WHERE ds.objsubid > 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

// commentOf is the property of a view or type that holds what is said of one of its columns.
const commentOf = "comment."

// columnComment comes after views and objects.
func (c *catalog) columnComment(r *record) {
	ref := r.ref()
	text := r.text()
	column := ref.Part
	ref.Part = ""
	if ref.Kind == "view" {
		for _, v := range c.views {
			if v.Name == ref.Name {
				v.Properties = withProperty(v.Properties, commentOf+column, text)
			}
		}
		return
	}
	for i := range c.db.Objects {
		if o := &c.db.Objects[i]; o.Ref == ref {
			o.Properties = withProperty(o.Properties, commentOf+column, text)
		}
	}
}

// withProperty sets one property.
func withProperty(p map[string]string, name, value string) map[string]string {
	if p == nil {
		p = map[string]string{}
	}
	p[name] = value
	return p
}
