// Package mysql is the engine for MariaDB 10.5 to 11 and MySQL 8: the only room that speaks their information_schema, LOAD DATA and SQL. It serves
// snapshot's database collectors, sanitize and migrations through the engine seam and knows none of them.
//
// Tested on the real thing: MariaDB 10.11. What only MySQL 8 prints follows its manuals.
//
// Both servers fill one model: what they only print differently (display widths, utf8 and utf8mb3, NO ACTION and RESTRICT, json as a checked
// longtext) is written one way. Rows are read as text in utf8mb4 and UTC; binary values are raw bytes.
package mysql

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// New returns the engine. It holds no state.
func New() engine.Engine { return mysqlEngine{} }

type mysqlEngine struct{}

func (mysqlEngine) Name() string { return "mysql" }

// Quote quotes with backticks, which every sql_mode takes.
func (mysqlEngine) Quote(ident string) string { return quote(ident) }

func quote(ident string) string { return "`" + strings.ReplaceAll(ident, "`", "``") + "`" }

// quoteAll is a comma-separated list of quoted identifiers.
func quoteAll(idents []string) string {
	quoted := make([]string, len(idents))
	for i, ident := range idents {
		quoted[i] = quote(ident)
	}
	return strings.Join(quoted, ", ")
}

// qualified is a name's SQL; names without a schema are those of the connection's own database.
func qualified(n schema.Name) string {
	if n.Schema == "" {
		return quote(n.Name)
	}
	return quote(n.Schema) + "." + quote(n.Name)
}

// escapes are the bytes that a string constant may not hold as they are, in the backslash form of every sql_mode but NO_BACKSLASH_ESCAPES, which sessions of
// this package do not have. (https://mariadb.com/kb/en/string-literals/)
var escapes = strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`)

// literal writes a string constant.
func literal(s string) string { return "'" + escapes.Replace(s) + "'" }
