package database

import (
	"context"
	"fmt"
	"hash/fnv"
	"sort"
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
	"github.com/envdiff/envdiff/snapshot"
)

// versionColumns are the tables in which migration tools keep what is applied, with the column that names it; the first that exists is the
// column, for several tools call their table alike.
var versionColumns = map[string][]string{
	"schema_migrations":           {"version"},                // golang-migrate, Rails, dbmate, Ecto
	"goose_db_version":            {"version_id"},             // goose
	"flyway_schema_history":       {"version", "description"}, // Flyway
	"databasechangelog":           {"id"},                     // Liquibase
	"alembic_version":             {"version_num"},            // Alembic
	"django_migrations":           {"name"},                   // Django
	"gorp_migrations":             {"id"},                     // sql-migrate
	"atlas_schema_revisions":      {"version"},                // Atlas
	"knex_migrations":             {"name"},                   // Knex
	"_prisma_migrations":          {"migration_name"},         // Prisma
	"SequelizeMeta":               {"name"},                   // Sequelize
	"doctrine_migration_versions": {"version"},                // Doctrine
	"__EFMigrationsHistory":       {"MigrationId"},            // Entity Framework
	"phinxlog":                    {"version"},                // Phinx
}

// maxApplied bounds the rows read of one version table.
const maxApplied = 100_000

// applied says up to where migrations were applied: the version itself where the tool keeps one row, else how many, the last one, and a
// fingerprint of all. It is context: which version an environment is at is not drift, but another schema at the same version is.
func (f *flattener) applied(ctx context.Context, in snapshot.DatabaseInput, db *schema.Database) {
	for i := range db.Tables {
		t := &db.Tables[i]
		column := versionColumn(t)
		if column == "" {
			continue
		}
		var versions []string
		err := in.DB.CopyOut(ctx, engine.Read{Table: t.Name, Columns: []string{column}, Limit: maxApplied}, func(r engine.Row) error {
			if r[0].Type != engine.CellNull {
				versions = append(versions, string(r[0].Data))
			}
			return nil
		})
		a := snapshot.Address{Scope: f.scope, Kind: "migration", Name: "applied"}.Attr(t.Name.String())
		if err != nil {
			f.Missing(a, "the applied migrations cannot be read: "+err.Error(), "GRANT SELECT ON "+t.Name.String()+" TO the role of the URL")
			continue
		}
		if len(versions) > 0 {
			f.Add(a, snapshot.String(appliedText(versions)), "")
		}
	}
}

func versionColumn(t *schema.Table) string {
	for _, column := range versionColumns[t.Name.Name] {
		if _, ok := t.Column(column); ok {
			return column
		}
	}
	return ""
}

func appliedText(versions []string) string {
	if len(versions) == 1 {
		return versions[0]
	}
	sort.Slice(versions, func(i, j int) bool {
		if len(versions[i]) != len(versions[j]) && strings.Trim(versions[i]+versions[j], "0123456789") == "" {
			return len(versions[i]) < len(versions[j])
		}
		return versions[i] < versions[j]
	})
	h := fnv.New64a()
	for _, v := range versions {
		fmt.Fprintf(h, "%d:%s", len(v), v)
	}
	return fmt.Sprintf("%s, the last of %d (%012x)", versions[len(versions)-1], len(versions), h.Sum64()>>16)
}
