package compare

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// homes are where the files of the programs lie that are asked for their effective configuration.
var homes = map[string][]string{"sshd": {"etc/ssh/"}, "php": {"etc/php"}, "mysqld": {"etc/mysql/", "etc/my.cnf"}}

// withoutEchoes leaves out what another difference says already: a setting as a program has it where a captured file of the program shows it under the same name, and
// a modified file of a package where the program shows which setting that is.
func withoutEchoes(ds []*difference) []*difference {
	if !slices.ContainsFunc(ds, func(d *difference) bool { return d.node.addr.Kind == "effective" }) {
		return ds
	}
	echo := map[*difference]bool{}
	for _, d := range ds {
		if d.node.addr.Kind == "effective" {
			echo[d] = slices.ContainsFunc(ds, func(o *difference) bool { return o.node.addr.Kind == "config" && sameSides(d, o) && writes(o, d) })
		}
	}
	for _, d := range ds {
		if d.node.addr.Kind == "conffile" {
			echo[d] = slices.ContainsFunc(ds, func(o *difference) bool {
				return o.node.addr.Kind == "effective" && !echo[o] && sameSides(d, o) && atHome(o, conffilePath(d.node.addr))
			})
		}
	}
	return slices.DeleteFunc(ds, func(d *difference) bool { return echo[d] })
}

// sameSides reports differences between the same sides.
func sameSides(a, b *difference) bool { return a.within == b.within && slices.Equal(a.sides, b.sides) }

// writes reports whether a captured file's difference is about the setting that a program shows, or about the whole file.
func writes(file, program *difference) bool {
	if !atHome(program, snapshot.Unescape(file.node.addr.Name)) {
		return false
	}
	key := file.node.addr.Attribute
	key = key[strings.LastIndexByte(key, '.')+1:]
	return key == "" || file.node.presence || settingName(key) == settingName(lastPart(program.node.addr.Attribute))
}

// lastPart of a php directive: opcache.enable stands as enable below its section, or in full.
func lastPart(attribute string) string {
	attribute = snapshot.Unescape(attribute)
	return attribute[strings.LastIndexByte(attribute, '.')+1:]
}

func settingName(key string) string {
	key = snapshot.Unescape(key)
	key = key[strings.LastIndexByte(key, '.')+1:]
	return strings.ReplaceAll(strings.ToLower(key), "-", "_")
}

func atHome(program *difference, file string) bool {
	name, _, _ := strings.Cut(program.node.addr.Name, "/")
	return slices.ContainsFunc(homes[name], func(dir string) bool { return strings.HasPrefix(file, dir) })
}

// conffilePath is the file of conffile/deb/PACKAGE/PATH.
func conffilePath(a snapshot.Address) string {
	parts := strings.SplitN(a.Name, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return snapshot.Unescape(parts[2])
}
