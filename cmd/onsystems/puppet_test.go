package onsystems

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// shop is a Puppet environment whose role passes its log server on, with a service that has no order.
func shop(environment, logServer, nginx string) string {
	return fmt.Sprintf(`class role::web(String $log_server = %[2]q) {
  class { 'logging': server => $log_server, token => Sensitive('zqsecret-token-%[1]s') }
  include nginx
}
class logging(String $server, Sensitive $token, Hash $options = {'db' => {'password' => 'zqsecret99-%[1]s', 'port' => 3306}}) {
  package { 'rsyslog': ensure => installed }
  -> file { '/etc/rsyslog.conf': content => "*.* @@${server}:514\n", mode => '0644' }
  ~> service { 'rsyslog': ensure => running, enable => true }
  file { '/etc/token': content => $token }
  logging::target { 'main': host => $server }
}
define logging::target(String $host) {
  file { "/etc/rsyslog.d/${name}.conf": content => "target ${host} for ${facts['networking']['fqdn']}\n", notify => Service['rsyslog'], require => Package['rsyslog'] }
}
class nginx {
  package { 'nginx': ensure => installed }
  file { '/etc/nginx/nginx.conf': content => "worker_processes %[3]s;\n" }
  service { 'nginx': ensure => running }
}
node default { include role::web }
`, environment, logServer, nginx)
}

// Two environments, compiled for a node each: the log server is told once, at the role's parameter, and what it does not explain beside it.
func TestPuppetCatalogues(t *testing.T) {
	p := newProject(t, `environments:
  staging: {hosts: {web: ["puppet:code/staging?node=web1.stage.example"]}}
  production: {hosts: {web: ["puppet:code/production?node=web1.prod.example"]}}
  broken: {hosts: {web: ["puppet:code/broken?node=web1.broken.example"]}}
`)
	write(t, filepath.Join(p.dir, "code/staging/manifests/site.pp"), shop("staging", "log1.stage.example", "4"))
	write(t, filepath.Join(p.dir, "code/production/manifests/site.pp"), shop("production", "syslog.prod.example", "8"))
	write(t, filepath.Join(p.dir, "code/broken/manifests/site.pp"), "node default {\n  fail('zqsecret in a message')\n}\n")

	got := p.findings(t, 1, "staging", "production")
	want := []string{
		"config-value high changed web:resource/Class/Role%3A%3AWeb#log_server",
		"config-value high changed web:resource/File/etc/nginx/nginx.conf#content",
		"ordering-missing medium failed web:resource/Service/nginx",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	expect(t, p.run(t, 3, "broken"), "puppet could not compile the catalogue of web1.broken.example", "site.pp:2")
}

// What a real PuppetDB answered, to which these two catalogues were sent, gives the same findings as compiling them.
func TestPuppetDBsCatalogues(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if node, ok := strings.CutPrefix(r.URL.Path, "/pdb/query/v4/catalogs/"); ok {
			http.ServeFile(w, r, "../../internal/transport/testdata/puppetdb/"+path.Base(node)+".json")
		}
	}))
	defer s.Close()
	p := newProject(t, fmt.Sprintf(`environments:
  staging: {hosts: {web: ["puppetdb:%[1]s/web1.stage.example"]}}
  production: {hosts: {web: ["puppetdb:%[1]s/web1.prod.example"]}}
`, s.URL))
	got := p.findings(t, 1, "staging", "production")
	want := []string{
		"config-value high changed web:resource/Class/Role%3A%3AWeb#log_server",
		"config-value high changed web:resource/File/etc/nginx/nginx.conf#content",
		"ordering-missing medium failed web:resource/Service/nginx",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Real runs: one that changed the host and one with --noop, whose exit status is 0 although it found drift.
func TestPuppetRuns(t *testing.T) {
	p := newProject(t, `environments:
  alike: {hosts: {web: ["root:web1", {name: web2, url: "root:web1"}]}}
  odd: {hosts: {web: ["root:web1", "root:web2"]}}
`)
	managed := t.TempDir()
	manifest := filepath.Join(p.dir, "site.pp")
	apply := func(host string, more ...string) {
		write(t, manifest, fmt.Sprintf("class role::web { file { '%s/motd': content => \"password=zqsecret42\\n%s\\n\" } }\ninclude role::web\n", managed, host))
		cache := filepath.Join(p.dir, host, "var/cache/puppet")
		argv := []string{"unshare", "--pid", "--fork", "--mount-proc"}
		if os.Geteuid() != 0 {
			argv = append(argv, "--map-root-user")
		}
		argv = append(argv, "puppet", "apply", "--vardir", cache, "--publicdir", cache+"/public", "--confdir", filepath.Join(p.dir, "conf"), "--detailed-exitcodes", "--write-catalog-summary", "--certname", host+".shop.example")
		program(t, p.dir, []string{"LC_ALL=C.UTF-8", "HOME=" + p.dir}, append([]string{"sh", "-c", `"$@"; test $? = 0 -o $? = 2`, "sh"}, append(append(argv, more...), manifest)...)...)
	}
	apply("web1")
	apply("web2", "--noop")

	if got := p.findings(t, 0, "alike"); len(got) > 0 {
		t.Errorf("one run differs from itself: %v", got)
	}
	got := p.findings(t, 1, "odd")
	if want := "puppet-run medium failed web:puppet/run#status"; strings.Join(got, "\n") != want {
		t.Errorf("findings %q, want %q", got, want)
	}
	expect(t, p.run(t, 0, "odd"), "web2 would change 1 resource: File["+managed+"/motd]")
	p.run(t, 0, "snapshot", "odd", "-f", "odd.snapshot")
	expect(t, program(t, p.dir, nil, "cat", "odd.snapshot/facts.jsonl"), `puppet/node#roles","v":[{"v":["role::web"]`, `puppet/run#noop","v":[{"v":false`)
}

// What a real run has kept of its node becomes environments and roles: by its catalogue, and without one by its report and classes.
func TestPuppetStateBecomesEnvironments(t *testing.T) {
	dir := t.TempDir()
	cache := filepath.Join(dir, "cache")
	write(t, filepath.Join(dir, "site.pp"), fmt.Sprintf("class role::web { file { '%s/motd': content => 'hello' } }\ninclude role::web\n", dir))
	argv := []string{"unshare", "--pid", "--fork", "--mount-proc"}
	if os.Geteuid() != 0 {
		argv = append(argv, "--map-root-user")
	}
	program(t, dir, []string{"LC_ALL=C.UTF-8", "HOME=" + dir}, append(argv, "puppet", "apply", "--vardir", cache, "--publicdir", cache+"/public", "--confdir", filepath.Join(dir, "conf"), "--write-catalog-summary",
		"--catalog_cache_terminus", "json", "--certname", "web1.shop.example", filepath.Join(dir, "site.pp"))...)
	for _, gone := range []string{"nothing", "client_data", "reports"} {
		if err := os.RemoveAll(filepath.Join(cache, gone)); err != nil {
			t.Fatal(err)
		}
		p := project{t.TempDir()}
		expect(t, p.run(t, 0, "init", "--from", "puppet:"+cache), "written envdiff.yaml", "(production)")
		expect(t, program(t, p.dir, nil, "cat", "envdiff.yaml"), `production: protected: true`, `web: - "ssh://web1.shop.example"`)
	}
}
