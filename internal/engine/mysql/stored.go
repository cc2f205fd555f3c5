package mysql

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// readViews reads views. Their text names the database before every table: a copy under another name has the same view.
func (k *catalog) readViews() error {
	return k.from("VIEWS", "TABLE_SCHEMA", "", func(r *record) {
		name := r.text("TABLE_NAME")
		t, ok := k.tables[name]
		if !ok {
			return
		}
		v := schema.View{Name: schema.Name{Name: name}, Properties: execution(r)}
		k.definer(r, schema.Ref{Kind: "view", Name: v.Name})
		if v.Definition, v.Reads = withoutDatabase(plainParentheses(r.text("VIEW_DEFINITION")), k.name, k.known); v.Definition == "" {
			k.leave("view whose text this account may not read (SHOW VIEW)", name)
		}
		for _, c := range t.Columns {
			v.Columns = append(v.Columns, c.Name)
		}
		if o := r.text("CHECK_OPTION"); o != "NONE" && o != "" {
			v.Properties["check_option"] = strings.ToLower(o)
		}
		if a := r.text("ALGORITHM"); a != "" && a != "UNDEFINED" {
			v.Properties["algorithm"] = strings.ToLower(a)
		}
		k.db.Views = append(k.db.Views, v)
	})
}

// definer is the owner of stored code: the account as which it runs, where it does not run as its caller.
func (k *catalog) definer(r *record, object schema.Ref) {
	if d := r.text("DEFINER"); d != "" {
		user, host, _ := cutLast(d, "@")
		k.accounts[k.account(user, host)] = true
		k.db.Access = append(k.db.Access, schema.Access{Ref: object, Owner: k.account(user, host)})
	}
}

// execution are the properties that all stored code has: with whose rights it runs, and under which sql_mode.
func execution(r *record) map[string]string {
	p := map[string]string{}
	if s := r.text("SECURITY_TYPE"); s != "" {
		p["security"] = strings.ToLower(s)
	}
	if !r.null("SQL_MODE") {
		p["sql_mode"] = r.text("SQL_MODE")
	}
	return p
}

// readTriggers reads triggers. Their order is told where a table has several for the same moment.
func (k *catalog) readTriggers() error {
	moments := map[string]int{}
	type draft struct {
		schema.Trigger
		moment, order string
	}
	var drafts []draft
	err := k.from("TRIGGERS", "TRIGGER_SCHEMA", " ORDER BY TRIGGER_NAME", func(r *record) {
		table := r.text("EVENT_OBJECT_TABLE")
		when := r.text("ACTION_TIMING") + " " + r.text("EVENT_MANIPULATION")
		d := draft{moment: table + "\x00" + when, order: r.text("ACTION_ORDER")}
		d.Name, d.Table, d.Properties = r.text("TRIGGER_NAME"), schema.Name{Name: table}, execution(r)
		k.definer(r, schema.Ref{Kind: "trigger", Name: d.Table, Part: d.Name})
		d.Definition = when + " ON " + quote(table) + " FOR EACH ROW " + r.text("ACTION_STATEMENT")
		moments[d.moment]++
		drafts = append(drafts, d)
	})
	for _, d := range drafts {
		if moments[d.moment] > 1 {
			d.Properties["order"] = d.order
		}
		k.db.Triggers = append(k.db.Triggers, d.Trigger)
	}
	return err
}

// readRoutines reads functions and procedures with their parameters.
func (k *catalog) readRoutines() error {
	type at struct{ kind, name string }
	arguments, returns := map[at][]string{}, map[at]string{}
	err := k.from("PARAMETERS", "SPECIFIC_SCHEMA", " ORDER BY SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION", func(r *record) {
		key := at{strings.ToLower(r.text("ROUTINE_TYPE")), r.text("SPECIFIC_NAME")}
		typ := columnType(r.text("DTD_IDENTIFIER"))
		if c := r.text("COLLATION_NAME"); c != "" {
			typ += " CHARACTER SET " + characterSet(r.text("CHARACTER_SET_NAME")) + " COLLATE " + collation(c)
		}
		if r.text("ORDINAL_POSITION") == "0" {
			returns[key] = typ
			return
		}
		argument := quote(r.text("PARAMETER_NAME")) + " " + typ
		if key.kind == "procedure" {
			argument = r.text("PARAMETER_MODE") + " " + argument
		}
		arguments[key] = append(arguments[key], argument)
	})
	if err != nil {
		return err
	}
	return k.from("ROUTINES", "ROUTINE_SCHEMA", "", func(r *record) {
		key := at{strings.ToLower(r.text("ROUTINE_TYPE")), r.text("SPECIFIC_NAME")}
		if key.kind != "function" && key.kind != "procedure" {
			k.leave(key.kind, key.name)
			return
		}
		if r.null("ROUTINE_DEFINITION") {
			k.leave("routine whose body this account may not read", key.name)
		}
		if returns[key] == "" && key.kind == "function" {
			returns[key] = columnType(r.text("DTD_IDENTIFIER"))
		}
		p := execution(r)
		k.definer(r, schema.Ref{Kind: "routine", Name: schema.Name{Name: r.text("ROUTINE_NAME")}, Part: key.kind})
		p["deterministic"] = strings.ToLower(r.text("IS_DETERMINISTIC"))
		p["data_access"] = strings.ToLower(r.text("SQL_DATA_ACCESS"))
		if c := r.text("ROUTINE_COMMENT"); c != "" {
			p["comment"] = c
		}
		k.db.Routines = append(k.db.Routines, schema.Routine{Name: schema.Name{Name: r.text("ROUTINE_NAME")}, Kind: key.kind, Arguments: strings.Join(arguments[key], ", "),
			Returns: returns[key], Definition: r.text("ROUTINE_DEFINITION"), Properties: p})
	})
}

func characterSet(name string) string {
	if name == "utf8" {
		return "utf8mb3"
	}
	return name
}

// readEvents reads events as routines that run by themselves.
func (k *catalog) readEvents() error {
	return k.from("EVENTS", "EVENT_SCHEMA", "", func(r *record) {
		p := execution(r)
		k.definer(r, schema.Ref{Kind: "routine", Name: schema.Name{Name: r.text("EVENT_NAME")}, Part: "event"})
		p["schedule"] = schedule(r)
		p["time_zone"] = r.text("TIME_ZONE")
		p["status"] = strings.ToLower(r.text("STATUS"))
		if strings.EqualFold(r.text("ON_COMPLETION"), "PRESERVE") {
			p["on_completion"] = "preserve"
		}
		if c := r.text("EVENT_COMMENT"); c != "" {
			p["comment"] = c
		}
		k.db.Routines = append(k.db.Routines, schema.Routine{Name: schema.Name{Name: r.text("EVENT_NAME")}, Kind: "event", Definition: r.text("EVENT_DEFINITION"), Properties: p})
	})
}

// tellRoutinesApart gives procedures and events whose name a function, or each other, has too a name of their own in addresses.
func (k *catalog) tellRoutinesApart() {
	named := map[schema.Name]int{}
	for _, r := range k.db.Routines {
		named[r.Name]++
	}
	overload := func(name schema.Name, kind string) string {
		if named[name] > 1 && kind != "function" {
			return " (" + kind + ")"
		}
		return ""
	}
	for i := range k.db.Routines {
		r := &k.db.Routines[i]
		r.Overload = overload(r.Name, r.Kind)
	}
	for i := range k.db.Access {
		if a := &k.db.Access[i]; a.Kind == "routine" {
			a.Part = overload(a.Name, a.Part)
		}
	}
}

// schedule is what stands behind ON SCHEDULE. The moment at which a repeated event starts is by default that of its making, so it is left out of the
// model; a single moment is not.
func schedule(r *record) string {
	if r.text("EVENT_TYPE") == "ONE TIME" {
		return "AT " + literal(r.text("EXECUTE_AT"))
	}
	every := r.text("INTERVAL_VALUE")
	if _, err := strconv.Atoi(every); err != nil {
		every = literal(strings.Trim(every, "'"))
	}
	return "EVERY " + every + " " + r.text("INTERVAL_FIELD")
}
