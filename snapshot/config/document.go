package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// Document is what a text says, key by key: the parsers of configuration files serve whoever holds a text of their formats.
type Document struct{ entries []entry }

// documentFormats are the formats that Read knows, and none that is for the files of one program.
var documentFormats = map[string]func([]byte) ([]entry, error){
	"json": parseJSON, "yaml": parseYAML, "properties": parseProperties, "dotenv": parseDotenv,
}

// Read parses a text of a format: json, yaml, properties or dotenv. Its error says where, and quotes nothing.
func Read(format string, text []byte) (Document, error) {
	parse, ok := documentFormats[format]
	if !ok {
		return Document{}, fmt.Errorf("unknown format %q", format)
	}
	text, ok = decode(text)
	if !ok {
		return Document{}, errors.New("it is no text")
	}
	entries, err := parse(text)
	switch {
	case isLimit(err):
		return Document{}, err
	case err != nil:
		return Document{}, errors.New(place(err))
	}
	var d Document
	for _, e := range entries {
		if e.order == nil { // what reports its state promises no order
			d.entries = append(d.entries, e)
		}
	}
	return d, nil
}

// Settings makes a document of php.ini's settings: the path of each and its text.
func Settings(paths [][]string, texts []string) Document {
	var d Document
	for i, p := range paths {
		v := snapshot.String(texts[i])
		if !strings.ContainsAny(texts[i], `;"'`) { // which mean something in php.ini alone
			v = phpValue(p[len(p)-1], texts[i], "")
		}
		d.entries = append(d.entries, entry{path: names(p...), value: v})
	}
	return d
}

// Guess recognises a text whose media type says nothing: "" where it does not.
func Guess(text []byte) string {
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0:
		return ""
	case trimmed[0] == '{' || trimmed[0] == '[':
		return "json"
	case guessDotenv(trimmed):
		return "dotenv"
	case assignments(trimmed):
		return "properties"
	}
	if root, err := parseYAML(trimmed); err == nil && len(root) > 0 && (len(root) > 1 || root[0].path[0].name != "$") {
		return "yaml"
	}
	return ""
}

// assignments reports a text of which every line is key=value.
func assignments(text []byte) bool {
	ls := significant(text, "#!")
	for _, l := range ls {
		key, _, found := strings.Cut(l.text, "=")
		if key = strings.TrimSpace(key); !found || key == "" || strings.ContainsAny(key, " \t:{}[]\"'<>") {
			return false
		}
	}
	return len(ls) > 0
}

// Each calls f for every value: its path as keys and list indices, whether it is one key whose dots are literal, and the value before
// redaction.
func (d Document) Each(f func(flat bool, path []string, v snapshot.Value)) {
	for _, e := range d.entries {
		f(e.flat, e.keys(), e.value)
	}
}

// Only keeps the values that keep takes, by their paths as keys and list indices.
func (d Document) Only(keep func(path []string) bool) Document {
	var out Document
	for _, e := range d.entries {
		if keep(e.keys()) {
			out.entries = append(out.entries, e)
		}
	}
	return out
}

func (e entry) keys() []string {
	path := make([]string, len(e.path))
	for i, s := range e.path {
		path[i] = s.name
		if s.index != "" {
			path[i] = s.index
		}
	}
	return path
}

// Facts are the document's values under at, redacted; flat reports a key whose dots are literal.
func (d Document) Facts(redact *snapshot.Redactor, at func(flat bool, path []string) snapshot.Address) []snapshot.Fact {
	return resolver{redact: redact, at: at}.facts(d.entries)
}
