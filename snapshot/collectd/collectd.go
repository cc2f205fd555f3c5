// Package collectd is the host collector of monitoring: which plugins collectd loads, and what it reports of the host. It reads collectd's configuration and asks
// the running daemon over its Unix socket for the names of its values, with one harmless command.
package collectd

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads what collectd reports.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "collectd" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Monitoring: what collectd loads and reports",
		Text: `A host that its peers are monitored like reports the same: a plugin that all others of a role report and one does not is ` + "`metric-missing`" + `. The names are those that the
running daemon lists (` + "`LISTVAL`" + ` on the socket of its unixsock plugin, by perl, socat or nc); collectd forgets a value that was not renewed for two intervals, so what stopped reporting is
gone from them, and ` + "`envdiff production@yesterday production`" + ` shows what stopped since. Values themselves are not read. Of plugins that follow the machine (cpu, df, disk, interface …)
the types alone are compared; of all others each instance with its types, so a watched process or a key of a curl_json block that one host lacks is found.

A plugin that the configuration loads, that always has something to say, and that reports nothing is ` + "`metric-missing`" + ` too: collectd starts without a plugin whose library is missing, and curl_json says
nothing of an address or a key that is wrong.

collectd.conf as configuration, with every curl_json block by its URL and keys, is captured by ` + "`config: [/etc/collectd/**]`" + ` of the role.`,
		Needs: []string{"/etc/collectd/collectd.conf and what it includes, for what is loaded",
			"the socket of collectd's unixsock plugin, read and write (its SocketGroup, or sudo: true), and one of perl, socat and nc"},
		Attributes: []string{
			"metric/PLUGIN: the plugin reports",
			"metric/PLUGIN#types: types of its values, of plugins that follow the machine or have no instance",
			"metric/PLUGIN/INSTANCE#types: types and type instances",
			"collectd/plugins#loaded: what the configuration loads",
			"collectd/silent#plugins: those of them that ought to report and do not",
		},
	}
}

// Kinds declares how monitoring is compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "metric/*", Area: finding.AreaService, Parents: []string{"metric/{/1}"}, Doc: "what collectd reports of a host"},
		{Pattern: "collectd/plugins#loaded", Area: finding.AreaConfig, YieldsTo: []string{"config/etc/collectd/collectd.conf", "config/etc/collectd.conf"},
			Doc: "the plugins that collectd loads"},
		{Pattern: "collectd/*", Axis: snapshot.Context, Area: finding.AreaService, Doc: "what ought to be reported"},
	}
}

// Wants declares the configuration and the one question to the daemon.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{
		{ID: "config", Globs: []string{"/etc/collectd/*.conf", "/etc/collectd/collectd.conf.d/*.conf", "/etc/collectd.conf", "/etc/collectd.d/*.conf", "/opt/collectd/etc/collectd.conf"},
			Doc: "which plugins collectd loads"},
		{ID: "values", Command: []string{"sh", "-c", listval}, MaxBytes: 16 << 20, Sudo: true, Doc: "the names of all values that collectd has"},
	}
}

// The exit statuses of listval beside 0.
const (
	noSocket  = 3
	forbidden = 4
	noProgram = 5
	noAnswer  = 6
)

// listval asks for the names of all values and for nothing else: GETTHRESHOLD ends a daemon without thresholds (collectd 5.12).
const listval = `for s in $(sed -n 's/^[[:space:]]*[Ss]ocket[Ff]ile[[:space:]]*"\{0,1\}\([^"]*\)"\{0,1\}[[:space:]]*$/\1/p' /etc/collectd/*.conf /etc/collectd/collectd.conf.d/*.conf /etc/collectd.conf /etc/collectd.d/*.conf 2>/dev/null) /var/run/collectd-unixsock /opt/collectd/var/run/collectd-unixsock; do
[ -S "$s" ] || continue
[ -r "$s" ] && [ -w "$s" ] || exit 4
if command -v perl >/dev/null 2>&1; then
perl -e 'use IO::Socket::UNIX; alarm 10; $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 6; print $s "LISTVAL\n"; $s->flush; $_ = <$s>; print; $n = int; while ($n-- > 0 && defined($_ = <$s>)) { print }' "$s" 2>/dev/null || exit 6
elif command -v socat >/dev/null 2>&1; then
echo LISTVAL | socat -t 5 -T 10 - "UNIX-CONNECT:$s" 2>/dev/null || exit 6
elif command -v nc >/dev/null 2>&1 && nc -h 2>&1 | grep -q -e -U; then
echo LISTVAL | nc -w 2 -U "$s" 2>/dev/null || exit 6
else
exit 5
fi
exit 0
done
exit 3`
