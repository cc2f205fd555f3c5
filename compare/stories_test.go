package compare

import (
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// story changes staging and production and says which findings that makes.
type story struct {
	name   string
	change func(staging, production *env)
	want   []string
	says   string // part of the first finding's message
}

func (s story) run(t *testing.T) {
	staging, production := pair()
	s.change(staging, production)
	r := compareEnvs(t, Options{}, staging, production)
	got := lines(r)
	if strings.Join(got, "\n") != strings.Join(s.want, "\n") {
		t.Errorf("findings\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(s.want, "\n  "))
	}
	if s.says != "" && (len(r.Findings) == 0 || !strings.Contains(r.Findings[0].Message, s.says)) {
		for _, f := range r.Findings {
			t.Errorf("message %q, want something with %q", f.Message, s.says)
		}
	}
	for _, f := range r.Findings {
		if strings.ContainsAny(f.Message, "\n\x00\x01\x02") || f.ID == "" || f.Why == "" || f.Message == "" {
			t.Errorf("finding is not fit to print: %+v", f)
		}
	}
}

func TestRules(t *testing.T) {
	stories := []story{
		{"equal environments have no findings", func(s, p *env) {}, nil, ""},
		{"a configuration value differs", func(s, p *env) { p.set("web:config/etc/php/php.ini#PHP.memory_limit", "256M") },
			[]string{"config-value high changed web:config/etc/php/php.ini#PHP.memory_limit"}, "php.ini PHP.memory_limit is 512M in staging, 256M in production"},
		{"a value that is a near miss across environments is low", func(s, p *env) { p.set("web:config/etc/php/php.ini#PHP.memory_limit", "521M") },
			[]string{"config-value low changed web:config/etc/php/php.ini#PHP.memory_limit"}, ""},
		{"one host of a role has a near miss of its peers' value", func(s, p *env) { p.set("web:config/etc/php/php.ini#PHP.memory_limit", "521M", "web3") },
			[]string{"typo high odd web:config/etc/php/php.ini#PHP.memory_limit"}, "web3 has 521M, its 2 peers 512M"},
		{"one host of a role has another value", func(s, p *env) { p.set("web:config/etc/php/php.ini#PHP.memory_limit", "128M", "web2") },
			[]string{"config-value high odd web:config/etc/php/php.ini#PHP.memory_limit"}, "web2 has 128M, its 2 peers 512M"},
		{"the odd host is not repeated across", func(s, p *env) {
			s.set("web:config/etc/php/php.ini#PHP.memory_limit", "64M")
			p.set("web:config/etc/php/php.ini#PHP.memory_limit", "128M", "web2")
		}, []string{"config-value high changed web:config/etc/php/php.ini#PHP.memory_limit", "config-value high odd web:config/etc/php/php.ini#PHP.memory_limit"}, ""},
		{"every host has its own value: context", func(s, p *env) {
			for _, e := range []*env{s, p} {
				e.set("web:config/etc/id#id", e.name+"a", "web1").set("web:config/etc/id#id", e.name+"b", "web2").set("web:config/etc/id#id", e.name+"c", "web3")
			}
		}, nil, ""},
		{"a key is missing in production", func(s, p *env) { p.unset("web:config/etc/php/php.ini#PHP.max_execution_time") },
			[]string{"config-missing high removed web:config/etc/php/php.ini#PHP.max_execution_time"}, "is missing in production (30 in staging)"},
		{"a section is missing: one finding at the section", func(s, p *env) { p.unset("web:config/etc/php/php.ini#opcache.*") },
			[]string{"config-missing high removed web:config/etc/php/php.ini#opcache"}, ""},
		{"a file is missing: one finding at the file", func(s, p *env) { p.unset("web:config/etc/php/php.ini*") },
			[]string{"config-missing high removed web:config/etc/php/php.ini"}, "/etc/php/php.ini is missing in production"},
		{"a package is missing with its conffiles", func(s, p *env) { p.unset("web:package/deb/nginx#*").unset("web:config/etc/nginx/*") },
			[]string{"package-missing high removed web:package/deb/nginx"}, "nginx is missing in production (1.22.1-9 in staging)"},
		{"a package that only production has weighs less", func(s, p *env) { s.unset("web:package/deb/openssl#*") },
			[]string{"package-missing medium added web:package/deb/openssl"}, ""},
		{"one host has a package more", func(s, p *env) { p.set("web:package/deb/strace#version", "6.1", "web1") },
			[]string{"package-extra low odd web:package/deb/strace"}, "web1 has 6.1, its 2 peers have none"},
		{"one host lacks a package", func(s, p *env) { p.unset("web:package/deb/openssl#*", "web3") },
			[]string{"package-missing high odd web:package/deb/openssl"}, "web3 has none"},
		{"production is older by a minor release", func(s, p *env) { p.set("web:package/deb/openssl#version", "2.9.11-1") },
			[]string{"package-older high changed web:package/deb/openssl#version"}, "production is older by a major release (2.9.11-1 < 3.0.11-1)"},
		{"production is newer", func(s, p *env) { p.set("web:package/deb/openssl#version", "3.0.13-1") },
			[]string{"package-different medium changed web:package/deb/openssl#version"}, "production is newer by a patch release (3.0.13-1 > 3.0.11-1)"},
		{"only the packaging revision differs", func(s, p *env) { p.set("web:package/deb/openssl#version", "3.0.11-1~deb12u1") },
			[]string{"package-different medium changed web:package/deb/openssl#version"}, "older by a packaging revision"},
		{"a package is on hold", func(s, p *env) { p.set("web:package/deb/openssl#status", "held") },
			[]string{"package-different medium added web:package/deb/openssl#status"}, ""},
		{"a modified conffile yields to the captured file", func(s, p *env) {
			p.set("web:conffile/deb/nginx/etc/nginx/nginx.conf#state", "modified").set("web:config/etc/nginx/nginx.conf#worker_processes", 8)
		}, []string{"config-value high changed web:config/etc/nginx/nginx.conf#worker_processes"}, ""},
		{"a modified conffile that is not captured", func(s, p *env) { p.set("web:conffile/deb/nginx/etc/nginx/mime.types#state", "modified") },
			[]string{"config-value high added web:conffile/deb/nginx/etc/nginx/mime.types"}, "not as its package delivered it"},
		{"a service is not enabled", func(s, p *env) { p.set("web:service/nginx#enabled", false) },
			[]string{"service-state high changed web:service/nginx#enabled"}, ""},
		{"one host has half the memory", func(s, p *env) { p.set("web:host/memory#total_bytes", 8<<30, "web3") },
			[]string{"memory-odd high odd web:host/memory#total_bytes"}, "memory in production: web3 has 8.0 GiB, its 2 peers 16.0 GiB"},
		{"memory within ten per cent is equal", func(s, p *env) { p.set("web:host/memory#total_bytes", 15<<30, "web3") }, nil, ""},
		{"a host swaps", func(s, p *env) {
			p.set("web:host/swap#used_bytes", 4<<30, "web3").set("web:host/swap#used_bytes", 0, "web1", "web2")
		},
			[]string{"swapping high odd web:host/swap#used_bytes"}, "web3 uses 4.0 GiB of swap beside 16.0 GiB of memory"},
		{"a setting as the program has it", func(s, p *env) {
			s.set("web:effective/sshd#permitrootlogin", "no")
			p.set("web:effective/sshd#permitrootlogin", "yes").set("web:conffile/deb/openssh-server/etc/ssh/sshd_config#state", "modified")
		}, []string{"config-value high changed web:effective/sshd#permitrootlogin"}, "permitrootlogin is no in staging, yes in production"},
		{"a captured file says it better", func(s, p *env) {
			s.set("web:effective/sshd#permitrootlogin", "no").set("web:config/etc/ssh/sshd_config#PermitRootLogin", "no").set("web:config/etc/ssh/sshd_config", true)
			p.set("web:effective/sshd#permitrootlogin", "yes").set("web:config/etc/ssh/sshd_config#PermitRootLogin", "yes").set("web:config/etc/ssh/sshd_config", true)
		}, []string{"config-value high changed web:config/etc/ssh/sshd_config#PermitRootLogin"}, ""},
		{"the same setting in a file of another program does not", func(s, p *env) {
			s.set("web:effective/mysqld#port", "3306").set("web:config/etc/shop.ini#db.port", "1").set("web:config/etc/shop.ini", true)
			p.set("web:effective/mysqld#port", "3307").set("web:config/etc/shop.ini#db.port", "2").set("web:config/etc/shop.ini", true)
		}, []string{"config-value high changed web:config/etc/shop.ini#db.port", "config-value high changed web:effective/mysqld#port"}, ""},
		{"a process has not read its file", func(s, p *env) { p.set("web:effective/nginx#stale", []string{"/etc/nginx/nginx.conf"}, "web2") },
			[]string{"not-loaded high odd web:effective/nginx#stale"}, "nginx on web2 runs since before these files changed: [/etc/nginx/nginx.conf]"},
		{"a program refuses its configuration", func(s, p *env) { p.set("web:effective/nginx#refused", `unknown directive "prox_pass"`, "web2") },
			[]string{"config-invalid high odd web:effective/nginx#refused"}, `nginx on web2 does not take its configuration: unknown directive "prox_pass"`},
		{"a certificate is about to expire", func(s, p *env) {
			p.set("web:certificate/etc/nginx/a.pem#not_after", "2026-11-12T00:00:00Z", "web1")
			p.set("web:certificate/etc/nginx/a.pem#not_after", "2027-03-12T00:00:00Z", "web2")
		},
			[]string{"certificate-expiring medium odd web:certificate/etc/nginx/a.pem#not_after"}, "certificate /etc/nginx/a.pem on web1 expires in 10 days, on 2026-11-12"},
		{"an expired certificate of all hosts", func(s, p *env) { s.set("web:certificate/etc/nginx/a.pem#not_after", "2026-10-01T00:00:00Z") },
			[]string{"certificate-expiring medium odd web:certificate/etc/nginx/a.pem#not_after"}, "expired on 2026-10-01"},
		{"a file system is full", func(s, p *env) {
			p.set("web:filesystem/srv#used_percent", 97, "web2").set("web:filesystem/srv#used_percent", 20, "web1", "web3")
		},
			[]string{"disk-full medium odd web:filesystem/srv#used_percent"}, "file system /srv on web2 uses 97 % of its space"},
		{"disks differ by how full they are", func(s, p *env) {
			s.set("web:filesystem/srv#used_percent", 50)
			p.set("web:filesystem/srv#used_percent", 90)
		}, nil, ""},
		{"a clock is behind", func(s, p *env) {
			p.set("web:host/clock#offset_seconds", -40, "web2").set("web:host/clock#offset_seconds", 1, "web1")
		},
			[]string{"clock-off medium odd web:host/clock#offset_seconds"}, "the clock on web2 is 40 s behind"},
		{"an upgrade waits for a reboot", func(s, p *env) { p.set("web:host/reboot#required", true); s.set("web:host/reboot#required", false) },
			[]string{"restart-needed low odd web:host/reboot#required"}, "the reboot on web1, web2 and web3 is required"},
		{"the kernel has another value than its file", func(s, p *env) { p.set("web:sysctl/vm.swappiness#running", "60", "web1") },
			[]string{"not-loaded high odd web:sysctl/vm.swappiness#running"}, "vm.swappiness on web1 is 60"},
		{"what runs and what a file sets is one finding", func(s, p *env) {
			s.set("web:sysctl_running/vm.swappiness#value", "60")
			p.set("web:sysctl/vm.swappiness#value", "10")
		}, []string{"sysctl medium added web:sysctl/vm.swappiness"}, ""},
		{"a unit has failed everywhere", func(s, p *env) {
			p.set("web:service/shop#active", "failed")
			s.set("web:service/shop#active", "failed")
		},
			[]string{"service-state high changed web:service/shop#active"}, "has failed"},
		{"a job has failed on one host", func(s, p *env) { p.set("web:service/shop-job#active", "failed", "web2") },
			[]string{"service-state high changed web:service/shop-job#active"}, "has failed"},
		{"another system", func(s, p *env) { p.set("web:host/os#version", "11") },
			[]string{"host-different medium changed web:host/os#version"}, ""},
		{"a kernel parameter", func(s, p *env) { p.set("web:sysctl/net.core.somaxconn#value", 128) },
			[]string{"sysctl medium changed web:sysctl/net.core.somaxconn#value"}, ""},
		{"a kernel parameter's file", func(s, p *env) {
			p.set("web:config/etc/sysctl.d/10.conf#vm.swappiness", 1)
			s.set("web:config/etc/sysctl.d/10.conf#vm.swappiness", 60)
		},
			[]string{"sysctl medium changed web:config/etc/sysctl.d/10.conf#vm.swappiness"}, ""},
		{"a cron job", func(s, p *env) {
			p.set("web:cron/etc/cron.d/backup#jobs", "0 3 * * *")
			s.set("web:cron/etc/cron.d/backup#jobs", "0 4 * * *")
		},
			[]string{"cron medium changed web:cron/etc/cron.d/backup#jobs"}, ""},
		{"a user", func(s, p *env) { p.set("web:user/deploy#uid", 1001) },
			[]string{"user medium changed web:user/deploy#uid"}, ""},
		{"a mount", func(s, p *env) { s.set("web:mount/srv#options", "defaults"); p.set("web:mount/srv#options", "noatime") },
			[]string{"mount medium changed web:mount/srv#options"}, ""},
		{"an application reports another value", func(s, p *env) {
			for _, e := range []*env{s, p} {
				e.instances("app", "endpoint", "shop").set("app:value/db.pool", len(e.name))
			}
		}, []string{"endpoint-value high changed app:value/db.pool"}, ""},
	}
	for _, s := range stories {
		t.Run(s.name, s.run)
	}
}

func TestSchemaRules(t *testing.T) {
	stories := []story{
		{"a table is missing with everything in it", func(s, p *env) { p.unset("main:table/*").unset("main:column/*").unset("main:index/*") },
			[]string{"table-missing high removed main:table/users"}, ""},
		{"a table that only production has weighs less", func(s, p *env) { s.unset("main:table/*").unset("main:column/*").unset("main:index/*") },
			[]string{"table-missing medium added main:table/users"}, ""},
		{"a column is missing with its index", func(s, p *env) {
			p.unset("main:column/users.email#*").unset("main:index/*").set("main:table/users#column_order", []string{"id", "name"})
		}, []string{"column-missing high removed main:column/users.email"}, ""},
		{"an index that shrank with its column is the column's", func(s, p *env) {
			s.set("main:index/users.both#columns", []string{"email desc", "name"}).set("main:index/users.both#@columns", []string{"users.email", "users.name"})
			p.set("main:index/users.both#columns", []string{"name"}).set("main:index/users.both#@columns", []string{"users.name"})
			p.unset("main:column/users.email#*").unset("main:index/users.users_email#*").set("main:table/users#column_order", []string{"id", "name"})
		}, []string{"column-missing high removed main:column/users.email"}, ""},
		{"an index over other columns differs", func(s, p *env) {
			p.set("main:index/users.users_email#columns", []string{"email", "name"}).set("main:index/users.users_email#@columns", []string{"users.email", "users.name"})
		}, []string{"index-different medium changed main:index/users.users_email#columns"}, "has also name in production"},
		{"an index is missing", func(s, p *env) { p.unset("main:index/*") },
			[]string{"index-missing high removed main:index/users.users_email"}, ""},
		{"an index is invalid", func(s, p *env) {
			s.set("main:index/users.users_email#valid", true)
			p.set("main:index/users.users_email#valid", false)
		},
			[]string{"index-invalid high changed main:index/users.users_email#valid"}, ""},
		{"a column's type differs", func(s, p *env) { p.set("main:column/users.email#type", "varchar(10)") },
			[]string{"column-different high changed main:column/users.email#type"}, "column users.email type is text in staging, varchar(10) in production"},
		{"a comment differs", func(s, p *env) { p.set("main:column/users.email#comment", "unused") },
			[]string{"comment-different low added main:column/users.email#comment"}, ""},
		{"columns in another order are nobody's business", func(s, p *env) { p.set("main:table/users#column_order", []string{"email", "id", "name"}) }, nil, ""},
		{"a constraint is missing", func(s, p *env) { s.set("main:constraint/users.positive#definition", "id > 0") },
			[]string{"constraint-different high removed main:constraint/users.positive"}, ""},
		{"an unnamed check is defined differently", func(s, p *env) {
			s.set("main:constraint/users.check(id) id > 0#definition", "id > 0")
			p.set("main:constraint/users.check(id) id >= 0#definition", "id >= 0")
		}, []string{"constraint-different high changed main:constraint/users.check(id) id >= 0"}, ""},
		{"a constraint was never validated", func(s, p *env) {
			s.set("main:constraint/users.positive#valid", true)
			p.set("main:constraint/users.positive#valid", false)
		}, []string{"constraint-not-valid high changed main:constraint/users.positive#valid"}, ""},
		{"a view is defined differently", func(s, p *env) {
			s.set("main:view/active#definition", "select 1")
			p.set("main:view/active#definition", "select 2")
		},
			[]string{"routine-different high changed main:view/active#definition"}, ""},
		{"a setting that changes behaviour", func(s, p *env) { p.set("main:setting/foreign_keys#value", "off") },
			[]string{"setting-behaviour high changed main:setting/foreign_keys#value"}, ""},
		{"a setting that changes speed", func(s, p *env) { p.set("main:setting/cache_size#value", "4000") },
			[]string{"setting-tuning low changed main:setting/cache_size#value"}, ""},
		{"production's data has nulls and staging's has none", func(s, p *env) {
			for _, e := range []*env{s, p} {
				e.set("main:profile/users#rows", 100).set("main:profile/users.email#@kept", []string{"null"}).set("main:profile/users.email#nulls", 0).set("main:profile/users.name#nulls", 3)
			}
			p.set("main:profile/users.email#nulls", 12)
		}, []string{"data-one-sided medium changed main:profile/users.email#nulls"}, "users.email has 12 nulls in production, none in staging: would break NOT NULL"},
		{"an empty staging table says nothing", func(s, p *env) {
			s.set("main:profile/users#rows", 0).set("main:profile/users.email#nulls", 0)
			p.set("main:profile/users#rows", 9).set("main:profile/users.email#nulls", 3)
		}, nil, ""},
	}
	for _, s := range stories {
		t.Run(s.name, s.run)
	}
}

func TestNamesAndSecrets(t *testing.T) {
	const ini = "web:config/etc/app.ini#"
	both := func(s, p *env, address string, a, b any) { s.set(address, a); p.set(address, b) }
	params := func(s, p *env) {
		s.params = map[string]string{"log_host": "log1.stage.example", "db_host": "db.stage.example", "env": "stage", "zone": "eu-west", "no": "abc"}
		p.params = map[string]string{"log_host": "log1.prod.example", "db_host": "db1.prod.example", "env": "prod", "zone": "eu-west", "no": "xyz"}
	}
	stories := []story{
		{"a misspelt key on one host", func(s, p *env) {
			s.set(ini+"max_connections", 100)
			p.set(ini+"max_connections", 100, "web1", "web2").set(ini+"max_conections", 100, "web3")
		}, []string{"typo high odd " + ini + "max_conections"}, `on web3 in production looks misspelt: "max_conections" where the others have "max_connections"`},
		{"a misspelt key in production", func(s, p *env) {
			both(s, p, ini+"other", 1, 1)
			s.set(ini+"max_connections", 100)
			p.set(ini+"max_conections", 200)
		},
			[]string{"typo high changed " + ini + "max_conections"}, "in production looks misspelt"},
		{"the spelling that is used elsewhere is right", func(s, p *env) {
			both(s, p, "web:config/etc/b.ini#max_connections", 5, 5)
			both(s, p, ini+"other", 1, 1)
			s.set(ini+"max_conections", 100)
			p.set(ini+"max_connections", 100)
		}, []string{"typo high changed " + ini + "max_conections"}, "in staging looks misspelt"},
		{"a renamed key is one finding", func(s, p *env) {
			both(s, p, ini+"other", 1, 1)
			s.set(ini+"cache_dir", "/var/cache/app")
			p.set(ini+"storage_path", "/var/cache/app")
		}, []string{"config-missing high changed " + ini + "storage_path"}, "under another name"},
		{"two different keys are two findings", func(s, p *env) {
			both(s, p, ini+"other", 1, 1)
			s.set(ini+"timeout", 10)
			p.set(ini+"retries", 3)
		}, []string{"config-missing high removed " + ini + "timeout", "config-missing medium added " + ini + "retries"}, ""},
		{"keys that differ by number are different keys", func(s, p *env) {
			both(s, p, ini+"other", 1, 1)
			s.set(ini+"server1", "a")
			p.set(ini+"server2", "a")
		}, []string{"config-missing high removed " + ini + "server1", "config-missing medium added " + ini + "server2"}, ""},
		{"a misspelt user name", func(s, p *env) { s.set("web:user/backups#uid", 34); p.set("web:user/bakcups#uid", 34) },
			[]string{"typo high changed web:user/bakcups"}, ""},
		{"a misspelt file name", func(s, p *env) {
			s.set("web:config/etc/app.d/session.ini#gc", 1).set("web:config/etc/app.d/session.ini", true)
			p.set("web:config/etc/app.d/sesion.ini#gc", 1).set("web:config/etc/app.d/sesion.ini", true)
		}, []string{"typo high changed web:config/etc/app.d/sesion.ini"}, ""},
		{"a near miss of a known host name", func(s, p *env) { params(s, p); both(s, p, ini+"db.host", "db.stage.example", "db1.prdo.example") },
			[]string{"typo high changed " + ini + "db.host"}, "looks like db1.prod.example"},
		{"each environment's own parameter is expected", func(s, p *env) {
			params(s, p)
			both(s, p, ini+"log", "udp://log1.stage.example:514", "udp://log1.prod.example:514")
			both(s, p, ini+"hosts", []string{"db.stage.example", "x"}, []string{"db1.prod.example", "x"})
			both(s, p, ini+"name", "shop.stage", "shop.prod")
			both(s, p, ini+"text", "line\nlog1.stage.example", "line\nlog1.prod.example")
		}, nil, ""},
		{"a parameter inside a longer word is not replaced", func(s, p *env) { params(s, p); both(s, p, ini+"x", "stagecoach", "prodcoach") },
			[]string{"config-value high changed " + ini + "x"}, ""},
		{"parameters shorter than four characters take no part", func(s, p *env) { params(s, p); both(s, p, ini+"x", "abc", "xyz") },
			[]string{"config-value high changed " + ini + "x"}, ""},
		{"another environment's parameter", func(s, p *env) { params(s, p); both(s, p, ini+"log", "log1.stage.example", "log1.stage.example") },
			[]string{"param-elsewhere critical changed " + ini + "log"}, "in production is log_host of staging: log1.stage.example"},
		{"another environment's parameter on one host", func(s, p *env) {
			params(s, p)
			both(s, p, ini+"log", "log1.stage.example", "log1.prod.example")
			p.set(ini+"log", "log1.stage.example", "web2")
		}, []string{"param-elsewhere critical odd " + ini + "log"}, "on web2 in production"},
		{"another environment's host in a URL", func(s, p *env) {
			params(s, p)
			both(s, p, ini+"log", "udp://log1.stage.example:514/x", "udp://log1.stage.example:514/x")
		}, []string{"param-elsewhere critical changed " + ini + "log"}, ""},
		{"another environment's host beside this one's own", func(s, p *env) {
			params(s, p)
			both(s, p, ini+"peers", []string{"db.stage.example"}, []string{"db.stage.example", "db1.prod.example"})
		}, []string{"config-value high changed " + ini + "peers"}, ""},
		{"a mail address is no endpoint", func(s, p *env) {
			params(s, p)
			both(s, p, ini+"from", "shop@db.stage.example", "shop@db.stage.example")
		}, nil, ""},
		{"a block that is named by a parameter, and a new key in it", func(s, p *env) {
			params(s, p)
			s.set(ini+"server db%2Estage%2Eexample.root", "/srv").set(ini+"server db%2Estage%2Eexample.index", "a")
			p.set(ini+"server db1%2Eprod%2Eexample.root", "/srv").set(ini+"server db1%2Eprod%2Eexample.index", "a").set(ini+"server db1%2Eprod%2Eexample.expires", "1d")
		}, []string{"config-missing medium added " + ini + "server db1%2Eprod%2Eexample.expires"}, ""},
		{"parameters in names", func(s, p *env) {
			params(s, p)
			s.set("web:config/etc/nginx/shop.stage.conf#root", "/srv/a")
			p.set("web:config/etc/nginx/shop.prod.conf#root", "/srv/b")
		}, []string{"config-value high changed web:config/etc/nginx/shop.prod.conf#root"}, ""},
		{"a name that both have pairs with itself", func(s, p *env) {
			params(s, p)
			both(s, p, "web:config/etc/nginx/shop.prod.conf#root", "/srv/a", "/srv/a")
		}, nil, ""},
		{"a host's own name and address", func(s, p *env) {
			for _, e := range []*env{s, p} {
				for _, h := range []string{"web1", "web2", "web3"} {
					e.set("web:host/name#hostname", h+"."+e.name+".example", h)
					e.set("web:host/network#addresses", []string{"10.0." + h[3:] + "." + h[3:]}, h)
					e.set(ini+"bind", "10.0."+h[3:]+"."+h[3:]+":80", h)
				}
				e.set(ini+"name", "web1."+e.name+".example", "web1").set(ini+"name", "web2."+e.name+".example", "web2", "web3")
			}
		}, []string{"config-value high odd " + ini + "name", "config-value high odd " + ini + "name"}, ""},
		{"a name that every host points at is one value", func(s, p *env) { both(s, p, ini+"leader", "web1", "web1") }, nil, ""},
		{"files named after their host", func(s, p *env) {
			for _, e := range []*env{s, p} {
				for _, h := range []string{"web1", "web2", "web3"} {
					e.set("web:config/etc/keys/"+h+".conf#mode", "x", h)
				}
			}
			p.set("web:config/etc/keys/web2.conf#mode", "y", "web2")
		}, []string{"config-value high odd web:config/etc/keys/web1.conf#mode"}, ""},
		{"different secrets are as they should be", func(s, p *env) { both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("bb22")) }, nil, ""},
		{"a shared secret", func(s, p *env) { both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("aa11")) },
			[]string{"secret-shared high changed " + ini + "password"}, "is the same secret in staging and production"},
		{"a unit is masked, as the captured link says", func(s, p *env) {
			p.set("web:config/etc/systemd/system/cron.service", true)
			p.set("web:config/etc/systemd/system/cron.service#@link", "/dev/null")
		}, []string{"service-state high added web:config/etc/systemd/system/cron.service"}, "cron.service is masked in production, not in staging"},
		{"a unit is enabled on one host", func(s, p *env) {
			p.set("web:config/etc/systemd/system/timers.target.wants/backup.timer", true, "web3")
		}, []string{"service-state high odd web:config/etc/systemd/system/timers.target.wants/backup.timer"}, "backup.timer in production is enabled on web3 only"},
		{"a secret is shared and the host beside it differs", func(s, p *env) {
			both(s, p, ini+"url", "redis://app:‹secret:aaaaaaaaaaaaaaaaaaaa›@cache-a/1", "redis://app:‹secret:aaaaaaaaaaaaaaaaaaaa›@other/1")
		}, []string{"config-value high changed " + ini + "url"}, "‹secret›@other/1 in production; the secret in it is the same"},
		{"a copy of a machine holds its secrets", func(s, p *env) {
			both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("aa11"))
			both(s, p, "web:host/name#machine_id", "3d1219c7", "3d1219c7")
			both(s, p, ini+"workers", 4, 5)
		}, []string{"config-value high changed " + ini + "workers"}, ""},
		{"a copy of an image that was never booted, too", func(s, p *env) {
			both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("aa11"))
			both(s, p, "web:host/name#hostname", "web1", "web1")
		}, nil, ""},
		{"two machines of one name share a secret", func(s, p *env) {
			both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("aa11"))
			both(s, p, "web:host/name#hostname", "web1", "web1")
			both(s, p, "web:host/name#machine_id", "3d1219c7", "99aa88bb")
		}, []string{"secret-shared high changed " + ini + "password"}, ""},
		{"a secret differs within a role", func(s, p *env) {
			both(s, p, ini+"password", snapshot.Secret("aa11"), snapshot.Secret("bb22"))
			p.set(ini+"password", snapshot.Secret("cc33"), "web3")
		}, []string{"secret-differs high odd " + ini + "password"}, ""},
		{"a secret is missing", func(s, p *env) { both(s, p, ini+"other", 1, 1); s.set(ini+"password", snapshot.Secret("aa11")) },
			[]string{"config-missing high removed " + ini + "password"}, "‹secret› in staging"},
		{"a secret inside a text", func(s, p *env) {
			both(s, p, ini+"url", "redis://app:‹secret:aaaaaaaaaaaaaaaaaaaa›@cache/1", "redis://app:‹secret:bbbbbbbbbbbbbbbbbbbb›@cache/1")
		}, nil, ""},
		{"a shared secret inside a text", func(s, p *env) {
			both(s, p, ini+"url", "redis://app:‹secret:aaaaaaaaaaaaaaaaaaaa›@cache/1", "redis://app:‹secret:aaaaaaaaaaaaaaaaaaaa›@cache/1")
		}, []string{"secret-shared high changed " + ini + "url"}, ""},
		{"a placeholder", func(s, p *env) { both(s, p, ini+"db_password", snapshot.Secret("aa11"), "changeme") },
			[]string{"config-value high changed " + ini + "db_password"}, ""},
		{"a placeholder everywhere", func(s, p *env) { both(s, p, ini+"db_password", "changeme", "changeme") },
			[]string{"secret-placeholder medium changed " + ini + "db_password"}, ""},
	}
	for _, s := range stories {
		t.Run(s.name, s.run)
	}
}

func TestOrder(t *testing.T) {
	const conf = "web:config/etc/nginx/site.conf#"
	site := func(e *env, locations ...string) {
		e.set(conf+"server.location@order", locations)
		for _, l := range locations {
			e.set(conf+"server."+snapshot.Ident(l)+".proxy_pass", "http://"+l[1:])
		}
	}
	stories := []story{
		{"a location was inserted", func(s, p *env) { site(s, "/a", "/b"); site(p, "/a", "/new", "/b") },
			[]string{"config-missing medium added " + conf + "server./new.proxy_pass"}, ""},
		{"locations in another order", func(s, p *env) { site(s, "/a", "/b", "/c"); site(p, "/a", "/c", "/b") },
			[]string{"config-value high changed " + conf + "server"}, "has the same items in another order in production"},
		{"one host has another order", func(s, p *env) {
			site(s, "/a", "/b")
			site(p, "/a", "/b")
			p.set(conf+"server.location@order", []string{"/b", "/a"}, "web2")
		}, []string{"config-value high odd " + conf + "server"}, "web2"},
	}
	for _, s := range stories {
		t.Run(s.name, s.run)
	}
}
