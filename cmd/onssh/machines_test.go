package onssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/testservers"
)

// machines starts hosts that are this machine each with a layer of its own, reachable by ssh under their names.
func machines(t *testing.T, names ...string) map[string]*testservers.Machine {
	t.Helper()
	all := map[string]*testservers.Machine{}
	var blocks []string
	for _, name := range names {
		all[name] = testservers.StartMachine(t, name)
		blocks = append(blocks, testservers.SSH(t, all[name].Shell()).Block(name))
	}
	testservers.Client(t, blocks...)
	return all
}

// ownState are parts that depend on the machine that runs the tests, not on the hosts.
var ownState = []string{"--skip", "web:filesystem/*", "--skip", "web:process/*", "--skip", "web:host/reboot*", "--skip", "web:host/clock*"}

func certificate(days int) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop.example"}, NotBefore: time.Now().AddDate(0, 0, -80), NotAfter: time.Now().AddDate(0, 0, days)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Hosts that are installed alike give nothing; what is then changed on them, by the tools that change it, is found, and nothing else.
func TestRealHosts(t *testing.T) {
	all := machines(t, "web1", "web2", "web3")
	for _, m := range all {
		m.Run(t, "nginx; mkdir -p /etc/shop; printf '%s' '"+certificate(90)+"' >/etc/shop/site.pem")
	}
	p := newProject(t, "  live: {hosts: {web: [\"ssh://web1\", \"ssh://web2\", \"ssh://web3\"]}}\n")
	run := func(status int) string {
		return p.run(t, status, append([]string{"live", "--fail-on", "low"}, ownState...)...)
	}

	expect(t, run(0), "no findings")

	all["web1"].Run(t, "printf '%s' '"+certificate(10)+"' >/etc/shop/site.pem; sysctl -qw net.ipv4.ip_forward=1; echo '* - nofile 9999' >/etc/security/limits.d/shop.conf")
	all["web2"].Run(t, "dpkg -r --force-all nginx-light >&2; sed -i 's/^#\\?PermitRootLogin.*/PermitRootLogin yes/;$a MaxAuthTries 2' /etc/ssh/sshd_config; echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy")
	all["web3"].Run(t, "sleep 3; echo '# touched' >>/etc/nginx/nginx.conf; busybox nc -l -p 9000 >/dev/null 2>&1 & sleep 0.5; useradd -m -s /bin/sh deploy")
	out := run(1)
	expect(t, out,
		"certificate-expiring web:certificate/etc/shop/site.pem#not_after", "on web1 expires in",
		"web:sysctl_running/net.ipv4.ip_forward#value", "web:limit/%2A/nofile",
		"package-missing web:package/deb/nginx-light", "web:effective/sshd#maxauthtries", "web:sudoers/etc/sudoers.d/deploy",
		"not-loaded web:effective/nginx#stale", "nginx on web3 runs since before these files changed: [/etc/nginx/nginx.conf]", "web:port/tcp/9000", "web:user/deploy", "web:effective/sshd#permitrootlogin", "HIGH 5", "MEDIUM 5", "5 high, 5 medium")
}

// With real sudo: the one line of sudoers that docs/ssh.md names suffices, without it the host is a gap that says what to do.
func TestRealSudo(t *testing.T) {
	m := testservers.StartMachine(t, "web1")
	m.Run(t, "useradd -m -s /bin/sh -p '*' shopdeploy; useradd -m -s /bin/sh -p '*' nobodys; echo 'shopdeploy ALL=(root) NOPASSWD: /bin/sh -s' >/etc/sudoers.d/shopdeploy; "+
		"echo 'nobodys ALL=(root) /bin/sh' >/etc/sudoers.d/nobodys; chmod 440 /etc/sudoers.d/*; mkdir -p /var/spool/cron/crontabs; chmod 700 /var/spool/cron/crontabs; echo '* * * * * /bin/true' >/var/spool/cron/crontabs/shopdeploy")
	testservers.Client(t, testservers.SSH(t, m.ShellAs("shopdeploy")).Block("allowed"), testservers.SSH(t, m.ShellAs("nobodys")).Block("asked"))
	p := newProject(t, "  root: {hosts: {web: [{url: \"ssh://allowed\", sudo: true}]}}\n  user: {hosts: {web: [\"ssh://allowed\"]}}\n  denied: {hosts: {web: [{url: \"ssh://asked\", sudo: true}]}}\n")
	expect(t, p.run(t, 0, "user", "--only", "web:cron/*", "--only", "web:sudoers/*"), "files that this user may not read")
	if out := p.run(t, 0, "root", "--only", "web:cron/*", "--only", "web:sudoers/*"); strings.Contains(out, "may not read") {
		t.Errorf("root may read everything:\n%s", out)
	}
	expect(t, p.run(t, 3, "denied"), "sudo on asked asks for a password, which is never given")
}

// A host with a real rpm database: packages that rpm itself built and installed. It is read alike where rpm cannot be asked: without the index that rpm as root makes, without rpm, and in a directory tree.
func TestRealRpm(t *testing.T) {
	all := machines(t, "web1", "web2")
	spec := "Name: shop\\nVersion: %s\\nRelease: 1\\nSummary: shop\\nLicense: none\\nBuildArch: noarch\\n%%%%description\\nshop\\n%%%%files\\n"
	for name, version := range map[string]string{"web1": "1.10", "web2": "1.9"} {
		all[name].Run(t, fmt.Sprintf("mkdir -p /tmp/b; printf '"+spec+"' >/tmp/b/shop.spec; rpmbuild -bb --define '_topdir /tmp/b' /tmp/b/shop.spec; rpm --dbpath /var/lib/rpm --initdb; rpm --dbpath /var/lib/rpm -i --nodeps /tmp/b/RPMS/noarch/*.rpm", version))
	}
	_, text, _ := strings.Cut(all["web1"].Run(t, "echo; echo =; base64 -w0 /var/lib/rpm/rpmdb.sqlite"), "\n=\n")
	database, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	tree := t.TempDir()
	if err := os.MkdirAll(filepath.Join(tree, "var/lib/rpm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "var/lib/rpm/rpmdb.sqlite"), database, 0o644); err != nil {
		t.Fatal(err)
	}
	p := newProject(t, "  live: {hosts: {web: [\"ssh://web1\"]}}\n  next: {hosts: {web: [\"ssh://web2\"]}}\n  tree: {hosts: {web: [\"root:"+tree+"\"]}}\n")
	only := append([]string{"--only", "web:package/rpm/*"}, ownState...)
	expect(t, p.run(t, 1, append([]string{"live", "next"}, only...)...), "package-older web:package/rpm/shop#version", "1.9-1 < 1.10-1")
	expect(t, p.run(t, 0, append([]string{"live", "tree"}, only...)...), "no findings")
	expect(t, p.run(t, 1, append([]string{"tree", "next"}, only...)...), "1.9-1 < 1.10-1")
	all["web1"].Run(t, "rm /var/lib/rpm/rpmdb.sqlite-*")
	all["web2"].Run(t, "rm /usr/bin/rpm")
	expect(t, p.run(t, 1, append([]string{"live", "next"}, only...)...), "1.9-1 < 1.10-1")
}
