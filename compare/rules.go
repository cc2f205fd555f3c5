package compare

import (
	"slices"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// shape says what of a difference a rule is about.
type shape int

const (
	missing shape = 1 << iota // something is there on some instances only
	differs                   // values differ
	reorder                   // the same children in another order
	either  = missing | differs | reorder
)

// rule assigns a difference to a rule id: data that is read from the top, the first match decides.
// Severities and texts are in internal/finding.
type rule struct {
	id    string
	at    []string       // globs over kind/name#attribute; none means everywhere
	areas []finding.Area // of the kind; none means every area
	of    shape
	when  func(*judgement) bool // nil: always
	// say makes the message; nil is the plain one: who has what.
	say func(*judgement) string
	// weigh changes the rule's severity; nil keeps it, lowered on the other side for sided rules.
	weigh func(*judgement, finding.Severity) finding.Severity
}

// suspicions are tried beside the base rules; of those that match, and the base rule, the strongest wins.
var suspicions = []rule{
	{id: "typo", of: missing, when: (*judgement).misspeltName, say: (*judgement).sayMisspelt},
	{id: "typo", of: differs, areas: typed, when: (*judgement).misspeltValue, say: (*judgement).sayNearMiss},
	{id: "secret-differs", of: differs, when: func(j *judgement) bool { return j.d.within && j.d.onlySecretsDiffer() }, say: (*judgement).saySecretDiffers},
}

// typed are the areas whose values people type.
var typed = []finding.Area{finding.AreaConfig, finding.AreaEndpoint, finding.AreaService}

// baseRules give every difference one rule.
var baseRules = []rule{
	{id: "puppet-run", at: []string{"puppet/run*"}, of: either},
	{id: "memory-odd", at: []string{"host/memory#total_bytes"}, of: either, when: within},
	{id: "sysctl", at: []string{"sysctl/*", "sysctl_running/*", "config/etc/sysctl*", "config/*/sysctl.d/*"}, of: either},
	{id: "cron", at: []string{"cron/*", "config/etc/cron*", "config/etc/anacrontab*", "config/var/spool/cron*", "timer/*"}, of: either},
	{id: "user", at: []string{"user/*", "group/*", "sudoers/*", "authorized_keys/*", "config/etc/sudoers*", "config/etc/subuid#*", "config/etc/subgid#*"}, of: either},
	{id: "mount", at: []string{"mount/*", "config/etc/fstab*"}, of: either},
	{id: "host-different", areas: []finding.Area{finding.AreaHost}, of: either},

	{id: "package-extra", at: []string{"package/*"}, of: missing, when: (*judgement).oddHasMore},
	{id: "package-missing", at: []string{"package/*"}, of: missing, when: (*judgement).wholeObject},
	{id: "package-older", at: []string{"package/*#version"}, of: differs, when: (*judgement).older, say: (*judgement).sayVersions, weigh: asRule},
	{id: "package-different", at: []string{"package/*#version"}, of: differs, say: (*judgement).sayVersions},
	{id: "package-different", areas: []finding.Area{finding.AreaPackage}, of: either},

	{id: "metric-missing", at: []string{"metric/*"}, of: either},
	{id: "service-state", areas: []finding.Area{finding.AreaService}, of: either},
	{id: "endpoint-value", areas: []finding.Area{finding.AreaEndpoint}, of: either},

	{id: "revision-differs", at: []string{"deployment/*#revision"}, of: either, say: (*judgement).sayRevisions},
	{id: "revision-differs", at: []string{"deployment/*"}, of: missing, when: within},
	{id: "config-value", at: []string{"conffile/*"}, of: either, say: (*judgement).sayConffile},
	{id: "config-value", areas: []finding.Area{finding.AreaConfig}, of: reorder, say: (*judgement).sayReordered},
	{id: "service-state", at: []string{"config/etc/systemd/*"}, of: missing, when: func(j *judgement) bool { return j.unitLink() != "" }, say: (*judgement).sayUnitLink},
	{id: "config-missing", areas: []finding.Area{finding.AreaConfig}, of: missing, say: (*judgement).sayRenamedOrPlain},
	{id: "config-value", areas: []finding.Area{finding.AreaConfig}, of: differs, weigh: (*judgement).nearMissIsLow},

	{id: "comment-different", at: []string{"*#comment", "*#comment.*"}, of: either},
	{id: "not-loaded", at: []string{"setting/*#pending_restart"}, of: either},
	{id: "owner-different", at: []string{"*#owner"}, of: either},
	{id: "grant-different", at: []string{"grant/*", "*#grants", "*#acl"}, of: either, say: (*judgement).sayGrant},
	{id: "setting-behaviour", at: []string{"role/*#setting.*"}, of: either},
	{id: "grant-different", at: []string{"role/*"}, of: either},
	{id: "setting-behaviour", at: []string{"collation/*#version", "collation/*#outdated"}, of: either},
	{id: "setting-tuning", at: stored, of: either},
	{id: "replica-schema", areas: []finding.Area{finding.AreaSchema}, of: either, when: (*judgement).betweenNodes},
	{id: "column-order", areas: []finding.Area{finding.AreaSchema}, of: reorder, say: (*judgement).sayReordered},
	{id: "table-missing", at: []string{"table/*", "view/*", "foreign_table/*"}, of: missing, when: (*judgement).wholeObject},
	{id: "column-missing", at: []string{"column/*"}, of: missing, when: (*judgement).wholeObject},
	{id: "column-different", at: []string{"column/*#nullable"}, of: either, say: (*judgement).sayNullable},
	{id: "column-different", at: []string{"column/*"}, of: either},
	{id: "index-missing", at: []string{"index/*"}, of: missing, when: (*judgement).wholeObject},
	{id: "index-invalid", at: []string{"index/*#valid"}, of: either, say: (*judgement).sayInvalid},
	{id: "index-different", at: []string{"index/*"}, of: either},
	{id: "constraint-not-valid", at: []string{"constraint/*#valid"}, of: either, say: (*judgement).sayInvalid},
	{id: "constraint-different", at: []string{"constraint/*"}, of: either, say: (*judgement).sayRenamedOrPlain},
	{id: "routine-different", at: []string{"view/*", "trigger/*", "routine/*", "function/*", "procedure/*", "event/*", "event_trigger/*", "rule/*", "policy/*"}, of: either},
	{id: "setting-tuning", at: []string{"setting/*"}, of: either, when: (*judgement).tuning},
	{id: "rows-different", at: []string{"rows/*"}, of: either, say: (*judgement).sayRows},
	{id: "data-distribution", at: []string{"profile/*"}, of: either},
	{id: "replica-version", at: []string{"replication/node#version"}, of: either, weigh: (*judgement).patchIsLow},
	{id: "replication-broken", areas: []finding.Area{finding.AreaReplication}, of: either},
	{id: "object-different", at: []string{"schema/*", "sequence/*", "enum/*", "domain/*", "type/*", "collation/*", "extension/*", "publication/*", "subscription/*", "foreign_*", "user_mapping/*",
		"text_search_*", "cast/*", "operator/*", "operator_class/*", "operator_family/*", "tablespace/*", "plugin/*", "database*"}, of: either},
	// Whatever else a schema has (table options, settings) changes what statements do.
	{id: "setting-behaviour", areas: []finding.Area{finding.AreaSchema}, of: either},
	{id: "migration-state", areas: []finding.Area{finding.AreaMigration}, of: either},
	{id: "data-distribution", areas: []finding.Area{finding.AreaData}, of: either},
	{id: "config-missing", of: missing},
	{id: "config-value", of: either},
}

// stored are attributes that say how things are kept and planned, not what they are.
var stored = []string{"table/*#with", "table/*#tablespace", "index/*#with", "index/*#tablespace", "index/*#clustered", "index/*#statistics", "constraint/*#with", "constraint/*#tablespace",
	"constraint/*#clustered", "column/*#storage", "column/*#compression", "column/*#statistics", "column/*#options", "view/*#tablespace", "statistics/*", "sequence/*#cache",
	"routine/*#cost", "routine/*#rows", "routine/*#parallel", "routine/*#support"}

func within(j *judgement) bool { return j.d.within }

// asRule keeps the severity of a sided rule whose predicate has already decided the side.
func asRule(_ *judgement, s finding.Severity) finding.Severity { return s }

// matches reports whether a rule is about a difference.
func (r *rule) matches(j *judgement) bool {
	if r.of&j.shape == 0 || len(r.areas) > 0 && !slices.Contains(r.areas, j.d.node.kind.Area) {
		return false
	}
	if len(r.at) > 0 && !snapshot.MatchAny(r.at, j.body) {
		return false
	}
	return r.when == nil || r.when(j)
}
