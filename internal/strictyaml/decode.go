// Package strictyaml reads envdiff's own YAML files: every mistake at once, each with line, column and a did-you-mean,
// and nothing ignored. The Go type is the schema: `json` tags name keys, `scalar:"true"` marks the field that a plain
// scalar stands for, `doc` describes a key; the JSON Schema for editors comes from the same tags.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/envdiff/envdiff/internal/spelling"
)

// Error is one mistake in a file.
type Error struct {
	File      string
	Line, Col int // 1-based; 0 when unknown
	Msg       string
}

func (e Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
}

// Errors are all mistakes of a file in reading order.
type Errors []Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Sorted is nil without mistakes, else all of them in reading order.
func (es Errors) Sorted() error {
	if len(es) == 0 {
		return nil
	}
	sort.SliceStable(es, func(i, j int) bool {
		return es[i].Line < es[j].Line || es[i].Line == es[j].Line && es[i].Col < es[j].Col
	})
	return es
}

// maxBytes bounds a configuration file; maxDepth bounds its nesting.
const (
	maxBytes = 4 << 20
	maxDepth = 40
)

// Document is a decoded file: the positions of its nodes serve the checks that come after decoding.
type Document struct {
	file   string
	places map[string]place // path joined with \x00 → where the value stands
	errs   Errors
}

type place struct{ line, col int }

// Decode reads one document into out, a pointer to a struct, slice or map. The returned Document
// collects further mistakes; its Err holds all.
func Decode(file string, src []byte, out any) *Document {
	d := &Document{file: file, places: map[string]place{}}
	if len(src) > maxBytes {
		d.add(nil, "is larger than %d MiB", maxBytes>>20)
		return d
	}
	root, ok := d.parse(src)
	if !ok {
		return d
	}
	d.value(root, reflect.ValueOf(out).Elem(), nil, 0)
	return d
}

// Err is nil, or Errors in reading order.
func (d *Document) Err() error {
	return d.errs.Sorted()
}

// Errorf adds a mistake about the value at path, or about the nearest value above it.
func (d *Document) Errorf(path []string, format string, args ...any) {
	line, col := d.Place(path...)
	d.errs = append(d.errs, Error{d.file, line, col, fmt.Sprintf(format, args...)})
}

// Place is the line and column of the value at path, or of the nearest one above it.
func (d *Document) Place(path ...string) (line, col int) {
	for n := len(path); n >= 0; n-- {
		if p, ok := d.places[strings.Join(path[:n], "\x00")]; ok {
			return p.line, p.col
		}
	}
	return 0, 0
}

func (d *Document) parse(src []byte) (*yaml.Node, bool) {
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		d.add(nil, "%v", err)
		return nil, false
	}
	var doc yaml.Node
	if err := loader.Load(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			d.add(nil, "is empty")
			return nil, false
		}
		d.syntax(err)
		return nil, false
	}
	root := &doc
	if root.Kind == yaml.DocumentNode {
		if len(root.Content) == 0 {
			d.add(nil, "is empty")
			return nil, false
		}
		root = root.Content[0]
	}
	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		d.add(&second, "holds a second document: one file is one document")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil, false
	}
	return root, true
}

// syntax turns a parser's error into positions; the parser's text never quotes more than a token.
func (d *Document) syntax(err error) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) {
		for _, e := range many.Errors {
			d.errs = append(d.errs, Error{d.file, e.Mark.Line, e.Mark.Column + 1, e.Message})
		}
		return
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		d.errs = append(d.errs, Error{d.file, one.Mark.Line, one.Mark.Column + 1, one.Message})
		return
	}
	d.errs = append(d.errs, Error{File: d.file, Msg: strings.TrimPrefix(err.Error(), "yaml: ")})
}

func (d *Document) add(n *yaml.Node, format string, args ...any) {
	e := Error{File: d.file, Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Line, e.Col = n.Line, n.Column
	}
	d.errs = append(d.errs, e)
}

func (d *Document) value(n *yaml.Node, v reflect.Value, path []string, depth int) {
	if depth > maxDepth {
		d.add(n, "is nested too deeply")
		return
	}
	if n.Kind == yaml.AliasNode {
		d.add(n, "aliases are not used in this file: write the value out")
		return
	}
	d.places[strings.Join(path, "\x00")] = place{n.Line, n.Column}
	if v.Kind() == reflect.Pointer {
		if isNull(n) {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path, depth)
	case reflect.Map:
		d.mapping(n, v, path, depth)
	case reflect.Slice:
		d.sequence(n, v, path, depth)
	default:
		d.scalar(n, v)
	}
}

func (d *Document) structure(n *yaml.Node, v reflect.Value, path []string, depth int) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		if i, ok := scalarField(v.Type()); ok {
			d.scalar(n, v.Field(i))
			return
		}
	}
	if isNull(n) && depth > 0 {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(n, "want a mapping%s, not %s", knownKeys(v.Type()), kindName(n))
		return
	}
	fields := fieldsOf(v.Type())
	for i, key := range d.keys(n) {
		if key == nil {
			continue
		}
		f, ok := fields[key.Value]
		if !ok {
			d.unknown(key, fields)
			continue
		}
		d.value(n.Content[2*i+1], v.Field(f), child(path, key.Value), depth+1)
	}
}

func (d *Document) mapping(n *yaml.Node, v reflect.Value, path []string, depth int) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(n, "want a mapping, not %s", kindName(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i, key := range d.keys(n) {
		if key == nil {
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[2*i+1], item, child(path, key.Value), depth+1)
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), item)
	}
}

// keys returns the scalar keys of a mapping; duplicates and other keys are mistakes and nil.
func (d *Document) keys(n *yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, len(n.Content)/2)
	seen := map[string]int{}
	for i := range out {
		key := n.Content[2*i]
		if key.Kind != yaml.ScalarNode {
			d.add(key, "a key must be plain text")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			d.add(key, "%q stands here twice (first on line %d)", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		out[i] = key
	}
	return out
}

func (d *Document) unknown(key *yaml.Node, fields map[string]int) {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	if near := spelling.Nearest(key.Value, names); near != "" {
		d.add(key, "unknown key %q: did you mean %q?", key.Value, near)
		return
	}
	d.add(key, "unknown key %q: known here are %s", key.Value, strings.Join(names, ", "))
}

func (d *Document) sequence(n *yaml.Node, v reflect.Value, path []string, depth int) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.add(n, "want a list, not %s", kindName(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), child(path, strconv.Itoa(i)), depth+1)
	}
}

func (d *Document) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "want %s, not %s", typeName(v.Kind()), kindName(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		if isNull(n) {
			d.add(n, "want text, not nothing")
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		switch n.Value {
		case "true", "false":
			v.SetBool(n.Value == "true")
		default:
			d.add(n, "want true or false, not %q", n.Value)
		}
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			d.add(n, "want a whole number, not %q", n.Value)
			return
		}
		v.SetInt(i)
	default:
		panic("strictyaml: unsupported type " + v.Type().String())
	}
}

func child(path []string, key string) []string { return append(path[:len(path):len(path)], key) }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// fieldsOf maps the keys of a struct to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	m := map[string]int{}
	for i := range t.NumField() {
		if name := keyOf(t.Field(i)); name != "" {
			m[name] = i
		}
	}
	return m
}

// keyOf is a field's key, "" for fields that are not in the file.
func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

func scalarField(t reflect.Type) (int, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("scalar") == "true" {
			return i, true
		}
	}
	return 0, false
}

func knownKeys(t reflect.Type) string {
	var names []string
	for i := range t.NumField() {
		if name := keyOf(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return " (" + strings.Join(names, ", ") + ")"
}

func kindName(n *yaml.Node) string {
	switch {
	case isNull(n):
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return "a plain value"
}

func typeName(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "text"
}
