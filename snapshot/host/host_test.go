package host

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

var redactKey = keys.New()

// capture parses a tree; answers stand for commands.
func capture(t *testing.T, files map[string]string, spec snapshot.RoleSpec, answers map[string]transport.Section) snapshot.Result {
	t.Helper()
	tr, err := transport.Root(snapshottest.Tree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(spec))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(ss, answers)
	return New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Spec: spec, Sections: ss, Redact: snapshot.NewRedactor(redactKey, nil)})
}

// facts are those whose address begins with one of the prefixes, or all.
func facts(r snapshot.Result, prefixes ...string) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		a := strings.TrimPrefix(f.Address.String(), "web:")
		for _, p := range prefixes {
			if strings.HasPrefix(a, p) {
				m[a] = f.Value.Display()
			}
		}
		if len(prefixes) == 0 {
			m[a] = f.Value.Display()
		}
	}
	return m
}

// debian is a whole small system.
func debian() map[string]string {
	return map[string]string{
		"etc/os-release":                 "-> ../usr/lib/os-release",
		"usr/lib/os-release":             "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
		"lib64/ld-linux-x86-64.so.2":     "",
		"lib/ld-linux.so.2":              "",
		"proc/sys/kernel/osrelease":      "6.1.0-13-amd64\n",
		"proc/cpuinfo":                   "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\n",
		"proc/meminfo":                   "MemTotal:        8000000 kB\nMemFree: 1 kB\nSwapTotal:       1000000 kB\nSwapFree:         250000 kB\n",
		"proc/mounts":                    "/dev/vda1 / ext4 rw 0 0\nnfs1:/x /srv/my\\040data nfs rw 0 0\n",
		"etc/timezone":                   "Etc/UTC\n",
		"etc/localtime":                  "-> /usr/share/zoneinfo/Europe/Vienna",
		"etc/hostname":                   "web1\n",
		"etc/hosts":                      "127.0.0.1 localhost\n10.0.0.3 web1.prod.example web1 # own\n10.0.0.9 db1\n",
		"etc/machine-id":                 "00112233445566778899aabbccddeeff\n",
		"etc/network/interfaces":         "iface eth0 inet static\n  address 10.0.0.3/24\n  address 2001:db8::3/64\n  gateway 10.0.0.1\n",
		"etc/fstab":                      "# <file system> <mount point>\nUUID=aa-bb / ext4 errors=remount-ro 0 1\nnfs1:/x /srv/my\\040data nfs hard,rw,_netdev 0 0\n/dev/vdb /backup ext4 noauto 0 0\n/dev/vdc /lost ext4 defaults\nUUID=cc none swap sw 0 0\n//nas/share /mnt/nas cifs username=shop,password=hunter2hunter2 0 0\n",
		"etc/passwd":                     "root:x:0:0:root:/root:/bin/bash\ndeploy:$6$saltsalt$0123456789abcdef0123456789abcdef:1000:1000:Some Person,,,:/home/deploy:/bin/bash\n+::::::\n",
		"etc/group":                      "root:x:0:\ndeploy:x:1000:\nwww-data:x:33:deploy,root\n",
		"etc/sysctl.conf":                "# last\nnet.ipv4.ip_forward = 1\n",
		"etc/sysctl.d/10-a.conf":         "vm.swappiness=10\nnet.ipv4.ip_forward=0\nkernel.printk = 4\t4   1 7\n",
		"etc/sysctl.d/README":            "vm.swappiness=99\n",
		"usr/lib/sysctl.d/10-a.conf":     "vm.swappiness=60\nvm.hidden=1\n",
		"usr/lib/sysctl.d/99-z.conf":     "vm.swappiness = 20\n-net.ipv4.conf.*.rp_filter = 2\n-net.ipv4.conf.all.rp_filter\nnet/ipv4/conf/eth0.100/forwarding = 1\n",
		"etc/crontab":                    "SHELL=/bin/sh\n17 *\t* * *\troot    cd / && run-parts  --report /etc/cron.hourly\n",
		"etc/cron.d/php":                 "# clean\n09,39 * * * * root [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean\n@reboot  root  /opt/start\n",
		"etc/cron.d/report":              "API_TOKEN = k3yk3yk3yk3yk3y9Z\n0 5 * * * shop curl -u shop:s3cr3ts3cr3t https://shop.example/report\n",
		"etc/cron.d/.placeholder":        "",
		"etc/cron.d/off.disabled":        "* * * * * root rm -rf /\n",
		"var/spool/cron/crontabs/deploy": "MAILTO=\"\"\n*/5 * * * * /srv/app/bin/tick\n",
		"etc/cron.daily/logrotate":       "#!/bin/sh\nlogrotate\n",
		"etc/cron.daily/not-executable":  "echo",
	}
}

func TestDebianTree(t *testing.T) {
	r := capture(t, debian(), snapshot.RoleSpec{}, nil)
	got := facts(r)
	digest := got["cron/etc/cron.daily/logrotate#digest"]
	delete(got, "cron/etc/cron.daily/logrotate#digest")
	if !strings.HasPrefix(digest, "‹content:") {
		t.Errorf("digest of a cron script: %q", digest)
	}
	report := got["cron/etc/cron.d/report#entries"]
	delete(got, "cron/etc/cron.d/report#entries")
	if strings.Contains(report, "k3yk3y") || strings.Contains(report, "s3cr3t") || !strings.Contains(report, "https://shop.example/report") {
		t.Errorf("secrets in a crontab: %s", report)
	}
	want := map[string]string{
		"host/os#id": "debian", "host/os#version_id": "12", "host/os#pretty_name": "Debian GNU/Linux 12 (bookworm)",
		"host/architecture#name": "x86_64", "host/kernel#release": "6.1.0-13-amd64", "host/cpu#count": "2",
		"host/memory#total_bytes": "8192000000", "host/swap#total_bytes": "1024000000", "host/swap#used_bytes": "768000000",
		"host/timezone#name": "Europe/Vienna",
		"host/name#hostname": "web1", "host/name#fqdn": "web1.prod.example", "host/name#machine_id": "00112233445566778899aabbccddeeff",
		"host/network#addresses": "[10.0.0.3, 2001:db8::3]",
		"mount//#uuid":           "UUID=aa-bb", "mount//#type": "ext4", "mount//#options": "[errors=remount-ro]", "mount//#mounted": "true",
		"mount/srv/my data#device": "nfs1:/x", "mount/srv/my data#type": "nfs", "mount/srv/my data#options": "[_netdev, hard, rw]", "mount/srv/my data#mounted": "true",
		"mount/backup#device": "/dev/vdb", "mount/backup#type": "ext4", "mount/backup#options": "[noauto]",
		"mount/lost#device": "/dev/vdc", "mount/lost#type": "ext4", "mount/lost#options": "[defaults]", "mount/lost#mounted": "false",
		"mount/none/UUID=cc#uuid": "UUID=cc", "mount/none/UUID=cc#type": "swap", "mount/none/UUID=cc#options": "[sw]",
		"mount/mnt/nas#device": "//nas/share", "mount/mnt/nas#type": "cifs", "mount/mnt/nas#options": "[password=‹secret›, username=shop]", "mount/mnt/nas#mounted": "false",
		"user/root#uid": "0", "user/root#gid": "0", "user/root#home": "/root", "user/root#shell": "/bin/bash",
		"user/deploy#uid": "1000", "user/deploy#gid": "1000", "user/deploy#home": "/home/deploy", "user/deploy#shell": "/bin/bash",
		"group/root#gid": "0", "group/root#members": "[]", "group/deploy#gid": "1000", "group/deploy#members": "[]",
		"group/www-data#gid": "33", "group/www-data#members": "[deploy, root]",
		"sysctl/vm.swappiness#value": "20", "sysctl/net.ipv4.ip_forward#value": "1", "sysctl/kernel.printk#value": "4 4 1 7",
		"sysctl/net.ipv4.conf.%2A.rp_filter#value": "2", "sysctl/net.ipv4.conf.eth0/100.forwarding#value": "1",
		"cron/etc/crontab#entries":                    "[17 * * * * root cd / && run-parts  --report /etc/cron.hourly, SHELL=/bin/sh]",
		"cron/etc/cron.d/php#entries":                 "[09,39 * * * * root [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean, @reboot root /opt/start]",
		"cron/var/spool/cron/crontabs/deploy#entries": "[*/5 * * * * /srv/app/bin/tick, MAILTO=]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(r.Gaps) > 0 {
		t.Errorf("gaps: %+v", r.Gaps)
	}
	if len(r.Notes) != 1 || r.Notes[0].Kind != "files in cron.d whose names cron ignores" || r.Notes[0].Count != 1 {
		t.Errorf("notes: %+v", r.Notes)
	}
}

func TestARunningHostAnswersForItself(t *testing.T) {
	r := capture(t, map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "lib64/ld-linux-x86-64.so.2": ""}, snapshot.RoleSpec{}, map[string]transport.Section{
		"machine": {Output: []byte("aarch64\n")},
		"addresses": {Output: []byte("2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\\ valid_lft forever\n2: eth0    inet6 2001:db8::7/64 scope global\n" +
			"3: lo    inet 127.0.0.1/8 scope global\n")},
	})
	want := map[string]string{"host/architecture#name": "aarch64", "host/network#addresses": "[10.0.0.7, 2001:db8::7]"}
	if d := cmp.Diff(want, facts(r, "host/")); d != "" {
		t.Error(d)
	}
}

// A file that the role captures as configuration gives its facts there and none here.
func TestCapturedFilesAreLeftToTheConfigCollector(t *testing.T) {
	r := capture(t, debian(), snapshot.RoleSpec{Config: []string{"/etc/sysctl.d/**", "/etc/cron.d/*", "/etc/fstab", "/etc/crontab"}}, nil)
	want := map[string]string{
		"sysctl/vm.swappiness#value": "20", "sysctl/net.ipv4.ip_forward#value": "1",
		"sysctl/net.ipv4.conf.%2A.rp_filter#value": "2", "sysctl/net.ipv4.conf.eth0/100.forwarding#value": "1",
	}
	if d := cmp.Diff(want, facts(r, "sysctl/")); d != "" {
		t.Error(d)
	}
	if got := facts(r, "cron/etc/cron.d/", "cron/etc/crontab", "mount/"); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
}

// What a tree of a few files does not hold is not looked at; what a whole system does not hold is absent.
func TestAbsentIsNotTheSameAsNotLookedAt(t *testing.T) {
	part := capture(t, map[string]string{"etc/nginx/nginx.conf": "x"}, snapshot.RoleSpec{}, nil)
	for _, a := range []string{"sysctl/vm.swappiness#value", "user/root#uid", "cron/etc/crontab#entries", "host/kernel#release", "mount/srv#type"} {
		if snapshot.MatchAny(part.Looked, a) {
			t.Errorf("a tree without a system vouches for %s: %q", a, part.Looked)
		}
	}
	if len(part.Facts)+len(part.Gaps) > 0 {
		t.Errorf("%+v", part)
	}
	system := capture(t, map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n"}, snapshot.RoleSpec{}, nil)
	for _, a := range []string{"sysctl/vm.swappiness#value", "user/deploy#uid", "cron/etc/crontab#entries", "mount/srv#type"} {
		if !snapshot.MatchAny(system.Looked, a) {
			t.Errorf("a system does not vouch for %s: %q", a, system.Looked)
		}
	}
	for _, a := range []string{"host/kernel#release", "host/memory#total_bytes", "mount/srv#mounted", "group/root#gid"} {
		if snapshot.MatchAny(system.Looked, a) {
			t.Errorf("a tree without /proc and /etc/group vouches for %s: %q", a, system.Looked)
		}
	}
}

func TestDamagedFilesAreOneGapEach(t *testing.T) {
	files := debian()
	files["etc/passwd"] = "root:x:0:0:root:/root:/bin/bash\nnonsense\nx:x:-1:0::/:/bin/sh\n"
	files["etc/fstab"] = "/dev/vda1\n"
	files["etc/sysctl.d/10-a.conf"] = "no equals sign\n"
	files["etc/cron.d/out"] = "-> ../../../../../etc/passwd"
	r := capture(t, files, snapshot.RoleSpec{}, nil)
	var got []string
	for _, g := range r.Gaps {
		got = append(got, g.Address.String()+" "+g.Reason)
	}
	want := []string{
		"web:mount /etc/fstab: line 1 is not understood",
		"web:sysctl /etc/sysctl.d/10-a.conf: line 1 is not understood",
		"web:user /etc/passwd: line 2 is not understood, nor are 1 more",
		"web:cron /etc/cron.d/out could not be read: a link that leaves the tree (the link leads above the tree's root)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if facts(r, "user/root#")["user/root#uid"] != "0" {
		t.Error("the readable lines were lost")
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	files, answers := running()
	files["etc/nginx/shop.pem"] = certificate(t, "shop.example", 90)
	return []snapshottest.Fixture{
		{Name: "running", Tree: snapshottest.Tree(t, files), Answers: answers, Secrets: []string{"somebody@laptop", "other@laptop"}},
		{Name: "debian", Tree: snapshottest.Tree(t, debian()), Secrets: []string{"hunter2", "$6$saltsalt", "Some Person", "k3yk3y", "s3cr3ts3cr3t"},
			Answers: map[string]transport.Section{"machine": {Output: []byte("x86_64\n")}, "addresses": {Output: []byte("2: eth0    inet 10.0.0.7/24 scope global\n")}}},
		{Name: "captured as configuration", Tree: snapshottest.Tree(t, debian()), Spec: snapshot.RoleSpec{Config: []string{"/etc/**"}}},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }

func TestThisMachine(t *testing.T) {
	tr := transport.Local()
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	r := New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(redactKey, nil)})
	got := facts(r)
	for _, a := range []string{"host/kernel#release", "host/cpu#count", "host/memory#total_bytes", "host/architecture#name", "user/root#uid"} {
		if got[a] == "" {
			t.Errorf("no %s on this machine", a)
		}
	}
}
