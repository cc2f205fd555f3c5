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
		Title: "Units of systemd: enabled, masked, overridden, running, failed; timers",
		Text: `A unit is enabled when a link to it stands in a ` + "`.wants`, `.requires` or `.upholds`" + ` directory below /etc/systemd/system, or an alias for it does; masked when its
name there is a link to /dev/null. So a directory tree serves as well as a running host. Services are named without ` + "`.service`" + `, other units in full:
` + "`service/nginx`, `service/apt-daily.timer`" + `.

` + "`services:`" + ` of a role names services that must be looked at: one that is not enabled is then ` + "`#enabled` false" + ` instead of absent, and its running state is
captured where systemd runs. Of all others a running host shows those that have failed, and the enabled ones that run as long as the host does: no oneshot service, and none that a
timer or socket starts. A unit that has failed is a finding on every host, and so is one whose files changed after systemd read them.

Unit files and drop-ins in /etc/systemd/system are compared by digest, timers key by key, unless the role captures them as configuration.

Not read: units that only presets, generators or init scripts start, and the units of users.`,
		Needs: []string{"/etc/systemd/system", "systemctl, for running states"},
		Attributes: []string{
			"service/NAME#enabled: true, masked, or, of a service that the role names, false",
			"service/NAME#active: active, inactive, failed; only where systemd runs: of services that the role names, that have failed, or that are enabled and run as long as the host does",
			"service/NAME#stale, #drop_ins: whether the unit's files changed after systemd read them, and which drop-ins it has read; never compared",
			"timer/NAME.timer#SECTION.KEY: of timers with a unit file or drop-in of this host's own, merged as systemd does",
			"unit/etc/systemd/system/FILE#digest: keyed digest of a unit file or drop-in",
		},
	}
}

// Kinds declares how units are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "service/*#stale", Axis: snapshot.Context, Area: finding.AreaService, Doc: "a unit whose files changed after systemd read them; judged by the rule not-loaded"},
		{Pattern: "service/*#drop_ins", Axis: snapshot.Context, Area: finding.AreaService, Doc: "the drop-ins that systemd has read for a unit"},
		{Pattern: "timer/*", Area: finding.AreaConfig, Doc: "a timer of this host's own"},
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
		{ID: "states", Command: []string{"systemctl", "show", "--all", "--no-pager", "--property=Id,Type,ActiveState,TriggeredBy,ConditionResult,NeedDaemonReload,DropInPaths",
			"*.service", "*.timer", "*.socket", "*.mount"}, MaxBytes: 8 << 20, Doc: "which units are running or have failed"},
		{ID: "timers", Globs: []string{"/etc/systemd/system/*.timer", "/etc/systemd/system/*.timer.d/*.conf", "/usr/lib/systemd/system/*.timer", "/lib/systemd/system/*.timer"},
			Doc: "when timers run"},
	}
}
