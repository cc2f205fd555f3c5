package mysql

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	driver "github.com/go-sql-driver/mysql"
)

// account is how the model calls an account or, where it has no host, a role. The host that is the server's own machine has another name on every server.
func (k *catalog) account(user, host string) string {
	switch host {
	case "":
		return user
	case k.hostname:
		return user + "@(the server's own host)"
	}
	return user + "@" + host
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// system asks one query of the server's own tables. What the account may not read, or the server does not have, is left at a note.
func (k *catalog) system(about, sql string, fn func(*record)) error {
	err := k.read(sql, fn)
	var refusal *driver.MySQLError
	if errors.As(err, &refusal) {
		k.leave(about+", which this account may not see (SELECT ON mysql.*)", k.name)
		return nil
	}
	return err
}

// The servers keep accounts in different tables. No query reads a password or its hash: whether there is one, the server says.
const (
	mariaAccounts = `SELECT User, Host, JSON_VALUE(Priv, '$.plugin') AS PLUGIN, JSON_EXTRACT(Priv, '$.auth_or[*].plugin') AS OTHER_PLUGINS, JSON_VALUE(Priv, '$.account_locked') AS LOCKED,
	JSON_VALUE(Priv, '$.is_role') AS IS_ROLE, JSON_VALUE(Priv, '$.default_role') AS DEFAULT_ROLE, JSON_VALUE(Priv, '$.ssl_type') AS TLS, JSON_VALUE(Priv, '$.max_user_connections') AS CONNECTIONS,
	COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = '' AS OPEN FROM mysql.global_priv`
	mysqlAccounts = `SELECT User, Host, plugin AS PLUGIN, account_locked = 'Y' AS LOCKED, ssl_type AS TLS, NULLIF(max_user_connections, 0) AS CONNECTIONS, authentication_string = '' AS OPEN FROM mysql.user`

	mariaMemberships = `SELECT User, Host, Role AS ROLE, '' AS ROLE_HOST, Admin_option = 'Y' AS ADMIN FROM mysql.roles_mapping`
	mysqlMemberships = `SELECT TO_USER AS User, TO_HOST AS Host, FROM_USER AS ROLE, FROM_HOST AS ROLE_HOST, WITH_ADMIN_OPTION = 'Y' AS ADMIN FROM mysql.role_edges`
	mysqlDefaults    = `SELECT USER AS User, HOST AS Host, DEFAULT_ROLE_USER AS ROLE, DEFAULT_ROLE_HOST AS ROLE_HOST FROM mysql.default_roles`
)

// everybody is who needs no account of its own, and has no more to it than privileges.
const everybody = "PUBLIC"

// nativePassword is how an account logs in for which nothing is said.
const nativePassword = "mysql_native_password"

// readAccounts reads the accounts and roles that mean something to the database: those that may do something with it or everywhere, whose rights its code has,
// what they belong to, and who belongs to them.
func (k *catalog) readAccounts() error {
	if len(k.accounts) == 0 {
		return nil
	}
	accounts, memberships := mysqlAccounts, mysqlMemberships
	if k.c.server.maria {
		accounts, memberships = mariaAccounts, mariaMemberships
	}
	all := map[string]*schema.Object{}
	err := k.system("accounts", accounts, func(r *record) {
		o := accountObject(k.account(r.text("USER"), r.text("HOST")), r)
		all[o.Name.Name] = o
	})
	if err == nil {
		err = k.system("memberships of roles", memberships, func(r *record) {
			if o := all[k.account(r.text("USER"), r.text("HOST"))]; o != nil {
				role := k.account(r.text("ROLE"), r.text("ROLE_HOST"))
				if r.text("ADMIN") == "1" {
					role += " with admin option"
				}
				o.Lists["member_of"] = append(o.Lists["member_of"], role)
			}
		})
	}
	if err == nil && !k.c.server.maria {
		err = k.system("default roles", mysqlDefaults, func(r *record) {
			if o := all[k.account(r.text("USER"), r.text("HOST"))]; o != nil {
				o.Lists["default_roles"] = append(o.Lists["default_roles"], k.account(r.text("ROLE"), r.text("ROLE_HOST")))
			}
		})
	}
	k.involve(all)
	for name, o := range all {
		if k.accounts[name] && name != everybody && !slices.Contains(systemAccounts, name) {
			for list := range o.Lists {
				slices.Sort(o.Lists[list])
			}
			k.db.Objects = append(k.db.Objects, *o)
		}
	}
	return err
}

func accountObject(name string, r *record) *schema.Object {
	p := map[string]string{}
	role := r.text("IS_ROLE") != ""
	if role {
		p["role"] = "true"
	} else {
		plugin := r.text("PLUGIN")
		if plugin == "" {
			plugin = nativePassword
		}
		var others []string
		_ = json.Unmarshal([]byte(r.text("OTHER_PLUGINS")), &others)
		p["authentication"] = strings.Join(append([]string{plugin}, others...), " or ")
		if r.text("OPEN") == "1" && strings.Contains(plugin, "password") && r.text("LOCKED") != "1" {
			p["no_password"] = "true"
		}
	}
	if r.text("LOCKED") == "1" {
		p["locked"] = "true"
	}
	if d := r.text("DEFAULT_ROLE"); d != "" {
		p["default_role"] = d
	}
	if t := tlsDemand(r.text("TLS")); t != "" {
		p["tls"] = t
	}
	if n := r.text("CONNECTIONS"); n != "" {
		p["connection_limit"] = n
	}
	return &schema.Object{Ref: schema.Ref{Kind: "role", Name: schema.Name{Name: name}}, Properties: p, Lists: map[string][]string{}}
}

// tlsDemand is what an account has to show: MariaDB numbers it, MySQL writes it.
func tlsDemand(text string) string {
	switch text {
	case "1", "ANY":
		return "required"
	case "2", "X509":
		return "certificate"
	case "3", "SPECIFIED":
		return "certificate of its own"
	}
	return ""
}

// involve adds the roles that accounts of the database belong to, and the accounts that belong to its roles. Who may give a role to others is, on MariaDB,
// whoever made it: that alone does not make the role one of the database.
func (k *catalog) involve(all map[string]*schema.Object) {
	for grown := true; grown; {
		grown = false
		for name, o := range all {
			for _, role := range o.Lists["member_of"] {
				role, admin := strings.CutSuffix(role, " with admin option")
				if k.accounts[role] && !k.accounts[name] || k.accounts[name] && !k.accounts[role] && !admin {
					k.accounts[name], k.accounts[role], grown = true, true, true
				}
			}
		}
	}
}

// readPlugins reads what the server has loaded beyond what it was built with, which differs by version.
func (k *catalog) readPlugins() error {
	object := func(name string, p map[string]string) {
		k.db.Objects = append(k.db.Objects, schema.Object{Ref: schema.Ref{Kind: "plugin", Name: schema.Name{Name: name}}, Properties: p})
	}
	err := k.read("SELECT PLUGIN_NAME, PLUGIN_VERSION, PLUGIN_STATUS, PLUGIN_TYPE FROM information_schema.PLUGINS WHERE PLUGIN_LIBRARY IS NOT NULL", func(r *record) {
		p := map[string]string{"type": strings.ToLower(r.text("PLUGIN_TYPE")), "version": r.text("PLUGIN_VERSION")}
		if s := strings.ToLower(r.text("PLUGIN_STATUS")); s != "active" {
			p["status"] = s
		}
		object(r.text("PLUGIN_NAME"), p)
	})
	if err != nil || k.c.server.maria {
		return err
	}
	return k.system("components", "SELECT component_urn AS URN FROM mysql.component", func(r *record) {
		object(strings.TrimPrefix(r.text("URN"), "file://"), map[string]string{"type": "component"})
	})
}
