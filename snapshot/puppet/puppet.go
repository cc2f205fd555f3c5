// Package puppet is the host collector of what Puppet says of a host: how its last run went, its classes, and every resource of its
// catalogue, with what explains a value and which services lack an order. It reads the agent's files; Puppet is not run.
package puppet

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads Puppet's state.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "puppet" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Puppet: the last run, classes, the resources of the catalogue",
		Text: `**The last run** is read from last_run_summary.yaml and last_run_report.yaml, never from an exit status, which is 0 for a run with ` + "`--noop`" + ` that found
drift. A run that failed, that would have changed something, that is older than a day where runs are regular, and an agent that somebody disabled are
` + "`puppet-run`" + `. Messages of the report are not kept: they hold differences of files.

**The catalogue** is the agent's cached one (client_data/catalog), or one that was compiled without a host:

    environments:
      staging:    {hosts: {web: ["puppet:code/environments/staging?node=web1.stage.example"]}}
      production: {hosts: {web: ["puppetdb:https://puppetdb.example:8081/web1.prod.example?cert=ci.pem&key=ci.key&ca=ca.pem"]}}

` + "`puppet:`" + ` compiles the directory of a Puppet environment for a node on this machine (` + "`puppet catalog compile`" + `, with ` + "`&facts=FILE`" + ` of facter's JSON and never this machine's facts; like Puppet itself it
runs what the manifests call), ` + "`puppetdb:`" + ` asks PuppetDB's HTTP API. Of such a host nothing else is looked at. Resources are compared by type, title and parameter. A value that differs only where a parameter of the resource's own class, of the class that
declared it or of a defined type around it stands in it is *explained*: the finding is at that parameter and names the resources as related. Texts (` + "`content`" + ` and whatever
has several lines) are compared by keyed digest, the node's own name left out. Relations (before, require, notify, subscribe) are no values: a service that has neither
a path of relations nor containment from its package and its configuration files under /etc is ` + "`ordering-missing`" + `; they belong to each other by name.

Sensitive parameters are digests; a title or value that holds one of them elsewhere is masked.

Not read: exported resources, stages, nodes, and facts.`,
		Needs: []string{"the state, public and client_data directories below /var/cache/puppet, /var/lib/puppet or /opt/puppetlabs/puppet; on most hosts that needs sudo: true"},
		Attributes: []string{
			"puppet/run#status: failed, pending (a run with noop found drift), changed or unchanged",
			"puppet/run#failed, #pending, #changed, #out_of_sync: how many resources",
			"puppet/run#failed_resources, #pending_resources: the first of them",
			"puppet/run#at, #mode, #noop, #environment, #version: of the last run",
			"puppet/agent#disabled: why the agent does not run",
			"puppet/node#roles: classes called role::NAME",
			"puppet/classes#names: classes of the last run, where there is no catalogue",
			"puppet/catalog#resources, #version, #environment: of the catalogue that was read",
			"puppet/catalog#sensitive: false of a catalogue from PuppetDB, which keeps no sensitive parameters",
			"resource/TYPE/TITLE#PARAMETER: a parameter of a resource; of a hash, by its keys",
			"resource/TYPE/TITLE#@in: the resources that contain or declare it; #@template.PARAMETER and #@by.PARAMETER: what explains the value; #@unordered: what a service has no order to",
		},
	}
}

// Kinds declares how runs and resources are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "puppet/run#environment", Axis: snapshot.Within, Area: finding.AreaHost, Doc: "the Puppet environment"},
		{Pattern: "puppet/classes#names", Area: finding.AreaConfig, Doc: "the classes of a host"},
		{Pattern: "puppet/*", Axis: snapshot.Context, Area: finding.AreaHost, Doc: "how Puppet runs"},
		{Pattern: "resource/*", Area: finding.AreaConfig, Parents: []string{"resource/{.@in}"}, Doc: "a resource of a catalogue"},
	}
}

// caches are where Puppet keeps its state: Debian's packages, older ones, and the vendor's.
var caches = []string{"/var/cache/puppet", "/var/lib/puppet", "/opt/puppetlabs/puppet/cache"}

// Wants declares Puppet's files.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	run := []string{"/opt/puppetlabs/puppet/public/last_run_summary.yaml"}
	var catalogs []string
	for _, c := range caches {
		run = append(run, c+"/public/last_run_summary.yaml", c+"/state/last_run_summary.yaml", c+"/state/last_run_report.yaml", c+"/state/agent_disabled.lock",
			c+"/state/classes.txt")
		catalogs = append(catalogs, c+"/client_data/catalog/*.json")
	}
	return []transport.Want{
		{ID: "run", Globs: run, MaxBytes: 64 << 20, Sudo: true, Doc: "the last run, and the classes of the host"},
		{ID: "catalog", Globs: catalogs, MaxBytes: 64 << 20, Sudo: true, Doc: "the catalogue that the agent applied last"},
	}
}
