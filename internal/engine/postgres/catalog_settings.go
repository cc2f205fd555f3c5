package postgres

// rank says what a difference in a setting does.
type rank int

const (
	tuning    rank = iota // how fast, how much
	behaviour             // what statements mean, return, accept or refuse
	local                 // where files are, what a node is called: different on every server on purpose
)

// settingRanks are the settings that are captured on every server, and those that never are. Any other is captured where somebody set it, as
// tuning. The names are those of 13 to 18; https://www.postgresql.org/docs/18/runtime-config.html.
var settingRanks = map[string]rank{
	// How statements are read and what they yield.
	"DateStyle": behaviour, "IntervalStyle": behaviour, "TimeZone": behaviour, "timezone_abbreviations": behaviour, "array_nulls": behaviour, "backslash_quote": behaviour,
	"bytea_output": behaviour, "check_function_bodies": behaviour, "createrole_self_grant": behaviour, "default_table_access_method": behaviour,
	"default_text_search_config": behaviour, "default_toast_compression": behaviour, "default_with_oids": behaviour, "escape_string_warning": behaviour,
	"extra_float_digits": behaviour, "from_collapse_limit": tuning, "gin_fuzzy_search_limit": behaviour, "lc_messages": behaviour, "lc_monetary": behaviour, "lc_numeric": behaviour,
	"lc_time": behaviour, "icu_validation_level": behaviour, "lo_compat_privileges": behaviour, "operator_precedence_warning": behaviour, "quote_all_identifiers": behaviour,
	"row_security": behaviour, "search_path": behaviour, "server_encoding": behaviour, "session_replication_role": behaviour, "standard_conforming_strings": behaviour,
	"synchronize_seqscans": behaviour, "transform_null_equals": behaviour, "xmlbinary": behaviour, "xmloption": behaviour, "max_identifier_length": behaviour, "block_size": behaviour,
	"event_triggers": behaviour, "restrict_nonsystem_relation_kind": behaviour, "allow_alter_system": behaviour, "allow_system_table_mods": behaviour, "ignore_invalid_pages": behaviour,
	// Transactions, limits and timeouts: what is refused, ended or lost.
	"default_transaction_isolation": behaviour, "default_transaction_read_only": behaviour, "default_transaction_deferrable": behaviour, "statement_timeout": behaviour,
	"lock_timeout": behaviour, "idle_in_transaction_session_timeout": behaviour, "idle_session_timeout": behaviour, "transaction_timeout": behaviour, "deadlock_timeout": behaviour,
	"max_connections": behaviour, "max_prepared_transactions": behaviour, "max_locks_per_transaction": behaviour, "max_stack_depth": tuning, "temp_file_limit": behaviour,
	"superuser_reserved_connections": tuning, "reserved_connections": tuning, "fsync": behaviour, "full_page_writes": behaviour, "synchronous_commit": behaviour,
	"zero_damaged_pages": behaviour, "data_checksums": behaviour, "exit_on_error": behaviour, "restart_after_crash": behaviour,
	// Who gets in.
	"password_encryption": behaviour, "ssl": behaviour, "ssl_min_protocol_version": behaviour, "db_user_namespace": behaviour, "krb_caseins_users": behaviour,
	"authentication_timeout": tuning,
	// What is loaded.
	"shared_preload_libraries": behaviour, "session_preload_libraries": behaviour, "local_preload_libraries": behaviour, "jit": tuning, // Replication and maintenance.
	"wal_level": behaviour, "hot_standby": behaviour, "synchronous_standby_names": behaviour, "max_wal_senders": tuning, "max_replication_slots": tuning, "wal_keep_size": tuning,
	"max_slot_wal_keep_size": behaviour, "hot_standby_feedback": tuning, "autovacuum": behaviour, "track_commit_timestamp": behaviour, "archive_mode": behaviour, "wal_log_hints": tuning,
	"autovacuum_freeze_max_age": tuning, "autovacuum_max_workers": tuning, "autovacuum_naptime": tuning, "autovacuum_vacuum_cost_delay": tuning, "autovacuum_vacuum_cost_limit": tuning,
	"autovacuum_vacuum_scale_factor": tuning, "autovacuum_analyze_scale_factor": tuning, "recovery_min_apply_delay": behaviour,
	// Memory, disk and plans.
	"shared_buffers": tuning, "work_mem": tuning, "hash_mem_multiplier": tuning, "maintenance_work_mem": tuning, "autovacuum_work_mem": tuning, "effective_cache_size": tuning, "temp_buffers": tuning,
	"huge_pages": tuning, "wal_buffers": tuning, "max_wal_size": tuning, "min_wal_size": tuning, "checkpoint_timeout": tuning, "checkpoint_completion_target": tuning, "wal_compression": tuning,
	"random_page_cost": tuning, "seq_page_cost": tuning, "effective_io_concurrency": tuning, "default_statistics_target": tuning, "max_worker_processes": tuning,
	"max_parallel_workers": tuning, "max_parallel_workers_per_gather": tuning, "max_parallel_maintenance_workers": tuning, "enable_seqscan": tuning, "enable_nestloop": tuning,
	"enable_hashjoin": tuning, "enable_mergejoin": tuning, "enable_indexscan": tuning, "enable_indexonlyscan": tuning, "enable_bitmapscan": tuning, "enable_partitionwise_join": tuning,
	"enable_partitionwise_aggregate": tuning, "constraint_exclusion": tuning, "plan_cache_mode": tuning, "join_collapse_limit": tuning, "cursor_tuple_fraction": tuning,
	"log_min_duration_statement": tuning, "log_statement": tuning, "log_lock_waits": tuning, "log_min_messages": tuning, "track_io_timing": tuning, "track_activity_query_size": tuning,
	"track_functions": tuning, "track_counts": behaviour, "default_tablespace": local, "temp_tablespaces": local,

	"application_name": local, "client_encoding": local, "archive_cleanup_command": local, "archive_command": local, "archive_library": local, "bonjour_name": local, "cluster_name": local,
	"config_file": local, "data_directory": local, "data_directory_mode": local, "debug_assertions": local, "dynamic_library_path": local, "dynamic_shared_memory_type": local, "event_source": local,
	"extension_control_path": local, "external_pid_file": local, "hba_file": local, "ident_file": local, "in_hot_standby": local, "integer_datetimes": local, "krb_server_keyfile": local,
	"lc_collate": local, "lc_ctype": local, "listen_addresses": local, "log_destination": local, "log_directory": local, "log_file_mode": local, "log_filename": local, "log_line_prefix": local,
	"log_timezone": local, "logging_collector": local, "max_function_args": local, "max_index_keys": local, "num_os_semaphores": local, "port": local, "primary_conninfo": local,
	"primary_slot_name": local, "promote_trigger_file": local, "recovery_end_command": local, "recovery_target": local, "recovery_target_lsn": local, "recovery_target_name": local,
	"recovery_target_time": local, "recovery_target_timeline": local, "recovery_target_xid": local, "restore_command": local, "segment_size": local, "seed": local, "server_version": local,
	"server_version_num": local, "shared_memory_size": local, "shared_memory_size_in_huge_pages": local, "shared_memory_type": local, "ssl_ca_file": local, "ssl_cert_file": local,
	"ssl_crl_dir": local, "ssl_crl_file": local, "ssl_dh_params_file": local, "ssl_key_file": local, "ssl_library": local, "ssl_passphrase_command": local, "stats_temp_directory": local,
	"synchronized_standby_slots": local, "syslog_ident": local, "syslog_facility": local, "transaction_deferrable": local, "transaction_isolation": local, "transaction_read_only": local,
	"unix_socket_directories": local, "unix_socket_group": local, "unix_socket_permissions": local, "update_process_title": local, "wal_block_size": local, "wal_segment_size": local,
	"is_superuser": local, "session_authorization": local, "role": local, "huge_pages_status": local,
}

// settingsQuery reads the values that a session of this role begins with, not those that envdiff sets for itself. What a session or the driver
// sets has the source client or session, and its reset value is still the former for the settings that envdiff changes by SET LOCAL.
// The database's own locale is part of the database, not of the server. What only applications know (app.flag) the server does not list.
func settingsQuery(v major) string {
	provider := v.since(15, "d.datlocprovider", "'c'")
	locale := v.since(17, "d.datlocale", v.since(15, "d.daticulocale", "NULL"))
	version := v.since(15, "d.datcollversion", "NULL")
	outdated := v.since(15, "CASE WHEN d.datcollversion <> pg_database_collation_actual_version(d.oid) THEN pg_database_collation_actual_version(d.oid) END", "NULL")
	return `
SELECT '', current_user, pg_has_role('pg_read_all_settings', 'MEMBER')::text, '', false
UNION ALL SELECT name, coalesce(reset_val, setting), unit, source, pending_restart FROM pg_settings
UNION ALL SELECT s.name, s.value, NULL, 'database', false FROM pg_database d CROSS JOIN LATERAL (VALUES ('lc_collate', d.datcollate), ('lc_ctype', d.datctype),
	('locale_provider', CASE ` + provider + ` WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END), ('icu_locale', ` + locale + `),
	('collation_version', ` + version + `), ('collation_version_of_the_system', ` + outdated + `)) s (name, value)
	WHERE d.datname = current_database() AND s.value IS NOT NULL
UNION ALL SELECT o.name, o.value, NULL, 'application', false FROM (SELECT DISTINCT ON (split_part(x, '=', 1)) split_part(x, '=', 1) AS name, substr(x, strpos(x, '=') + 1) AS value
	FROM pg_db_role_setting s, unnest(s.setconfig) x WHERE s.setrole = 0 AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
	ORDER BY split_part(x, '=', 1), s.setdatabase DESC) o WHERE o.name NOT IN (SELECT name FROM pg_settings)`
}

// databaseSettings are what settingsQuery adds, under names that pg_settings has too before 16.
var databaseSettings = map[string]bool{"lc_collate": true, "lc_ctype": true, "locale_provider": true, "icu_locale": true, "collation_version": true, "collation_version_of_the_system": true}
