package onsystems

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// deployer is a project that Capistrano deploys to hosts of its own.
type deployer struct{ dir, origin string }

func newDeployer(t *testing.T, ssh string, hosts ...string) deployer {
	t.Helper()
	d := deployer{dir: t.TempDir(), origin: filepath.Join(t.TempDir(), "shop.git")}
	write(t, filepath.Join(d.dir, "Capfile"), "require \"capistrano/setup\"\nrequire \"capistrano/deploy\"\nrequire \"capistrano/scm/git\"\ninstall_plugin Capistrano::SCM::Git\n")
	write(t, filepath.Join(d.dir, "config/deploy.rb"), fmt.Sprintf("set :application, \"shop\"\nset :repo_url, %q\nset :branch, \"main\"\nset :deploy_to, \"/srv/shop\"\n"+
		"set :ssh_options, {config: [%q], verify_host_key: :never}\nset :format_options, log_file: nil\n", "file://"+d.origin, ssh))
	stage := ""
	for _, h := range hosts {
		stage += fmt.Sprintf("server %q, roles: %%w{web}\n", h)
	}
	write(t, filepath.Join(d.dir, "config/deploy/production.rb"), stage)
	d.git(t, "", "init", "-q", "-b", "main", d.origin)
	return d
}

func (d deployer) git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(program(t, dir, nil, append([]string{"git", "-c", "user.name=Dev", "-c", "user.email=dev@shop.example"}, args...)...))
}

// commit makes a revision and returns its name.
func (d deployer) commit(t *testing.T, text, message string) string {
	t.Helper()
	write(t, filepath.Join(d.origin, "app.rb"), text)
	d.git(t, d.origin, "add", "app.rb")
	d.git(t, d.origin, "commit", "-q", "-m", message)
	return d.git(t, d.origin, "rev-parse", "HEAD")
}

// cap runs Capistrano, for all hosts or for one.
func (d deployer) cap(t *testing.T, host string, task string) {
	t.Helper()
	env := []string{"LC_ALL=C.UTF-8", "HOME=" + d.dir, "USER=dev"}
	if host != "" {
		env = append(env, "HOSTS="+host)
	}
	program(t, d.dir, env, "cap", "production", task)
}

// Three hosts that Capistrano deploys to: alike after two deploys; after a rollback one is odd. Staging, where a revision was never deployed, is told.
func TestCapistrano(t *testing.T) {
	var blocks []string
	for _, name := range []string{"web1", "web2", "web3"} {
		blocks = append(blocks, testservers.SSH(t, testservers.Apart(t, t.TempDir(), "/srv")).Block(name))
	}
	d := newDeployer(t, testservers.Client(t, blocks...), "web1", "web2", "web3")
	first := d.commit(t, "1\n", "The shop")
	d.cap(t, "", "deploy")
	p := newProject(t, `environments:
  staging: {hosts: {web: ["ssh://web1"]}}
  production: {hosts: {web: ["ssh://web1", "ssh://web2", "ssh://web3"]}}
`)
	p.run(t, 0, "snapshot", "staging", "-f", "before.snapshot", "--only", "web:deployment*")
	second := d.commit(t, "2\n", "Another price\n\ngit-svn-id: https://svn.shop.example/shop/trunk@4711 0a1b2c3d-0000-4000-8000-0123456789ab")
	d.cap(t, "", "deploy")

	if got := p.findings(t, 0, "production", "--only", "web:deployment*"); len(got) > 0 {
		t.Errorf("hosts that were deployed alike differ: %v", got)
	}
	p.run(t, 0, "snapshot", "production", "-f", "after.snapshot", "--only", "web:deployment*")
	facts := program(t, p.dir, nil, "cat", "after.snapshot/facts.jsonl")
	for _, part := range []string{`#revision","v":[{"v":"` + second, `#branch","v":[{"v":"main"`, `#svn_revision","v":[{"v":"r4711"`, `#rolled_back","v":[{"v":false`, `#repository","v":[{"v":"file://` + d.origin,
		`#repository_revision","v":[{"v":"` + second, `#releases","v":[{"v":2`, `#committed","v":[{"v":"20`, `#repository_fetched","v":[{"v":"20`, `#deployed_by","v":[{"v":"dev"`, first} {
		if !strings.Contains(facts, part) {
			t.Errorf("%s is not among the facts:\n%s", part, facts)
		}
	}
	if got, want := p.findings(t, 1, "./before.snapshot", "production", "--only", "web:deployment*"), "revision-untested low changed web:deployment/srv/shop#revision"; strings.Join(got, "\n") != want {
		t.Errorf("production is ahead of staging: %v", got)
	}

	d.cap(t, "web3", "deploy:rollback")
	got := p.findings(t, 1, "production", "--only", "web:deployment*")
	if want := "revision-differs high odd web:deployment/srv/shop#revision"; strings.Join(got, "\n") != want {
		t.Errorf("one host was rolled back: %v", got)
	}
	expect(t, p.run(t, 1, "production", "--only", "web:deployment*"), "web3 has "+first[:12]+", its 2 peers "+second[:12]+"; rolled back: web3")
}
