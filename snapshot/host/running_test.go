package host

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxKyu4mL0o0mDcWPWe6m3l2T5nzAfsQyGVh5CVxb5aV"

// running is what a whole host answers beside its files.
func running() (map[string]string, map[string]transport.Section) {
	files := debian()
	maps.Copy(files, map[string]string{
		"proc/loadavg": "2.50 1.25 0.5 3/116 24141\n", "proc/uptime": "3600.51 7000.1\n",
		"proc/modules": "nf_conntrack 1 0 - Live 0x0\nbr_netfilter 1 0 - Live 0x0\n", "etc/modules-load.d/k8s.conf": "# net\nbr-netfilter\noverlay\n",
		"run/reboot-required": "*** System restart required ***\n", "run/reboot-required.pkgs": "linux-image-amd64\n",
		"etc/default/locale":            "LANG=\"de_AT.UTF-8\"\nLC_TIME=C\nPATH=/x\n",
		"etc/security/limits.conf":      "# <domain> <type> <item> <value>\n*  soft nofile 1024\n@shop - nofile 65536 # many\n",
		"etc/security/limits.d/90.conf": "* soft nofile 4096\n",
		"etc/sudoers":                   "Defaults  env_reset\nroot ALL=(ALL:ALL)   ALL\n%sudo ALL=(ALL) \\\n   NOPASSWD: ALL # admins\n@includedir /etc/sudoers.d\n",
		"etc/sudoers.d/deploy":          "deploy ALL=(root) NOPASSWD: /bin/sh -s\n#1001 ALL=(ALL) ALL\n", "etc/sudoers.d/old.bak": "x ALL=ALL\n",
		"root/.ssh/authorized_keys":   publicKey + " somebody@laptop\n",
		"sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
		"proc/mounts": "/dev/vda1 / ext4 rw 0 0\n/dev/vdb /srv/my\\040data xfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/loop0 /snap/x squashfs ro 0 0\n",
	})
	return files, map[string]transport.Section{
		"virtualisation": {Output: []byte("kvm\n")},
		"space": {Output: []byte("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1000000 300000 600000 34% /\n" +
			"/dev/vdb 2000000 1980000 20000 99% /srv/my data\ntmpfs 1000 0 1000 0% /run\n/dev/loop0 100 100 0 100% /snap/x\n")},
		"inodes": {Output: []byte("Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/vda1 1000 750 250 75% /\n/dev/vdb 0 0 0 - /srv/my data\n")},
		"clock":  {Output: []byte("1764270000\n"), Taken: time.Unix(1764270042, 9e8)},
		"time-sync": {Output: []byte("chrony A9FEA97B,169.254.169.123,4,1764269000.1,0.000001,-0.000001,0.00001,1.2,-0.001,0.01,0.0002,0.00003,64.2,Normal\n" +
			"systemd no\n")},
		"sysctl-running": {Output: []byte("vm.swappiness = 20\nnet.ipv4.ip_forward = 0\nkernel.printk = 4\t4\t1\t7\nnet.core.somaxconn = 4096\nvm.hidden = 7\nkernel.random.uuid = x\n")},
		"authorized-keys": {Output: []byte("@ root /root/.ssh/authorized_keys\n # comment\n " + publicKey + " somebody@laptop\n" +
			"@ deploy /home/deploy/.ssh/authorized_keys\n command=\"/bin/x \\\" y\",no-pty " + publicKey + " other@laptop\n nonsense\n")},
	}
}

func TestARunningHostShowsHowItIs(t *testing.T) {
	files, answers := running()
	r := capture(t, files, snapshot.RoleSpec{}, answers)
	got := facts(r, "host/virtualisation", "host/locale", "host/clock", "host/load", "host/uptime", "host/reboot", "host/modules", "filesystem/", "module/", "limit/", "sudoers/",
		"authorized_keys/", "sysctl_running/", "sysctl/net.ipv4.ip_forward", "sysctl/kernel.printk", "sysctl/vm.swappiness")
	const key = "ssh-ed25519 SHA256:JtdmzADJ3F5yJvF+twS0ODRk4gkQGmOrIa1n3koTTNs"
	want := map[string]string{
		"host/virtualisation#kind": "kvm", "host/locale#lang": "de_AT.UTF-8", "host/locale#lc_time": "C",
		"host/clock#offset_seconds": "-42", "host/clock#synchronised": "true",
		"host/load#one": "2.5", "host/load#five": "1.25", "host/load#fifteen": "0.5", "host/uptime#seconds": "3600",
		"host/reboot#required": "true", "host/reboot#packages": "[linux-image-amd64]", "host/modules#loaded": "[br_netfilter, nf_conntrack]",
		"filesystem//#total_bytes": "1024000000", "filesystem//#free_bytes": "614400000", "filesystem//#used_percent": "33", "filesystem//#used_inodes_percent": "75",
		"filesystem/srv/my data#total_bytes": "2048000000", "filesystem/srv/my data#free_bytes": "20480000", "filesystem/srv/my data#used_percent": "99",
		"module/br_netfilter#configured": "true", "module/br_netfilter#loaded": "true", "module/overlay#configured": "true", "module/overlay#loaded": "false",
		"limit/%2A/nofile#soft": "4096", "limit/@shop/nofile#soft": "65536", "limit/@shop/nofile#hard": "65536",
		"sudoers/etc/sudoers#rules":               "[Defaults env_reset, root ALL=(ALL:ALL) ALL, %sudo ALL=(ALL) NOPASSWD: ALL, @includedir /etc/sudoers.d]",
		"sudoers/etc/sudoers.d/deploy#rules":      "[deploy ALL=(root) NOPASSWD: /bin/sh -s, #1001 ALL=(ALL) ALL]",
		"authorized_keys/root#keys":               "[" + key + "]",
		"authorized_keys/deploy#keys":             "[a line that is no key, command=\"/bin/x \\\" y\",no-pty " + key + "]",
		"sysctl_running/net.core.somaxconn#value": "4096",
		"sysctl/net.ipv4.ip_forward#value":        "1", "sysctl/net.ipv4.ip_forward#running": "0", "sysctl/kernel.printk#value": "4 4 1 7", "sysctl/vm.swappiness#value": "20",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(r.Gaps) > 0 {
		t.Errorf("gaps: %+v", r.Gaps)
	}
}

// In a container the kernel's parameters, its modules and its clock are the host's, and say nothing of the container.
func TestAContainerDoesNotAnswerForItsKernel(t *testing.T) {
	files, answers := running()
	answers["virtualisation"] = transport.Section{Output: []byte("lxc\n")}
	got := facts(capture(t, files, snapshot.RoleSpec{}, answers), "sysctl/net.ipv4.ip_forward#running", "host/clock#synchronised", "module/overlay#loaded")
	if len(got) > 0 {
		t.Errorf("%v", got)
	}
}

func TestKindsOfMachines(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a container of docker": {map[string]string{".dockerenv": ""}, "docker"},
		"a container of podman": {map[string]string{"run/.containerenv": ""}, "podman"},
		"hyper-v":               {map[string]string{"sys/class/dmi/id/sys_vendor": "Microsoft Corporation\n", "sys/class/dmi/id/product_name": "Virtual Machine\n"}, "microsoft"},
		"a laptop":              {map[string]string{"sys/class/dmi/id/sys_vendor": "LENOVO\n", "sys/class/dmi/id/product_name": "20XW\n"}, "none"},
		"nothing to go by":      {map[string]string{"etc/passwd": ""}, ""},
	} {
		if got := facts(capture(t, c.files, snapshot.RoleSpec{}, nil), "host/virtualisation")["host/virtualisation#kind"]; got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func certificate(t testing.TB, name string, days int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Unix(1764270000, 0), NotAfter: time.Unix(1764270000, 0).AddDate(0, 0, days)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCertificates(t *testing.T) {
	shop, ca := certificate(t, "shop.example", 90), certificate(t, "ca.example", 900)
	r := capture(t, map[string]string{
		"etc/passwd": "", "etc/nginx/shop.pem": shop + ca, "etc/nginx/shop-key.pem": "secret", "etc/haproxy/x.pem": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + shop,
		"etc/ssl/certs/ca.pem": ca, "etc/trust/bundle.crt": strings.Repeat(ca, 7), "etc/broken.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"etc/letsencrypt/live/shop/cert.pem": "-> ../../archive/shop/cert1.pem", "etc/letsencrypt/archive/shop/cert1.pem": shop,
	}, snapshot.RoleSpec{}, nil)
	got := facts(r, "certificate/")
	want := map[string]string{}
	for _, file := range []string{"etc/nginx/shop.pem", "etc/haproxy/x.pem", "etc/letsencrypt/live/shop/cert.pem"} {
		maps.Copy(want, map[string]string{"certificate/" + file + "#not_after": "2026-02-25T19:00:00Z", "certificate/" + file + "#subject": "CN=shop.example",
			"certificate/" + file + "#issuer": "CN=shop.example", "certificate/" + file + "#names": "[shop.example]"})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What ssh-keygen prints is the oracle of fingerprints.
func TestFingerprintsAreThoseOfSSHKeygen(t *testing.T) {
	cmd := exec.Command("ssh-keygen", "-l", "-f", "-")
	cmd.Stdin = strings.NewReader(publicKey + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	rd := newReader(snapshot.Input{Redact: snapshot.NewRedactor(redactKey, nil)})
	text, _ := rd.authorized(publicKey)[0].Text()
	if f := strings.Fields(string(out)); text != "ssh-ed25519 "+f[1] {
		t.Errorf("%s, ssh-keygen says %s", text, out)
	}
}
