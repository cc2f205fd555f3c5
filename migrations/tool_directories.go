package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// inDirectories are the tools with a directory per version: Prisma and diesel.
var inDirectories = []tool{
	{name: "prisma", title: "Prisma", table: "_prisma_migrations", columns: []string{"migration_name", "finished_at", "rolled_back_at", "applied_steps_count", "checksum"}, latest: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_(.*)$`), inside: "migration.sql", ignore: regexp.MustCompile(`^migration_lock\.toml$`), sections: byDirectory},
		row: func(v []string) appliedRow {
			r := appliedRow{key: v[0], undone: v[2] != "", failed: v[1] == "" && v[2] == "", sum: v[4]}
			if r.failed {
				r.progress = v[3] + " of its steps are applied"
			}
			return r
		},
		sums: func(_ *Source, _ Migration, text []byte) []string {
			sum := sha256.Sum256(text)
			return []string{hex.EncodeToString(sum[:])}
		}},
	{name: "diesel", title: "Diesel", table: "__diesel_schema_migrations", columns: []string{"version"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9][0-9-]*)_(.*)$`), inside: "up.sql", down: "down.sql", version: func(v string) string { return strings.ReplaceAll(v, "-", "") }},
		row:    func(v []string) appliedRow { return appliedRow{key: v[0]} }},
}

// byDirectory names one migration by its whole directory, as Prisma does.
func byDirectory(file, _ string) []Migration {
	dir, _, _ := strings.Cut(file, "/")
	version, name, _ := strings.Cut(dir, "_")
	return []Migration{{Version: version, Name: name, key: dir}}
}
