package puppet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// catalog is a compiled catalogue.
type catalog struct {
	name        string // the node's
	version     string
	environment string
	resources   []*resource
	byRef       map[string]*resource
	edges       [][2]string // relations, as references; those of parameters are not among them
	classes     []*resource // those that declare others before those
	fromDB      bool        // PuppetDB's notation: nothing is in the order of evaluation, and sensitive parameters are left out
	file        string
}

// resource is one resource of a catalogue.
type resource struct {
	Type       string         `json:"type"`
	Title      string         `json:"title"`
	Tags       []string       `json:"tags"`
	File       string         `json:"file"`
	Line       int            `json:"line"`
	Exported   bool           `json:"exported"`
	Parameters map[string]any `json:"parameters"`
	Sensitive  []string       `json:"sensitive_parameters"`

	index    int // the place in the catalogue
	parent   *resource
	name     string // in addresses
	tags     map[string]bool
	children []*resource
}

func (r *resource) ref() string { return ref(r.Type, r.Title) }

// document is a catalogue in any of its notations: what the compiler prints and agents cache, that of Puppet 3 below "data", that of the
// server's fourth API below "catalog", and PuppetDB's, whose lists stand below "data" themselves.
type document struct {
	Data        json.RawMessage `json:"data"`
	Catalog     json.RawMessage `json:"catalog"`
	Name        string          `json:"name"`
	Certname    string          `json:"certname"`
	Version     any             `json:"version"`
	Environment string          `json:"environment"`
	Resources   json.RawMessage `json:"resources"`
	Edges       json.RawMessage `json:"edges"`
}

// edge is one edge in the compiler's notation or in PuppetDB's.
type edge struct {
	Source       any    `json:"source"`
	Target       any    `json:"target"`
	SourceType   string `json:"source_type"`
	SourceTitle  string `json:"source_title"`
	TargetType   string `json:"target_type"`
	TargetTitle  string `json:"target_title"`
	Relationship string `json:"relationship"`
}

// The limits of a catalogue: beyond them it is not one that a person wrote the manifests of.
const (
	maxResources = 200_000
	maxEdges     = 2_000_000
)

// readCatalog reads a catalogue. Its errors quote nothing of it.
func readCatalog(src []byte) (*catalog, error) {
	var d document
	if err := decode(src, &d); err != nil {
		return nil, err
	}
	for _, inner := range []json.RawMessage{d.Data, d.Catalog} {
		if len(inner) > 0 && d.Resources == nil {
			d = document{}
			if err := decode(inner, &d); err != nil {
				return nil, err
			}
			break
		}
	}
	if d.Resources == nil {
		return nil, fmt.Errorf("it has no resources")
	}
	c := &catalog{name: d.Name, environment: d.Environment, byRef: map[string]*resource{}, fromDB: bytes.HasPrefix(bytes.TrimSpace(d.Resources), []byte("{"))}
	if c.name == "" {
		c.name = d.Certname
	}
	if d.Version != nil {
		c.version = fmt.Sprint(d.Version)
	}
	if err := decode(list(d.Resources), &c.resources); err != nil {
		return nil, err
	}
	var edges []edge
	if d.Edges != nil {
		if err := decode(list(d.Edges), &edges); err != nil {
			return nil, err
		}
	}
	if len(c.resources) > maxResources || len(edges) > maxEdges {
		return nil, fmt.Errorf("it has more than %d resources or %d edges", maxResources, maxEdges)
	}
	return c, c.link(edges)
}

// list is a list, or the one that PuppetDB keeps below "data".
func list(raw json.RawMessage) json.RawMessage {
	var wrapped struct {
		Data json.RawMessage `json:"data"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) && json.Unmarshal(raw, &wrapped) == nil && wrapped.Data != nil {
		return wrapped.Data
	}
	return raw
}

func decode(src []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("it is no catalogue in JSON, or not whole")
	}
	return nil
}

// link makes references of the edges, and finds what contains what.
func (c *catalog) link(edges []edge) error {
	for i, r := range c.resources {
		if r == nil || r.Type == "" {
			return fmt.Errorf("a resource has no type")
		}
		r.index, r.tags = i, make(map[string]bool, len(r.Tags))
		for _, t := range r.Tags {
			r.tags[strings.ToLower(t)] = true
		}
		c.byRef[r.ref()] = r
		if r.Type == "Class" && !r.bookkeeping() {
			c.classes = append(c.classes, r)
		}
	}
	c.sortClasses()
	for _, e := range edges {
		source, target := reference(e.Source), reference(e.Target)
		if e.SourceType != "" {
			source, target = ref(e.SourceType, e.SourceTitle), ref(e.TargetType, e.TargetTitle)
		}
		from, to := c.byRef[source], c.byRef[target]
		if from == nil || to == nil {
			continue
		}
		// The compiler's edges are containment; relations are parameters there. PuppetDB says what is which.
		if e.Relationship == "" || e.Relationship == "contains" {
			if to.parent == nil && from != to {
				to.parent = from
				from.children = append(from.children, to)
			}
			continue
		}
		c.edges = append(c.edges, [2]string{source, target})
	}
	return nil
}

// sortClasses puts classes before those that they declare, which have their names as tags. PuppetDB keeps no order of evaluation.
func (c *catalog) sortClasses() {
	declarers := make(map[*resource]int, len(c.classes))
	for _, r := range c.classes {
		for _, class := range c.classes {
			if r.tags[strings.ToLower(class.Title)] {
				declarers[r]++
			}
		}
	}
	slices.SortFunc(c.classes, func(a, b *resource) int {
		if d := cmp.Compare(declarers[a], declarers[b]); d != 0 {
			return d
		}
		return strings.Compare(a.Title, b.Title)
	})
}

// reference reads one end of an edge: "File[/etc/motd]", or an object with type and title.
func reference(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case map[string]any:
		typ, _ := x["type"].(string)
		title, _ := x["title"].(string)
		return ref(typ, title)
	}
	return ""
}

// containers are the resources around a resource, from the nearest on.
func (r *resource) containers() []*resource {
	var out []*resource
	for at := r.parent; at != nil && len(out) < maxNesting; at = at.parent {
		out = append(out, at)
	}
	return out
}

// maxNesting bounds containment, which a damaged catalogue could make endless.
const maxNesting = 100

// bookkeeping are the resources that every catalogue has and nobody wrote.
func (r *resource) bookkeeping() bool {
	switch r.Type {
	case "Stage", "Node", "Whit", "Schedule":
		return true
	case "Class":
		return strings.EqualFold(r.Title, "main") || r.Title == "Settings"
	case "Filebucket":
		return r.Title == "puppet"
	}
	return false
}

// catalog reads the host's catalogue: of several the one that was compiled last.
func (p *parser) catalog() *catalog {
	files, whole := p.files("catalog", "catalog", "puppet/*", "resource/*")
	if !whole {
		return nil
	}
	var newest *catalog
	for _, f := range files {
		c, err := readCatalog(f.Body)
		if err != nil {
			p.r.Missing(p.at("catalog"), fmt.Sprintf("%s: %s", f.Path, err), "run puppet agent -t on the host, or compile the catalogue again", "puppet/*", "resource/*")
			return nil
		}
		if c.file = f.Path; newest == nil || len(c.version) > len(newest.version) || len(c.version) == len(newest.version) && c.version > newest.version {
			newest = c
		}
	}
	if newest == nil {
		return nil
	}
	p.compiled = true
	p.r.Looked = append(p.r.Looked, "resource/*")
	a := p.at("catalog")
	p.r.Add(a.Attr("resources"), snapshot.Int(int64(len(newest.resources))), newest.file)
	if newest.fromDB {
		p.r.Add(a.Attr("sensitive"), snapshot.Bool(false), newest.file)
	}
	for attribute, text := range map[string]string{"version": newest.version, "environment": newest.environment} {
		if text != "" {
			p.r.Add(a.Attr(attribute), p.in.Redact.Line(text), newest.file)
		}
	}
	return newest
}
