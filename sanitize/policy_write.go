package sanitize

import (
	"bytes"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// document is a policy's YAML, kept to be written again with its comments and order.
type document struct{ root *yaml.Node }

// header stands on top of a new policy.
const header = `What happens to every column when rows leave the database. Review it: each line is a proposal with its reason.
keep: true | mask: NAME (domain: same value, same pseudonym) | set: VALUE or null | drop: true
review: true waits for your decision and stops the copy until then.
A column that is not named here stops the copy; envdiff scan -w adds new ones and changes no existing line.`

// Encode writes the policy. Entries that were read stay as they are, comments and order included; tables and columns
// that were added to p since then are appended to their places.
func (p *Policy) Encode() ([]byte, error) {
	root := mapping()
	if p.doc != nil && p.doc.root != nil {
		root = clone(p.doc.root)
	} else {
		root.HeadComment = header
	}
	tables := child(root, "tables")
	if tables == nil || tables.Kind != yaml.MappingNode {
		tables = mapping()
		setChild(root, "tables", tables)
	}
	for i := range p.Tables {
		encodeTable(tables, &p.Tables[i])
	}
	var b bytes.Buffer
	enc, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithLineWidth(-1)) // a wrapped entry would hide its reason
	if err != nil {
		return nil, err
	}
	if err := enc.Dump(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// encodeTable adds what the document does not have yet.
func encodeTable(tables *yaml.Node, t *TablePolicy) {
	entry := child(tables, t.Table)
	if entry == nil || entry.Kind != yaml.MappingNode {
		entry = mapping()
		key := scalar(t.Table)
		key.HeadComment = t.Comment
		tables.Content = append(tables.Content, key, entry)
		if t.Exclude {
			setChild(entry, "exclude", boolean(true))
		}
		if t.Preserve {
			setChild(entry, "preserve", boolean(true))
		}
		if t.Reason != "" {
			setChild(entry, "reason", scalar(t.Reason))
		}
		if t.Where != "" {
			setChild(entry, "where", scalar(t.Where))
		}
	}
	if len(t.Columns) == 0 {
		return
	}
	columns := child(entry, "columns")
	if columns == nil || columns.Kind != yaml.MappingNode {
		columns = mapping()
		setChild(entry, "columns", columns)
	}
	for _, c := range t.Columns {
		if child(columns, c.Column) == nil {
			setChild(columns, c.Column, encodeColumn(c))
		}
	}
}

func encodeColumn(c ColumnPolicy) *yaml.Node {
	n := mapping()
	n.Style = yaml.FlowStyle
	switch c.Action {
	case Keep:
		setChild(n, "keep", boolean(true))
	case Drop:
		setChild(n, "drop", boolean(true))
	case Review:
		setChild(n, "review", boolean(true))
	case Mask:
		setChild(n, "mask", scalar(c.Mask))
		if c.Domain != "" {
			setChild(n, "domain", scalar(c.Domain))
		}
	case Set:
		if c.Value == nil {
			setChild(n, "set", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
		} else {
			setChild(n, "set", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: *c.Value})
		}
	}
	if c.Reason != "" {
		setChild(n, "reason", scalar(strings.ReplaceAll(c.Reason, "\n", " ")))
	}
	return n
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

func boolean(v bool) *yaml.Node {
	text := "false"
	if v {
		text = "true"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: text}
}

// scalar is text. Names with line breaks and other control characters are quoted, so that they are read as they are.
func scalar(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.ContainsFunc(s, unicode.IsControl) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func child(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func setChild(m *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = v
			return
		}
	}
	m.Content = append(m.Content, scalar(key), v)
}

func clone(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		c.Content[i] = clone(x)
	}
	return &c
}
