// Package compare is the second verb of the flow: snapshots in, findings out. It merges the sorted facts of every side,
// pivots each address to value → instances, and says what differs within an environment and across environments: one
// change, one finding.
//
// The stages, in the order in which they run:
//
//	params.go     each environment's own values (params, host names, addresses) → placeholders; matcher.go
//	              finds them
//	merge.go      k sorted streams of lines → one row per address; names are paired under their placeholders
//	knowledge.go  absent or not looked at: gaps, and what the collectors covered
//	object.go     the rows of one object → nodes: its presence, its subtrees (subtree.go), its attributes, the order
//	              of its children (order.go), its rows (rows.go); address.go has its addresses
//	absorb.go     parents, owners and better sayings take the findings of what depends on them
//	pivot.go      node → differences: the odd within, the sets across
//	remark.go     what a value says by itself: another environment's parameter, a misspelt host (known.go), a
//	              shared secret (secrets.go)
//	typo.go       a missing and an added neighbour are one misspelt or renamed name; near.go measures
//	effective.go  settings that a program and its file show: the file's difference alone is told
//	alone.go      what a fact that is never compared says by itself: a certificate that expires
//	categories.go, drift.go, drift_math.go  columns that are distributed differently, where it matters and is not chance
//	usage.go, profile.go  what several facts say together: swapping, traits of data that only the last side has
//	replication.go, replication_checks.go  what the nodes of one database say together: missing, stopped,
//	              lagging, diverged
//	deployments.go, puppet.go  what runs that was never tried; runs that failed, services without order
//	metrics.go    plugins of collectd that are loaded and silent
//	explained.go  values of resources that a parameter explains are related to it
//	age.go        sanitised rows that are older than their environment allows
//	hotquery.go   what the last environment spends its time on and another one has never run
//	fix.go        commands that repair a finding, where no judgement is needed; fix_hosts.go, fix_database.go, fix_access.go
//	rules.go      rules as data: which rule a difference breaks; judge.go weighs, messages.go says it, words.go has the words
//
// With L lines, V values and D differing rows it takes O(L log L) time for the lookups and O(V) for the values, and
// keeps only rows that differ, profiles and memory sizes: O(D) memory beside the snapshots themselves.
package compare
