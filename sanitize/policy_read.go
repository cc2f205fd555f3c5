package sanitize

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/snapshot"
)

// maxPolicy bounds what ReadPolicy takes: a policy of 10,000 columns has about 1 MB.
const maxPolicy = 16 << 20

// ErrNoPolicy is returned by ReadPolicy for a file that does not exist.
var ErrNoPolicy = errors.New("no sanitising policy")

// ReadPolicy reads sanitize.yaml. Every error is reported at once, with file:line:column.
func ReadPolicy(path string) (*Policy, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s does not exist; write it with envdiff scan ENV -w %s and review it", ErrNoPolicy, path, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the sanitising policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err != nil {
		return nil, fmt.Errorf("reading the sanitising policy: %w", err)
	}
	if len(data) > maxPolicy {
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxPolicy>>20)
	}
	return ParsePolicy(data, path)
}

// ParsePolicy is ReadPolicy on text; name is for messages.
func ParsePolicy(data []byte, name string) (p *Policy, err error) {
	r := &policyReader{file: name}
	root, err := r.root(data)
	if err != nil {
		return nil, err
	}
	p = &Policy{File: name, doc: &document{root: root}}
	if root != nil {
		r.policy(p, root)
	}
	return p, r.errs.Sorted()
}

// policyReader walks the YAML nodes and gathers errors.
type policyReader struct {
	file string
	errs strictyaml.Errors
}

func (r *policyReader) fail(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, strictyaml.Error{File: r.file, Line: n.Line, Col: n.Column, Msg: fmt.Sprintf(format, args...)})
}

// root parses the text to its one mapping; nil for an empty file.
func (r *policyReader) root(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if recover() != nil { // the parser is not ours, and the file may be anything
			root, err = nil, strictyaml.Errors{{File: r.file, Msg: "not readable as YAML"}}
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, r.syntax(err)
	}
	if doc.Kind == 0 || len(doc.Content) == 0 {
		return nil, nil
	}
	root = doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, strictyaml.Errors{{File: r.file, Line: root.Line, Col: root.Column, Msg: "want a mapping with the key tables"}}
	}
	return root, nil
}

// syntax turns the parser's error into ours. Its text may quote the file, which holds no values but may hold `set:`
// values, so only the place is passed on.
func (r *policyReader) syntax(err error) error {
	line := 0
	if i := strings.Index(err.Error(), "line "); i >= 0 {
		fmt.Sscanf(err.Error()[i:], "line %d", &line)
	}
	return strictyaml.Errors{{File: r.file, Line: line, Col: 1, Msg: "not valid YAML: check indentation, quotes and colons here or in the line above"}}
}

// each calls fn for the entries of a mapping, refusing duplicates and aliases.
func (r *policyReader) each(n *yaml.Node, what string, fn func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s: want a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			r.fail(k, "%s: want a name as key", what)
		case v.Kind == yaml.AliasNode:
			r.fail(v, "%s.%s: aliases are not supported", what, k.Value)
		case seen[k.Value]:
			r.fail(k, "%s.%s is there twice", what, k.Value)
		default:
			seen[k.Value] = true
			fn(k, v)
		}
	}
}

func (r *policyReader) unknown(key *yaml.Node, what string, known ...string) {
	r.fail(key, "%s: unknown key %q%s", what, key.Value, didYouMean(key.Value, known))
}

func (r *policyReader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.fail(n, "%s: want text", what)
		return ""
	}
	return n.Value
}

func (r *policyReader) boolean(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.fail(n, "%s: want true or false", what)
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

func (r *policyReader) policy(p *Policy, root *yaml.Node) {
	r.each(root, "policy", func(k, v *yaml.Node) {
		switch k.Value {
		case "tables":
			if v.Tag == "!!null" {
				return
			}
			r.each(v, "tables", func(k, v *yaml.Node) { p.Tables = append(p.Tables, r.table(k, v)) })
		case "references":
			p.References = r.references(v)
		case "after":
			for _, s := range r.list(v, "after") {
				p.After = append(p.After, r.text(s, "after"))
			}
		case "schema":
			for _, e := range r.list(v, "schema") {
				p.Schema = append(p.Schema, r.knownText(e))
			}
		default:
			r.unknown(k, "policy", "tables", "references", "after", "schema")
		}
	})
}

func (r *policyReader) list(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s: want a list", what)
		return nil
	}
	return n.Content
}

func (r *policyReader) table(key, n *yaml.Node) TablePolicy {
	t := TablePolicy{Table: key.Value, Line: key.Line, Col: key.Column}
	if canonical := snapshot.Ident(snapshot.SplitIdent(key.Value)...); canonical != key.Value {
		r.fail(key, "table %q is not an address name: write %q", key.Value, canonical)
	}
	at := "tables." + t.Table
	r.each(n, at, func(k, v *yaml.Node) {
		switch k.Value {
		case "columns":
			r.each(v, at, func(k, v *yaml.Node) { t.Columns = append(t.Columns, r.column(at, k, v)) })
		case "where":
			t.Where = r.text(v, at+".where")
		case "groups":
			t.Groups = r.groups(at+".groups", v)
		case "strata":
			t.Strata = r.strata(v, at+".strata")
		case "exclude":
			t.Exclude = r.boolean(v, at+".exclude")
		case "preserve":
			t.Preserve = r.boolean(v, at+".preserve")
		case "reason":
			t.Reason = r.text(v, at+".reason")
		default:
			r.unknown(k, at, "columns", "where", "groups", "strata", "exclude", "preserve", "reason")
		}
	})
	if t.Exclude && t.Preserve {
		r.fail(key, "%s: exclude and preserve exclude each other", at)
	}
	return t
}

func (r *policyReader) column(table string, key, n *yaml.Node) ColumnPolicy {
	c := ColumnPolicy{Column: key.Value, Line: key.Line, Col: key.Column}
	at := table + "." + key.Value
	actions := 0
	r.each(n, at, func(k, v *yaml.Node) {
		switch k.Value {
		case "keep", "drop", "review":
			if !r.boolean(v, at+"."+k.Value) {
				return
			}
			actions++
			c.Action = map[string]Action{"keep": Keep, "drop": Drop, "review": Review}[k.Value]
		case "mask":
			actions++
			c.Action, c.Mask = Mask, r.text(v, at+".mask")
			if _, ok := masks[c.Mask]; !ok && c.Mask != "" {
				r.fail(v, "%s: there is no mask %q%s", at, c.Mask, orList(didYouMean(c.Mask, Masks())))
			}
		case "set":
			actions++
			c.Action = Set
			if v.Kind != yaml.ScalarNode {
				r.fail(v, "%s.set: want one value or null", at)
			} else if v.Tag != "!!null" {
				value := v.Value
				c.Value = &value
			}
		case "domain":
			c.Domain = r.text(v, at+".domain")
		case "reason":
			c.Reason = r.text(v, at+".reason")
		default:
			r.unknown(k, at, "keep", "mask", "domain", "set", "drop", "review", "reason")
		}
	})
	switch {
	case n.Kind == yaml.MappingNode && actions != 1:
		r.fail(key, "%s: want exactly one of keep: true, mask, set, drop: true and review: true", at)
	case c.Domain != "" && c.Action != Mask:
		r.fail(key, "%s: domain belongs to mask", at)
	}
	return c
}

func orList(suggestion string) string {
	if suggestion != "" {
		return suggestion
	}
	return "; the masks are " + strings.Join(Masks(), ", ")
}

func (r *policyReader) references(n *yaml.Node) []Reference {
	var out []Reference
	for _, e := range r.list(n, "references") {
		ref := Reference{Line: e.Line, Col: e.Column}
		r.each(e, "references", func(k, v *yaml.Node) {
			switch k.Value {
			case "from":
				ref.From = r.columnRef(v)
			case "to":
				ref.To = r.columnRef(v)
			case "when":
				ref.When = r.text(v, "references.when")
			default:
				r.unknown(k, "references", "from", "to", "when")
			}
		})
		if e.Kind == yaml.MappingNode && (ref.From.Table == "" || ref.To.Table == "") {
			r.fail(e, "references: want from: TABLE.COLUMN and to: TABLE.COLUMN")
		}
		out = append(out, ref)
	}
	return out
}

func (r *policyReader) columnRef(n *yaml.Node) ColumnRef {
	parts := snapshot.SplitIdent(r.text(n, "references"))
	if len(parts) < 2 || len(parts) > 3 {
		r.fail(n, "references: want TABLE.COLUMN")
		return ColumnRef{}
	}
	last := len(parts) - 1
	return ColumnRef{Table: snapshot.Ident(parts[:last]...), Column: parts[last]}
}
