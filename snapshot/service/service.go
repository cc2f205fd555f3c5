// Package service is the host collector of systemd units: which are enabled or masked, by the links in
// /etc/systemd/system, which were overridden there, and on a running host which have failed. Like every host collector
// it declares what to fetch and parses the sections that a transport filled.
package service

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads systemd's units.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "service" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Units of systemd: enabled, masked, overridden, failed",
		Text: `A unit is enabled when a link to it stands in a ` + "`.wants`, `.requires` or `.upholds`" + ` directory below /etc/systemd/system, or an alias for it does; masked when its
name there is a link to /dev/null. So a directory tree serves as well as a running host. Services are named without ` + "`.service`" + `, other units in full:
` + "`service/nginx`, `service/apt-daily.timer`" + `.

` + "`services:`" + ` of a role names services that must be looked at: one that is not enabled is then ` + "`#enabled` false" + ` instead of absent, and its running state is
captured where systemd runs. Of all others a running host shows those that have failed.

Unit files and drop-ins in /etc/systemd/system are compared by digest, unless the role captures them as configuration.

Not read: units that only presets, generators or init scripts start, and the units of users.`,
		Needs: []string{"/etc/systemd/system", "systemctl, for running states"},
		Attributes: []string{
			"service/NAME#enabled: true, masked, or, of a service that the role names, false",
			"service/NAME#active: active, inactive, failed; only where systemd runs",
			"unit/etc/systemd/system/FILE#digest: keyed digest of a unit file or drop-in",
		},
	}
}

// Kinds declares how units are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "service/*", Area: finding.AreaService, Doc: "a systemd unit"},
		{Pattern: "unit/*", Area: finding.AreaService, YieldsTo: []string{"config/{name}"}, Doc: "a unit file or drop-in of this host's own"},
	}
}

// Wants declares the links, the unit files and the running states.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{
		{ID: "links", Globs: []string{"/etc/systemd/system/*", "/etc/systemd/system/*/*"}, Content: transport.Names, Doc: "which units are enabled or masked"},
		{ID: "overrides", Globs: []string{"/etc/systemd/system/*", "/etc/systemd/system/*.d/*.conf"}, Content: transport.SHA256,
			Doc: "unit files and drop-ins: their digests only"},
		{ID: "vendor", Globs: []string{"/usr/lib/systemd/system/*", "/lib/systemd/system/*"}, Content: transport.Names, Doc: "which units are installed"},
		{ID: "states", Command: []string{"systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager"}, MaxBytes: 4 << 20,
			Doc: "which units are running or have failed"},
	}
}
