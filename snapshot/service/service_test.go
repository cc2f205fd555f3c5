package service

import (
	"context"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

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
	return New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Spec: spec, Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)})
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m
}

func units() map[string]string {
	const dir = "etc/systemd/system/"
	return map[string]string{
		dir + "multi-user.target.wants/nginx.service":      "-> /lib/systemd/system/nginx.service",
		dir + "multi-user.target.wants/getty@tty1.service": "-> /lib/systemd/system/getty@.service",
		dir + "timers.target.wants/apt-daily.timer":        "-> /lib/systemd/system/apt-daily.timer",
		dir + "sockets.target.requires/docker.socket":      "-> /lib/systemd/system/docker.socket",
		dir + "sshd.service":                               "-> /lib/systemd/system/ssh.service",
		dir + "apport.service":                             "-> /dev/null",
		dir + "multi-user.target.wants/apport.service":     "-> /lib/systemd/system/apport.service",
		dir + "nginx.service.d/limits.conf":                "[Service]\nLimitNOFILE=65536\n",
		dir + "shop-worker.service":                        "[Service]\nExecStart=/srv/app/worker\n",
		dir + "multi-user.target.wants/README":             "no unit",
		"lib/systemd/system/nginx.service":                 "[Unit]\n",
	}
}

func TestUnits(t *testing.T) {
	const prefix = "unit/etc/systemd/system/"
	enabled := map[string]string{
		"service/nginx#enabled": "true", "service/getty@tty1#enabled": "true", "service/apt-daily.timer#enabled": "true",
		"service/docker.socket#enabled": "true", "service/ssh#enabled": "true", "service/apport#enabled": "masked",
	}
	listed := transport.Section{Output: []byte("Type=forking\nId=nginx.service\nActiveState=active\nNeedDaemonReload=no\nDropInPaths=/etc/systemd/system/nginx.service.d/limits.conf\n\n" +
		"Type=simple\nId=shop-worker.service\nActiveState=failed\nNeedDaemonReload=yes\n\nType=simple\nId=cron.service\nActiveState=active\n\n" +
		"Type=oneshot\nId=apt-daily.service\nActiveState=inactive\n\nId=apt-daily.timer\nActiveState=active\n\nType=notify\nId=ssh.service\nTriggeredBy=ssh.socket\nActiveState=inactive\n")}
	for _, c := range []struct {
		name    string
		spec    snapshot.RoleSpec
		answers map[string]transport.Section
		more    map[string]string
		digests []string
		looked  []string
	}{
		{"a tree", snapshot.RoleSpec{}, nil, nil, []string{"nginx.service.d/limits.conf", "shop-worker.service"}, []string{"service/*#", "service/*#enabled", "unit/*", "timer/*"}},
		{"named services are there even when they are not enabled", snapshot.RoleSpec{Services: []string{"nginx", "php8.2-fpm", "fstrim.timer"}}, nil,
			map[string]string{"service/php8.2-fpm#enabled": "false", "service/fstrim.timer#enabled": "false"},
			[]string{"nginx.service.d/limits.conf", "shop-worker.service"}, []string{"service/*#", "service/*#enabled", "unit/*", "timer/*"}},
		{"a running host shows named and failed units", snapshot.RoleSpec{Services: []string{"nginx", "php8.2-fpm"}}, map[string]transport.Section{"states": listed},
			map[string]string{"service/nginx#active": "active", "service/php8.2-fpm#enabled": "false", "service/php8.2-fpm#active": "inactive", "service/shop-worker#active": "failed",
				"service/shop-worker#stale": "true", "service/nginx#drop_ins": "[/etc/systemd/system/nginx.service.d/limits.conf]", "service/apt-daily.timer#active": "active"},
			[]string{"nginx.service.d/limits.conf", "shop-worker.service"}, []string{"service/*#", "service/*#enabled", "service/*#active", "service/*#stale", "service/*#drop_ins", "unit/*", "timer/*"}},
		{"systemctl without systemd", snapshot.RoleSpec{}, map[string]transport.Section{"states": {Status: 1}}, nil,
			[]string{"nginx.service.d/limits.conf", "shop-worker.service"}, []string{"service/*#", "service/*#enabled", "unit/*", "timer/*"}},
		{"overrides captured as configuration", snapshot.RoleSpec{Config: []string{"/etc/systemd/system/*.d/*"}}, nil, nil, []string{"shop-worker.service"},
			[]string{"service/*#", "service/*#enabled", "unit/*", "timer/*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := capture(t, units(), c.spec, c.answers)
			got := facts(r)
			want := maps.Clone(enabled)
			maps.Copy(want, c.more)
			for _, d := range c.digests {
				a := prefix + d + "#digest"
				if !strings.HasPrefix(got[a], "‹content:") {
					t.Errorf("%s: %q", a, got[a])
				}
				want[a] = got[a]
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.looked, r.Looked); d != "" {
				t.Error(d)
			}
			if len(r.Gaps) > 0 {
				t.Errorf("gaps: %+v", r.Gaps)
			}
		})
	}
}

// systemctl-show.txt is what systemd 252 printed, booted in a container on Debian 12 with nginx, ssh and MariaDB: shop-app runs, shop-broken, which a timer starts, has failed, ssh has a drop-in,
// and everything else is as Debian delivers it.
func TestWhatSystemdItselfPrints(t *testing.T) {
	text, err := os.ReadFile("testdata/systemctl-show.txt")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "etc/systemd/system/"
	files := map[string]string{dir + "multi-user.target.wants/shop-app.service": "-> ../shop-app.service", dir + "shop-app.service": "[Service]\n", dir + "timers.target.wants/shop-broken.timer": "-> ../shop-broken.timer",
		dir + "shop-broken.timer": "[Timer]\nOnCalendar=daily\n", dir + "ssh.service.d/shop.conf": "[Service]\nNice=5\n"}
	for _, unit := range []string{"ssh", "nginx", "mariadb", "rc-local", "systemd-timesyncd", "e2scrub_reap"} { // what Debian enables of them
		files[dir+"multi-user.target.wants/"+unit+".service"] = "-> /lib/systemd/system/" + unit + ".service"
	}
	for _, unit := range []string{"apt-daily.timer", "fstrim.timer"} {
		files[dir+"timers.target.wants/"+unit] = "-> /lib/systemd/system/" + unit
	}
	got := facts(capture(t, files, snapshot.RoleSpec{Services: []string{"php8.2-fpm"}}, map[string]transport.Section{"states": {Output: text}}))
	maps.DeleteFunc(got, func(a, v string) bool {
		return !strings.HasPrefix(a, "service/") || strings.HasSuffix(a, "#enabled") && v == "true"
	})
	want := map[string]string{
		"service/shop-app#active": "active", "service/shop-broken#active": "failed", "service/shop-broken.timer#active": "active",
		"service/ssh#active": "active", "service/ssh#drop_ins": "[/etc/systemd/system/ssh.service.d/shop.conf]", "service/rc-local#drop_ins": "[/usr/lib/systemd/system/rc-local.service.d/debian.conf]",
		"service/nginx#active": "active", "service/mariadb#active": "active", "service/apt-daily.timer#active": "active", // fstrim.timer and systemd-timesyncd have a condition that fails there
		"service/php8.2-fpm#enabled": "false", "service/php8.2-fpm#active": "inactive",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Links that the role captures as configuration are told there, also for a service that is named and not enabled.
func TestCapturedLinksAreLeftToTheConfigCollector(t *testing.T) {
	spec := snapshot.RoleSpec{Services: []string{"nginx", "php8.2-fpm"}, Config: []string{"/etc/systemd/system/**"}}
	if got := facts(capture(t, units(), spec, nil)); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
}

func TestTimersAreMergedAsSystemdDoes(t *testing.T) {
	const dir = "etc/systemd/system/"
	files := map[string]string{
		dir + "backup.timer":                     "# nightly\n[Unit]\nDescription=backup\n[Timer]\nOnCalendar=*-*-* 03:00\nOnCalendar=Sun \\\n  12:00\nPersistent=true\n",
		"lib/systemd/system/backup.timer":        "[Timer]\nOnCalendar=daily\n",
		"lib/systemd/system/apt-daily.timer":     "[Timer]\nOnCalendar=6,18:00\nRandomizedDelaySec=12h\n",
		dir + "apt-daily.timer.d/20-later.conf":  "[Timer]\nRandomizedDelaySec=1h\n",
		dir + "apt-daily.timer.d/10-when.conf":   "[Timer]\nOnCalendar=\nOnCalendar=04:00\n",
		"lib/systemd/system/fstrim.timer":        "[Timer]\nOnCalendar=weekly\n",
		dir + "timers.target.wants/fstrim.timer": "-> /lib/systemd/system/fstrim.timer",
	}
	got := facts(capture(t, files, snapshot.RoleSpec{}, nil))
	want := map[string]string{
		"timer/backup.timer#Unit.Description": "backup", "timer/backup.timer#Timer.OnCalendar": "[*-*-* 03:00, Sun 12:00]", "timer/backup.timer#Timer.Persistent": "true",
		"timer/apt-daily.timer#Timer.OnCalendar": "04:00", "timer/apt-daily.timer#Timer.RandomizedDelaySec": "1h", "service/fstrim.timer#enabled": "true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := facts(capture(t, files, snapshot.RoleSpec{Config: []string{"/etc/systemd/**"}}, nil)); len(got) > 0 {
		t.Errorf("told twice: %v", got)
	}
}

func TestAHostWithoutSystemd(t *testing.T) {
	r := capture(t, map[string]string{"etc/passwd": ""}, snapshot.RoleSpec{}, nil)
	if len(r.Facts)+len(r.Gaps)+len(r.Looked) > 0 || r.Looked == nil {
		t.Errorf("%+v", r)
	}
	r = capture(t, map[string]string{"etc/passwd": ""}, snapshot.RoleSpec{Services: []string{"nginx"}}, nil)
	if len(r.Facts) > 0 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0].Reason, "1 named services could not be looked at") {
		t.Errorf("%+v", r)
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{
		{Name: "tree", Tree: snapshottest.Tree(t, units())},
		{Name: "running host", Tree: snapshottest.Tree(t, units()), Spec: snapshot.RoleSpec{Services: []string{"nginx", "php8.2-fpm"}, Config: []string{"/etc/systemd/system/*.service"}},
			Answers: map[string]transport.Section{"states": {Output: []byte("Id=nginx.service\nActiveState=active\n\nId=shop.service\nActiveState=failed\n")}}},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
