package onssh

import (
	"testing"

	"github.com/envdiff/envdiff/internal/testservers"
)

// Two hosts that systemd itself runs: alike they give nothing; then one has a service that failed, one that was stopped, a drop-in that systemd has not read, and a timer at another time.
func TestHostsThatSystemdRuns(t *testing.T) {
	all := map[string]*testservers.Machine{}
	var blocks []string
	for _, name := range []string{"web1", "web2"} {
		m := testservers.StartBooted(t, name)
		m.Unit(t, "shop-app.service", "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=shop.target\\n")
		m.Unit(t, "shop-app.service.d/limits.conf", "[Service]\\nLimitNOFILE=4096\\n")
		m.Unit(t, "shop-job.service", "[Service]\\nType=oneshot\\nExecStart=/bin/false\\n")
		m.Unit(t, "shop-job.timer", "[Unit]\\nDefaultDependencies=no\\n[Timer]\\nOnCalendar=03:00\\n[Install]\\nWantedBy=shop.target\\n")
		m.Run(t, "systemctl daemon-reload; systemctl -q enable --now shop-app.service shop-job.timer")
		all[name] = m
		blocks = append(blocks, testservers.SSH(t, m.Shell()).Block(name))
	}
	testservers.Client(t, blocks...)
	p := newProject(t, "  live: {hosts: {app: [\"ssh://web1\", \"ssh://web2\"]}}\n")
	p.add(t, "  app: {services: [shop-app]}\n")
	only := []string{"live", "--fail-on", "low", "--only", "app:service/*", "--only", "app:timer/*", "--only", "app:unit/*"}
	expect(t, p.run(t, 0, only...), "no findings")

	all["web2"].Run(t, "systemctl start shop-job || true; systemctl stop shop-app")
	all["web2"].Unit(t, "shop-app.service.d/limits.conf", "[Service]\\nLimitNOFILE=65536\\n")
	all["web2"].Unit(t, "shop-job.timer", "[Unit]\\nDefaultDependencies=no\\n[Timer]\\nOnCalendar=04:00\\n[Install]\\nWantedBy=shop.target\\n")
	out := p.run(t, 1, only...)
	expect(t, out, "service-state app:service/shop-app#active service shop-app active: web1 has active, web2 has inactive", "service-state app:service/shop-job#active service shop-job active on web2 in live has failed",
		"not-loaded app:service/shop-app#stale", "not-loaded app:service/shop-job.timer#stale", "cron app:timer/shop-job.timer#Timer.OnCalendar", "5 high, 1 medium")
}
