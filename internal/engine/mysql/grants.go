package mysql

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// systemAccounts come with the servers.
var systemAccounts = []string{"mysql.sys@localhost", "mysql.session@localhost", "mysql.infoschema@localhost", "mariadb.sys@localhost"}

// grantOption is the right to give others what one has, as these servers call it.
const grantOption = "GRANT OPTION"

// readGrants reads what accounts may do with the database, its tables, columns and routines, and with all databases. An account that may not read the
// server's tables sees its own privileges only, so it is left at a note.
func (k *catalog) readGrants(p privileges) error {
	if !p.everywhere("select") && !p.system["select"] {
		k.leave("privileges of accounts, which this one may not see (SELECT ON mysql.*)", k.name)
		return nil
	}
	held := map[schema.Ref]map[string][]string{}
	hold := func(object schema.Ref, grantee string, privileges ...string) {
		if slices.Contains(systemAccounts, grantee) {
			return
		}
		if held[object] == nil {
			held[object] = map[string][]string{}
		}
		held[object][grantee] = append(held[object][grantee], privileges...)
	}
	add := func(object schema.Ref, r *record) {
		privilege := r.text("PRIVILEGE_TYPE")
		if privilege == "USAGE" {
			return
		}
		user, host, _ := cutLast(strings.ReplaceAll(r.text("GRANTEE"), "'", ""), "@")
		grantee := k.account(user, host)
		hold(object, grantee, privilege)
		if r.text("IS_GRANTABLE") == "YES" {
			hold(object, grantee, grantOption)
		}
	}
	err := k.read("SELECT * FROM information_schema.USER_PRIVILEGES", func(r *record) { add(schema.Ref{Kind: "server"}, r) })
	if err == nil {
		err = k.read("SELECT * FROM information_schema.SCHEMA_PRIVILEGES", func(r *record) {
			if matches(r.text("TABLE_SCHEMA"), k.name) {
				add(schema.Ref{Kind: "database"}, r)
			}
		})
	}
	if err == nil {
		err = k.from("TABLE_PRIVILEGES", "TABLE_SCHEMA", "", func(r *record) { add(k.tableRef(r), r) })
	}
	if err == nil {
		err = k.from("COLUMN_PRIVILEGES", "TABLE_SCHEMA", "", func(r *record) {
			add(schema.Ref{Kind: "column", Name: schema.Name{Name: r.text("TABLE_NAME")}, Part: r.text("COLUMN_NAME")}, r)
		})
	}
	if err == nil {
		err = k.system("privileges of routines", "SELECT * FROM mysql.procs_priv WHERE Db = "+literal(k.name), func(r *record) {
			object := schema.Ref{Kind: "routine", Name: schema.Name{Name: r.text("ROUTINE_NAME")}, Part: strings.ToLower(r.text("ROUTINE_TYPE"))}
			for _, privilege := range strings.Split(strings.ToUpper(r.text("PROC_PRIV")), ",") {
				if privilege == "GRANT" {
					privilege = grantOption
				}
				hold(object, k.account(r.text("USER"), r.text("HOST")), privilege)
			}
		})
	}
	if err != nil {
		return err
	}
	for _, grantees := range held {
		for grantee := range grantees {
			k.accounts[grantee] = true
		}
	}
	for object, grantees := range held {
		k.db.Access = append(k.db.Access, schema.Access{Ref: object, Grants: grantList(grantees)})
	}
	return nil
}

func (k *catalog) tableRef(r *record) schema.Ref {
	ref := schema.Ref{Kind: "table", Name: schema.Name{Name: r.text("TABLE_NAME")}}
	if t, ok := k.tables[ref.Name.Name]; ok && t.view {
		ref.Kind = "view"
	}
	return ref
}

func grantList(grantees map[string][]string) []schema.Grant {
	var list []schema.Grant
	for grantee, privileges := range grantees {
		slices.Sort(privileges)
		list = append(list, schema.Grant{Grantee: grantee, Privileges: slices.Compact(privileges)})
	}
	slices.SortFunc(list, func(a, b schema.Grant) int { return strings.Compare(a.Grantee, b.Grantee) })
	return list
}

// mergedAccess has one entry for each object: a view has a definer and grants.
func mergedAccess(list []schema.Access) []schema.Access {
	slices.SortStableFunc(list, func(a, b schema.Access) int {
		switch {
		case a.Less(b.Ref):
			return -1
		case b.Less(a.Ref):
			return 1
		}
		return 0
	})
	var merged []schema.Access
	for _, a := range list {
		if n := len(merged); n > 0 && merged[n-1].Ref == a.Ref {
			merged[n-1].Owner += a.Owner
			merged[n-1].Grants = append(merged[n-1].Grants, a.Grants...)
			continue
		}
		merged = append(merged, a)
	}
	return merged
}
