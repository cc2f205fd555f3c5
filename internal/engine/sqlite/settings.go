package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"github.com/envdiff/envdiff/internal/engine"
	"github.com/envdiff/envdiff/internal/schema"
)

// settings are what a SQLite file keeps about itself, each with the statement that sets it in an empty file ("" when a
// copy does not need it). What belongs to a connection (foreign_keys, recursive_triggers) is not in the file.
var settings = []struct {
	name      string
	query     string
	set       string // with a %s for the value
	first     bool   // can only be set while the file is empty
	preset    string // the value of a new file
	behaviour bool
	names     map[string]string
}{
	{name: "application_id", query: "PRAGMA application_id", set: "PRAGMA application_id = %s", preset: "0"},
	{name: "auto_vacuum", query: "PRAGMA auto_vacuum", set: "PRAGMA auto_vacuum = %s", first: true, preset: "none", names: map[string]string{"0": "none", "1": "full", "2": "incremental"}},
	{name: "encoding", query: "PRAGMA encoding", set: "PRAGMA encoding = '%s'", first: true, preset: "UTF-8", behaviour: true},
	// The header's write version says how a file is written
	// (https://sqlite.org/fileformat2.html#file_format_version_numbers); a
	// connection that may not write never says "wal".
	{name: "journal_mode", query: "SELECT CASE hex(substr(data, 19, 1)) WHEN '02' THEN 'wal' ELSE 'rollback' END FROM sqlite_dbpage('main') WHERE pgno = 1"},
	{name: "page_size", query: "PRAGMA page_size"},
	{name: "user_version", query: "PRAGMA user_version", set: "PRAGMA user_version = %s", preset: "0"},
}

// readSettings reads them all, sorted by name.
func readSettings(ctx context.Context, c *conn) ([]schema.Setting, error) {
	var list []schema.Setting
	for _, s := range settings {
		value := "rollback" // an empty file has no header yet
		err := c.query(ctx, s.query, func(r engine.Row) error {
			value = string(r[0].Data)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if named, ok := s.names[value]; ok {
			value = named
		}
		list = append(list, schema.Setting{Name: s.name, Value: value, Behaviour: s.behaviour, Source: "file"})
	}
	return list, nil
}

// settingStatements bring an empty file to these settings.
func settingStatements(list []schema.Setting) []string {
	values := map[string]string{}
	for _, s := range list {
		values[s.Name] = s.Value
	}
	var first, others []string
	for _, s := range settings {
		value, ok := values[s.name]
		if !ok || s.set == "" || value == s.preset || !plainValue(value) {
			continue
		}
		statement := fmt.Sprintf(s.set, value)
		if s.first {
			first = append(first, statement)
		} else {
			others = append(others, statement)
		}
	}
	return append(first, others...)
}

// plainValue guards the pragmas, which take no parameters.
func plainValue(v string) bool {
	if _, err := strconv.Atoi(v); err == nil {
		return true
	}
	for i := range len(v) {
		if !isWord(v[i]) && v[i] != '-' {
			return false
		}
	}
	return v != ""
}
