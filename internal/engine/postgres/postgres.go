// Package postgres is the engine for PostgreSQL 13 to 18: the only room that speaks its catalogue, its COPY format and its SQL. It serves
// snapshot's database collectors, sanitize and migrations through the engine seam and knows none of them.
//
// Everything is read as text in one fixed dialect (ISO dates, UTC, hexadecimal bytea), so that the same row has the same bytes on any server.
package postgres

import (
	"strings"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// New returns the engine. It holds no state.
func New() engine.Engine { return postgres{} }

type postgres struct{}

func (postgres) Name() string { return "postgres" }

// Quote always quotes: an identifier that needs none today may be a reserved word of the next version.
func (postgres) Quote(ident string) string { return quote(ident) }

func quote(ident string) string { return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"` }

// quoteAll is a comma-separated list of quoted identifiers.
func quoteAll(idents []string) string {
	quoted := make([]string, len(idents))
	for i, ident := range idents {
		quoted[i] = quote(ident)
	}
	return strings.Join(quoted, ", ")
}

// literal writes a string constant. Sessions of this package have standard_conforming_strings on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// defaultSchema is what the model calls "".
const defaultSchema = "public"

// qualified is a name's SQL, always with its schema: sessions of this package have an empty search_path.
func qualified(n schema.Name) string {
	return quote(schemaOf(n)) + "." + quote(n.Name)
}

func schemaOf(n schema.Name) string {
	if n.Schema == "" {
		return defaultSchema
	}
	return n.Schema
}

// nameOf is the model's name of a catalogue object.
func nameOf(namespace, name string) schema.Name {
	if namespace == defaultSchema {
		namespace = ""
	}
	return schema.Name{Schema: namespace, Name: name}
}
