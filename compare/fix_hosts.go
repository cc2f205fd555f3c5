package compare

import (
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// installers are how a package of an ecosystem is installed in one version.
var installers = map[string]func(name, version string) []string{
	"deb": func(n, v string) []string { return []string{"sudo", "apt-get", "install", n + "=" + v} },
	"rpm": func(n, v string) []string { return []string{"sudo", "dnf", "install", n + "-" + v} },
	"apk": func(n, v string) []string { return []string{"sudo", "apk", "add", n + "=" + v} },
	"pip": func(n, v string) []string { return []string{"python3", "-m", "pip", "install", n + "==" + v} },
	"npm": func(n, v string) []string { return []string{"npm", "install", "--global", n + "@" + v} },
	"gem": func(n, v string) []string { return []string{"gem", "install", n, "--version", v} },
}

// packageName is the ecosystem and name of a package that its system keeps in one place: one below a directory of its own is installed
// by whoever deploys there.
func (x *fixer) packageName() (ecosystem, name string, ok bool) {
	ecosystem, name, ok = strings.Cut(snapshot.Unescape(x.at.Name), "/")
	if strings.Contains(name, "/") && !(ecosystem == "npm" && strings.HasPrefix(name, "@") && strings.Count(name, "/") == 1) {
		return "", "", false
	}
	return ecosystem, name, ok && installers[ecosystem] != nil
}

// install puts a package where it is missing, in the version that the others have.
func (x *fixer) install() []finding.Fix {
	ecosystem, name, ok := x.packageName()
	if !ok {
		return nil
	}
	lacking, from, ok := x.missingHere()
	if !ok {
		return nil
	}
	version, ok := x.text(from, x.at.Whole().Attr("version"))
	if !ok {
		return nil
	}
	return command(whereAll(lacking), installers[ecosystem](name, version)...)
}

// upgrade brings the sides that are behind to the newest version.
func (x *fixer) upgrade() []finding.Fix {
	ecosystem, name, ok := x.packageName()
	sides, versions := x.texts()
	if !ok || x.at.Attribute != "version" || len(versions) == 0 {
		return nil
	}
	newest := versions[0]
	for _, v := range versions {
		if orderVersions(ecosystem, v, newest).compare > 0 {
			newest = v
		}
	}
	var behind []finding.Side
	for i, v := range versions {
		if orderVersions(ecosystem, v, newest).compare < 0 {
			behind = append(behind, sides[i])
		}
	}
	if len(behind) == 0 {
		return nil
	}
	return command(whereAll(behind), installers[ecosystem](name, newest)...)
}

// service makes a unit as it is where it is wanted.
func (x *fixer) service() []finding.Fix {
	unit := snapshot.Unescape(x.at.Name)
	want, others, ok := x.wanted()
	if x.at.Kind != "service" || !ok || want.State != finding.Present {
		return nil
	}
	v, err := snapshot.ParseValue(want.Value)
	if err != nil {
		return nil
	}
	on, isTruth := v.Truth()
	state, _ := v.Text()
	var verb []string
	switch x.at.Attribute + " " + state {
	case " ", "enabled ":
		switch {
		case isTruth && on:
			verb = []string{"enable", "--now"}
		case isTruth:
			verb = []string{"disable", "--now"}
		}
	case "enabled masked":
		verb = []string{"mask", "--now"}
	case "active active":
		verb = []string{"start"}
	case "active inactive":
		verb = []string{"stop"}
	}
	if verb == nil {
		return nil
	}
	return command(whereAll(others), append(append([]string{"sudo", "systemctl"}, verb...), unit)...)
}

// sysctl sets a kernel parameter until the next boot; the file in /etc/sysctl.d is the configuration management's.
func (x *fixer) sysctl() []finding.Fix {
	want, others, ok := x.wanted()
	if x.at.Kind != "sysctl" && x.at.Kind != "sysctl_running" || !ok || want.State != finding.Present {
		return nil
	}
	v, err := snapshot.ParseValue(want.Value)
	if err != nil {
		return nil
	}
	value, ok := v.Text()
	if !ok {
		value = v.Display()
	}
	return command(whereAll(others), "sudo", "sysctl", "-w", snapshot.Unescape(x.at.Name)+"="+value)
}

func (x *fixer) clock() []finding.Fix {
	return command(whereAll(x.present()), "sudo", "timedatectl", "set-ntp", "true")
}

// disk shows what takes the space of a file system.
func (x *fixer) disk() []finding.Fix {
	mount := "/" + strings.TrimPrefix(snapshot.Unescape(x.at.Name), "/")
	if !word.MatchString(mount) {
		return nil
	}
	what := "sudo du -xh --max-depth=2 " + mount + " | sort -h | tail -20"
	if x.at.Attribute == "used_inodes_percent" {
		what = "sudo du -x --inodes --max-depth=2 " + mount + " | sort -n | tail -20"
	}
	return []finding.Fix{{Where: whereAll(x.present()), Command: what}}
}

// memory shows what was swapped out.
func (x *fixer) memory() []finding.Fix {
	return []finding.Fix{{Where: whereAll(x.present()), Command: "ps -eo rss,comm --sort=-rss | head -15; grep -H VmSwap /proc/[0-9]*/status | sort -k2 -n | tail -5"}}
}

func (x *fixer) certificate() []finding.Fix {
	return command(whereAll(x.present()), "sudo", "openssl", "x509", "-noout", "-subject", "-enddate", "-in", "/"+strings.TrimPrefix(snapshot.Unescape(x.at.Name), "/"))
}

func (x *fixer) restart() []finding.Fix {
	if x.at.Kind == "process" {
		return command(whereAll(x.present()), "sudo", "systemctl", "restart", snapshot.Unescape(x.at.Name))
	}
	return command(whereAll(x.present()), "sudo", "systemctl", "reboot")
}

// refresh feeds the environment again, from where its rows came.
func (x *fixer) refresh() []finding.Fix {
	here := x.present()
	if len(here) == 0 {
		return nil
	}
	source, ok := x.text(here[0].Environment, x.at.Whole().Attr("source"))
	to, _, stored := strings.Cut(here[0].Environment, "@")
	if !ok || stored && source == "" {
		return nil
	}
	return command("here", "envdiff", "refresh", source, to)
}
