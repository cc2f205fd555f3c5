package onssh

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/testservers"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/effective"
)

// A capture by everything that envdiff has leaves a host as it was, also where the programs that are asked would write if they could: nginx without its logs, PHP with
// sessions and a log, rpm as root.
func TestACaptureWritesNothing(t *testing.T) {
	m := testservers.StartMachine(t, "web1")
	m.Run(t, `printf 'Name: shop\nVersion: 1\nRelease: 1\nSummary: shop\nLicense: none\nBuildArch: noarch\n%%description\nshop\n%%files\n' >/tmp/shop.spec
		rpmbuild -bb --define '_topdir /tmp/b' /tmp/shop.spec >/tmp/log 2>&1; rpm --dbpath /var/lib/rpm --initdb; rpm --dbpath /var/lib/rpm -i --nodeps /tmp/b/RPMS/noarch/*.rpm
		for d in /etc/php/*/cli/conf.d; do printf 'session.auto_start=1\nopcache.enable_cli=1\nopcache.preload=/srv/preload.php\nopcache.preload_user=nobody\nerror_log=/var/log/php.log\nextension=nosuch\nlog_errors=1\ndisplay_startup_errors=0\n' >$d/99-shop.ini; done
		echo '<?php touch("/tmp/ran");' >/srv/preload.php
		mkdir -p /srv/shop/nginx /srv/shop/repo; git init -q --bare /srv/shop/repo
		echo 'server { listen 8081; include "/srv/shop/nginx/more parts"; }' >/etc/nginx/conf.d/shop.conf; echo 'return 204; # include nothing.conf;' >'/srv/shop/nginx/more parts'
		nginx; rm -rf /var/log/nginx/* /var/lib/nginx/*; php -i >/dev/null 2>&1 || true; [ -e /var/log/php.log ]; [ -e /tmp/ran ]; rm /var/log/php.log /tmp/ran`)
	h := testservers.SSH(t, m.Shell())
	testservers.Client(t, h.Block("web1"))
	p := newProject(t, "  live: {hosts: {web: [\"ssh://web1\"]}}\n")
	time.Sleep(100 * time.Millisecond) // a file system's clock has steps
	began := time.Now()
	p.run(t, 0, "live", "--fail-on", "none")
	if all := m.Written(t, began); len(all) > 0 {
		t.Errorf("the capture wrote: %q", all)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tr := ssh(t, h)
	defer tr.Close()
	ss, err := tr.Fetch(ctx, effective.New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	told, asked := map[string]bool{}, map[string]bool{}
	for _, f := range parseEffective(ss) {
		kind, rest, _ := strings.Cut(f.Address.Name, "/")
		told[strings.TrimSuffix("/"+rest, "/")] = kind == "nginx"
		asked[f.Address.Name+"#"+f.Address.Attribute] = true
	}
	maps.DeleteFunc(told, func(_ string, nginx bool) bool { return !nginx })
	if !asked["php/cli#memory_limit"] || !asked["php/cli#error_log"] || !asked["sshd#port"] || asked["nginx#refused"] {
		t.Errorf("PHP and sshd were not asked: %v", slices.Sorted(maps.Keys(asked)))
	}
	// nginx's own list of its files is the oracle; it is also what shows that writing would have been seen.
	want := map[string]bool{}
	for line := range strings.Lines(m.Run(t, "nginx -T 2>&1")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "# configuration file "); ok {
			want[strings.TrimSuffix(name, ":")] = true
		}
	}
	if d := cmp.Diff(want, told); d != "" || len(want) < 4 {
		t.Errorf("files of nginx: %s", d)
	}
	if all := m.Written(t, began); !slices.Contains(all, "/var/log/nginx/access.log") || !slices.Contains(all, "/var/lib/nginx") {
		t.Errorf("nginx -T makes files, and only this was seen: %q", all)
	}

	for broken, want := range map[string]string{
		"include parts/*.conf; include gone.conf;":     "/etc/nginx/gone.conf",
		"server {\n\tprox_pass http://127.0.0.1:1;\n}": `unknown directive "prox_pass" (/etc/nginx/conf.d/shop.conf:2)`,
		"server {\n\tlisten 8081;\n":                   `unexpected end of file, expecting "}" (/etc/nginx/conf.d/shop.conf:3)`,
	} {
		m.Run(t, "printf '"+broken+"' >/etc/nginx/conf.d/shop.conf; ! nginx -t")
		expect(t, p.run(t, 1, "live", "--only", "web:effective/*"), "config-invalid web:effective/nginx#refused", "does not take its configuration", want)
	}
}

func parseEffective(ss transport.Sections) []snapshot.Fact {
	return effective.New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}).Facts
}
