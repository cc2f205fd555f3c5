// Package compare is the third verb of the flow: snapshots in, findings out. It merges the sorted facts of every side, pivots each address
// to value → instances, and says what differs within an environment and across environments: one change, one finding.
//
// The stages, in the order of the files:
//
//	merge.go      k sorted streams of lines → one row per address; names are paired after each side's parameters are taken out
//	params.go     each environment's own values (params, host names, addresses) → placeholders
//	knowledge.go  absent or not looked at: gaps and what the collectors covered
//	object.go     rows of one object → nodes: the object's presence, its subtrees, its attributes
//	absorb.go     parents, owners and better sayings take the findings of what depends on them
//	pivot.go      node → differences: the odd within, the sets across
//	typo.go       a missing and an added neighbour are one misspelt or renamed name
//	rules.go      rules as data: which rule a difference breaks; messages.go says it in words
//
// With L lines, I instances and D differences it takes O(L log sides + values) time and keeps only rows that differ: O(D) memory beside
// the snapshots themselves.
package compare
