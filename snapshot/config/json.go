package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/envdiff/envdiff/snapshot"
)

// parseJSON reads one JSON value. Numbers are compared by value; of a key written twice the last counts,
// as in most readers (RFC 8259, section 4).
func parseJSON(src []byte) ([]entry, error) {
	if len(bytes.TrimSpace(src)) == 0 {
		return nil, nil
	}
	root, err := jsonTree(src)
	if err != nil {
		return nil, err
	}
	return flatten(root)
}

func jsonTree(src []byte) (*node, error) {
	b := jsonBuilder{src: src, dec: json.NewDecoder(bytes.NewReader(src)), line: 1}
	b.dec.UseNumber()
	root, err := b.value(0)
	if err == nil {
		if _, end := b.dec.Token(); end != io.EOF {
			err = errors.New("more than one value")
		}
	}
	switch {
	case err == nil:
		return root, nil
	case isLimit(err):
		return nil, err
	}
	offset := int(b.dec.InputOffset())
	var raw json.RawMessage
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(src, &raw), &syntax) { // the decoder's own errors count from the last token
		offset = max(int(syntax.Offset)-1, 0)
	}
	line, col := position(src, offset)
	return nil, &posError{line, col, "malformed JSON"}
}

type jsonBuilder struct {
	src   []byte
	dec   *json.Decoder
	nodes int
	at    int // the offset up to which lines are counted
	line  int
}

// here is the line that the decoder has read to.
func (b *jsonBuilder) here() int {
	to := min(int(b.dec.InputOffset()), len(b.src))
	b.line += bytes.Count(b.src[b.at:to], []byte{'\n'})
	b.at = to
	return b.line
}

func (b *jsonBuilder) value(depth int) (*node, error) {
	tok, err := b.dec.Token()
	if err != nil {
		return nil, err
	}
	if b.nodes++; b.nodes > maxNodes {
		return nil, errEntries
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	line := b.here()
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' {
			return b.object(line, depth)
		}
		return b.array(line, depth)
	case string:
		return scalar(line, snapshot.String(t)), nil
	case bool:
		return scalar(line, snapshot.Bool(t)), nil
	case json.Number:
		return scalar(line, number(t.String())), nil
	}
	return scalar(line, snapshot.Null()), nil
}

func (b *jsonBuilder) object(line, depth int) (*node, error) {
	m := newMapping(line)
	for b.dec.More() {
		k, err := b.dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := k.(string)
		if !ok {
			return nil, errors.New("no key")
		}
		v, err := b.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.set(name, v)
	}
	_, err := b.dec.Token()
	return m.node, err
}

func (b *jsonBuilder) array(line, depth int) (*node, error) {
	list := &node{kind: listNode, line: line}
	for b.dec.More() {
		v, err := b.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list.items = append(list.items, v)
	}
	_, err := b.dec.Token()
	return list, err
}
