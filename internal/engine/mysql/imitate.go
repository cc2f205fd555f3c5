package mysql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// sessionSettings change what a migration's statements mean, accept or how long they may wait, and are every session's to set.
var sessionSettings = strings.Fields(`check_constraint_checks default_week_format div_precision_increment explicit_defaults_for_timestamp foreign_key_checks group_concat_max_len
innodb_lock_wait_timeout innodb_strict_mode lock_wait_timeout old_mode restrict_fk_on_non_standard_key sql_auto_is_null sql_mode sql_require_primary_key sql_safe_updates
system_versioning_alter_history unique_checks updatable_views_with_limit default_storage_engine`)

// Imitate takes production's global variables, with which every session begins, and lets the database have production's character set: tables that name
// none get it.
func (mysqlEngine) Imitate(t engine.Target, production *schema.Database) engine.Target {
	var b strings.Builder
	for _, s := range production.Settings {
		if strings.ContainsAny(s.Value, "\n\r") {
			continue
		}
		switch {
		case slices.Contains(sessionSettings, s.Name):
			value := literal(s.Value)
			if _, err := strconv.ParseInt(s.Value, 10, 64); err == nil {
				value = s.Value
			}
			b.WriteString("SET SESSION " + s.Name + " = " + value + "\n")
		case s.Name == "time_zone" && !strings.HasPrefix(s.Value, "SYSTEM"):
			b.WriteString("SET SESSION time_zone = " + literal(s.Value) + "\n")
		case s.Name == "collation_database" && s.Value != "":
			b.WriteString("ALTER DATABASE COLLATE " + literal(s.Value) + "\n")
		}
	}
	t.Init = b.String()
	return t
}

// Differences compares the series and what is the server's alone.
func (mysqlEngine) Differences(ctx context.Context, scratch engine.DB, production *schema.Database) ([]engine.Difference, error) {
	here, err := scratch.Schema(ctx)
	if err != nil {
		return nil, err
	}
	var out []engine.Difference
	a, b := newServer(here.Version), newServer(production.Version)
	if a.maria != b.maria || a.major != b.major || a.minor != b.minor {
		out = append(out, engine.Difference{Text: "it is " + here.Version + ", and production is " + production.Version, Decides: true})
	}
	return append(out, engine.SettingDifferences(here, production, `lower_case_table_names innodb_default_row_format | innodb_autoinc_lock_mode auto_increment_increment auto_increment_offset
max_allowed_packet innodb_rollback_on_timeout log_bin_trust_function_creators`)...), nil
}
