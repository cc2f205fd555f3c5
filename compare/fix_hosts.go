package compare

import (
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// service makes a unit as it is where it is wanted, or shows why it failed where it is nowhere better.
func (x *fixer) service() []finding.Fix {
	if x.at.Kind != "service" || x.at.Attribute != "" && x.at.Attribute != "enabled" && x.at.Attribute != "active" {
		return nil
	}
	unit := snapshot.Unescape(x.at.Name)
	want, others, ok := x.wanted()
	wanted := x.unitState(want, x.at.Attribute)
	if !ok || want.State != finding.Present || wanted == "failed" {
		return x.showFailed(unit)
	}
	running, _ := x.text(want.Environment, x.at.Attr("active"))
	var fixes []finding.Fix
	for _, o := range others {
		is := ""
		if x.at.Attribute != "" { // else it is not there at all
			is = x.unitState(o, x.at.Attribute)
		}
		if text, _ := x.text(o.Environment, x.at.Attr("enabled")); text == "masked" {
			is = text
		}
		fixes = append(fixes, systemctl(o, unit, wanted, is, running)...)
	}
	return fixes
}

// unitState is what a side says of a unit: "enabled", "disabled" or "masked", or whether it is "active", "inactive" or "failed". Of a
// whole unit it is whether its links enable or mask it.
func (x *fixer) unitState(s finding.Side, attribute string) string {
	v, err := snapshot.ParseValue(s.Value)
	if attribute == "" {
		is, has := x.fact(s.Environment, x.at.Attr("enabled"))
		v, attribute = is, "enabled"
		if !has {
			return ""
		}
	} else if s.State != finding.Present || err != nil {
		return ""
	}
	if is, truth := v.Truth(); truth && attribute == "enabled" {
		if is {
			return "enabled"
		}
		return "disabled"
	}
	text, _ := v.Text()
	return text
}

// systemctl brings a side's unit from what it is to what is wanted. It is started or stopped with that where the wanted one is known to run or not to: one that
// a timer or a socket starts need not run to be enabled.
func systemctl(on finding.Side, unit, wanted, is, running string) []finding.Fix {
	do := func(verb ...string) []finding.Fix {
		return command(whereIs(on), append(append([]string{"sudo", "systemctl"}, verb...), unit)...)
	}
	switch wanted {
	case "enabled":
		enable := []string{"enable"}
		if running == "active" {
			enable = append(enable, "--now")
		}
		return unmasked(is, do, enable...)
	case "disabled":
		if is == "masked" {
			return do("unmask")
		}
		if running == "inactive" {
			return do("disable", "--now")
		}
		return do("disable")
	case "masked":
		return do("mask", "--now")
	case "active":
		return unmasked(is, do, "start")
	case "inactive":
		if is == "failed" { // stop leaves that as it is
			return do("reset-failed")
		}
		return do("stop")
	}
	return nil
}

// unmasked does something to a unit that may be masked, which systemctl refuses.
func unmasked(is string, do func(verb ...string) []finding.Fix, verb ...string) []finding.Fix {
	fixes := do(verb...)
	if is != "masked" || len(fixes) == 0 {
		return fixes
	}
	return []finding.Fix{{Where: fixes[0].Where, Command: do("unmask")[0].Command + " && " + fixes[0].Command}}
}

// showFailed shows what a unit said before it failed.
func (x *fixer) showFailed(unit string) []finding.Fix {
	for _, s := range x.present() {
		if x.unitState(s, "active") == "failed" {
			return command(whereIs(s), "sudo", "systemctl", "status", "--no-pager", "--full", unit)
		}
	}
	return nil
}

// notLoaded makes a program take what its files say, where one command does that whatever else the host has.
func (x *fixer) notLoaded() []finding.Fix {
	name, where := snapshot.Unescape(x.at.Name), whereAll(x.present())
	switch x.at.Kind + " " + x.at.Attribute {
	case "service stale":
		return noted(command(where, "sudo", "systemctl", "daemon-reload"), "in force for a running service after its restart")
	case "sysctl running":
		for _, s := range x.present() {
			if v, has := x.fact(s.Environment, x.at.Attr("value")); has {
				return setParameter([]finding.Side{s}, name, v)
			}
		}
	case "effective stale":
		if line := reloads[name]; line != "" && where != "" {
			return []finding.Fix{{Where: where, Command: line}}
		}
	}
	return nil
}

// reloads are how programs read their files again, which they do only if they take them.
var reloads = map[string]string{
	"nginx": "sudo nginx -t && sudo nginx -s reload",
	"sshd":  "sudo sshd -t && sudo kill -HUP $(cat /run/sshd.pid)",
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
	if x.at.Attribute == "" { // the whole parameter is there or not
		if v, ok = x.fact(want.Environment, x.at.Attr("value")); !ok {
			return nil
		}
	}
	return noted(setParameter(others, snapshot.Unescape(x.at.Name), v), "until the next boot: the file below /etc/sysctl.d is yours to write")
}

// severalNumbers are the values of one kernel parameter (net.ipv4.tcp_rmem), as sysctl takes them in one word.
var severalNumbers = regexp.MustCompile(`^[0-9]+( [0-9]+)+$`)

func setParameter(on []finding.Side, name string, v snapshot.Value) []finding.Fix {
	value, ok := v.Text()
	if !ok {
		value = v.Display()
	}
	where := whereAll(on)
	if severalNumbers.MatchString(value) && word.MatchString(name) && where != "" {
		return []finding.Fix{{Where: where, Command: "sudo sysctl -w '" + name + "=" + value + "'"}}
	}
	return command(where, "sudo", "sysctl", "-w", name+"="+value)
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

// restart starts what runs with replaced files anew. A process has its program's name, not its unit's: where no unit is called so, systemd is asked
// which one it belongs to. Sessions of people are left alone. What everything else hangs on is only started anew with the host.
func (x *fixer) restart() []finding.Fix {
	where, name := whereAll(x.present()), snapshot.Unescape(x.at.Name)
	switch {
	case x.at.Kind != "process", name == "dbus-daemon", name == "dbus-broker":
		return command(where, "sudo", "systemctl", "reboot")
	case name == "systemd":
		return command(where, "sudo", "systemctl", "daemon-reexec")
	}
	for _, s := range x.present() {
		unit := snapshot.At(x.at.Scope, "service", name)
		if _, is := x.fact(s.Environment, unit.Attr("enabled")); is {
			return command(where, "sudo", "systemctl", "restart", name)
		}
	}
	if !word.MatchString(name) || where == "" {
		return nil
	}
	return []finding.Fix{{Where: where, Command: "ps -C " + name + ` -o unit= | grep '\.service$' | grep -v '^user@' | sort -u | xargs -r sudo systemctl restart`}}
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
