package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/envdiff/envdiff/snapshot"
)

// parseYAML reads all documents of a YAML stream. Anchors and merge keys are expanded, custom tags are kept as text.
func parseYAML(src []byte) ([]entry, error) {
	docs, err := yamlDocuments(src)
	if err != nil {
		return nil, err
	}
	if len(docs) == 1 {
		return flatten(docs[0])
	}
	segs := unique(docs, kubernetesName)
	if segs == nil {
		segs = identities(docs)
	}
	var out []entry
	for i, d := range docs {
		at := segment{name: "document " + strconv.Itoa(i+1)}
		if segs != nil {
			at = segs[i]
		}
		es, err := flatten(d)
		if err != nil {
			return nil, err
		}
		if out = append(out, under([]segment{at}, es)...); len(out) > maxEntries {
			return nil, errEntries
		}
	}
	return out, nil
}

func yamlDocuments(src []byte) ([]*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	b := yamlBuilder{}
	var docs []*node
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			return nil, yamlError(err)
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
			continue
		}
		root := b.node(n.Content[0], 0)
		if b.err != nil {
			return nil, b.err
		}
		if root.kind != scalarNode || !root.scalar.IsNull() { // an empty document between two --- says nothing
			docs = append(docs, root)
		}
	}
}

// yamlError keeps the place and drops the text, which may quote the file.
func yamlError(err error) error {
	var load *yaml.LoadError
	if errors.As(err, &load) && load.Mark.Line > 0 {
		return &posError{load.Mark.Line, load.Mark.Column, "malformed YAML"}
	}
	return &posError{msg: "malformed YAML"}
}

// yamlBuilder makes nodes; its budget ends the expansion of aliases that hold aliases that hold aliases.
type yamlBuilder struct {
	nodes int
	err   error
}

func (b *yamlBuilder) node(n *yaml.Node, depth int) *node {
	if b.nodes++; b.nodes > maxNodes {
		b.err = errEntries
	}
	if depth > maxDepth {
		b.err = errDepth
	}
	if b.err != nil {
		return scalar(n.Line, snapshot.Null())
	}
	switch n.Kind {
	case yaml.AliasNode:
		return b.node(n.Alias, depth+1)
	case yaml.MappingNode:
		return b.mapping(n, depth)
	case yaml.SequenceNode:
		return b.sequence(n, depth)
	}
	return scalar(n.Line, yamlScalar(n))
}

func yamlScalar(n *yaml.Node) snapshot.Value {
	switch {
	case customTag(n) && !strings.HasPrefix(n.Value, "$ANSIBLE_VAULT;"):
		return snapshot.String(strings.TrimSpace(n.Tag + " " + n.Value))
	case n.Style&yaml.TaggedStyle != 0:
		switch n.ShortTag() {
		case "!!int", "!!float", "!!bool", "!!null":
			return coreScalar(n.Value)
		}
		return snapshot.String(n.Value)
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return snapshot.String(n.Value)
	}
	return coreScalar(n.Value)
}

func customTag(n *yaml.Node) bool {
	return n.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(n.ShortTag(), "!!") && n.Tag != "" && n.Tag != "!"
}

func (b *yamlBuilder) sequence(n *yaml.Node, depth int) *node {
	list := &node{kind: listNode, line: n.Line}
	for _, c := range n.Content {
		list.items = append(list.items, b.node(c, depth+1))
	}
	if customTag(n) {
		return &node{kind: mapNode, line: n.Line, fields: []field{{"!tag", scalar(n.Line, snapshot.String(n.Tag))}, {"items", list}}}
	}
	return list
}

// mapping puts a mapping together: its own keys, then what merge keys add (YAML merge key language-independent
// type: the first mapping of a list wins, own keys win over all). A key written twice is an error in YAML; readers
// that accept it take the last, and so do we.
func (b *yamlBuilder) mapping(n *yaml.Node, depth int) *node {
	m := newMapping(n.Line)
	var merges []*yaml.Node
	if customTag(n) {
		m.set("!tag", scalar(n.Line, snapshot.String(n.Tag)))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			merges = append(merges, v)
			continue
		}
		child := b.node(v, depth+1)
		if child.line == 0 || v.Kind == yaml.AliasNode || child.kind == scalarNode {
			child.line = k.Line
		}
		m.set(b.key(k, depth), child)
	}
	for _, v := range merges {
		b.merge(m, v, depth+1)
	}
	return m.node
}

func (b *yamlBuilder) merge(m *mapping, v *yaml.Node, depth int) {
	if v.Kind == yaml.SequenceNode {
		for _, c := range v.Content {
			b.merge(m, c, depth+1)
			if b.err != nil {
				return
			}
		}
		return
	}
	for _, f := range b.node(v, depth).fields {
		if _, own := m.at[f.name]; !own {
			m.set(f.name, f.node)
		}
	}
}

// key is the name of a mapping key; a key that is itself a mapping or list is written in one line.
func (b *yamlBuilder) key(n *yaml.Node, depth int) string {
	if n.Kind == yaml.ScalarNode {
		if v := yamlScalar(n); !v.IsNull() {
			return v.Display()
		}
		return n.Value
	}
	es, err := flatten(b.node(n, depth+1))
	if err != nil && b.err == nil {
		b.err = err
	}
	var parts []string
	for _, e := range es {
		parts = append(parts, keyOf(e.path)+"="+e.value.Display())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// mapping is a mapping node under construction: setting a name again replaces its value in place.
type mapping struct {
	node *node
	at   map[string]int
}

func newMapping(line int) *mapping {
	return &mapping{node: &node{kind: mapNode, line: line}, at: map[string]int{}}
}

func (m *mapping) set(name string, n *node) {
	if i, ok := m.at[name]; ok {
		m.node.fields[i].node = n
		return
	}
	m.at[name] = len(m.node.fields)
	m.node.fields = append(m.node.fields, field{name, n})
}

func (m *mapping) get(name string) *node {
	if i, ok := m.at[name]; ok {
		return m.node.fields[i].node
	}
	return nil
}
