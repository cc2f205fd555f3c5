package config

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseXML reads elements by path, attributes as @name, text as the element's value. Comments, processing
// instructions, namespace declarations and white space between elements are skipped; external entities and those
// that a DOCTYPE declares are never expanded.
func parseXML(src []byte) ([]entry, error) {
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = xmlCharset
	b := xmlBuilder{dec: dec}
	var root *xmlElement
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, col := dec.InputPos()
			return nil, &posError{line, col, "malformed XML"}
		}
		if start, ok := tok.(xml.StartElement); ok {
			if root, err = b.element(start, 0); err != nil {
				return nil, err
			}
		}
	}
	if root == nil {
		return nil, &posError{msg: "malformed XML: no element"}
	}
	return flatten(&node{kind: mapNode, fields: []field{{root.name, root.node()}}})
}

var errCharset = errors.New("a character set other than UTF-8 and ISO-8859-1")

func xmlCharset(charset string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "us-ascii":
		raw, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		runes := make([]rune, len(raw))
		for i, c := range raw {
			runes[i] = rune(c)
		}
		return strings.NewReader(string(runes)), nil
	case "utf-16", "utf8": // decoded already
		return in, nil
	}
	return nil, errCharset
}

type xmlBuilder struct {
	dec   *xml.Decoder
	nodes int
}

type xmlElement struct {
	name     string
	line     int
	attrs    []field
	children []*xmlElement
	text     []string
}

func (b *xmlBuilder) element(start xml.StartElement, depth int) (*xmlElement, error) {
	if b.nodes += 1 + len(start.Attr); b.nodes > maxNodes {
		return nil, errEntries
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	line, _ := b.dec.InputPos()
	e := &xmlElement{name: start.Name.Local, line: line}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			e.attrs = append(e.attrs, field{"@" + a.Name.Local, scalar(line, snapshot.String(a.Value))})
		}
	}
	var text strings.Builder
	for {
		tok, err := b.dec.Token()
		if err != nil {
			l, c := b.dec.InputPos()
			return nil, &posError{l, c, "malformed XML"}
		}
		switch t := tok.(type) {
		case xml.StartElement:
			child, err := b.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, child)
			text.WriteByte(' ')
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if s := strings.TrimSpace(text.String()); s != "" {
				e.text = append(e.text, s)
			}
			return e, nil
		}
	}
}

// node is the element as a mapping, or as a scalar if it holds text alone. Children of one name are siblings.
func (e *xmlElement) node() *node {
	text := strings.Join(e.text, " ")
	if len(e.attrs) == 0 && len(e.children) == 0 {
		return scalar(e.line, snapshot.String(text))
	}
	m := newMapping(e.line)
	for _, a := range e.attrs {
		m.set(a.name, a.node)
	}
	if text != "" {
		m.set("text()", scalar(e.line, snapshot.String(text)))
	}
	for _, c := range e.children {
		list := m.get(c.name)
		if list == nil {
			list = &node{kind: listNode, siblings: true, line: c.line}
			m.set(c.name, list)
		}
		list.items = append(list.items, c.node())
	}
	return m.node
}
