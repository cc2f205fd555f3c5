package compare

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/snapshot"
)

// fixCase is a finding of two environments, as values in JSON ("" is absent), and what there is to paste.
type fixCase struct {
	rule, address, staging, production string
	facts                              map[string]string // of staging, by address
	want                               string
}

var fixCases = []fixCase{
	{"package-missing", "web:package/deb/nginx", `true`, "", map[string]string{"web:package/deb/nginx#version": `"1.24.0-2"`}, "sudo apt-get install nginx=1.24.0-2"},
	{"package-missing", "web:package/rpm/nginx", `true`, "", map[string]string{"web:package/rpm/nginx#version": `"1:1.24.0-2.el9"`}, "sudo dnf install nginx-1:1.24.0-2.el9"},
	{"package-missing", "web:package/deb/x; reboot", `true`, "", map[string]string{"web:package/deb/x; reboot#version": `"1"`}, ""},
	{"package-missing", "web:package/deb/x", `true`, "", map[string]string{"web:package/deb/x#version": `"1 && reboot"`}, ""},
	{"package-missing", "web:package/pip/srv/shop/venv/requests", `true`, "", map[string]string{"web:package/pip/srv/shop/venv/requests#version": `"1"`}, ""},
	{"package-extra", "web:package/apk/htop", `true`, "", map[string]string{"web:package/apk/htop#version": `"3.2-r0"`}, "sudo apk add htop=3.2-r0"},
	{"package-older", "web:package/deb/libc6%3Ai386#version", `"2.36-9+deb12u10"`, `"2.36-9+deb12u9"`, nil, "sudo apt-get install libc6:i386=2.36-9+deb12u10"},
	{"package-different", "web:package/npm/@shop/cart#version", `"1.2.0"`, `"1.10.0"`, nil, "sudo npm install --global @shop/cart@1.10.0"},
	{"package-different", "web:package/gem/rack#version", `"2.2.8"`, `"2.2.7"`, nil, "sudo gem install rack --version 2.2.8"},
	{"package-missing", "web:package/pip/requests", `true`, "", map[string]string{"web:package/pip/requests#version": `"2.31.0"`}, "sudo env PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install requests==2.31.0"},
	{"package-older", "web:package/deb/linux-image-VERSION-amd64#version", `"6.1.119-1"`, `"6.1.106-1"`, nil, ""},
	{"service-state", "web:service/nginx#enabled", `true`, `false`, map[string]string{"web:service/nginx#active": `"active"`}, "sudo systemctl enable --now nginx"},
	{"service-state", "web:service/shop-job.timer#enabled", `true`, `"masked"`, nil, "sudo systemctl unmask shop-job.timer && sudo systemctl enable shop-job.timer"},
	{"service-state", "web:service/shop-job#enabled", `false`, `true`, nil, "sudo systemctl disable shop-job"},
	{"service-state", "web:service/nginx", `true`, "", map[string]string{"web:service/nginx#enabled": `true`}, "sudo systemctl enable nginx"},
	{"service-state", "web:service/apport", `true`, "", map[string]string{"web:service/apport#enabled": `"masked"`}, "sudo systemctl mask --now apport"},
	{"service-state", "web:service/nginx#active", `"active"`, `"failed"`, nil, "sudo systemctl start nginx"},
	{"service-state", "web:service/nginx#active", `"inactive"`, `"failed"`, nil, "sudo systemctl reset-failed nginx"},
	{"service-state", "web:service/shop-job#active", "", `"failed"`, nil, "sudo systemctl status --no-pager --full shop-job"},
	{"service-state", "web:service/apt-daily.timer#enabled", `"masked"`, `true`, nil, "sudo systemctl mask --now apt-daily.timer"},
	{"sysctl", "web:sysctl/vm.swappiness#value", `"10"`, `"60"`, nil, "sudo sysctl -w vm.swappiness=10"},
	{"sysctl", "web:sysctl_running/net.ipv4.tcp_rmem#value", `"4096 131072 6291456"`, `"4096 1 2"`, nil, "sudo sysctl -w 'net.ipv4.tcp_rmem=4096 131072 6291456'"},
	{"sysctl", "web:sysctl/kernel.core_pattern#value", `"|/usr/bin/x; reboot"`, `"core"`, nil, ""},
	{"not-loaded", "web:sysctl/vm.swappiness#running", "", `"60"`, map[string]string{"web:sysctl/vm.swappiness#value": `"10"`}, ""}, // that is staging's file
	{"not-loaded", "web:sysctl/vm.swappiness#running", `"60"`, "", map[string]string{"web:sysctl/vm.swappiness#value": `"10"`}, "sudo sysctl -w vm.swappiness=10"},
	{"not-loaded", "web:service/shop.timer#stale", "", `true`, nil, "sudo systemctl daemon-reload"},
	{"not-loaded", "web:effective/nginx#stale", "", `["/etc/nginx/nginx.conf"]`, nil, "sudo nginx -t && sudo nginx -s reload"},
	{"not-loaded", "web:effective/mysqld#stale", "", `["/etc/mysql/my.cnf"]`, nil, ""},
	{"clock-off", "web:host/clock#offset_seconds", "", `31`, nil, "sudo timedatectl set-ntp true"},
	{"disk-full", "web:filesystem/var/lib#used_percent", "", `97`, nil, "sudo du -xh --max-depth=2 /var/lib | sort -h | tail -20"},
	{"disk-full", "web:filesystem/var/$(reboot)#used_percent", "", `97`, nil, ""},
	{"swapping", "web:host/swap#used_bytes", "", `97`, nil, "ps -eo rss,comm --sort=-rss | head -15; grep -H VmSwap /proc/[0-9]*/status | sort -k2 -n | tail -5"},
	{"certificate-expiring", "web:certificate/etc/ssl/shop.pem#not_after", "", `"2026-12-01T00:00:00Z"`, nil, "sudo openssl x509 -noout -subject -enddate -in /etc/ssl/shop.pem"},
	{"restart-needed", "web:process/nginx#deleted_libraries", `["libssl"]`, "", map[string]string{"web:service/nginx#enabled": `true`}, "sudo systemctl restart nginx"},
	{"restart-needed", "web:process/mariadbd#deleted_libraries", "", `["libssl"]`, nil, `ps -C mariadbd -o unit= | grep '\.service$' | grep -v '^user@' | sort -u | xargs -r sudo systemctl restart`},
	{"restart-needed", "web:process/a; reboot#deleted_libraries", "", `["libssl"]`, nil, ""},
	{"restart-needed", "web:process/systemd#deleted_libraries", "", `["libssl"]`, nil, "sudo systemctl daemon-reexec"},
	{"restart-needed", "web:process/dbus-daemon#deleted_libraries", "", `["libssl"]`, nil, "sudo systemctl reboot"},
	{"restart-needed", "web:host/reboot#required", "", `true`, nil, "sudo systemctl reboot"},
	{"column-missing", "main:column/order.note", `true`, "", map[string]string{"main:column/order.note#type": `"text"`, "main:column/order.note#default": `"''::text"`, "main:column/order.note#nullable": `false`},
		`ALTER TABLE "order" ADD COLUMN "note" text DEFAULT ''::text NOT NULL;`},
	{"column-missing", `main:column/users.a"b`, `true`, "", map[string]string{`main:column/users.a"b#type`: `"text"`}, `ALTER TABLE "users" ADD COLUMN "a""b" text;`},
	{"column-missing", "main:column/users.note", `true`, "", map[string]string{"main:column/users.note#type": `"text); DROP TABLE users"`}, ""},
	{"column-different", "main:column/users.email#nullable", `false`, "", nil, `ALTER TABLE "users" ALTER COLUMN "email" SET NOT NULL;`},
	{"column-different", "main:column/users.email#type", `"bigint"`, `"integer"`, nil, `ALTER TABLE "users" ALTER COLUMN "email" TYPE bigint;`},
	{"column-different", "main:column/users.email#type", `"integer"`, `"bigint"`, nil, `ALTER TABLE "users" ALTER COLUMN "email" TYPE integer;`},
	{"column-different", "main:column/users.email#type", `"real"`, `"double precision"`, nil, ""},
	{"constraint-different", "main:constraint/orders.orders_user", `true`, "", map[string]string{"main:constraint/orders.orders_user#type": `"foreign key"`, "main:constraint/orders.orders_user#columns": `["user_id"]`,
		"main:constraint/orders.orders_user#references": `"users(id)"`, "main:constraint/orders.orders_user#@references_table": `"users"`, "main:constraint/orders.orders_user#@references_columns": `["users.id"]`, "main:constraint/orders.orders_user#on_delete": `"cascade"`},
		`ALTER TABLE "orders" ADD CONSTRAINT "orders_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE NOT VALID; ALTER TABLE "orders" VALIDATE CONSTRAINT "orders_user";`},
	{"constraint-different", "main:constraint/users.age", `true`, "", map[string]string{"main:constraint/users.age#type": `"check"`, "main:constraint/users.age#definition": `"age > 0"`},
		`ALTER TABLE "users" ADD CONSTRAINT "age" CHECK (age > 0) NOT VALID; ALTER TABLE "users" VALIDATE CONSTRAINT "age";`},
	{"constraint-not-valid", "main:constraint/audit.users.age#valid", "", `false`, nil, `ALTER TABLE "audit"."users" VALIDATE CONSTRAINT "age";`},
	{"index-missing", "main:index/users.users_email", `true`, "", map[string]string{"main:index/users.users_email#columns": `["email","at desc"]`, "main:index/users.users_email#unique": `true`,
		"main:column/users.email#type": `"text"`, "main:column/users.at#type": `"date"`}, `CREATE UNIQUE INDEX CONCURRENTLY "users_email" ON "users" ("email", "at" DESC);`},
	{"index-missing", "main:index/users.lower", `true`, "", map[string]string{"main:index/users.lower#columns": `["lower(email)"]`}, ""},
	{"index-invalid", "main:index/audit.users.users_email#valid", "", `false`, nil, `REINDEX INDEX CONCURRENTLY "audit"."users_email";`},
	{"grant-different", "main:grant/table/users#app", `["INSERT","SELECT"]`, `["DELETE","SELECT"]`, nil, `GRANT INSERT ON TABLE "users" TO "app"; REVOKE DELETE ON TABLE "users" FROM "app";`},
	{"grant-different", "main:grant/schema/public#PUBLIC", `["USAGE"]`, "", nil, `GRANT USAGE ON SCHEMA "public" TO PUBLIC;`},
	{"grant-different", "main:grant/column/users.e%2Email#app", `["SELECT"]`, "", nil, `GRANT SELECT ("e.mail") ON TABLE "users" TO "app";`},
	{"grant-different", "main:grant/routine/shop.total(integer, \"Odd\"[])#PUBLIC", `[]`, "", nil, `REVOKE EXECUTE ON ROUTINE "shop"."total"(integer, "Odd"[]) FROM PUBLIC;`},
	{"grant-different", "main:grant/routine/total(integer); DROP#app", `["EXECUTE"]`, "", nil, ""},
	{"grant-different", "main:grant/table/users#app", `["SELECT","SELECT; DROP TABLE users"]`, "", nil, `GRANT SELECT ON TABLE "users" TO "app";`},
	{"owner-different", "main:table/users#owner", `"app"`, `"postgres"`, nil, `ALTER TABLE "users" OWNER TO "app";`},
	{"comment-different", "main:column/users.email#comment", `"the user's"`, "", nil, `COMMENT ON COLUMN "users"."email" IS 'the user''s';`},
	{"setting-behaviour", "main:setting/statement_timeout#value", `"5min"`, `"0"`, nil, `ALTER SYSTEM SET statement_timeout = '5min'; SELECT pg_reload_conf();`},
	{"setting-tuning", "my:setting/sort_buffer_size#value", `"2097152"`, `"262144"`, nil, "SET GLOBAL sort_buffer_size = 2097152;"},
	{"setting-tuning", "main:setting/work_mem#value", `"5MB'; DROP TABLE x"`, `"4MB"`, nil, ""},
	{"replica-writable", "my:replication/node#writable", "", `true`, nil, "SET GLOBAL read_only = ON;"},
	{"data-stale", "main:data/age", "", `"2026-11-01T00:00:00Z"`, map[string]string{"main:data/age#source": `"production"`}, "envdiff refresh production staging"},
}

// withoutCommand are the rules whose remedy wants a person's judgement, and what their hint asks for instead.
var withoutCommand = map[string]string{
	"a migration or the rows":                                   "migration-failed migration-predicted copy-artefact migration-state same-version-different-schema lock-long rewrite data-one-sided data-one-sided-undated data-one-sided-pending data-distribution rows-different plan-regression query-untested query-broken down-failed down-incomplete down-loses-data not-repeatable",
	"a definition that a migration brings, whole":               "table-missing routine-different object-different index-different column-order replica-schema",
	"the cluster's own procedure":                               "replication-broken replica-missing replica-lag replica-diverged replica-version slot-retains-wal monitor-contradicted",
	"a value that belongs into a file under somebody's control": "param-elsewhere config-value config-missing secret-shared secret-differs secret-placeholder typo endpoint-value config-invalid db-host-unreachable db-host-undeclared cron user mount host-different metric-missing",
	"hardware or a deployment":                                  "memory-odd revision-differs revision-untested",
	"somebody's description of hosts":                           "puppet-run ordering-missing",
	"a decision of two people":                                  "leak waiver-expired",
}

func TestEveryRuleHasACommandOrAReasonToHaveNone(t *testing.T) {
	told := map[string]bool{}
	for _, c := range fixCases {
		if c.want != "" {
			told[c.rule] = true
		}
	}
	for _, rules := range withoutCommand {
		for _, id := range strings.Fields(rules) {
			if _, ok := finding.Lookup(id); !ok || told[id] {
				t.Errorf("%s is no rule, or has a command, too", id)
			}
			told[id] = true
		}
	}
	for _, r := range finding.Rules() {
		if !told[r.ID] {
			t.Errorf("%s has neither a command to paste nor a reason to have none", r.ID)
		}
		if r.Why == "" || r.Hint == "" || r.Title == "" {
			t.Errorf("%s does not say why it matters and what to do", r.ID)
		}
	}
	for rule := range fixes {
		if _, ok := finding.Lookup(rule); !ok {
			t.Errorf("%s is no rule", rule)
		}
	}
}

// fixSnapshot is an environment with facts.
func fixSnapshot(t *testing.T, env string, facts map[string]string) *snapshot.Snapshot {
	t.Helper()
	b := snapshot.NewBuilder(snapshot.Selection{})
	results := map[string]*snapshot.Result{"web": {}, "main": {}, "my": {}}
	for text, value := range facts {
		a, err := snapshot.ParseAddress(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := snapshot.ParseValue(json.RawMessage(value))
		if err != nil {
			t.Fatal(err)
		}
		results[a.Scope].Add(a, v, "")
	}
	for scope, r := range results {
		b.Instance(scope, "database", "", "one")
		b.Add(scope, "one", *r, nil)
	}
	s := b.Finish(snapshot.Manifest{Environment: env})
	for scope, engine := range map[string]string{"main": "postgres", "my": "mysql"} {
		m := s.Manifest.Scopes[scope]
		m.Engine = engine
		s.Manifest.Scopes[scope] = m
	}
	return s
}

func TestFixIsACommandThatCanBePasted(t *testing.T) {
	for _, c := range fixCases {
		f := finding.Finding{Rule: c.rule, Address: c.address, Change: finding.Changed}
		for _, side := range []struct{ env, value string }{{"staging", c.staging}, {"production", c.production}} {
			state, on := finding.Present, []string{"one"}
			if side.value == "" {
				state = finding.Absent
			}
			f.Values = append(f.Values, finding.Side{Environment: side.env, State: state, Value: json.RawMessage(side.value), Instances: on})
		}
		env := "staging"
		if c.rule == "data-stale" { // what is stale is staging
			f.Values = []finding.Side{{Environment: "staging", State: finding.Present, Value: json.RawMessage(c.production), Instances: []string{"one"}}}
		}
		findings := []finding.Finding{f}
		Fix(findings, []Side{{Name: env, Snapshot: fixSnapshot(t, env, c.facts)}})
		got := ""
		for _, x := range findings[0].Fix {
			got += x.Command
			if x.Where == "" || strings.ContainsAny(x.Command, "\n\x00") {
				t.Errorf("%s %s: %+v", c.rule, c.address, x)
			}
		}
		if got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.rule, c.address, got, c.want)
		}
	}
}
