package database

import (
	"context"
	"sort"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// Schema collects tables, columns, constraints, indexes, views, triggers, routines, sequences and settings.
type Schema struct{}

// Name is the collector's name.
func (Schema) Name() string { return "schema" }

// Doc describes the collector.
func (Schema) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Database schema",
		Text: "Tables, columns, keys, checks, foreign keys, indexes, views, triggers, routines, sequences, types, extensions, policies, publications, roles and what else the catalogue holds, " +
			"owners, privileges and settings, as the server itself prints them; counters and passwords are not read. What belongs to the database's owner is said to belong to pg_database_owner, " +
			"whatever that role is called. Of the roles only those are looked at that mean something to the database. Constraints and indexes " +
			"without a name of their own are named by their structure, so that equal ones pair. Tables under `ignore` are left out. What the catalogue shows and " +
			"envdiff does not model is counted as not compared.",
		Needs: []string{"SELECT on the catalogue"},
		Attributes: []string{
			"table/TABLE: the table is there; #comment, #partition_by, #partitions (but those of a time, which come and go), #column_order and the engine's options (#strict, #without_rowid, …)",
			"column/TABLE.COLUMN#type, #nullable, #default, #generated, #identity, #collation, #hidden, #comment",
			"constraint/TABLE.NAME#type: primary key, unique, foreign key or check; #columns, #references, #on_delete, #on_update, #match, #definition, #valid, …",
			"index/TABLE.NAME#columns, #unique, #method, #include, #where, #valid, #nulls_not_distinct; of both, #valid, and of columns #nullable, is told where it is false, and what is as usual (btree, simple, no action) is not",
			"view/VIEW#definition, #materialized",
			"trigger/TABLE.NAME#definition",
			"routine/NAME#kind, #arguments, #returns, #definition; views, triggers and routines with the engine's own attributes (#definer, #security, #sql_mode, …)",
			"sequence/NAME#type, #start, #increment, #minimum, #maximum, #cache, #cycle",
			"setting#known: the names of the settings that the server has (context); setting/NAME#value; #pending_restart where the file says otherwise and a restart will make it so",
			"enum/NAME#labels, domain/NAME#type, #default, #nullable, #checks, type/NAME#attributes, #subtype, collation/NAME#provider, #locale, #version, extension/NAME#version, #schema",
			"policy/TABLE.NAME#command, #roles, #using, #check, rule/TABLE.NAME#definition, event_trigger/NAME#event, #function, #tags, #enabled, statistics/NAME#definition",
			"publication/NAME#tables, #publish, subscription/NAME#publications, #conninfo, foreign_server/NAME#option.NAME, foreign_table/NAME#columns, user_mapping/SERVER.USER#option.NAME",
			"text_search_configuration/NAME#mappings, text_search_dictionary/NAME#options, cast/TYPE AS TYPE#method, operator/NAME(TYPES)#function, operator_class/NAME#members",
			"role/NAME#login, #superuser, #member_of, #setting.NAME, …, of MariaDB and MySQL role/USER@HOST#authentication, #no_password, #locked, #tls, #member_of; plugin/NAME#type, #version; database#connection_limit",
			"KIND/NAME#owner of whatever has one; grant/KIND/NAME#GRANTEE: what differs from the engine's defaults, for PUBLIC also an empty set",
			"migration/applied#TABLE: up to where migrations were applied (context)",
		},
	}
}

// Kinds are compared within and across. Attributes that start with @ name the objects that absorb a missing one; setting/NAME#@behaviour is
// true where the setting changes what statements do, not only how fast.
func (Schema) Kinds() []snapshot.Kind {
	kind := func(pattern, doc string, parents ...string) snapshot.Kind {
		return snapshot.Kind{Pattern: pattern, Area: finding.AreaSchema, Parents: parents, Doc: doc}
	}
	return []snapshot.Kind{
		kind("table/*", "a table and its options", "{.@of}"),
		kind("column/*", "a column's definition", "table/{-1}"),
		kind("constraint/*", "a key, foreign key or check", "table/{-1}", "column/{-1}.{.columns}", "column/{.@columns}", "table/{.@references_table}", "column/{.@references_columns}", "{.@of}"),
		kind("index/*", "an index that is no key's", "table/{-1}", "view/{-1}", "column/{-1}.{.columns}", "column/{.@columns}", "{.@of}"),
		kind("trigger/*", "a trigger", "table/{-1}", "view/{-1}"),
		kind("view/*", "a view", "{.@of}"),
		kind("routine/*", "a function, procedure, aggregate or event", "{.@of}"),
		kind("sequence/*", "a sequence, without its counter", "{.@of}"),
		kind("setting/*", "a setting of the database or server"),
		{Pattern: "setting#known", Axis: snapshot.Context, Area: finding.AreaSchema, Doc: "the settings that the server's version has: another one's are no difference"},
		kind("grant/*", "what a role may do with an object", "{/1}/{/2+}"),
		{Pattern: "migration/applied*", Axis: snapshot.Context, Area: finding.AreaMigration, Doc: "up to where migrations were applied"},
		kind("schema/*", "a schema"), kind("enum/*", "an enumerated type", "{.@of}"), kind("domain/*", "a domain", "{.@of}"), kind("type/*", "a composite or range type", "{.@of}"),
		kind("collation/*", "a collation", "{.@of}"), kind("extension/*", "an extension"), kind("policy/*", "a row security policy", "{.@of}"), kind("rule/*", "a rewrite rule", "{.@of}"),
		kind("event_trigger/*", "an event trigger"), kind("statistics/*", "a statistics object", "{.@of}"), kind("publication/*", "a publication", "{.@of}"), kind("subscription/*", "a subscription"),
		kind("foreign_data_wrapper/*", "a foreign data wrapper"), kind("foreign_server/*", "a foreign server", "{.@of}"), kind("user_mapping/*", "a user mapping", "{.@of}"),
		kind("foreign_table/*", "a foreign table", "{.@of}"), kind("text_search_configuration/*", "a text search configuration", "{.@of}"),
		kind("text_search_dictionary/*", "a text search dictionary", "{.@of}"), kind("text_search_parser/*", "a text search parser", "{.@of}"), kind("text_search_template/*", "a text search template", "{.@of}"), kind("cast/*", "a cast"), kind("operator/*", "an operator", "{.@of}"),
		kind("operator_family/*", "what an operator family has beyond its classes", "{.@of}"), kind("tablespace/*", "a tablespace in which the database keeps something"),
		kind("operator_class/*", "an operator class", "{.@of}"), kind("role/*", "a role that means something to the database"), kind("plugin/*", "a plugin or component that the server has loaded"), kind("database*", "the database itself"),
	}
}

// Collect flattens the schema.
func (c Schema) Collect(ctx context.Context, in snapshot.DatabaseInput) snapshot.Result {
	db, err := in.DB.Schema(ctx)
	if err != nil {
		return unreadable(in.Scope, "table", c.Kinds(), err)
	}
	f := flattener{scope: in.Scope, redact: in.Redact}
	f.Facts = make([]snapshot.Fact, 0, factsOf(db))
	left := 0
	for i := range db.Tables {
		if ignored(in.Spec, db.Tables[i].Name) {
			left++
			continue
		}
		f.table(&db.Tables[i])
	}
	for i := range db.Views {
		if ignored(in.Spec, db.Views[i].Name) {
			left++
			continue
		}
		f.view(&db.Views[i])
	}
	for _, t := range db.Triggers {
		if !ignored(in.Spec, t.Table) && !f.folded[t.Table] {
			o := f.object("trigger", t.Table, t.Name)
			o.set("definition", in.Redact.Line(t.Definition))
			o.properties(t.Properties)
		}
	}
	f.routines(db.Routines)
	for i := range db.Sequences {
		f.sequence(&db.Sequences[i])
	}
	for i := range db.Objects {
		if !ignoredWith(in.Spec, db.Objects[i].Ref) && !f.ofAFolded(db.Objects[i].Ref) {
			f.anyObject(&db.Objects[i])
		}
	}
	for i := range db.Access {
		if !ignoredWith(in.Spec, db.Access[i].Ref) {
			f.access(&db.Access[i])
		}
	}
	for _, g := range db.Gaps {
		f.gap(g)
	}
	f.applied(ctx, in, db)
	if in.Spec.Versions != nil {
		if err := keepTyped(ctx, in, db); err != nil {
			f.Missing(snapshot.At(in.Scope, "migration", "schema"), "the schema could not be kept for rehearsals without a connection: "+refusal(err), engine.Advice(err))
		}
	}
	for _, s := range db.Settings {
		o := object{&f, snapshot.Object(in.Scope, "setting", s.Name), s.Source}
		o.set("value", in.Redact.Scalar(s.Name, s.Value))
		o.flag("pending_restart", s.Pending)
		if s.Behaviour {
			o.set("@behaviour", snapshot.Bool(true))
		}
	}
	if len(db.KnownSettings) > 0 {
		f.Add(snapshot.Address{Scope: in.Scope, Kind: "setting", Attribute: "known"}, snapshot.Strings(true, db.KnownSettings...), "")
	}
	if left > 0 {
		f.Notes = append(f.Notes, snapshot.Note{Kind: "table or view under ignore", Count: left})
	}
	for _, u := range db.Unmodelled {
		f.Notes = append(f.Notes, snapshot.Note{Kind: db.Engine + " " + u.Kind, Count: max(1, len(u.Names))})
	}
	return f.Result
}

// factsOf estimates how many facts a schema has: growing the list would copy it again and again.
func factsOf(db *schema.Database) int {
	n := 8*len(db.Views) + 6*(len(db.Triggers)+len(db.Routines)) + 4*(len(db.Sequences)+len(db.Objects)) + len(db.Access) + 2*len(db.Settings)
	for i := range db.Tables {
		t := &db.Tables[i]
		n += 3 + 2*len(t.Columns) + 3*(len(t.Unique)+len(t.Checks)+len(t.Exclusions)+1) + 7*len(t.ForeignKeys) + 3*len(t.Indexes)
		for j := range t.Columns {
			if t.Columns[j].Default != nil {
				n++
			}
		}
	}
	return n
}

// flattener turns typed objects into facts.
type flattener struct {
	snapshot.Result
	scope  string
	folded map[schema.Name]bool // partitions of a time
	redact *snapshot.Redactor   // texts of the schema may hold credentials: a default, a trigger's body, a comment
}

// object is where the attributes of one database object go.
type object struct {
	f      *flattener
	addr   snapshot.Address
	origin string
}

func (f *flattener) object(kind string, table schema.Name, more ...string) object {
	return object{f, snapshot.Object(f.scope, kind, table.Idents(more...)...), ""}
}

func (o object) set(attribute string, v snapshot.Value) { o.f.Add(o.addr.Attr(attribute), v, o.origin) }

// text sets a text that says nothing when empty.
func (o object) text(attribute, s string) {
	if s != "" {
		o.set(attribute, snapshot.String(s))
	}
}

// properties sets an object's further attributes, whose texts may hold credentials.
func (o object) properties(p map[string]string) {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		o.text(name, o.f.redact.Text(p[name]))
	}
}

// flag sets a boolean that is unusual when true.
func (o object) flag(attribute string, b bool) {
	if b {
		o.set(attribute, snapshot.Bool(true))
	}
}

// links sets the full names of the columns of a table that absorb this object.
func (o object) links(attribute string, table schema.Name, columns []string) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = snapshot.Ident(table.Idents(c)...)
	}
	if len(names) > 0 {
		o.set(attribute, snapshot.Strings(true, names...))
	}
}
