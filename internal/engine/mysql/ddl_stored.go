package mysql

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// dependentLast orders views so that each comes after those it reads. Views that read each other in a circle, which servers do not let be made, come last.
func dependentLast(views []schema.View) []*schema.View {
	var ordered []*schema.View
	done := map[schema.Name]bool{}
	isView := map[schema.Name]bool{}
	for i := range views {
		isView[views[i].Name] = true
	}
	for len(ordered) < len(views) {
		before := len(ordered)
		for i := range views {
			v := &views[i]
			ready := !done[v.Name]
			for _, r := range v.Reads {
				ready = ready && (!isView[r] || done[r] || r == v.Name)
			}
			if ready {
				done[v.Name] = true
				ordered = append(ordered, v)
			}
		}
		if len(ordered) == before {
			break
		}
	}
	for i := range views {
		if !done[views[i].Name] {
			ordered = append(ordered, &views[i])
		}
	}
	return ordered
}

func createView(v *schema.View) string {
	sql := "CREATE"
	if a := v.Properties["algorithm"]; a != "" {
		sql += " ALGORITHM = " + strings.ToUpper(a)
	}
	if s := v.Properties["security"]; s != "" {
		sql += " SQL SECURITY " + strings.ToUpper(s)
	}
	sql += " VIEW " + qualified(v.Name) + " AS " + v.Definition
	if o := v.Properties["check_option"]; o != "" {
		sql += " WITH " + strings.ToUpper(o) + " CHECK OPTION"
	}
	return sql
}

// triggers makes triggers in the order in which they run, each under its own sql_mode, which it keeps.
func triggers(db *schema.Database) []string {
	ordered := append([]schema.Trigger(nil), db.Triggers...)
	sort.SliceStable(ordered, func(i, j int) bool { return triggerOrder(ordered[i]) < triggerOrder(ordered[j]) })
	var list []string
	for _, t := range ordered {
		list = append(list, setMode(t.Properties["sql_mode"]), "CREATE TRIGGER "+quote(t.Name)+" "+t.Definition)
	}
	return list
}

func triggerOrder(t schema.Trigger) int {
	n, err := strconv.Atoi(t.Properties["order"])
	if err != nil {
		return 0
	}
	return n
}

// routines makes functions, procedures and events: those that views use come before views, and what is called inside a body is looked up when it runs.
func routines(db *schema.Database) []string {
	var list []string
	for i := range db.Routines {
		r := &db.Routines[i]
		list = append(list, setMode(r.Properties["sql_mode"]), createRoutine(r))
	}
	if len(list) > 0 {
		list = append(list, setMode(copyMode))
	}
	return list
}

func createRoutine(r *schema.Routine) string {
	p := r.Properties
	if r.Kind == "event" {
		return createEvent(r)
	}
	sql := fmt.Sprintf("CREATE %s %s(%s)", strings.ToUpper(r.Kind), qualified(r.Name), r.Arguments)
	if r.Returns != "" {
		sql += " RETURNS " + r.Returns
	}
	if p["deterministic"] == "yes" {
		sql += " DETERMINISTIC"
	}
	sql += " " + strings.ToUpper(p["data_access"]) + " SQL SECURITY " + strings.ToUpper(p["security"])
	if p["comment"] != "" {
		sql += " COMMENT " + literal(p["comment"])
	}
	return sql + "\n" + r.Definition
}

func createEvent(r *schema.Routine) string {
	p := r.Properties
	sql := "CREATE EVENT " + qualified(r.Name) + " ON SCHEDULE " + p["schedule"]
	if p["on_completion"] != "" {
		sql += " ON COMPLETION PRESERVE"
	}
	sql += " DISABLE"
	if p["comment"] != "" {
		sql += " COMMENT " + literal(p["comment"])
	}
	return sql + " DO " + r.Definition
}
