package migrations

import (
	"crypto/sha512"
	"encoding/hex"
	"regexp"
	"strings"
)

// versioned are the tools with a file of SQL per version and nothing else to say: sqlx.
var versioned = []tool{
	{name: "sqlx", title: "sqlx", table: "_sqlx_migrations", columns: []string{"version", "success", "checksum"}, wrapped: true,
		layout: layout{name: regexp.MustCompile(`^([0-9]+)_(.*?)(?:\.up)?\.sql$`), down: "$.down.sql", version: unpadded},
		row: func(v []string) appliedRow {
			return appliedRow{key: v[0], failed: !truth(v[1]), sum: strings.ToLower(strings.TrimPrefix(v[2], `\x`))}
		},
		sums: func(_ *Source, _ Migration, text []byte) []string {
			sum := sha512.Sum384(text)
			return []string{hex.EncodeToString(sum[:]), string(sum[:])}
		},
		script: func(text, _ string) (script, error) {
			return script{text: text, noTx: strings.HasPrefix(text, "-- no-transaction")}, nil
		}},
}
