package inventory_test

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/inventory"
)

// shown is an inventory as lines "group: url url".
func shown(inv inventory.Inventory) []string {
	var out []string
	for _, g := range slices.Sorted(maps.Keys(inv.Groups)) {
		var urls []string
		for _, h := range inv.Groups[g] {
			urls = append(urls, h.URL())
		}
		out = append(out, g+": "+strings.Join(urls, " "))
	}
	return out
}

const stage = `# production
server "web1.prod.example", user: "deploy", port: 2222, roles: %w{app web}, primary: true
server 'web2.prod.example',
  user: 'deploy', roles: [:app, :web],
  my_property: :my_value
role :db, %w{postgres@db1.prod.example:2200 db2.prod.example}
role :cron, "cron1.prod.example"
set :deploy_to, '/srv/shop'   # server "no.example"
`

// What is read without Ruby is what the real Capistrano says.
func TestStagesAreReadLikeCapistrano(t *testing.T) {
	want := []string{
		"app: ssh://deploy@web1.prod.example:2222 ssh://deploy@web2.prod.example", "cron: ssh://cron1.prod.example",
		"db: ssh://postgres@db1.prod.example:2200 ssh://db2.prod.example", "web: ssh://deploy@web1.prod.example:2222 ssh://deploy@web2.prod.example",
	}
	if d := cmp.Diff(want, shown(inventory.ParseStage(stage))); d != "" {
		t.Error(d)
	}
	dir := plant(t, map[string]string{
		"Capfile":          "require \"capistrano/setup\"\nrequire \"capistrano/deploy\"\nrequire \"capistrano/scm/git\"\ninstall_plugin Capistrano::SCM::Git\n",
		"config/deploy.rb": "set :application, 'shop'\nset :repo_url, 'file:///srv/shop.git'\n", "config/deploy/production.rb": stage,
	})
	cmd := exec.Command("cap", "production", "doctor:servers")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cap: %v: run make deps", err)
	}
	if d := cmp.Diff(want, shown(inventory.ParseServers(string(out)))); d != "" {
		t.Errorf("%s\n%s", d, out)
	}
}

func TestStagesOfCapistrano2AndWhatIsComputed(t *testing.T) {
	inv := inventory.ParseStage("server \"web1\", :web, :app, :primary => true\nserver 'web2', :web, :user => 'u', :port => 2222\nrole :db, 'db1', 'db2', :primary => true\n" +
		"role :web, *hosts\nserver \"#{name}.example\", roles: :web\nserver ENV['HOST'], roles: :web\n")
	want := []string{"app: ssh://web1", "db: ssh://db1 ssh://db2", "web: ssh://web1 ssh://u@web2:2222"}
	if d := cmp.Diff(want, shown(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Notes) != 3 || !strings.HasPrefix(inv.Notes[0], "line 4 is computed") {
		t.Errorf("%q", inv.Notes)
	}
}

func TestNodeBlocksOfPuppet(t *testing.T) {
	inv := inventory.ParseSite(`# node 'no.example' { include role::none }
node 'web1.prod.example', "web2.prod.example" {
  include role::web, profile::base
  if $x { notify { 'y': } }
  class { 'role::web::edge': tls => true }
}
node db1 { contain ::role::db }
node /^app\d+/ { include role::app }
node 'plain.example' { }
node default { include role::none }
`)
	want := []string{"db: ssh://db1", "node: ssh://plain.example", "web: ssh://web1.prod.example ssh://web2.prod.example", "web_edge: ssh://web1.prod.example ssh://web2.prod.example"}
	if d := cmp.Diff(want, shown(inv)); d != "" {
		t.Error(d)
	}
	if len(inv.Notes) != 2 {
		t.Errorf("%q", inv.Notes)
	}
}

func TestURLs(t *testing.T) {
	for want, h := range map[string]inventory.Host{
		"ssh://a": {Name: "a", Port: 22}, "ssh://u@10.0.0.1:2222": {Name: "a", Address: "10.0.0.1", User: "u", Port: 2222}, "ssh://[fd00::1]": {Name: "fd00::1"}, "local:": {Name: "a", Local: true},
	} {
		if got := h.URL(); got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}

func FuzzStages(f *testing.F) {
	f.Add(stage)
	f.Add("node 'a' { include role::web }")
	f.Add("    root@127.0.0.1:2222 [:app, :db] { :my_property => :my_value }")
	f.Fuzz(func(_ *testing.T, text string) {
		_ = fmt.Sprint(shown(inventory.ParseStage(text)), shown(inventory.ParseSite(text)), shown(inventory.ParseServers(text)))
	})
}
