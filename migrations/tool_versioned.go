package migrations

import (
	"crypto/sha512"
	"encoding/hex"
	"regexp"
	"strings"
)

// versioned are the tools with a file of SQL per version: Atlas and sqlx.
var versioned = []tool{
	{name: "atlas", title: "Atlas", table: "atlas_schema_revisions", columns: []string{"version", "applied", "total", "error"}, older: refusesOlder, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_?(.*)\.sql$`), ignore: regexp.MustCompile(`^atlas\.sum$`)},
		row: func(v []string) appliedRow {
			r := appliedRow{key: v[0], failed: v[1] != v[2] || v[3] != ""}
			if r.failed {
				r.progress = v[1] + " of its " + v[2] + " statements are applied"
			}
			return r
		},
		script: func(text, _ string) (script, error) {
			return script{text: text, noTx: strings.Contains(text, "-- atlas:txmode none")}, nil
		}},
	{name: "sqlx", title: "sqlx", table: "_sqlx_migrations", columns: []string{"version", "success", "checksum"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_(.*?)(?:\.up)?\.sql$`), down: "$.down.sql", version: unpadded},
		row: func(v []string) appliedRow {
			return appliedRow{key: v[0], failed: !truth(v[1]), sum: strings.ToLower(strings.TrimPrefix(v[2], `\x`))}
		},
		sums: func(text []byte) []string {
			sum := sha512.Sum384(text)
			return []string{hex.EncodeToString(sum[:]), string(sum[:])}
		},
		script: func(text, _ string) (script, error) {
			return script{text: text, noTx: strings.HasPrefix(text, "-- no-transaction")}, nil
		}},
}
