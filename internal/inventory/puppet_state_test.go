package inventory

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodeYAML is what Puppet 7.23 itself wrote (terminus yaml, as write_only_yaml does), reportYAML the beginning of its report.
const (
	nodeYAML = `--- !ruby/object:Puppet::Node
name: db1.shop.example
environment: production
classes:
  role::db: {}
  profile::x:
parameters:
  a: b
`
	reportYAML = `--- !ruby/object:Puppet::Transaction::Report
host: web1.shop.example
environment: staging
logs:
- level: notice
  message: 'host: evil.example'
  tags:
  - class
  - role::web
resource_statuses:
  File[/etc/motd]:
    tags:
    - role::web::front
`
)

func TestWhatPuppetKeepsOfItsNodes(t *testing.T) {
	dir := t.TempDir()
	put := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ReadPuppetState(dir); !errors.Is(err, ErrNoState) {
		t.Errorf("nothing: %v", err)
	}
	put("yaml/node/db1.shop.example.yaml", nodeYAML)
	put("yaml/node/evil.yaml", "--- !ruby/object:Puppet::Node\nname: \"-oProxyCommand=id\"\n")
	put("yaml/node/broken.yaml", "\t: [")
	put("client_data/catalog/web2.shop.example.json", `{"name":"web2.shop.example","environment":"staging","classes":["settings","roles::web"],"resources":[]}`)
	put("client_data/catalog/old.shop.example.json", `{"document_type":"Catalog","data":{"name":"old.shop.example","environment":"production","classes":["main"]}}`)
	put("reports/web1.shop.example/202611270101.yaml", strings.ReplaceAll(reportYAML, "staging", "gone"))
	put("reports/web1.shop.example/202611280101.yaml", reportYAML)
	nodes, err := ReadPuppetState(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for env, inv := range nodes.Inventories() {
		for _, role := range slices.Sorted(maps.Keys(inv.Groups)) {
			for _, h := range inv.Groups[role] {
				got[env] = append(got[env], role+"="+h.URL())
			}
		}
	}
	want := map[string][]string{
		"production": {"db=ssh://db1.shop.example", "node=ssh://old.shop.example"},
		"staging":    {"web=ssh://web1.shop.example", "web=ssh://web2.shop.example", "web_front=ssh://web1.shop.example"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzPuppetState(f *testing.F) {
	f.Add([]byte(nodeYAML))
	f.Add([]byte(reportYAML))
	f.Add([]byte(`{"name":"a","classes":["role::b"]}`))
	f.Fuzz(func(_ *testing.T, text []byte) {
		puppetCatalog(text)
		puppetNode(text)
		puppetReport(text)
	})
}
