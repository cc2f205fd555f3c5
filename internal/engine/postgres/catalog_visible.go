package postgres

import (
	"context"
	"errors"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// setting keeps what ranks in settingRanks, and beyond that what somebody set.
func (c *catalog) setting(r *record) {
	s := schema.Setting{Name: r.text()}
	value, unit := r.text(), r.text()
	s.Source, s.Pending = r.text(), r.flag()
	if s.Name == "" {
		c.role, c.allSettings = value, unit == "true"
		return
	}
	c.seen[s.Name] = true
	if s.Name == "server_version" {
		c.db.Version, _, _ = strings.Cut(value, " ")
		return
	}
	known, listed := settingRanks[s.Name]
	if own := databaseSettings[s.Name]; own {
		if s.Source != "database" {
			return // the server's own before 16: those of the database stand beside it
		}
		known, listed = behaviour, true
	}
	if known == local || !listed && (s.Source == "default" || s.Source == "override" || s.Source == "client" || s.Source == "session") {
		return
	}
	s.Value, s.Behaviour = settingText(value, unit), known == behaviour || s.Source == "application"
	c.db.Settings = append(c.db.Settings, s)
}

// knownSettings are what the server has, whoever set it. What only an application knows is no setting of the server.
func (c *catalog) knownSettings() []string {
	var names []string
	for name := range c.seen {
		if settingRanks[name] != local && !databaseSettings[name] && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	for name := range databaseSettings {
		if c.version >= 15 || !strings.HasPrefix(name, "collation_version") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// hiddenSettings notes the listed settings that only members of pg_read_all_settings see.
func (c *catalog) hiddenSettings() {
	if c.allSettings || len(c.seen) == 0 {
		return
	}
	var kinds []string
	for name, rank := range settingRanks {
		if rank != local && !c.seen[name] {
			kinds = append(kinds, "setting/"+name+"#*")
		}
	}
	sort.Strings(kinds)
	if len(kinds) > 0 {
		c.db.Gaps = append(c.db.Gaps, schema.Gap{Kinds: kinds, Reason: "the role may not see settings such as shared_preload_libraries", Hint: "GRANT pg_read_all_settings TO " + quote(c.role)})
	}
}

// conninfo reads where subscriptions come from, which superusers alone may.
func (c *catalog) conninfo(ctx context.Context, pg *pgconn.PgConn) error {
	names := map[string]map[string]string{}
	for _, o := range c.db.Objects {
		if o.Kind == "subscription" {
			names[o.Name.Name] = o.Properties
		}
	}
	if len(names) == 0 {
		return nil
	}
	if _, err := execute(ctx, pg, "SAVEPOINT envdiff_conninfo"); err != nil {
		return err
	}
	err := query(ctx, pg, "SELECT subname, subconninfo FROM pg_subscription", func(values [][]byte) error {
		if p := names[string(values[0])]; p != nil {
			p["conninfo"] = string(values[1])
		}
		return nil
	})
	var refusal *pgconn.PgError
	if !errors.As(err, &refusal) || refusal.Code != "42501" {
		return err
	}
	c.db.Gaps = append(c.db.Gaps, schema.Gap{Kinds: []string{"subscription/*#conninfo"}, Reason: "the role may not read where subscriptions come from",
		Hint: "GRANT SELECT (subname, subconninfo) ON pg_subscription TO " + quote(c.role)})
	_, err = execute(ctx, pg, "ROLLBACK TO SAVEPOINT envdiff_conninfo")
	return err
}
