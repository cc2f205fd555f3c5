package mysql

import (
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// behaviour are the variables that change what statements do, or whether they are taken at all. read_only is not among them: it is meant to differ between
// a primary and its replicas, and is part of what a node says of replication.
var behaviour = strings.Fields(`auto_increment_increment auto_increment_offset character_set_server check_constraint_checks collation_connection collation_server default_storage_engine
default_week_format div_precision_increment event_scheduler explicit_defaults_for_timestamp foreign_key_checks group_concat_max_len innodb_autoinc_lock_mode innodb_default_row_format
innodb_lock_wait_timeout innodb_rollback_on_timeout innodb_strict_mode local_infile log_bin_trust_function_creators lower_case_table_names max_allowed_packet old_mode
restrict_fk_on_non_standard_key sql_auto_is_null sql_generate_invisible_primary_key sql_mode sql_require_primary_key sql_safe_updates system_versioning_alter_history
time_zone transaction_isolation tx_isolation transaction_read_only unique_checks updatable_views_with_limit`)

// tuning are the variables that change how fast, how safely or how long.
var tuning = strings.Fields(`binlog_format binlog_row_image innodb_buffer_pool_size innodb_flush_log_at_trx_commit innodb_log_file_size innodb_redo_log_capacity interactive_timeout join_buffer_size
lock_wait_timeout long_query_time max_connections max_execution_time max_heap_table_size max_statement_time net_read_timeout net_write_timeout optimizer_switch query_cache_type query_cache_size
slow_query_log sort_buffer_size sync_binlog table_open_cache tmp_table_size wait_timeout`)

// readSettings reads the server's variables and the database's defaults.
func (k *catalog) readSettings() error {
	values := map[string]string{}
	if err := k.c.query(k.ctx, "SHOW GLOBAL VARIABLES", func(r engine.Row) error {
		values[strings.ToLower(string(r[0].Data))] = string(r[1].Data)
		return nil
	}); err != nil {
		return err
	}
	set := func(name, value, source string, changes bool) {
		k.db.Settings = append(k.db.Settings, schema.Setting{Name: name, Value: value, Behaviour: changes, Source: source})
	}
	k.hostname = values["hostname"]
	// The old name of what MySQL 8 and MariaDB 11.1 call transaction_isolation.
	if v, ok := values["tx_isolation"]; ok && values["transaction_isolation"] == "" {
		values["transaction_isolation"] = v
	}
	delete(values, "tx_isolation")
	if values["time_zone"] == "SYSTEM" {
		values["time_zone"] += " (" + values["system_time_zone"] + ")"
	}
	for changes, names := range map[bool][]string{true: behaviour, false: tuning} {
		for _, name := range names {
			if v, ok := values[name]; ok {
				set(name, setting(name, v), "global variable", changes)
			}
		}
	}
	found := false
	err := k.read("SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+literal(k.name), func(r *record) {
		found = true
		k.collation = collation(r.text("DEFAULT_COLLATION_NAME"))
		set("character_set_database", characterSet(r.text("DEFAULT_CHARACTER_SET_NAME")), "database", true)
		set("collation_database", k.collation, "database", true)
	})
	if err == nil && !found {
		err = &engine.Error{Code: "1049", Message: "the account sees nothing of database " + k.name + ": GRANT SELECT ON " + quote(k.name) + ".*"}
	}
	sort.Slice(k.db.Settings, func(i, j int) bool { return k.db.Settings[i].Name < k.db.Settings[j].Name })
	for _, s := range k.db.Settings { // each that is looked at and that the server has is captured
		k.db.KnownSettings = append(k.db.KnownSettings, s.Name)
	}
	return err
}

// setting writes a value that the servers print in several ways.
func setting(name, value string) string {
	switch {
	case name == "sql_mode" || name == "old_mode":
		modes := strings.Split(value, ",")
		sort.Strings(modes)
		return strings.Join(modes, ",")
	case strings.HasPrefix(name, "collation_"):
		return collation(value)
	case strings.HasPrefix(name, "character_set_"):
		return characterSet(value)
	}
	return value
}
