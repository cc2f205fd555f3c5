package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// myCnf reads option files of MySQL and MariaDB (MySQL 8.4 Reference Manual, "Using Option Files"): '-' and '_' are one
// letter in option names, '#' begins a comment anywhere, an option without value is on, sizes may have suffixes, and
// the last of several equal options counts.
var myCnf = dialect{
	comments: "#;", separators: "=", flags: true, section: sameText, strict: true,
	entry: func(a assignment) ([]string, snapshot.Value, repeat, bool) {
		if dir, arg, ok := cutInclude(a); ok {
			return []string{dir}, snapshot.String(arg), list, true
		}
		key := a.key
		if a.bare {
			key = myUncomment(key)
		}
		key = strings.ToLower(strings.ReplaceAll(key, "-", "_"))
		if a.bare {
			return []string{key}, snapshot.Bool(true), last, true
		}
		r := last
		if myCumulative[key] {
			r = set
		}
		return []string{key}, myValue(key, a.value), r, true
	},
}

func parseMyCnf(src []byte) ([]entry, error) {
	as, err := myCnf.assignments(src)
	if err != nil {
		return nil, err
	}
	var c collected
	for _, a := range as {
		path, v, r, _ := myCnf.entry(a)
		if a.section != "" && path[0][0] != '!' { // an include belongs to no section
			path = append([]string{a.section}, path...)
		}
		c.add(a.line, r, v, path...)
	}
	return c.entries()
}

func cutInclude(a assignment) (directive, arg string, ok bool) {
	line := a.key
	if !a.bare {
		line += "=" + a.value
	}
	for _, d := range []string{"!includedir", "!include"} {
		if rest, found := strings.CutPrefix(line, d); found && rest != strings.TrimLeft(rest, " \t") {
			return d, strings.TrimSpace(rest), true
		}
	}
	return "", "", false
}

func myValue(key, raw string) snapshot.Value {
	s := myUncomment(raw)
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return snapshot.String(myEscapes.Replace(s[1 : n-1]))
	}
	switch strings.ToLower(s) {
	case "on", "true":
		return snapshot.Bool(true)
	case "off", "false":
		return snapshot.Bool(false)
	}
	if myBooleans[key] || strings.HasPrefix(key, "skip_") {
		switch s {
		case "1":
			return snapshot.Bool(true)
		case "0":
			return snapshot.Bool(false)
		}
	}
	return snapshot.String(byteSize(myEscapes.Replace(s)))
}

var myEscapes = strings.NewReplacer(`\b`, "\b", `\t`, "\t", `\n`, "\n", `\r`, "\r", `\\`, `\`, `\s`, " ")

// myUncomment cuts a comment that follows a value.
func myUncomment(s string) string {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t'):
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// myCumulative are options of which every occurrence counts.
var myCumulative = wordSet(`replicate_do_db replicate_ignore_db replicate_do_table replicate_ignore_table replicate_wild_do_table replicate_wild_ignore_table
	replicate_rewrite_db binlog_do_db binlog_ignore_db plugin_load_add early_plugin_load init_file`)

// myBooleans are boolean system variables and options, for which 1 and ON are one value.
var myBooleans = wordSet(`autocommit automatic_sp_privileges avoid_temporal_upgrade big_tables binlog_rows_query_log_events core_file explicit_defaults_for_timestamp flush foreign_key_checks general_log innodb_adaptive_flushing innodb_adaptive_hash_index
	innodb_buffer_pool_dump_at_shutdown innodb_buffer_pool_load_at_startup innodb_deadlock_detect innodb_dedicated_server innodb_file_per_table
	innodb_flush_sync innodb_numa_interleave innodb_print_all_deadlocks innodb_print_ddl_logs innodb_random_read_ahead innodb_read_only
	innodb_rollback_on_timeout innodb_stats_auto_recalc innodb_stats_on_metadata innodb_stats_persistent innodb_status_output innodb_status_output_locks
	innodb_strict_mode innodb_table_locks innodb_use_native_aio large_pages local_infile log_bin_trust_function_creators log_queries_not_using_indexes
	log_slave_updates log_replica_updates log_slow_admin_statements log_slow_extra log_slow_replica_statements log_slow_slave_statements
	low_priority_updates mysql_native_password new old old_alter_table partial_revokes performance_schema print_identified_with_as_hex
	quick read_only relay_log_purge relay_log_recovery require_secure_transport safe_user_create secure_auth skip_external_locking skip_name_resolve
	skip_networking skip_show_database skip_slave_start slave_compressed_protocol slave_preserve_commit_order slow_query_log
	sql_require_primary_key super_read_only symbolic_links sync_frm transaction_read_only unique_checks wsrep_on wsrep_log_conflicts`)
