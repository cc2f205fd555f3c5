package snapshot

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

var fuzzScopes = map[string]Scope{"web": {Type: "role", Instances: []string{"a", "b", "c]\""}}}

// FuzzLine checks the hand-written decoder against encoding/json: what it accepts means the same
// there, and is written back byte for byte.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"a":"web:package/deb/a#version","v":[{"v":"1","on":["a","b"],"at":"/x:1"},{"v":null,"on":["c]\""]}]}`))
	f.Add([]byte(`{"a":"web:x","v":[{"v":[1,"],[",true],"on":["a"]}]}`))
	f.Add([]byte(`{"a":"web:x","v":[{"v":{"secret":"ab"},"on":["a"]}]}`))
	f.Add([]byte(`{"a":"web:x/\u2028","v":[{"v":"\\\"","on":["a"]}]}`))
	f.Add([]byte(`{"a":"web:x","v":[{"v":-0.5,"on":["a"]},{"v":1e30,"on":["b"]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			return
		}
		l, err := newLineReader(fuzzScopes).read(b)
		if err != nil {
			return
		}
		var lists listWriter
		if again := appendLine(nil, &l, &lists); !bytes.Equal(again, b) {
			t.Fatalf("%s\nis written back as\n%s", b, again)
		}
		var want struct {
			A string `json:"a"`
			V []struct {
				V  json.RawMessage `json:"v"`
				On []string        `json:"on"`
				At string          `json:"at"`
			} `json:"v"`
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if l.Address.String() != want.A || len(l.Values) != len(want.V) {
			t.Fatalf("%s: %+v", b, l)
		}
		for i, h := range l.Values {
			if w := want.V[i]; h.Value.JSON() != string(w.V) || !slices.Equal(h.On, w.On) || h.Origin != w.At {
				t.Fatalf("%s: %+v", b, h)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	m := Manifest{Format: Format, Scopes: fuzzScopes, Files: map[string]File{}}
	text, err := sealed(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":"envdiff.snapshot/1","seal":""}`))
	f.Add([]byte(`{"format":"envdiff.snapshot/12"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := parseManifest(b); err == nil && !strings.HasPrefix(m.Format, "envdiff.snapshot/1") {
			t.Errorf("accepted %q", m.Format)
		}
	})
}

func FuzzEachLineAndSides(f *testing.F) {
	f.Add([]byte(`{"a":"web:host/reachable","on":"a","reason":"x"}` + "\n"))
	f.Add([]byte(`{"scope":"web","kind":"x","count":1}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &Snapshot{Manifest: Manifest{Scopes: fuzzScopes}}
		s.readGaps(bytes.NewReader(b))
		s.readNotes(bytes.NewReader(b))
		s.readFacts(bytes.NewReader(b))
	})
}

// memory is an attachment in memory.
type memory []byte

func (m memory) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m)), nil }
func (m memory) Size() int64                  { return int64(len(m)) }

func FuzzCompareRows(f *testing.F) {
	whole := `{"format":"envdiff.rows/4","form":"rows","key":["id"],"columns":["id"],"rows":1}` + "\n" +
		"00000000000000000000000000000001\t00000000000000000000000000000002\t01020304\t[\"1\"]\n"
	f.Add(whole)
	f.Add(strings.Replace(whole, `["id"]`, `[]`, 1))
	f.Add(`{"format":"envdiff.rows/4","form":"buckets","key":["id"],"columns":["id"],"rows":9000000000000000000}` + "\n0001\t9000000000000000000\t00000000000000000000000000000002\n")
	z, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	good := memory(z.EncodeAll([]byte(whole), nil))
	f.Fuzz(func(t *testing.T, text string) {
		CompareRows(good, memory(z.EncodeAll([]byte(text), nil)))
		CompareRows(memory(text), good)
	})
}
