// Package all is the registry of collectors: what a capture reads. A new collector is one
// folder beside this one and one line here.
package all

import (
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/capistrano"
	"github.com/envdiff/envdiff/snapshot/collectd"
	"github.com/envdiff/envdiff/snapshot/config"
	"github.com/envdiff/envdiff/snapshot/container"
	"github.com/envdiff/envdiff/snapshot/database"
	"github.com/envdiff/envdiff/snapshot/dbhost"
	"github.com/envdiff/envdiff/snapshot/effective"
	"github.com/envdiff/envdiff/snapshot/endpoint"
	"github.com/envdiff/envdiff/snapshot/exec"
	"github.com/envdiff/envdiff/snapshot/host"
	"github.com/envdiff/envdiff/snapshot/hotquery"
	"github.com/envdiff/envdiff/snapshot/packages"
	"github.com/envdiff/envdiff/snapshot/process"
	"github.com/envdiff/envdiff/snapshot/puppet"
	"github.com/envdiff/envdiff/snapshot/replication"
	"github.com/envdiff/envdiff/snapshot/service"
)

// Collectors returns the collectors of the product, in the order in which help and documentation list them.
func Collectors() snapshot.Registry {
	return snapshot.Registry{
		Hosts: []snapshot.HostCollector{
			host.New(),
			packages.New(),
			config.New(),
			service.New(),
			dbhost.New(),
			process.New(),
			effective.New(),
			container.New(),
			capistrano.New(),
			puppet.New(),
			collectd.New(),
		},
		// What is quick and unaffected by reading tables comes first.
		Databases: append([]snapshot.DatabaseCollector{replication.New(), hotquery.New()}, database.New()...),
		Dumps:     []snapshot.DumpCollector{endpoint.New(), exec.New()},
	}
}
