// Package exec reads what any program prints of facts, one JSON object a line in the snapshot's own notation. Every line is checked, and
// one that is wrong leaves all of the program's facts unknown: half of them would look like drift.
package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// New returns the collector of programs' output.
func New() snapshot.DumpCollector { return collector{} }

type collector struct{}

func (collector) Name() string { return "exec" }
func (collector) Type() string { return "exec" }

// The limits of one program's output, beside snapshot.MaxProgramOutput.
const (
	maxLine   = 1 << 20
	maxLines  = 100_000
	maxErrors = 5 // that are told
)

func (collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "Facts that a program of yours prints",
		Text: "What envdiff does not read itself, a program can: it prints one JSON object a line, `{\"a\": ADDRESS, \"v\": VALUE}`, as in a snapshot's facts.jsonl; the instance is added. " +
			"[docs/exec.md](../exec.md) has an example.\n\n" +
			"`exec:` of a role is run on each of its hosts, over the same connection as everything else; `exec:` of an environment is run where envdiff runs, and its name there is the scope. " +
			"The program is told ENVDIFF_SCOPE and ENVDIFF_ENVIRONMENT, gets no input, and has 20 seconds. Other variables it does not inherit, and what it says on standard error is dropped.\n\n" +
			"The scope of every address is the program's own, and the rest matches one of the globs of `facts:` (default `app/*`), which are what the program is the whole truth about: what it does not print is not there. " +
			"Values are texts, numbers, booleans, null, lists of those, or `{\"secret\": TEXT}`, of which only a keyed digest is kept; secrets are also known by the names of their keys, as everywhere.\n\n" +
			fmt.Sprintf("Limits: %d MiB of output, %d MiB a line, %d lines. A status other than 0, a line that is wrong, or an address twice is a gap: nothing of the output is used then.", snapshot.MaxProgramOutput>>20, maxLine>>20, maxLines),
		Needs:      []string{"the programs that `exec:` names, and `env`"},
		Attributes: []string{"app/NAME#attribute, or what `facts:` allows: what the program prints"},
	}
}

func (collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{{Pattern: "app/*", Axis: snapshot.Both, Area: finding.AreaConfig, Doc: "what a program of yours prints; so are the other kinds that `facts:` allows"}}
}

// ownFacts is what a program may print unless envdiff.yaml says otherwise.
var ownFacts = []string{"app/*"}

func (collector) Covers(spec snapshot.DumpSpec) []string {
	if len(spec.Facts) == 0 {
		return ownFacts
	}
	return spec.Facts
}

func (c collector) Parse(in snapshot.DumpInput) snapshot.Result {
	globs := c.Covers(in.Spec)
	p := parser{in: in, globs: globs, lines: map[snapshot.Address]int{}}
	p.run(in.Dump.Text)
	if len(p.errors) == 0 {
		return snapshot.Result{Facts: p.facts, Looked: globs}
	}
	reason := strings.Join(p.errors[:min(len(p.errors), maxErrors)], "; ")
	if more := len(p.errors) - maxErrors; more > 0 {
		reason += fmt.Sprintf("; and %d lines more", more)
	}
	r := snapshot.Result{Looked: []string{}}
	at := snapshot.At(in.Scope, "exec", in.Spec.Name)
	covers := make([]string, len(globs))
	for i, g := range globs {
		covers[i] = in.Scope + ":" + g
	}
	r.Missing(at, reason, `correct the program: each line is {"a": "`+in.Scope+`:app/NAME#attribute", "v": VALUE}; nothing of its output was used`, covers...)
	return r
}

type parser struct {
	in     snapshot.DumpInput
	globs  []string
	facts  []snapshot.Fact
	lines  map[snapshot.Address]int
	errors []string
}

func (p *parser) run(text []byte) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if number > maxLines {
			p.errors = append(p.errors, fmt.Sprintf("line %d: more than %d lines", number, maxLines))
			return
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if err := p.line(number, line); err != nil {
			p.errors = append(p.errors, fmt.Sprintf("line %d: %v", number, err))
		}
	}
}

// line reads one line. Its errors quote an address at most: a value may be a secret.
func (p *parser) line(number int, line []byte) error {
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d MiB", maxLine>>20)
	}
	if !utf8.Valid(line) {
		return errors.New("no UTF-8")
	}
	fields, err := object(line)
	if err != nil {
		return err
	}
	a, err := p.address(fields["a"])
	if err != nil {
		return err
	}
	if first, twice := p.lines[a]; twice {
		return fmt.Errorf("%s stands on line %d already", a, first)
	}
	v, err := p.value(a, fields["v"])
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	p.lines[a] = number
	p.facts = append(p.facts, snapshot.Fact{Address: a, Value: v})
	return nil
}

// object reads an object with exactly the keys a and v, each once.
func object(line []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	malformed := func() error { return fmt.Errorf("no JSON object (at byte %d)", d.InputOffset()) }
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed()
	}
	fields := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, malformed()
		}
		if key != "a" && key != "v" {
			return nil, errors.New("a key that is neither a nor v")
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("the key %s twice", key)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, malformed()
		}
		fields[key] = raw
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed()
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	for _, key := range []string{"a", "v"} {
		if _, ok := fields[key]; !ok {
			return nil, fmt.Errorf("the key %s is missing", key)
		}
	}
	return fields, nil
}

// address reads an address that the program may speak of.
func (p *parser) address(raw json.RawMessage) (snapshot.Address, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return snapshot.Address{}, errors.New("a is no text")
	}
	if p.in.Redact.Text(text) != text {
		return snapshot.Address{}, errors.New("the address holds a secret")
	}
	a, err := snapshot.ParseAddress(text)
	if err != nil {
		return a, err
	}
	for _, part := range []string{a.Name, a.Attribute} {
		if snapshot.Ident(snapshot.SplitIdent(part)...) != part {
			return a, fmt.Errorf("address %q is not in its canonical form: %% : # * and control characters are written as %%HEX", text)
		}
	}
	if a.Scope != p.in.Scope {
		return a, fmt.Errorf("%s is of the scope %s, and this program speaks of %s alone", a, a.Scope, p.in.Scope)
	}
	if body := strings.TrimPrefix(text, a.Scope+":"); !snapshot.MatchAny(p.globs, body) {
		return a, fmt.Errorf("%s is none of %s: allow it with facts: in envdiff.yaml", a, strings.Join(p.globs, ", "))
	}
	return a, nil
}

// value reads a value and redacts it. {"secret": TEXT} is a secret whatever its name.
func (p *parser) value(a snapshot.Address, raw json.RawMessage) (snapshot.Value, error) {
	v, err := snapshot.ParseValue(raw)
	if err != nil {
		return v, errors.New(`the value is no text, number, boolean, null, list of those, or {"secret": TEXT}`)
	}
	if v.IsSecret() {
		var s struct{ Secret string }
		if json.Unmarshal(raw, &s) != nil || s.Secret == "" {
			return v, errors.New("the secret is empty")
		}
		return p.in.Redact.Secret(s.Secret), nil
	}
	for _, item := range v.Items() {
		if item.IsSecret() {
			return v, errors.New("a list holds no secrets")
		}
	}
	key := a.Attribute
	if key == "" {
		key = a.Name[strings.LastIndexByte(a.Name, '/')+1:]
	}
	return p.in.Redact.Value(snapshot.Unescape(key), v), nil
}
