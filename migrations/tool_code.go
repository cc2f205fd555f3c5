package migrations

import (
	"regexp"
	"strings"
)

// inCode are the tools whose migrations are programs: which are pending is read from names, and only `command:` can run them.
var inCode = []tool{
	{name: "rails", title: "Rails", table: "schema_migrations", columns: []string{"version"}, code: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_(.+)\.rb$`), version: unpadded},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} }},
	{name: "django", title: "Django", table: "django_migrations", columns: []string{"app", "name"}, code: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]{4})_(.+)\.py$`), ignore: regexp.MustCompile(`^__init__\.py$`), below: "*/migrations", sections: djangoName, compare: func(a, b string) int { return 0 }},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0] + "." + v[1]} }},
	{name: "alembic", title: "Alembic", table: "alembic_version", columns: []string{"version_num"}, code: true,
		layout: layout{name: regexp.MustCompile(`^()(.+)\.py$`), ignore: regexp.MustCompile(`^__init__\.py$`), sections: alembicRevision, compare: func(a, b string) int { return 0 }},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} }},
}

// djangoName is a migration of an application: shop/migrations/0002_email.py is shop.0002_email.
func djangoName(file, _ string) []Migration {
	parts := strings.Split(file, "/")
	name := strings.TrimSuffix(parts[len(parts)-1], ".py")
	app := ""
	if len(parts) >= 3 {
		app = parts[len(parts)-3]
	}
	version, rest, _ := strings.Cut(name, "_")
	return []Migration{{Version: app + "." + version, Name: rest, key: app + "." + name}}
}

var (
	alembicID   = regexp.MustCompile(`(?m)^revision\s*(?::[^=\n]+)?=\s*['"]([^'"]+)['"]`)
	alembicDown = regexp.MustCompile(`(?m)^down_revision\s*(?::[^=\n]+)?=\s*(.+)$`)
	quotedText  = regexp.MustCompile(`['"]([^'"]+)['"]`)
)

// alembicRevision reads a revision and those that it follows.
func alembicRevision(file, text string) []Migration {
	id := alembicID.FindStringSubmatch(text)
	if id == nil {
		return nil
	}
	name := strings.TrimSuffix(file, ".py")
	if _, rest, ok := strings.Cut(name, "_"); ok {
		name = rest
	}
	m := Migration{Version: id[1], Name: name, key: id[1]}
	if down := alembicDown.FindStringSubmatch(text); down != nil {
		for _, q := range quotedText.FindAllStringSubmatch(down[1], -1) {
			m.follows = append(m.follows, q[1])
		}
	}
	return []Migration{m}
}
