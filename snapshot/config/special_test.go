package config_test

import (
	"slices"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/config"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

func TestABroadGlobTakesHoldOfWhatIsNoText(t *testing.T) {
	got := snapshottest.Parse(t, config.New(), snapshottest.Fixture{
		Name: "etc",
		Tree: snapshottest.Tree(t, map[string]string{
			"etc/alternatives/editor":             "-> /usr/bin/vim.basic",
			"etc/alternatives/node":               "-> /opt/node/bin/node",
			"opt/node/bin/node":                   "\x7fELF",
			"etc/rc2.d/S01cron":                   "-> ../init.d/cron",
			"etc/passwd":                          "root:x:0:0:root:/root:/bin/bash\n",
			"etc/shadow":                          "root:$6$salt$hash:19000::::::\n",
			"etc/shadow-":                         "root:$6$salt$old:19000::::::\n",
			"etc/ssh/ssh_host_rsa_key":            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
			"etc/machine-id":                      "3d1219c7c4c5404aaa1f6d2a48adfda4\n",
			"etc/ld.so.cache":                     "glibc-ld.so.cache1.1\x00",
			"etc/subuid":                          "deploy:100000:65536\n",
			"etc/nsswitch.conf":                   "passwd: files systemd mymachines\nhosts: files dns # in this order\n",
			"usr/lib/systemd/system/cron.service": "[Service]\nExecStart=/usr/sbin/cron\n",
			"etc/systemd/system/multi-user.target.wants/cron.service": "-> /lib/systemd/system/cron.service",
			"etc/systemd/system/crond.service":                        "-> /lib/systemd/system/cron.service",
			"etc/systemd/system/nginx.service":                        "-> /dev/null",
			"etc/systemd/system/shop.service":                         "-> /srv/shop/shop.service",
			"srv/shop/shop.service":                                   "[Service]\nUser=shop\n",
		}),
		Spec: snapshot.RoleSpec{Config: []string{"/etc/**"}},
	})
	for _, g := range got.Gaps {
		t.Errorf("gap: %s: %s", g.Address, g.Reason)
	}
	var facts []string
	for _, f := range got.Facts {
		facts = append(facts, f.Address.String()+" "+f.Value.JSON())
	}
	slices.Sort(facts)
	want := []string{
		`web:config/etc/alternatives/editor true`,
		`web:config/etc/alternatives/editor#@link "/usr/bin/vim.basic"`,
		`web:config/etc/alternatives/node true`,
		`web:config/etc/alternatives/node#@link "/opt/node/bin/node"`,
		`web:config/etc/nsswitch.conf true`,
		`web:config/etc/nsswitch.conf#hosts ["files","dns"]`,
		`web:config/etc/nsswitch.conf#passwd ["files","systemd","mymachines"]`,
		`web:config/etc/rc2.d/S01cron true`,
		`web:config/etc/rc2.d/S01cron#@link "../init.d/cron"`,
		`web:config/etc/ssh/ssh_host_rsa_key true`,
		`web:config/etc/subuid true`,
		`web:config/etc/subuid#deploy "100000:65536"`,
		`web:config/etc/systemd/system/crond.service true`,
		`web:config/etc/systemd/system/crond.service#@link "/usr/lib/systemd/system/cron.service"`,
		`web:config/etc/systemd/system/multi-user.target.wants/cron.service true`,
		`web:config/etc/systemd/system/nginx.service true`,
		`web:config/etc/systemd/system/nginx.service#@link "/dev/null"`,
		`web:config/etc/systemd/system/shop.service true`,
		`web:config/etc/systemd/system/shop.service#Service.User "shop"`,
	}
	if !slices.Equal(facts, want) {
		t.Errorf("got\n%q\nwant\n%q", facts, want)
	}
	if len(got.Notes) != 2 || got.Notes[0].Kind != "generated files" || got.Notes[1].Kind != "password files" || got.Notes[1].Count != 2 {
		t.Errorf("notes: %+v", got.Notes)
	}
}
