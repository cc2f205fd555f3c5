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
	// Without root pip installs for that user alone, and npm and gem are refused. Where the system's Python is its package manager's (PEP 668), a package
	// beside it was put there against that, which pip from 23.0.1 on wants to be told; an older one reads past it.
	"pip": func(n, v string) []string {
		return []string{"sudo", "env", "PIP_BREAK_SYSTEM_PACKAGES=1", "python3", "-m", "pip", "install", n + "==" + v}
	},
	"npm": func(n, v string) []string { return []string{"sudo", "npm", "install", "--global", n + "@" + v} },
	"gem": func(n, v string) []string { return []string{"sudo", "gem", "install", n, "--version", v} },
}

// installNotes are what a command of installers leaves behind.
var installNotes = map[string]string{"apk": "which pins the version in /etc/apk/world"}

// upgradeNotes are what else it leaves behind where another version is there.
var upgradeNotes = map[string]string{"gem": "where the other version stays beside it"}

// packageName is the ecosystem and name of a package that its system keeps in one place: one below a directory of its own is installed
// by whoever deploys there. A kernel's packages have another name for each version.
func (x *fixer) packageName() (ecosystem, name string, ok bool) {
	ecosystem, name, ok = strings.Cut(snapshot.Unescape(x.at.Name), "/")
	if strings.Contains(name, "/") && !(ecosystem == "npm" && strings.HasPrefix(name, "@") && strings.Count(name, "/") == 1) {
		return "", "", false
	}
	return ecosystem, name, ok && installers[ecosystem] != nil && !strings.Contains(name, "-VERSION")
}

// installing is the command that installs a package, and what is to be known of it.
func installing(sides []finding.Side, ecosystem, name, version string, notes ...map[string]string) []finding.Fix {
	fixes := command(whereAll(sides), installers[ecosystem](name, version)...)
	for _, n := range notes {
		if text := n[ecosystem]; text != "" {
			fixes = noted(fixes, text)
		}
	}
	return fixes
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
	return installing(lacking, ecosystem, name, version, installNotes)
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
	return installing(behind, ecosystem, name, newest, installNotes, upgradeNotes)
}
