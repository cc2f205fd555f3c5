package finding

// Rule is one kind of finding: its stable id, its severity unless envdiff.yaml says otherwise, and the texts of explain.
type Rule struct {
	ID       string
	Severity Severity
	Area     Area
	Title    string // what it says, one line
	Why      string // what goes wrong when it is ignored
	Hint     string // the usual next step
	// Sided rules are said of TO, the last environment; when FROM is the one that lacks or is older, the severity is one level lower.
	Sided bool
	// Reserved rules keep their id and severity in the report format, but nothing in this version reports them.
	Reserved bool
}

// Lookup finds a rule by its id.
func Lookup(id string) (Rule, bool) {
	i, ok := ruleIndex[id]
	if !ok {
		return Rule{}, false
	}
	return rules[i], true
}

// Rules returns all rules in the contract's order, strongest first; the order breaks ties between rules of equal severity.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// IDs are the ids of Rules, in its order.
func IDs() []string {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	return ids
}

// Rank is a rule's place in Rules; unknown ids come last.
func Rank(id string) int {
	if i, ok := ruleIndex[id]; ok {
		return i
	}
	return len(rules)
}

var ruleIndex = func() map[string]int {
	m := make(map[string]int, len(rules))
	for i, r := range rules {
		m[r.ID] = i
	}
	return m
}()

var rules = []Rule{
	{ID: "migration-failed", Severity: Critical, Area: AreaMigration, Title: "a pending migration fails on a copy of the data",
		Why: "the deploy would stop half-way in production", Hint: "fix the rows or the migration; envdiff rehearse shows the statement"},
	{ID: "migration-predicted", Severity: Critical, Area: AreaMigration, Title: "a pending migration will fail: rows in production break what it demands",
		Why: "the deploy would stop half-way in production", Hint: "clean these rows up before the migration, or make it tolerate them"},
	{ID: "replication-broken", Severity: Critical, Area: AreaReplication, Title: "replication has stopped",
		Why: "a failover loses data and reads are stale", Hint: "look at the replica's error and restart its threads"},
	{ID: "replica-missing", Severity: Critical, Area: AreaReplication, Title: "a declared replica is not there",
		Why: "the cluster has less redundancy than everybody believes", Hint: "start the replica or remove it from envdiff.yaml"},
	{ID: "param-elsewhere", Severity: Critical, Area: AreaConfig, Title: "another environment's parameter is used here",
		Why: "this environment talks to another one's systems", Hint: "replace it by this environment's own value"},
	{ID: "leak", Severity: Critical, Area: AreaSanitize, Title: "a sanitised copy holds a raw value",
		Why: "personal data left production", Hint: "the copy was dropped; correct sanitize.yaml"},

	{ID: "copy-artefact", Severity: High, Area: AreaMigration, Title: "the copy fails where production would not",
		Why: "a mask or the sample broke a constraint, so the rehearsal proves nothing", Hint: "choose a mask that keeps what the constraint needs"},
	{ID: "package-missing", Severity: High, Area: AreaPackage, Sided: true, Title: "a package is missing",
		Why: "what was tested with the package runs without it", Hint: "install it, or remove it where it is"},
	{ID: "package-older", Severity: High, Area: AreaPackage, Sided: true, Title: "a package is older by upstream version",
		Why: "what was tested with the newer release meets the older one", Hint: "upgrade the older side"},
	{ID: "config-value", Severity: High, Area: AreaConfig, Title: "a configuration value differs",
		Why: "the same program behaves differently", Hint: "align the values, or declare the difference under params"},
	{ID: "config-missing", Severity: High, Area: AreaConfig, Sided: true, Title: "a configuration file or key is missing",
		Why: "the program falls back to a default that was not tested", Hint: "add it, or remove it where it is"},
	{ID: "secret-shared", Severity: High, Area: AreaConfig, Title: "two environments share a secret",
		Why: "whoever holds one environment's secret holds the other's", Hint: "rotate one of them"},
	{ID: "secret-differs", Severity: High, Area: AreaConfig, Title: "a secret differs within a role",
		Why: "some hosts will be refused", Hint: "deploy the current secret to every host"},
	{ID: "typo", Severity: High, Area: AreaConfig, Title: "a name or value looks misspelt",
		Why: "programs ignore keys that they do not know", Hint: "correct the spelling"},
	{ID: "memory-odd", Severity: High, Area: AreaHost, Title: "a host has another amount of memory than its peers",
		Why: "it will swap under the load that the others carry", Hint: "resize it, or lower what runs on it"},
	{ID: "swapping", Severity: High, Area: AreaHost, Title: "a host uses swap for more than a fifth of its memory",
		Why: "latency is at the mercy of the disk", Hint: "find what grew, or add memory"},
	{ID: "service-state", Severity: High, Area: AreaService, Title: "a service is enabled or running on one side only",
		Why: "after a reboot the sides behave differently", Hint: "systemctl enable or disable it where it differs"},
	{ID: "endpoint-value", Severity: High, Area: AreaEndpoint, Title: "an application reports another value",
		Why: "the running configuration differs whatever the files say", Hint: "compare the files and restart what was not reloaded"},
	{ID: "not-loaded", Severity: High, Area: AreaConfig, Title: "a process runs with another value than its file holds",
		Why: "the next restart changes its behaviour", Hint: "reload the service, or revert the file"},
	{ID: "config-invalid", Severity: High, Area: AreaConfig, Title: "a program refuses its own configuration",
		Why: "it runs with what it read before, and does not come back after a restart", Hint: "run the program's own check, correct the file"},
	{ID: "table-missing", Severity: High, Area: AreaSchema, Sided: true, Title: "a table or view is missing",
		Why: "queries that pass on one side fail on the other", Hint: "apply the migration that creates it"},
	{ID: "column-missing", Severity: High, Area: AreaSchema, Sided: true, Title: "a column is missing",
		Why: "queries that pass on one side fail on the other", Hint: "apply the migration that adds it"},
	{ID: "column-different", Severity: High, Area: AreaSchema, Title: "a column is defined differently",
		Why: "rows that one side accepts the other refuses or alters", Hint: "align the definitions by a migration"},
	{ID: "constraint-different", Severity: High, Area: AreaSchema, Title: "a constraint is missing or differs",
		Why: "one side holds rows that the other cannot", Hint: "align the constraints by a migration"},
	{ID: "constraint-not-valid", Severity: High, Area: AreaSchema, Title: "a constraint was never validated",
		Why: "old rows may violate it", Hint: "ALTER TABLE … VALIDATE CONSTRAINT"},
	{ID: "index-missing", Severity: High, Area: AreaSchema, Sided: true, Title: "an index is missing",
		Why: "queries that are fast on one side scan the table on the other", Hint: "create the index"},
	{ID: "index-invalid", Severity: High, Area: AreaSchema, Title: "an index is invalid",
		Why: "it costs writes and serves no query", Hint: "REINDEX INDEX CONCURRENTLY, or drop it"},
	{ID: "routine-different", Severity: High, Area: AreaSchema, Title: "a view, trigger or routine differs",
		Why: "the same statement does something else", Hint: "apply the newer definition"},
	{ID: "setting-behaviour", Severity: High, Area: AreaSchema, Title: "a setting that changes behaviour differs",
		Why: "the same statement succeeds on one side and fails or differs on the other", Hint: "align the setting"},
	{ID: "object-different", Severity: High, Area: AreaSchema, Title: "a type, sequence, extension or other object of the database is missing or differs",
		Why: "what tables and code are made of is not the same", Hint: "align the definitions by a migration"},
	{ID: "rows-different", Severity: High, Area: AreaData, Title: "reference rows differ",
		Why: "code that was tested with these rows meets others", Hint: "load the reference data from one source"},
	{ID: "replica-lag", Severity: High, Area: AreaReplication, Title: "a replica lags",
		Why: "reads are stale and a failover loses data", Hint: "find the long transaction or the slow disk"},
	{ID: "replica-writable", Severity: High, Area: AreaReplication, Title: "a replica takes writes",
		Why: "what is written there is lost or stops replication", Hint: "set read_only on it (and super_read_only on MySQL)"},
	{ID: "replica-diverged", Severity: High, Area: AreaReplication, Title: "a replica has transactions that its primary lacks",
		Why: "its rows are others, and a failover to it stops the rest", Hint: "find the writes in its binary log, then rebuild it"},
	{ID: "slot-retains-wal", Severity: High, Area: AreaReplication, Title: "a replication slot keeps much log for a consumer that does not read it",
		Why: "the disk fills and the primary stops", Hint: "start the consumer, or drop the slot"},
	{ID: "monitor-contradicted", Severity: High, Area: AreaReplication, Title: "the cluster monitor says something else than the node",
		Why: "it moves roles by what it believes", Hint: "look at its agents; restart it where it hangs"},
	{ID: "replica-schema", Severity: High, Area: AreaReplication, Title: "a replica's schema differs from its primary's",
		Why: "replication breaks at the next change", Hint: "rebuild the replica"},
	{ID: "migration-state", Severity: High, Area: AreaMigration, Title: "the migrations are in a state that the tool will not handle",
		Why: "the next deploy skips or refuses migrations", Hint: "rename, apply or repair the migration named here"},
	{ID: "same-version-different-schema", Severity: High, Area: AreaMigration, Title: "the same migration version, but another schema",
		Why: "somebody changed a schema by hand or edited a migration", Hint: "find the change and put it into a migration"},
	{ID: "query-broken", Severity: High, Area: AreaQuery, Title: "a hot query fails once the pending migrations are applied",
		Why: "the application that runs now meets the new schema before its next version does", Hint: "deploy the application that does without first, then migrate"},
	{ID: "lock-long", Severity: High, Area: AreaMigration, Title: "a migration blocks writes for more than a second",
		Why: "requests pile up behind the lock", Hint: "use the online form of the statement"},
	{ID: "down-failed", Severity: High, Area: AreaMigration, Title: "the way back of a pending migration fails",
		Why: "a deploy that goes wrong cannot be taken back", Hint: "correct the down file, or remove it and plan to go forward"},
	{ID: "rewrite", Severity: High, Area: AreaMigration, Title: "a migration rewrites a table of more than 1 GB",
		Why: "it needs as much disk again and takes minutes under a lock", Hint: "add a column and backfill in batches"},
	{ID: "data-one-sided-pending", Severity: High, Area: AreaData, Title: "production's data has a trait that a pending migration will meet and staging lacks",
		Why: "the migration was tested without it", Hint: "rehearse the migration on a copy with such rows"},
	{ID: "data-stale", Severity: High, Area: AreaData, Title: "sanitised data is older than allowed",
		Why: "the feed from production has stopped", Hint: "run envdiff refresh and look at its log"},
	{ID: "db-host-unreachable", Severity: High, Area: AreaConfig, Title: "a configured database host cannot be reached from the host",
		Why: "the application will not connect", Hint: "correct the name, or open the way"},
	{ID: "revision-differs", Severity: High, Area: AreaConfig, Title: "hosts of a role run different revisions",
		Why: "requests are answered by different code", Hint: "deploy again to the odd host"},
	{ID: "waiver-expired", Severity: High, Area: AreaPolicy, Title: "a waiver has expired",
		Why: "an exception that nobody renewed hides drift", Hint: "fix the drift, or renew the waiver with two approvers"},

	{ID: "package-different", Severity: Medium, Area: AreaPackage, Title: "a package differs by packaging revision, or is newer",
		Why: "fixes that one side has the other lacks", Hint: "upgrade the older side"},
	{ID: "replica-version", Severity: Medium, Area: AreaReplication, Title: "nodes of a database run different versions",
		Why: "an older replica does not understand what a newer primary writes, and a failover changes behaviour", Hint: "finish the upgrade"},
	{ID: "index-different", Severity: Medium, Area: AreaSchema, Title: "an index is defined differently",
		Why: "plans and uniqueness differ", Hint: "recreate it alike"},
	{ID: "grant-different", Severity: Medium, Area: AreaSchema, Title: "a privilege differs",
		Why: "statements are refused on one side", Hint: "GRANT or REVOKE it"},
	{ID: "owner-different", Severity: Medium, Area: AreaSchema, Title: "an owner differs",
		Why: "migrations that alter the object are refused", Hint: "ALTER … OWNER TO"},
	{ID: "data-one-sided", Severity: Medium, Area: AreaData, Title: "production's data has a trait that staging's lacks",
		Why: "what staging never saw breaks in production first", Hint: "refresh staging, or test with such rows"},
	{ID: "data-distribution", Severity: Medium, Area: AreaData, Title: "a column's values are distributed differently",
		Why: "plans and code paths differ", Hint: "refresh staging"},
	{ID: "plan-regression", Severity: Medium, Area: AreaQuery, Title: "a query's plan gets worse",
		Why: "it will be slow after the deploy", Hint: "look at the plan and the index it lost"},
	{ID: "down-incomplete", Severity: Medium, Area: AreaMigration, Title: "a migration and its way back leave another schema",
		Why: "after a rollback the next deploy meets a schema that nobody tested", Hint: "undo in the down file what the up file does, in reverse order"},
	{ID: "down-loses-data", Severity: Medium, Area: AreaMigration, Title: "a migration and its way back lose data",
		Why: "a rollback does not bring it back", Hint: "keep the old column or table until the release stands, and drop it in a later migration"},
	{ID: "sysctl", Severity: Medium, Area: AreaHost, Title: "a kernel parameter differs",
		Why: "limits and network behaviour differ", Hint: "align /etc/sysctl.d"},
	{ID: "cron", Severity: Medium, Area: AreaConfig, Title: "a cron job differs",
		Why: "work is done on one side only, or at another time", Hint: "align the crontab"},
	{ID: "user", Severity: Medium, Area: AreaHost, Title: "a user or group differs",
		Why: "files and services belong to somebody else", Hint: "align the accounts"},
	{ID: "mount", Severity: Medium, Area: AreaHost, Title: "a mount or its options differ",
		Why: "durability, limits or paths differ", Hint: "align /etc/fstab"},
	{ID: "ordering-missing", Severity: Medium, Area: AreaConfig, Title: "a chain of resources has no explicit order",
		Why: "a fresh host may configure in the wrong order", Hint: "add the dependency"},
	{ID: "puppet-run", Severity: Medium, Area: AreaHost, Title: "the last Puppet run failed or would change something",
		Why: "the host is not what its description says", Hint: "read the last run's report"},
	{ID: "metric-missing", Severity: Medium, Area: AreaService, Sided: true, Title: "a host is not monitored like its peers",
		Why: "what breaks there nobody sees", Hint: "load the plugin, or correct what keeps it silent"},
	{ID: "certificate-expiring", Severity: Medium, Area: AreaHost, Title: "a certificate expires within 21 days",
		Why: "clients will refuse it", Hint: "renew it"},
	{ID: "secret-placeholder", Severity: Medium, Area: AreaConfig, Title: "a secret is a placeholder",
		Why: "anybody can guess it", Hint: "set a real secret"},
	{ID: "clock-off", Severity: Medium, Area: AreaHost, Title: "a host's clock is off by more than 5 seconds, or nothing keeps it right",
		Why: "logs, tokens and certificates of different hosts contradict each other", Hint: "start chrony, ntpd or systemd-timesyncd, and look at why it does not follow"},
	{ID: "disk-full", Severity: Medium, Area: AreaHost, Title: "a file system is at least 95 per cent full",
		Why: "writes fail when nothing is left", Hint: "find what grew, or enlarge it"},
	{ID: "host-different", Severity: Medium, Area: AreaHost, Title: "hosts differ in system, kernel, processors, time zone, limits or the like",
		Why: "what was tested on one system runs on another", Hint: "align the hosts"},

	{ID: "not-repeatable", Severity: Low, Area: AreaMigration, Title: "a migration cannot be run a second time",
		Why: "after a deploy that stopped half-way it cannot simply be run again", Hint: "IF NOT EXISTS, ON CONFLICT DO NOTHING, and WHERE on what is not done yet"},
	{ID: "data-one-sided-undated", Severity: Low, Area: AreaData, Title: "production's data had a trait that staging's lacks, by statistics of unknown age",
		Why: "what staging never saw breaks in production first, if it is still there", Hint: "analyse the table, or set the database's profile to sample or scan"},
	{ID: "restart-needed", Severity: Low, Area: AreaHost, Title: "an upgrade waits for a restart: of the host, or of a process that runs with replaced files",
		Why: "the fix is installed and does not run", Hint: "restart the process, or reboot"},
	{ID: "package-extra", Severity: Low, Area: AreaPackage, Title: "a package is on one side only and nobody misses it",
		Why: "more to patch, and code may come to rely on it", Hint: "remove it, or install it everywhere"},
	{ID: "revision-untested", Severity: Low, Area: AreaConfig, Title: "a revision runs that an earlier environment never had",
		Why: "it was deployed without having been tried there", Hint: "deploy it there too, or switch this rule off where environments deploy different branches"},
	{ID: "comment-different", Severity: Low, Area: AreaSchema, Title: "a comment differs", Why: "documentation is stale", Hint: "align the comments"},
	{ID: "setting-tuning", Severity: Low, Area: AreaSchema, Title: "a tuning setting differs", Why: "performance differs", Hint: "align the setting where the machines are alike"},
	{ID: "db-host-undeclared", Severity: Low, Area: AreaConfig, Title: "a configured database host is not declared", Why: "envdiff does not look at it", Hint: "add it to envdiff.yaml"},
	{ID: "query-untested", Severity: Low, Area: AreaQuery, Title: "a hot statement of the last environment never ran in another one",
		Why: "what costs most in production was not tried before", Hint: "add it to the tests that run there"},
	{ID: "column-order", Severity: Off, Area: AreaSchema, Title: "columns are in another order", Why: "SELECT * and positional INSERT differ", Hint: "name the columns in statements"},
}
