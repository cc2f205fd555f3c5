package postgres

import (
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// objects emits all objects of the kinds, in the kinds' order.
func (w *ddl) objects(to emit, kinds ...string) {
	for _, kind := range kinds {
		switch kind {
		case "operator_family":
			w.operatorFamilies(to)
			continue
		case "operator_class":
			defer w.looseMembers(to)
		}
		for i := range w.db.Objects {
			if w.db.Objects[i].Kind == kind {
				w.object(to, &w.db.Objects[i])
			}
		}
	}
}

// object emits what makes an object. Kinds that are missing here are the server's, or reach out of the copy.
func (w *ddl) object(to emit, o *schema.Object) {
	name, p := qualified(o.Name), o.Properties
	switch o.Kind {
	case "extension":
		w.extension(to, o)
	case "collation":
		to("CREATE COLLATION %s (%s)", name, collationOptions(p))
	case "enum":
		labels := make([]string, len(o.Lists["labels"]))
		for i, label := range o.Lists["labels"] {
			labels[i] = literal(label)
		}
		to("CREATE TYPE %s AS ENUM (%s)", name, strings.Join(labels, ", "))
	case "domain":
		domain(to, name, o)
	case "type":
		if p["form"] == "composite" {
			to("CREATE TYPE %s AS (%s)", name, strings.Join(o.Lists["attributes"], ", "))
			return
		}
		to("CREATE TYPE %s AS RANGE (%s)", name, rangeOptions(p))
	case "text_search_dictionary":
		options := ""
		if p["options"] != "" {
			options = ", " + p["options"]
		}
		to("CREATE TEXT SEARCH DICTIONARY %s (TEMPLATE = %s%s)", name, p["template"], options)
	case "text_search_configuration":
		to("CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)", name, p["parser"])
		for _, m := range o.Lists["mappings"] {
			token, dictionaries, _ := strings.Cut(m, ": ")
			to("ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR %s WITH %s", name, token, dictionaries)
		}
	case "text_search_parser":
		to("%s", attempt("CREATE TEXT SEARCH PARSER "+name+" ("+assignments(p, "start", "gettoken", "end", "lextypes", "headline")+")"))
	case "text_search_template":
		to("%s", attempt("CREATE TEXT SEARCH TEMPLATE "+name+" ("+assignments(p, "init", "lexize")+")"))
	case "index": // of one partition
		if p["valid"] == "" {
			to("%s", p["definition"])
		}
	case "constraint":
		to("ALTER TABLE %s ADD CONSTRAINT %s %s", name, quote(o.Part), p["definition"])
	case "foreign_data_wrapper":
		to("%s", attempt("CREATE FOREIGN DATA WRAPPER "+quote(o.Name.Name)+optional(" HANDLER ", p["handler"])+optional(" VALIDATOR ", p["validator"])))
	case "foreign_server":
		// Without its options a server leads nowhere, as it should from a copy.
		to("%s", attempt("CREATE SERVER "+quote(o.Name.Name)+optional(" TYPE ", literalOr(p["type"]))+optional(" VERSION ", literalOr(p["server_version"]))+" FOREIGN DATA WRAPPER "+quote(p["wrapper"])))
	case "foreign_table":
		columns := "(" + strings.Join(o.Lists["columns"], ", ") + ")"
		to("%s", block("EXECUTE "+literal("CREATE FOREIGN TABLE "+name+" "+columns+" SERVER "+quote(p["server"]))+";",
			"WHEN OTHERS THEN EXECUTE "+literal("CREATE TABLE "+name+" "+columns)+";"))
	case "cast":
		w.cast(to, o)
	case "operator":
		w.operator(to, o)
	case "operator_class":
		to("CREATE OPERATOR CLASS %s%s FOR TYPE %s USING %s FAMILY %s AS %s", name, map[string]string{"true": " DEFAULT"}[p["default"]], p["type"], strings.TrimPrefix(o.Part, "using "), p["family"],
			strings.Join(append(append([]string(nil), o.Lists["members"]...), splitList(optional("STORAGE ", p["storage"]))...), ", "))
	case "rule":
		to("%s", strings.TrimRight(p["definition"], "; "))
		if state := firing(p["enabled"]); state != "" {
			to("ALTER TABLE %s %s RULE %s", name, state, quote(o.Part))
		}
	case "policy":
		to("%s", attempt(policySQL(name, o)))
	case "statistics":
		to("%s", p["definition"])
		if target := p["target"]; target != "" {
			to("ALTER STATISTICS %s SET STATISTICS %s", name, target)
		}
	case "publication":
		to("%s", attempt(publicationSQL(o)))
	case "event_trigger":
		w.eventTrigger(to, o)
	}
}

// assignments are properties as NAME = value.
func assignments(p map[string]string, names ...string) string {
	var list []string
	for _, name := range names {
		if v := p[name]; v != "" {
			list = append(list, strings.ToUpper(name)+" = "+v)
		}
	}
	return strings.Join(list, ", ")
}

func optional(words, value string) string {
	if value == "" {
		return ""
	}
	return words + value
}

func literalOr(text string) string {
	if text == "" {
		return ""
	}
	return literal(text)
}

// firing is how ALTER TABLE says when a trigger or rule fires.
func firing(state string) string {
	switch state {
	case "disabled":
		return "DISABLE"
	case "replica":
		return "ENABLE REPLICA"
	case "always":
		return "ENABLE ALWAYS"
	}
	return ""
}

// extension takes the version that the original has, or else the one that the server has.
func (w *ddl) extension(to emit, o *schema.Object) {
	create := "CREATE EXTENSION IF NOT EXISTS " + quote(o.Name.Name)
	if namespace := o.Properties["schema"]; namespace != "pg_catalog" {
		create += " SCHEMA " + quote(namespace)
	}
	to("%s", block("EXECUTE "+literal(create+" VERSION "+literal(o.Properties["version"])+" CASCADE")+";", "WHEN OTHERS THEN EXECUTE "+literal(create+" CASCADE")+";"))
}

func collationOptions(p map[string]string) string {
	options := []string{"PROVIDER = " + p["provider"]}
	switch {
	case p["provider"] != "libc":
		options = append(options, "LOCALE = "+literal(p["locale"]))
	case p["ctype"] != "":
		options = append(options, "LC_COLLATE = "+literal(p["locale"]), "LC_CTYPE = "+literal(p["ctype"]))
	default:
		options = append(options, "LOCALE = "+literal(p["locale"]))
	}
	if p["deterministic"] != "" {
		options = append(options, "DETERMINISTIC = false")
	}
	if p["rules"] != "" {
		options = append(options, "RULES = "+literal(p["rules"]))
	}
	return strings.Join(options, ", ")
}

func domain(to emit, name string, o *schema.Object) {
	p := o.Properties
	sql := "CREATE DOMAIN " + name + " AS " + p["type"] + optional(" COLLATE ", p["collation"]) + optional(" DEFAULT ", p["default"])
	if p["nullable"] == "false" {
		sql += " NOT NULL"
	}
	to("%s", sql)
	for _, check := range o.Lists["checks"] {
		to("ALTER DOMAIN %s ADD %s", name, check)
	}
}

func rangeOptions(p map[string]string) string {
	options := []string{"SUBTYPE = " + p["subtype"]}
	for _, o := range []struct{ property, option string }{{"opclass", "SUBTYPE_OPCLASS"}, {"collation", "COLLATION"}, {"canonical", "CANONICAL"}, {"subtype_diff", "SUBTYPE_DIFF"}, {"multirange", "MULTIRANGE_TYPE_NAME"}} {
		if v := p[o.property]; v != "" {
			options = append(options, o.option+" = "+v)
		}
	}
	return strings.Join(options, ", ")
}

func (w *ddl) cast(to emit, o *schema.Object) {
	method := o.Properties["method"]
	switch method {
	case "without function", "inout":
		method = map[string]string{"without function": "WITHOUT FUNCTION", "inout": "WITH INOUT"}[method]
	default:
		method = "WITH FUNCTION " + method
	}
	to("CREATE CAST (%s) %s%s", o.Name.Name, method, optional(" AS ", strings.ToUpper(o.Properties["context"])))
}

func (w *ddl) operator(to emit, o *schema.Object) {
	p := o.Properties
	options := []string{"FUNCTION = " + p["function"]}
	left, right, _ := strings.Cut(strings.Trim(o.Part, "()"), ", ")
	if left != "NONE" {
		options = append(options, "LEFTARG = "+left)
	}
	if right != "NONE" {
		options = append(options, "RIGHTARG = "+right)
	}
	for _, word := range []struct{ property, option string }{{"commutator", "COMMUTATOR"}, {"negator", "NEGATOR"}} {
		if v := p[word.property]; v != "" {
			options = append(options, word.option+" = OPERATOR("+v+")")
		}
	}
	for _, word := range []struct{ property, option string }{{"restrict", "RESTRICT"}, {"join", "JOIN"}} {
		if v := p[word.property]; v != "" {
			options = append(options, word.option+" = "+v)
		}
	}
	for _, word := range []string{"hashes", "merges"} {
		if p[word] != "" {
			options = append(options, strings.ToUpper(word))
		}
	}
	to("CREATE OPERATOR %s.%s (%s)", quote(schemaOf(o.Name)), o.Name.Name, strings.Join(options, ", "))
}

// operatorFamilies makes those of the classes, and those that have members of their own, which come after the classes they complete.
func (w *ddl) operatorFamilies(to emit) {
	made := map[string]bool{}
	create := func(family string) {
		if !made[family] {
			made[family] = true
			to("CREATE OPERATOR FAMILY %s", family)
		}
	}
	for _, o := range w.db.Objects {
		switch o.Kind {
		case "operator_class":
			create(o.Properties["family"] + usingMethod(o.Part))
		case "operator_family":
			create(qualified(o.Name) + usingMethod(o.Part))
		}
	}
}

// usingMethod is how statements write the method of a class or family, which is its part in addresses.
func usingMethod(part string) string { return " USING " + quote(strings.TrimPrefix(part, "using ")) }

// looseMembers completes families by what belongs to none of their classes.
func (w *ddl) looseMembers(to emit) {
	for _, o := range w.db.Objects {
		if members := o.Lists["members"]; o.Kind == "operator_family" && len(members) > 0 {
			to("ALTER OPERATOR FAMILY %s%s ADD %s", qualified(o.Name), usingMethod(o.Part), strings.Join(members, ", "))
		}
	}
}

func policySQL(table string, o *schema.Object) string {
	p := o.Properties
	sql := "CREATE POLICY " + quote(o.Part) + " ON " + table
	if p["permissive"] == "false" {
		sql += " AS RESTRICTIVE"
	}
	roles := make([]string, len(o.Lists["roles"]))
	for i, role := range o.Lists["roles"] {
		roles[i] = grantee(role)
	}
	sql += " FOR " + strings.ToUpper(p["command"]) + optional(" TO ", strings.Join(roles, ", "))
	if p["using"] != "" {
		sql += " USING (" + p["using"] + ")"
	}
	if p["check"] != "" {
		sql += " WITH CHECK (" + p["check"] + ")"
	}
	return sql
}

func publicationSQL(o *schema.Object) string {
	p := o.Properties
	sql := "CREATE PUBLICATION " + quote(o.Name.Name)
	var parts []string
	if tables := o.Lists["tables"]; len(tables) > 0 {
		parts = append(parts, "TABLE "+strings.Join(tables, ", "))
	}
	if schemas := o.Lists["schemas"]; len(schemas) > 0 {
		parts = append(parts, "TABLES IN SCHEMA "+strings.Join(schemas, ", "))
	}
	switch {
	case p["all_tables"] != "":
		sql += " FOR ALL TABLES"
	case len(parts) > 0:
		sql += " FOR " + strings.Join(parts, ", ")
	}
	sql += " WITH (publish = " + literal(p["publish"])
	if p["via_root"] != "" {
		sql += ", publish_via_partition_root = true"
	}
	return sql + ")"
}

func (w *ddl) eventTrigger(to emit, o *schema.Object) {
	p := o.Properties
	sql := "CREATE EVENT TRIGGER " + quote(o.Name.Name) + " ON " + p["event"]
	if tags := o.Lists["tags"]; len(tags) > 0 {
		quoted := make([]string, len(tags))
		for i, tag := range tags {
			quoted[i] = literal(tag)
		}
		sql += " WHEN TAG IN (" + strings.Join(quoted, ", ") + ")"
	}
	sql += " EXECUTE FUNCTION " + p["function"] + "()"
	statements := []string{sql}
	if state := firing(p["enabled"]); state != "" {
		statements = append(statements, "ALTER EVENT TRIGGER "+quote(o.Name.Name)+" "+state)
	}
	to("%s", attempt(statements...))
}

// perhaps emits a statement that changes nothing about the rows, and that another server or a lesser role may refuse.
func (w *ddl) perhaps(statements ...string) { w.then("%s", attempt(statements...)) }

// attempt runs statements and lets be what a missing role, tablespace or privilege refuses: all of them or none.
func attempt(statements ...string) string {
	var body strings.Builder
	for _, sql := range statements {
		fmt.Fprintf(&body, "EXECUTE %s; ", literal(sql))
	}
	return block(strings.TrimSpace(body.String()), "WHEN insufficient_privilege OR undefined_object OR undefined_file OR feature_not_supported OR invalid_grant_operation THEN NULL;")
}

func block(body, exception string) string {
	return "DO " + dollarQuoted(" BEGIN "+body+" EXCEPTION "+exception+" END ")
}
