package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/jackc/pgx/v5/pgconn"
)

// sessionSettings change what a migration's statements mean, accept or how long they may take, and are every session's to set.
var sessionSettings = strings.Fields(`DateStyle IntervalStyle TimeZone array_nulls backslash_quote bytea_output check_function_bodies default_text_search_config
default_toast_compression extra_float_digits lc_monetary lc_numeric lc_time row_security search_path standard_conforming_strings transform_null_equals xmlbinary xmloption
default_transaction_isolation default_transaction_deferrable statement_timeout lock_timeout idle_in_transaction_session_timeout transaction_timeout`)

// Imitate takes what the server's files and the database itself set; a role's own settings have the source user or database user.
func (postgres) Imitate(t engine.Target, production *schema.Database) engine.Target {
	var b strings.Builder
	for _, s := range production.Settings {
		if s.Source == "default" || strings.Contains(s.Source, "user") || strings.ContainsAny(s.Value, "\n\r") {
			continue
		}
		for _, name := range sessionSettings {
			if strings.EqualFold(name, s.Name) {
				b.WriteString("SELECT pg_catalog.set_config(" + literal(name) + ", " + literal(s.Value) + ", false)\n")
			}
		}
	}
	t.Init = b.String()
	return t
}

// Differences compares the major version, the extensions that production has with those that can be had, the database's locale, and what is the server's
// alone. CREATE DATABASE on the scratch server takes encoding and locale of the database that its URL names.
func (postgres) Differences(ctx context.Context, scratch engine.DB, production *schema.Database) ([]engine.Difference, error) {
	here, err := scratch.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var out []engine.Difference
	a, _, _ := strings.Cut(here.Version, ".")
	b, _, _ := strings.Cut(production.Version, ".")
	if a != b {
		out = append(out, engine.Difference{Text: "it is PostgreSQL " + here.Version + ", and production is " + production.Version, Decides: true})
	}
	available := map[string]bool{}
	err = scratch.Query(ctx, "SELECT name FROM pg_catalog.pg_available_extensions", func(r engine.Row) error {
		available[string(r[0].Data)] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, x := range production.Objects {
		if x.Kind == "extension" && !available[x.Name.Name] {
			out = append(out, engine.Difference{Text: "the extension " + x.Name.Name + ", which production has, is not installed", Decides: true})
		}
	}
	err = scratch.Query(ctx, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper", func(engine.Row) error {
		out = append(out, engine.Difference{Text: "its role is a superuser: what the role of production's migrations may not do is not noticed"})
		return nil
	})
	return append(out, engine.SettingDifferences(here, production, "server_encoding block_size max_identifier_length | lc_collate lc_ctype locale_provider icu_locale max_locks_per_transaction")...), err
}

// initialise begins a session with an Imitator's settings.
func initialise(ctx context.Context, pg *pgconn.PgConn, init string) error {
	for sql := range strings.Lines(init) {
		var refusal *pgconn.PgError
		if _, err := execute(ctx, pg, sql); err != nil && !errors.As(err, &refusal) {
			return err
		}
	}
	return nil
}
