package transport

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// PuppetNode is what PuppetDB knows of a node that is not deactivated.
type PuppetNode struct {
	Name, Environment string
	Classes           []string // its classes role::NAME and roles::NAME
}

// PuppetDBNodes asks PuppetDB at https://HOST:8081, with ?cert=FILE&key=FILE&ca=FILE, for all nodes and their roles, sorted by name.
func PuppetDBNodes(ctx context.Context, raw string) ([]PuppetNode, error) {
	o, err := parsePuppetDB(raw)
	if err != nil {
		return nil, err
	}
	if o.Node != "" {
		return nil, fmt.Errorf("all nodes are asked for: leave /%s out", o.Node)
	}
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	// The names of the interface's fields and operators: PuppetDB's documentation, "Nodes endpoint" and "Resources endpoint" of API version 4.
	var nodes []struct {
		Name        string `json:"certname"`
		Environment string `json:"catalog_environment"`
		Report      string `json:"report_environment"`
		Facts       string `json:"facts_environment"`
	}
	var classes []struct {
		Node  string `json:"certname"`
		Title string `json:"title"`
	}
	for path, into := range map[string]any{"nodes": &nodes, "resources/Class?query=" + url.QueryEscape(`["~", "title", "^Roles?::"]`): &classes} {
		text, err := o.get(ctx, client, o.Base+"/pdb/query/v4/"+path, "list of nodes")
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(text, into) != nil {
			return nil, fmt.Errorf("what answers at %s is no PuppetDB: try by hand: curl '%s/pdb/query/v4/nodes'", o.Base, o.Base)
		}
	}
	held := map[string][]string{}
	for _, c := range classes {
		held[c.Node] = append(held[c.Node], strings.ToLower(c.Title))
	}
	var out []PuppetNode
	for _, n := range nodes {
		if !validNode(n.Name) {
			continue
		}
		out = append(out, PuppetNode{Name: n.Name, Environment: cmp.Or(n.Environment, n.Report, n.Facts), Classes: held[n.Name]})
	}
	slices.SortFunc(out, func(a, b PuppetNode) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
