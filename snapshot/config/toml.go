package config

import (
	"errors"
	"fmt"
	"math/big"
	"sort"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/envdiff/envdiff/snapshot"
)

// parseTOML reads a TOML document (version 1.0).
func parseTOML(src []byte) ([]entry, error) {
	if openBrackets(src) > maxDepth*10 {
		return nil, errDepth // the library's parser is recursive
	}
	var doc map[string]any
	if err := toml.Unmarshal(src, &doc); err != nil {
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			line, col := decode.Position()
			return nil, &posError{line, col, "malformed TOML"}
		}
		return nil, &posError{msg: "malformed TOML"}
	}
	b := tomlBuilder{lines: tomlLines(src)}
	root := b.node("", doc, 0)
	if b.err != nil {
		return nil, b.err
	}
	return flatten(root)
}

// openBrackets is the deepest nesting that brackets could mean, brackets in strings included.
func openBrackets(src []byte) int {
	depth, deepest := 0, 0
	for _, c := range src {
		switch c {
		case '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}

type tomlBuilder struct {
	lines map[string]int
	nodes int
	err   error
}

// node makes a tree of what the library decoded. at is the dotted key by which lines finds where a value was written.
func (b *tomlBuilder) node(at string, v any, depth int) *node {
	if b.nodes++; b.nodes > maxNodes {
		b.err = errEntries
	}
	if depth > maxDepth {
		b.err = errDepth
	}
	line := b.lines[at]
	if b.err != nil {
		return scalar(line, snapshot.Null())
	}
	switch x := v.(type) {
	case map[string]any:
		m := &node{kind: mapNode, line: line}
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			m.fields = append(m.fields, field{k, b.node(tomlKey(at, k), x[k], depth+1)})
		}
		return m
	case []any:
		list := &node{kind: listNode, line: line}
		for i, it := range x {
			list.items = append(list.items, b.node(fmt.Sprintf("%s[%d]", at, i), it, depth+1))
		}
		return list
	}
	return scalar(line, tomlScalar(v))
}

func tomlScalar(v any) snapshot.Value {
	switch x := v.(type) {
	case string:
		return snapshot.String(x)
	case bool:
		return snapshot.Bool(x)
	case int64:
		return snapshot.Int(x)
	case float64:
		return snapshot.Float(x)
	case *big.Int:
		return snapshot.String(x.String())
	case time.Time:
		return snapshot.String(x.Format(time.RFC3339Nano))
	case fmt.Stringer: // the local dates and times
		return snapshot.String(x.String())
	}
	return snapshot.Null()
}

func tomlKey(at, key string) string {
	if at == "" {
		return key
	}
	return at + "\x00" + key
}

// tomlLines finds the line of every key that is written in a table; values inside inline tables have the line of 0. It
// reads the same text a second time with the library's own scanner, and gives up silently: a line is a convenience.
func tomlLines(src []byte) map[string]int {
	found := map[string]int{}
	p := unstable.Parser{}
	p.Reset(src)
	table := ""
	arrays := map[string]int{}
	for p.NextExpression() {
		e := p.Expression()
		at, line := table, 0
		if e.Kind != unstable.KeyValue {
			at = ""
		}
		for it := e.Key(); it.Next(); {
			k := it.Node()
			if line == 0 {
				line = p.Shape(k.Raw).Start.Line
			}
			if n, ok := arrays[at]; ok && e.Kind != unstable.KeyValue {
				at = fmt.Sprintf("%s[%d]", at, n-1)
			}
			at = tomlKey(at, string(k.Data))
		}
		switch e.Kind {
		case unstable.ArrayTable:
			arrays[at]++
			if _, ok := found[at]; !ok {
				found[at] = line
			}
			table = fmt.Sprintf("%s[%d]", at, arrays[at]-1)
			found[table] = line
		case unstable.Table:
			if n, ok := arrays[at]; ok {
				at = fmt.Sprintf("%s[%d]", at, n-1)
			}
			table = at
			found[at] = line
		case unstable.KeyValue:
			found[at] = line
		}
		if len(found) > maxNodes || strings.Count(at, "\x00") > maxDepth {
			break
		}
	}
	return found
}
