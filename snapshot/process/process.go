// Package process is the host collector of what runs: the ports that processes listen on, and processes that run with files which an upgrade has replaced.
// Like every host collector it declares what to fetch and parses the sections that a transport filled.
package process

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads what runs.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "process" }

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Listening ports with their processes, and processes that run with replaced files",
		Text: `Reads /proc of a running host by its own grep and ls: sockets that listen, and who holds them. A port of the range that the kernel gives to
whoever asks for none (ip_local_port_range) is not told: it is another one after each start. Of UDP, sockets that are bound below that range and connected to nobody.

Without root the processes of other users stay unknown: the port is compared and its process is not.`,
		Needs: []string{"/proc of a running host, grep and ls", "root, for the processes of other users"},
		Attributes: []string{
			"port/tcp/NUMBER#addresses: what it listens on; 0.0.0.0 and :: are all", "port/tcp/NUMBER#process: the names of the processes that hold it, where they may be seen",
			"port/udp/NUMBER: likewise", "process/NAME#deleted_libraries: programs and libraries that were replaced below a running process; never compared, judged",
		},
	}
}

// Kinds declares how the facts are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "port/*", Area: finding.AreaService, Doc: "a port that somebody listens on"},
		{Pattern: "process/*", Axis: snapshot.Context, Area: finding.AreaHost, Doc: "a process that runs with replaced files; judged by the rule restart-needed"},
	}
}

// program prints what of /proc is of use, in parts that begin with a line of their own. It says last that it came to its end.
const program = `cd /proc || exit 1
[ -e net/tcp ] || exit 1
echo '= range'; cat sys/net/ipv4/ip_local_port_range
echo '= tcp'; grep ' 0A ' net/tcp; [ -e net/tcp6 ] && grep ' 0A ' net/tcp6
echo '= udp'; grep ' 07 ' net/udp; [ -e net/udp6 ] && grep ' 07 ' net/udp6
echo '= names'; grep -H . [0-9]*/comm
echo '= sockets'; ls -l [0-9]*/fd | grep -e '^[0-9]*/fd:$' -e ' socket:'
echo '= maps'; grep -H -e '^[^ ]* [^ ]*x[^ ]* .*(deleted)$' [0-9]*/maps
echo '= end'`

// Wants declares the one program.
func (Collector) Wants(snapshot.RoleSpec) []transport.Want {
	return []transport.Want{{ID: "proc", Command: []string{"sh", "-c", program}, MaxBytes: 32 << 20, Sudo: true, Doc: "who listens where, and who runs with replaced files"}}
}
