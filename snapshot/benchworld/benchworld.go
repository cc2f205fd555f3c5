// Package benchworld makes large, regular snapshots for benchmarks and tests: the input of make
// bench. Nothing of the product imports it.
package benchworld

import (
	"fmt"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// Scope is the role that all hosts have.
const Scope = "web"

// Kinds are the kinds of the generated facts.
func Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "package/*", Area: finding.AreaPackage},
		{Pattern: "config/*", Area: finding.AreaConfig},
		{Pattern: "host/*", Area: finding.AreaHost, Axis: snapshot.Context},
	}
}

// Snapshots makes two environments of the same hosts with facts addresses on each: packages, configuration
// keys, and one in a hundred that is another on every host. drift addresses differ across the environments, and
// as many on a single host of the second.
func Snapshots(hosts, facts, drift int) (a, b *snapshot.Snapshot) {
	return Environment("staging", hosts, facts, 0), Environment("production", hosts, facts, drift)
}

// Environment makes one of them.
func Environment(name string, hosts, facts, drift int) *snapshot.Snapshot {
	build := snapshot.NewBuilder(snapshot.Selection{})
	for h := range hosts {
		instance := fmt.Sprintf("web%d.shop.example", h+1)
		build.Instance(Scope, "role", "", instance)
		build.Add(Scope, instance, host(h, hosts, facts, drift), Kinds())
	}
	return build.Finish(snapshot.Manifest{
		Environment: name, CapturedAt: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC), Version: "bench", RedactKey: "00000000",
	})
}

func host(h, hosts, facts, drift int) snapshot.Result {
	var r snapshot.Result
	for i := range facts {
		value := fmt.Sprintf("1.%d.%d-1", i%7, i%13)
		switch {
		case i < drift:
			value += "+changed"
		case i < 2*drift && h == i%hosts:
			value += "+odd"
		}
		switch {
		case i%100 == 99:
			r.Add(snapshot.At(Scope, "host", fmt.Sprintf("own%d", i)).Attr("value"), snapshot.Int(int64(h*facts+i)), "")
		case i%2 == 0:
			r.Add(snapshot.At(Scope, "package", fmt.Sprintf("deb/libpackage%d", i)).Attr("version"), snapshot.String(value), "/var/lib/dpkg/status")
		default:
			file := fmt.Sprintf("etc/app/conf.d/%d.ini", i/50)
			r.Add(snapshot.At(Scope, "config", file).Path("section", fmt.Sprintf("key%d", i)), snapshot.String(value), fmt.Sprintf("/%s:%d", file, i%50))
		}
	}
	return r
}
