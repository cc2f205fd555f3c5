package compare

import (
	"slices"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

const (
	revisionA = "601fdd1d2fdc997413260310623290cf5ab04438"
	revisionB = "de28709e4ad1cb86aa27e7fe0a35c37eef0dd19c"
)

// deployTo gives every web host of an environment a deployment.
func deployTo(e *env, revision string, history ...string) *env {
	return e.set("web:deployment/srv/shop#revision", revision).set("web:deployment/srv/shop#repository", "git@git.example:shop.git").
		set("web:deployment/srv/shop#release", "20261122105449").set("web:deployment/srv/shop#rolled_back", false).
		set("web:deployment/srv/shop#history", append([]string{}, history...))
}

func TestDeploymentsOfARoleAndOfEnvironments(t *testing.T) {
	for _, s := range []story{
		{"staging is ahead: that is what it is for", func(s, p *env) {
			deployTo(s, revisionB, revisionA, revisionB)
			deployTo(p, revisionA, revisionA)
		}, nil, ""},
		{"production runs what staging never had", func(s, p *env) {
			deployTo(s, revisionA, revisionA)
			deployTo(p, revisionB, revisionB)
		}, []string{"revision-untested low changed web:deployment/srv/shop#revision"}, "deployment srv/shop is at de28709e4ad1 in production, which staging never had"},
		{"without a log nobody knows", func(s, p *env) {
			deployTo(s, revisionA).unset("web:deployment/srv/shop#history")
			deployTo(p, revisionB, revisionB)
		}, nil, ""},
		{"a host was rolled back", func(s, p *env) {
			deployTo(s, revisionB, revisionA, revisionB)
			deployTo(p, revisionB, revisionA, revisionB).set("web:deployment/srv/shop#revision", revisionA, "web3").set("web:deployment/srv/shop#rolled_back", true, "web3").
				set("web:deployment/srv/shop#release", "20261121000000", "web3")
		}, []string{"revision-differs high odd web:deployment/srv/shop#revision"}, "web3 has 601fdd1d2fdc, its 2 peers de28709e4ad1; rolled back: web3"},
		{"three hosts, three revisions", func(s, p *env) {
			deployTo(s, revisionA, revisionA)
			deployTo(p, revisionA, revisionA).set("web:deployment/srv/shop#revision", revisionB, "web2").set("web:deployment/srv/shop#revision", "none: there is no current", "web3")
		}, []string{"revision-differs high odd web:deployment/srv/shop#revision", "revision-untested low changed web:deployment/srv/shop#revision"}, ""},
		{"a host without the deployment", func(s, p *env) {
			deployTo(s, revisionA, revisionA)
			deployTo(p, revisionA, revisionA).unset("web:deployment/srv/shop#*", "web2")
		}, []string{"revision-differs high odd web:deployment/srv/shop"}, "web2 has none"},
		{"one environment without the deployment", func(s, p *env) { deployTo(s, revisionA, revisionA) },
			[]string{"config-missing high removed web:deployment/srv/shop"}, ""},
		{"another repository", func(s, p *env) {
			deployTo(s, revisionA, revisionA)
			deployTo(p, revisionA, revisionA).set("web:deployment/srv/shop#repository", "git@other.example:fork.git")
		}, []string{"config-value high changed web:deployment/srv/shop#repository"}, ""},
	} {
		t.Run(s.name, s.run)
	}
}

// ranPuppet gives every web host of an environment a run that changed nothing, an hour before the capture.
func ranPuppet(e *env) *env {
	return e.set("web:puppet/run#status", "unchanged").set("web:puppet/run#at", "2026-11-01T01:00:00Z").set("web:puppet/run#mode", "agent").
		set("web:puppet/run#environment", e.name).set("web:puppet/run#noop", false).set("web:puppet/run#failed", 0).set("web:puppet/run#pending", 0)
}

// cataloguedLogging is a role that passes its log server on to a class and a file.
func cataloguedLogging(e *env, server, template string) *env {
	e.set("web:resource/Class/Role%3A%3AWeb", true).set("web:resource/Class/Role%3A%3AWeb#log_server", server)
	e.set("web:resource/Class/Logging", true).set("web:resource/Class/Logging#server", server).set("web:resource/Class/Logging#@in", []string{"Class/Role%3A%3AWeb"})
	e.set("web:resource/Class/Logging#@template.server", []string{"t1"}).set("web:resource/Class/Logging#@by.server", []string{"Class/Role%3A%3AWeb#log_server"})
	e.set("web:resource/File/etc/rsyslog.conf", true).set("web:resource/File/etc/rsyslog.conf#content", "digest of "+server+template).
		set("web:resource/File/etc/rsyslog.conf#@in", []string{"Class/Logging"})
	e.set("web:resource/File/etc/rsyslog.conf#@template.content", []string{"t2" + template, "t3" + template}).
		set("web:resource/File/etc/rsyslog.conf#@by.content", []string{"Class/Role%3A%3AWeb#log_server", "Class/Logging#server"})
	return e.set("web:resource/File/etc/rsyslog.conf#mode", "0644")
}

func TestPuppet(t *testing.T) {
	for _, s := range []story{
		{"runs that changed nothing", func(s, p *env) { ranPuppet(s); ranPuppet(p) }, nil, ""},
		{"a run failed", func(s, p *env) {
			ranPuppet(p).set("web:puppet/run#status", "failed", "web3").set("web:puppet/run#failed", 2, "web3").
				set("web:puppet/run#failed_resources", []string{"Exec[migrate]", "File[/srv/x]"}, "web3")
			ranPuppet(s)
		}, []string{"puppet-run medium failed web:puppet/run#status"}, "Puppet in production: web3 failed for 2 resources: Exec[migrate], File[/srv/x]"},
		{"a run with noop found drift", func(s, p *env) {
			ranPuppet(s)
			ranPuppet(p).set("web:puppet/run#status", "pending").set("web:puppet/run#pending", 1).set("web:puppet/run#noop", true).set("web:puppet/run#pending_resources", []string{"File[/etc/motd]"})
		}, []string{"puppet-run medium failed web:puppet/run#status"}, "web1 would change 1 resource: File[/etc/motd]"},
		{"an agent that stopped", func(s, p *env) { ranPuppet(s); ranPuppet(p).set("web:puppet/run#at", "2026-10-29T02:00:00Z", "web2") },
			[]string{"puppet-run medium failed web:puppet/run#at"}, "web2 ran 3 days ago"},
		{"runs by hand are no agent's", func(s, p *env) {
			for _, e := range []*env{s, p} {
				ranPuppet(e).set("web:puppet/run#mode", "user").set("web:puppet/run#at", "2026-09-01T02:00:00Z")
			}
			p.set("web:puppet/run#at", "2026-11-01T01:50:00Z", "web1")
		}, nil, ""},
		{"but where most hosts ran today, one did not", func(s, p *env) {
			ranPuppet(s).set("web:puppet/run#mode", "user")
			ranPuppet(p).set("web:puppet/run#mode", "user").set("web:puppet/run#at", "2026-09-01T02:00:00Z", "web1")
		}, []string{"puppet-run medium failed web:puppet/run#at"}, "web1 ran 61 days ago"},
		{"a disabled agent", func(s, p *env) { ranPuppet(s); ranPuppet(p).set("web:puppet/agent#disabled", "until monday", "web1") },
			[]string{"puppet-run medium failed web:puppet/agent#disabled"}, "web1 has its agent disabled (until monday)"},
		{"a host in another Puppet environment", func(s, p *env) { ranPuppet(s); ranPuppet(p).set("web:puppet/run#environment", "feature_x", "web2") },
			[]string{"puppet-run medium odd web:puppet/run#environment"}, "web2 has feature_x"},
		{"one finding at the parameter of the role", func(s, p *env) {
			cataloguedLogging(s, "log1.stage.example", "")
			cataloguedLogging(p, "log9.prod.example", "")
		}, []string{"config-value high changed web:resource/Class/Role%3A%3AWeb#log_server"}, "Class[Role::Web] log_server is log1.stage.example in staging, log9.prod.example in production; it explains 2 other differences"},
		{"what the parameter does not explain is a finding of its own", func(s, p *env) {
			cataloguedLogging(s, "log1.stage.example", "")
			cataloguedLogging(p, "log9.prod.example", " and more")
		}, []string{"config-value high changed web:resource/Class/Role%3A%3AWeb#log_server", "config-value high changed web:resource/File/etc/rsyslog.conf#content"}, ""},
		{"a parameter of one host", func(s, p *env) {
			cataloguedLogging(s, "log1.example", "")
			cataloguedLogging(p, "log1.example", "")
			for _, a := range []string{"Class/Role%3A%3AWeb#log_server", "Class/Logging#server", "File/etc/rsyslog.conf#content"} {
				p.set("web:resource/"+a, "syslog.other.example", "web3")
			}
		}, []string{"config-value high odd web:resource/Class/Role%3A%3AWeb#log_server"}, ""},
		{"PuppetDB keeps no secrets", func(s, p *env) {
			cataloguedLogging(s, "log1.example", "").set("web:resource/Class/Logging#token", snapshot.Secret("0123456789abcdef0123"))
			cataloguedLogging(p, "log1.example", "").set("web:puppet/catalog#sensitive", false)
		}, nil, ""},
		{"a secret that is missing", func(s, p *env) {
			cataloguedLogging(s, "log1.example", "").set("web:resource/Class/Logging#token", snapshot.Secret("0123456789abcdef0123"))
			cataloguedLogging(p, "log1.example", "")
		}, []string{"config-missing high removed web:resource/Class/Logging#token"}, ""},
		{"a class is missing with what it declares", func(s, p *env) {
			cataloguedLogging(s, "log1.example", "")
			cataloguedLogging(p, "log1.example", "").unset("web:resource/Class/Logging*").unset("web:resource/File*")
		}, []string{"config-missing high removed web:resource/Class/Logging"}, "Class[Logging] is missing in production"},
		{"a service without order, in both", func(s, p *env) {
			for _, e := range []*env{s, p} {
				e.set("web:resource/Service/nginx", true).set("web:resource/Service/nginx#@unordered", []string{"File/etc/nginx/nginx.conf", "Package/nginx"})
			}
		}, []string{"ordering-missing medium failed web:resource/Service/nginx"},
			"Service[nginx] in staging and production has no explicit order after File[/etc/nginx/nginx.conf] and Package[nginx]"},
	} {
		t.Run(s.name, s.run)
	}
}

// The resources that a parameter explains are related to its finding.
func TestWhatAParameterExplainsIsRelated(t *testing.T) {
	staging, production := pair()
	cataloguedLogging(staging, "log1.stage.example", "")
	cataloguedLogging(production, "log9.prod.example", "")
	r := compareEnvs(t, Options{}, staging, production)
	want := []string{"web:resource/Class/Logging#server", "web:resource/File/etc/rsyslog.conf#content"}
	if len(r.Findings) != 1 || !slices.Equal(r.Findings[0].Related, want) {
		t.Errorf("%+v", r.Findings)
	}
}

// monitored gives every web host of an environment what collectd reports of it.
func monitored(e *env) *env {
	return e.set("web:metric/cpu", true).set("web:metric/cpu#types", []string{"cpu"}).set("web:metric/processes", true).set("web:metric/processes/nginx#types", []string{"ps_count", "ps_rss"})
}

func TestMonitoringParity(t *testing.T) {
	for _, s := range []story{
		{"all hosts report the same", func(s, p *env) { monitored(s); monitored(p) }, nil, ""},
		{"a plugin that one host does not report", func(s, p *env) { monitored(s); monitored(p).unset("web:metric/processes*", "web3") },
			[]string{"metric-missing medium odd web:metric/processes"}, "web3 has none"},
		{"an instance that one host does not report", func(s, p *env) { monitored(s); monitored(p).unset("web:metric/processes/nginx#types", "web3") },
			[]string{"metric-missing medium odd web:metric/processes/nginx"}, ""},
		{"a type that production does not report", func(s, p *env) {
			monitored(s)
			monitored(p).set("web:metric/processes/nginx#types", []string{"ps_count"})
		},
			[]string{"metric-missing medium changed web:metric/processes/nginx#types"}, "lacks ps_rss in production"},
		{"only staging is not monitored so", func(s, p *env) { monitored(s).unset("web:metric/cpu*"); monitored(p) },
			[]string{"metric-missing low added web:metric/cpu"}, ""},
		{"loaded and silent on every host", func(s, p *env) { monitored(s); monitored(p).set("web:collectd/silent#plugins", []string{"curl_json"}) },
			[]string{"metric-missing medium failed web:collectd/silent#plugins"}, "collectd in production loads and reports nothing of curl_json on web1, web2 and web3"},
	} {
		t.Run(s.name, s.run)
	}
}
