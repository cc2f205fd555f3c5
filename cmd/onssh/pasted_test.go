package onssh

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/testservers"
)

// offers makes what is installed, and puts it where the tools of this machine look for it without a network: two versions of a package of the two systems, of programming
// languages one. Not in /tmp: systemd empties that when its services first start.
const offers = `umask 022; mkdir /srv/offers; cd /srv/offers; mkdir -p deb rpm wheel gem/gems npm/@shop
for v in 1.9 1.10; do
	for p in shop cart; do
		mkdir -p d/DEBIAN; printf 'Package: %s\nVersion: 1:%s-1\nArchitecture: all\nMaintainer: shop <shop@shop.example>\nDescription: shop\n' $p $v >d/DEBIAN/control
		dpkg-deb -b d deb/${p}_$v.deb >/dev/null
		{ cat d/DEBIAN/control; printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' ${p}_$v.deb $(stat -c %s deb/${p}_$v.deb) $(sha256sum deb/${p}_$v.deb | cut -d' ' -f1); } >>deb/Packages
	done
	printf 'Name: shop\nEpoch: 2\nVersion: %s\nRelease: 1\nSummary: shop\nLicense: none\nBuildArch: noarch\n%%description\nshop\n%%files\n' $v >shop.spec
	rpmbuild -bb --define '_topdir /srv/offers/b' shop.spec >log 2>&1
done
cp b/RPMS/noarch/*.rpm rpm; createrepo_c -q rpm
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/offers/deb ./' >/etc/apt/sources.list; apt-get update -qq
rm -rf /etc/yum.repos.d; mkdir -p /etc/yum.repos.d; printf '[shop]\nname=shop\nbaseurl=file:///srv/offers/rpm\ngpgcheck=0\n' >/etc/yum.repos.d/shop.repo
mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros; printf '\nassumeyes=True\n' >>/etc/dnf/dnf.conf; rpm --initdb
w=cart-1.10.dist-info; mkdir $w; printf 'Metadata-Version: 2.1\nName: cart\nVersion: 1.10\n' >$w/METADATA; printf '%s,,\n' $w/METADATA $w/WHEEL $w/RECORD >$w/RECORD
printf 'Wheel-Version: 1.0\nGenerator: shop\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >$w/WHEEL; /usr/bin/python3 -m zipfile -c wheel/cart-1.10-py3-none-any.whl $w
echo "Gem::Specification.new{|s| s.name='cart';s.version='1.10';s.summary='shop';s.authors=['shop'];s.files=[]}" >cart.gemspec; gem build -q cart.gemspec -o gem/gems/cart-1.10.gem >log 2>&1; (cd gem; gem generate_index >../log 2>&1)
mkdir package; printf '{\n  "name": "@shop/cart",\n  "version": "1.10.0"\n}\n' >package/package.json; tar czf npm/cart.tgz package
echo '{"name":"@shop/cart","dist-tags":{"latest":"1.10.0"},"versions":{"1.10.0":{"name":"@shop/cart","version":"1.10.0","dist":{"tarball":"http://127.0.0.1:8090/npm/cart.tgz"}}}}' >npm/@shop/cart
printf '[global]\nno-index = true\nfind-links = /srv/offers/wheel\n' >/etc/pip.conf; printf -- '---\n:sources:\n- http://127.0.0.1:8090/gem/\n' >/etc/gemrc
npm=$(npm prefix -g); mkdir -p $npm/etc; echo 'registry=http://127.0.0.1:8090/npm/' >$npm/etc/npmrc
useradd -m -s /bin/sh ops; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; echo 127.0.1.1 web1 >>/etc/hosts
(/usr/bin/python3 -m http.server 8090 >/dev/null 2>&1 &); until /usr/bin/python3 -c 'import socket; socket.create_connection(("127.0.0.1", 8090))' 2>/dev/null; do :; done
`

// wanted is the host as it should be, drifted what then became of it.
const (
	wanted = `for u in on hidden broken stopped; do printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=shop.target\n' >/usr/lib/systemd/system/shop-$u.service; done
printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' >/usr/lib/systemd/system/shop-job.service
printf '[Unit]\nDefaultDependencies=no\n[Timer]\nOnCalendar=03:00\n[Install]\nWantedBy=shop.target\n' >/usr/lib/systemd/system/shop-job.timer
systemctl daemon-reload; systemctl -q enable --now shop-on shop-hidden shop-broken shop-job.timer; systemctl -q mask nginx
sysctl -qw net.ipv4.ip_forward=1 'net.ipv4.tcp_rmem=4096 131072 6291456' net.ipv4.tcp_fin_timeout=31; echo 'net.ipv4.tcp_fin_timeout = 31' >/etc/sysctl.d/shop.conf
dpkg -i deb/shop_1.10.deb deb/cart_1.10.deb >/dev/null 2>&1; rpm -i rpm/shop-1.10-1.noarch.rpm 2>/dev/null
cp -r cart-1.10.dist-info $(echo /usr/local/lib/python3*/dist-packages); mkdir -p $(npm root -g)/@shop $(gem env home)/specifications $(gem env home)/gems; cp -r package $(npm root -g)/@shop/cart
cp cart.gemspec $(gem env home)/specifications/cart-1.10.gemspec`
	drifted = `systemctl -q disable --now shop-on shop-job.timer; systemctl -q mask --now shop-hidden; systemctl kill -s SEGV shop-broken; systemctl -q enable --now shop-stopped; systemctl -q unmask nginx
until systemctl is-failed -q shop-broken; do :; done; systemctl start shop-job || true; echo '# not read' >>/usr/lib/systemd/system/shop-stopped.service
sysctl -qw net.ipv4.ip_forward=0 'net.ipv4.tcp_rmem=4096 87380 6291456' net.ipv4.tcp_fin_timeout=60
dpkg -r cart >/dev/null; dpkg -i deb/shop_1.9.deb >/dev/null 2>&1; rpm -e shop 2>/dev/null; rpm -i rpm/shop-1.9-1.noarch.rpm 2>/dev/null
rm -r $(echo /usr/local/lib/python3*/dist-packages)/cart-1.10.dist-info $(npm root -g)/@shop; rm $(gem env home)/specifications/cart-1.10.gemspec`
)

// TestWhatIsPastedRepairsHosts: each command that a finding of a host brings is run as a person runs it, who is not root and may use sudo, by the tool that it names; what it was for is no
// finding any more.
func TestWhatIsPastedRepairsHosts(t *testing.T) {
	m := testservers.StartBooted(t, "web1")
	m.Run(t, offers)
	testservers.Client(t, testservers.SSH(t, m.Shell()).Block("web1"))
	p := newProject(t, "  production: {hosts: {app: [\"ssh://web1\"]}}\n")
	p.add(t, "  app: {services: [shop-on, shop-stopped], packages: [deb, rpm, pip, npm, gem]}\nkeys: {redact: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}\n")
	only := []string{"--only", "app:package/*", "--only", "app:service/*", "--only", "app:sysctl*"}
	m.Run(t, "cd /srv/offers; "+wanted)
	p.run(t, 0, append([]string{"snapshot", "production", "-f", "./staging.snapshot"}, only...)...)
	m.Run(t, "cd /srv/offers; "+drifted)
	compared := func(status int) []finding.Finding {
		var report struct{ Findings []finding.Finding }
		text := p.run(t, status, append([]string{"./staging.snapshot", "production", "--fail-on", "low", "-o", "json", "--quiet"}, only...)...)
		if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &report); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return report.Findings
	}
	var without []string
	pasted := "set -e\n"
	for _, f := range compared(1) {
		if len(f.Fix) == 0 {
			without = append(without, f.Rule+" "+f.Address)
		}
		for _, x := range f.Fix {
			if !strings.HasPrefix(x.Where, "production: web1") {
				t.Errorf("%s is to be pasted on %s", f.Address, x.Where)
			}
			if strings.Contains(x.Command, " status ") { // which says by its exit status that the unit has failed
				x.Command = "! " + x.Command
				without = append(without, f.Rule+" "+f.Address)
			}
			pasted += "set -x; " + x.Command + "\nset +x\n"
		}
	}
	said := m.Run(t, "cat >/srv/pasted <<'END'\n"+pasted+"END\nsu - ops -c 'PATH=/usr/bin:/bin sh /srv/pasted </dev/null' 2>&1")
	for _, tool := range []string{"apt-get install cart=", "apt-get install shop=", "dnf install shop-2:", "pip install cart==", "npm install ", "gem install cart", "systemctl enable ", "systemctl unmask ", "systemctl mask ",
		"systemctl stop ", "systemctl start ", "systemctl disable ", "systemctl daemon-reload", "sysctl -w net.ipv4.ip_forward=1", "sysctl -w net.ipv4.tcp_rmem="} {
		if !strings.Contains(strings.ReplaceAll(said, "'", ""), tool) {
			t.Errorf("no command runs %s:\n%s", tool, said)
		}
	}
	var left []string
	for _, f := range compared(1) {
		left = append(left, f.Rule+" "+f.Address)
	}
	if want := []string{"service-state app:service/shop-job#active"}; !slices.Equal(without, want) || !slices.Equal(left, want) {
		t.Errorf("without a command are %q, left are %q:\n%s", without, left, said)
	}
}
