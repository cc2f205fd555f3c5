package sanitize

import (
	"strings"

	"github.com/envdiff/envdiff/internal/schema"
)

// versionTables are the tables in which migration tools note what they applied, with a column that
// tells them from a user's table of that name.
var versionTables = map[string]string{
	"schema_migrations":           "version",
	"ar_internal_metadata":        "key",
	"goose_db_version":            "version_id",
	"flyway_schema_history":       "installed_rank",
	"databasechangelog":           "orderexecuted",
	"databasechangeloglock":       "locked",
	"alembic_version":             "version_num",
	"django_migrations":           "app",
	"doctrine_migration_versions": "version",
	"phinxlog":                    "version",
	"knex_migrations":             "batch",
	"knex_migrations_lock":        "is_locked",
	"sequelizemeta":               "name",
	"_prisma_migrations":          "migration_name",
	"__efmigrationshistory":       "migrationid",
	"__diesel_schema_migrations":  "version",
	"_sqlx_migrations":            "checksum",
	"gorp_migrations":             "applied_at",
	"atlas_schema_revisions":      "version",
	"migrations":                  "batch", // Laravel
}

// isVersionTable recognises the tables named by the caller and the well-known ones.
func isVersionTable(t *schema.Table, named []schema.Name) bool {
	for _, n := range named {
		if n == t.Name {
			return true
		}
	}
	want, ok := versionTables[strings.ToLower(t.Name.Name)]
	if !ok {
		return false
	}
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, want) {
			return true
		}
	}
	return false
}
