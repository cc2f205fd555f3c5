package compare

import (
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// serverSetting is a server setting, also one of an extension.
var serverSetting = regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)

// fixedSettings no statement changes, or none that is right without looking: those of a database or of the build, and the libraries that are
// loaded with the server, which does not start again where one of them is not installed. fixes_test.go in onengines asks the servers.
var fixedSettings = map[string][]string{
	"postgres": strings.Fields(`allow_alter_system block_size data_checksums default_with_oids max_identifier_length server_encoding lc_collate lc_ctype locale_provider icu_locale collation_version
		collation_version_of_the_system local_preload_libraries session_preload_libraries shared_preload_libraries`),
	"mysql": strings.Fields(`character_set_database innodb_autoinc_lock_mode innodb_log_file_size innodb_rollback_on_timeout lower_case_table_names query_cache_type`),
}

// startSettings are PostgreSQL's of context postmaster: ALTER SYSTEM takes them, and a restart makes them so.
var startSettings = strings.Fields(`archive_mode autovacuum_freeze_max_age autovacuum_max_workers hot_standby huge_pages ignore_invalid_pages max_connections max_locks_per_transaction
	max_prepared_transactions max_replication_slots max_wal_senders max_worker_processes reserved_connections shared_buffers superuser_reserved_connections track_activity_query_size
	track_commit_timestamp wal_buffers wal_level wal_log_hints`)

// setting brings the others' setting to what is wanted.
func (x *fixer) setting() []finding.Fix {
	want, others, ok := x.wanted()
	name := snapshot.Unescape(x.at.Name)
	if x.at.Kind != "setting" || x.at.Attribute != "value" || !serverSetting.MatchString(strings.ToLower(name)) || !ok || want.State != finding.Present ||
		slices.Contains(fixedSettings[x.engine()], name) {
		return nil
	}
	v, err := snapshot.ParseValue(want.Value)
	if err != nil || v.IsSecret() {
		return nil
	}
	value, isText := v.Text()
	if !isText {
		value = v.Display()
	}
	if strings.ContainsAny(value, "'\\‹›") {
		return nil
	}
	switch x.engine() {
	case "postgres":
		return x.alterSystem(name, value, others)
	case "mysql":
		return setGlobal(name, value, others)
	}
	return nil
}

// alterSystem writes the server's own value, which is no use where a database, a role or the command line says otherwise.
func (x *fixer) alterSystem(name, value string, others []finding.Side) []finding.Fix {
	for _, o := range others {
		if source := x.origin(o.Environment); source != "" && source != "default" && source != "configuration file" {
			return nil
		}
	}
	literals := []string{value}
	if name == "search_path" { // each name is a literal of its own: one of both would be one name
		literals = strings.Split(strings.ReplaceAll(value, `"`, ""), ", ")
	}
	fixes := statement(others, "ALTER SYSTEM SET "+name+" = '"+strings.Join(literals, "', '")+"'", "SELECT pg_reload_conf()")
	if slices.Contains(startSettings, name) {
		return noted(fixes, "in force after a restart")
	}
	return fixes
}

// origin is where an environment's server has the finding's setting from.
func (x *fixer) origin(environment string) string {
	for _, s := range x.sides {
		if s.Name == environment && s.Snapshot != nil {
			if line := findLine(s.Snapshot, x.at); line != nil && len(line.Values) > 0 {
				return line.Values[0].Origin
			}
		}
	}
	return ""
}

// plainNumber needs no quotes, and takes none: SET GLOBAL refuses a number in quotes.
var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// setGlobal sets a variable of a running MySQL or MariaDB, which forgets it when it stops.
func setGlobal(name, value string, others []finding.Side) []finding.Fix {
	const forgotten = "and in the server's option file, or its next start undoes it"
	switch {
	case name == "collation_database":
		return statement(others, "ALTER DATABASE COLLATE "+value)
	case name == "transaction_isolation" || name == "tx_isolation": // MariaDB before 11.1 has only the other name of the two
		return noted(statement(others, "SET GLOBAL TRANSACTION ISOLATION LEVEL "+strings.ReplaceAll(value, "-", " ")), forgotten)
	case name == "time_zone" && strings.HasPrefix(value, "SYSTEM"): // as it is captured, the system's own stands behind it
		return nil
	case !plainNumber.MatchString(value):
		value = "'" + value + "'"
	}
	return noted(statement(others, "SET GLOBAL "+name+" = "+value), forgotten)
}

// noted says beside where a command is for what else it takes.
func noted(fixes []finding.Fix, note string) []finding.Fix {
	for i := range fixes {
		fixes[i].Where += ", " + note
	}
	return fixes
}

// readOnly makes a replica refuse writes.
func (x *fixer) readOnly() []finding.Fix {
	switch x.engine() {
	case "postgres":
		return nil // a standby takes none: what takes writes is no standby any more
	case "mysql":
		return statement(x.present(), "SET GLOBAL read_only = ON")
	}
	return nil
}
