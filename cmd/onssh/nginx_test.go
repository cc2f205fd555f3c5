package onssh

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/internal/throwaway"
)

// ports are free ones of this machine.
func ports(t *testing.T, n int) []int {
	t.Helper()
	var all []int
	for range n {
		p, err := throwaway.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// phpinfo is the page that PHP itself makes, under one setting.
func phpinfo(t *testing.T, setting string) []byte {
	t.Helper()
	cmd := exec.Command("php-cgi", "-q", "-d", setting)
	cmd.Stdin = strings.NewReader("<?php phpinfo();")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A real nginx behind TLS serves what applications say of themselves: it is read with the authority and the header that envdiff.yaml names, and everything
// else about it that can go wrong is a gap that says so.
func TestEndpointsOfARealNginx(t *testing.T) {
	p := ports(t, 3)
	soon := time.Now().Add(24 * time.Hour)
	good, expired := testservers.NewCertificate(t, "localhost", soon), testservers.NewCertificate(t, "localhost", time.Now().Add(-24*time.Hour))
	n := testservers.StartNginx(t, fmt.Sprintf(`
default_type text/plain;
types { application/json json; application/yaml yaml; text/html html; }
server { listen 127.0.0.1:%[1]d ssl; ssl_certificate %[4]s; ssl_certificate_key %[5]s;
	location / { if ($http_x_token != "zqtoken") { return 401; } }
	location /loop { return 302 /loop$request_uri; }
	location /moved { return 302 /staging/config.json; }
	location /down { return 302 http://127.0.0.1:%[3]d/staging/config.json; }
	location /slow { alias www/staging/; limit_rate 10; } }
server { listen 127.0.0.1:%[2]d ssl; ssl_certificate %[6]s; ssl_certificate_key %[7]s; }
server { listen 127.0.0.1:%[3]d; }
`, p[0], p[1], p[2], good.Path, good.Key, expired.Path, expired.Key), p...)
	for env, c := range map[string]struct{ size, errors, limit string }{"staging": {"5", "0", "memory_limit=128M"}, "production": {"50", "3", "memory_limit=512M"}} {
		n.Write(t, env+"/config.json", fmt.Appendf(nil, `{"db": {"host": "db1", "password": "hunter2hunter2"}, "pools": {"read": {"size": %s, "seen": %s1, "errors": %s}, "write": {"size": 9, "seen": 2, "errors": 0}}}`, c.size, c.size, c.errors))
		n.Write(t, env+"/config.yaml", fmt.Appendf(nil, "pools:\n  read: {size: %s}\n  write: {size: 9}\n", c.size))
		n.Write(t, env+"/config.properties", fmt.Appendf(nil, "pools.read.size = %s\npools.write.size = 9\n", c.size))
		n.Write(t, env+"/info.html", phpinfo(t, c.limit))
	}
	n.Write(t, "staging/big.json", bytes.Repeat([]byte(" "), 5<<20))
	n.Write(t, "staging/long.json", bytes.Repeat([]byte(" "), 5000))

	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "tree/etc/app"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tree/etc/app/app.yaml"), []byte("pools:\n  read: {size: 5}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(path string) string {
		return fmt.Sprintf(`{url: "https://localhost:%d/%s", ca: %q, headers: {X-Token: "${TOKEN}"}}`, p[0], path, good.Authority)
	}
	env := func(name, hosts string) string {
		return fmt.Sprintf("  %[1]s:\n    %[2]s\n    endpoints: {json: %[3]s, yaml: %[4]s, flat: %[5]s, php: %[6]s}\n", name, hosts, at(name+"/config.json"), at(name+"/config.yaml"), at(name+"/config.properties"), at(name+"/info.html"))
	}
	one := func(name, location string) string {
		return fmt.Sprintf("  %s: {endpoints: {app: %s}}\n", name, location)
	}
	pr := newProject(t, env("staging", "")+env("production", fmt.Sprintf("hosts: {web: [%q]}", "root:"+dir+"/tree"))+
		one("moved", at("moved"))+one("stranger", strings.ReplaceAll(at("staging/config.json"), good.Authority, expired.Authority))+one("alone", strings.ReplaceAll(at("staging/config.json"), fmt.Sprintf("ca: %q, ", good.Authority), ""))+
		one("old", fmt.Sprintf(`{url: "https://localhost:%d/staging/config.json", ca: %q}`, p[1], expired.Authority))+
		one("loop", at("loop"))+one("down", at("down"))+one("big", at("staging/big.json"))+one("slow", at("slow/long.json"))+one("shut", strings.ReplaceAll(at("staging/config.json"), "X-Token", "X-Other")))
	pr.add(t, `endpoints:
  json: {keys: ["db/host", "pools/*/size"], metrics: {"pools/*/errors": "<= 0"}}
  yaml: {keys: ["pools/*/size"]}
  flat: {keys: ["pools.read.size"]}
  php: {keys: ["*/memory_limit"]}
`)

	out := pr.run(t, 1, "staging", "production", "--skip", "web:*", "--skip", "php:*")
	expect(t, out, "endpoint-value json:value/pools.read.size", "endpoint-value yaml:value/pools.read.size", "endpoint-value flat:value/pools.read.size",
		"pools.read.errors of json in production is 3 on localhost", "its limit is <= 0")
	if strings.Contains(out, "seen") || strings.Contains(out, "password") || strings.Contains(out, "hunter2") {
		t.Errorf("what the keys do not select is compared:\n%s", out)
	}
	expect(t, pr.run(t, 1, "production", "--skip", "php:*", "--skip", "json:*"), "not-loaded web:config/etc/app/app.yaml#pools.read.size", "50")
	expect(t, pr.run(t, 1, "staging", "production", "--only", "php:*"), "memory_limit", "128M", "512M")

	pr.run(t, 0, "moved")
	for env, want := range map[string]string{
		"stranger": "certificate of an unknown authority: name its file as ca", "alone": "certificate of an unknown authority", "old": "certificate that is not valid: it has expired",
		"loop": "redirects more than 5 times", "down": "redirects from https to what is not encrypted", "big": "answers more than 4 MiB", "shut": "401 Unauthorized: give what it wants as headers",
	} {
		expect(t, pr.run(t, 3, env), want)
	}
	began := time.Now()
	expect(t, pr.run(t, 3, "slow", "--timeout", "2s"), "no whole answer")
	if took := time.Since(began); took > bound {
		t.Errorf("a slow answer cost %s", took)
	}
}

// The same through the hosts of a role, over ssh: each asks the nginx that runs on itself, with the authorities that it trusts.
func TestHostsAskTheirOwnNginx(t *testing.T) {
	all := machines(t, "web1", "web2", "web3")
	c := testservers.NewCertificate(t, "localhost", time.Now().Add(24*time.Hour))
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, pool := range map[string]int{"web1": 5, "web2": 50, "web3": 5} {
		all[name].Run(t, fmt.Sprintf(`mkdir -p /srv/app; echo '{"pool": {"size": %d}, "uptime": %d}' >/srv/app/config.json
			printf '%%s' '%s' >/srv/app/pem; printf '%%s' '%s' >/srv/app/key
			echo 'server { listen 443 ssl; ssl_certificate /srv/app/pem; ssl_certificate_key /srv/app/key; root /srv/app; location / { if ($http_x_token != "zqtoken") { return 401; } } }' >/etc/nginx/conf.d/app.conf; nginx`,
			pool, len(name), read(c.Path), read(c.Key)))
		if name != "web3" {
			all[name].Run(t, "printf '%s' '"+read(c.Authority)+"' >>/etc/ssl/certs/ca-certificates.crt")
		}
	}
	p := newProject(t, `
  good: {hosts: {web: ["ssh://web1", "ssh://web2"]}, endpoints: {app: {url: "https://localhost/config.json", via: web, headers: {X-Token: "${TOKEN}"}}}}
  third: {hosts: {web: ["ssh://web3"]}, endpoints: {app: {url: "https://localhost/config.json", via: web, headers: {X-Token: "${TOKEN}"}}}}
  shut: {hosts: {web: ["ssh://web1"]}, endpoints: {app: {url: "https://localhost/config.json", via: web}}}
  unset: {hosts: {web: ["ssh://web1"]}, endpoints: {app: {url: "https://localhost/config.json", via: web, headers: {X-Token: "${NOBODY_SET_THIS}"}}}}
`)
	out := p.run(t, 1, "good", "--only", "app:*")
	expect(t, out, "endpoint-value app:value/pool.size", "web1", "web2")
	if n := strings.Count(out, "app:value/"); n != 1 {
		t.Errorf("%d findings instead of one:\n%s", n, out)
	}
	expect(t, p.run(t, 3, "third", "--only", "app:*"), "an authority that the host does not know")
	expect(t, p.run(t, 3, "shut", "--only", "app:*"), "401 Unauthorized")
	expect(t, p.run(t, 3, "unset", "--only", "app:*"), "the endpoint app of unset needs the variable NOBODY_SET_THIS")
}
