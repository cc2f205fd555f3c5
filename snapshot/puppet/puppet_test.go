package puppet

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const cache = "var/cache/puppet/"

var redactor = snapshot.NewRedactor(keys.New(), nil)

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// host is an agent's state as Debian keeps it.
func host(t testing.TB, catalog string) map[string]string {
	return map[string]string{
		cache + "public/last_run_summary.yaml":                 sample(t, "last_run_summary.yaml"),
		cache + "state/last_run_report.yaml":                   sample(t, "last_run_report.yaml"),
		cache + "state/classes.txt":                            "settings\ndefault\nrole::web\nlogging\n",
		cache + "client_data/catalog/web1.shop.example.json":   catalog,
		cache + "state/resources.txt":                          "file[/etc/rsyslog.conf]\n",
		"etc/puppet/puppet.conf":                               "[main]\n",
		"opt/puppetlabs/puppet/public/last_run_summary.yaml.x": "",
	}
}

func parse(t testing.TB, files map[string]string) (map[string]string, snapshot.Result) {
	t.Helper()
	r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, files)})
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m, r
}

// resourceOf makes a resource for a catalogue.
func resourceOf(typ, title string, tags string, parameters map[string]any) map[string]any {
	return map[string]any{"type": typ, "title": title, "tags": strings.Fields(tags), "file": "/etc/puppet/code/site.pp", "line": 7, "parameters": parameters}
}

// compiled is a catalogue in the compiler's notation.
func compiled(t testing.TB, environment string, edges [][2]string, resources ...map[string]any) string {
	t.Helper()
	es := []map[string]string{}
	for _, e := range edges {
		es = append(es, map[string]string{"source": e[0], "target": e[1]})
	}
	text, err := json.MarshalIndent(map[string]any{"name": "web1.shop.example", "version": 1795346189, "environment": environment, "catalog_format": 2,
		"resources": resources, "edges": es, "classes": []string{}}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// logging is a role that passes a log server on, with secrets in every place that one can be in.
func logging(t testing.TB, environment, server string) string {
	return compiled(t, environment,
		[][2]string{{"Class[Logging]", "File[/etc/rsyslog.conf]"}, {"Class[Logging]", "Logging::Target[main]"}, {"Logging::Target[main]", "File[/etc/rsyslog.d/main.conf]"}},
		resourceOf("Stage", "main", "stage", map[string]any{"name": "main"}),
		resourceOf("Class", "Role::Web", "class role::web role web", map[string]any{"log_server": server}),
		with(resourceOf("Class", "Logging", "class logging role::web", map[string]any{"server": server, "token": "zqsensitive", "opts": map[string]any{"db": map[string]any{"password": "zqhunter2x", "port": 3306}}}),
			"sensitive_parameters", []string{"token"}),
		resourceOf("File", "/etc/rsyslog.conf", "file class logging role::web", map[string]any{"content": "*.* @@" + server + ":514\npassword=zqinfile99\n", "mode": "0644", "require": "Package[rsyslog]"}),
		with(resourceOf("File", "/etc/token", "file class logging", map[string]any{"content": "zqsensitive"}), "sensitive_parameters", []string{"content"}),
		resourceOf("Exec", "curl -H zqsensitive", "exec class logging", map[string]any{"command": "curl -H zqsensitive http://" + server, "unless": map[string]any{"__ptype": "Sensitive", "__value": "zqrich0"}}),
		resourceOf("Logging::Target", "main", "logging::target logging class role::web", map[string]any{"host": server}),
		resourceOf("File", "/etc/rsyslog.d/main.conf", "file logging::target logging role::web", map[string]any{"content": "target " + server, "owner": "root"}),
		with(resourceOf("Nagios_host", "web1.shop.example", "", nil), "exported", true),
	)
}

func with(r map[string]any, key string, v any) map[string]any {
	r[key] = v
	return r
}

func TestTheLastRun(t *testing.T) {
	summary, report := sample(t, "last_run_summary.yaml"), sample(t, "last_run_report.yaml")
	for _, c := range []struct {
		name            string
		summary, report string
		want            map[string]string
	}{
		{"a run with noop that found drift", summary, report, map[string]string{"puppet/run#status": "pending", "puppet/run#pending": "1", "puppet/run#pending_resources": "[File[/etc/rsyslog.conf]]",
			"puppet/run#noop": "true", "puppet/run#at": "2026-11-22T10:51:31Z", "puppet/run#mode": "user", "puppet/run#environment": "production", "puppet/run#failed": "0"}},
		{"the summary alone", summary, "", map[string]string{"puppet/run#status": "pending", "puppet/run#pending": "1", "puppet/run#noop": ""}},
		{"the report alone", "", report, map[string]string{"puppet/run#status": "pending", "puppet/run#at": "2026-11-22T10:51:31Z", "puppet/run#environment": "production"}},
		{"a resource failed", strings.ReplaceAll(summary, "\n  failed: 0", "\n  failed: 2"), strings.ReplaceAll(report, "    failed: false", "    failed: true"),
			map[string]string{"puppet/run#status": "failed", "puppet/run#failed": "9", "puppet/run#failed_resources": "*"}},
		{"no catalogue could be had: a summary without counts", "---\nversion:\n  config:\n  puppet: 7.23.0\napplication:\n  run_mode: agent\ntime:\n  last_run: 1795344691\n", "",
			map[string]string{"puppet/run#status": "failed", "puppet/run#mode": "agent"}},
		{"drift that was corrected is none", strings.NewReplacer("noop: 1", "noop: 0", "changed: 0", "changed: 1").Replace(summary),
			strings.NewReplacer("noop: true", "noop: false", "noop_pending: true", "noop_pending: false", "status: unchanged", "status: changed").Replace(report),
			map[string]string{"puppet/run#status": "changed", "puppet/run#pending": "0", "puppet/run#pending_resources": "", "puppet/run#noop": "false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"etc/x": ""}
			if c.summary != "" {
				files[cache+"public/last_run_summary.yaml"] = c.summary
			}
			if c.report != "" {
				files[cache+"state/last_run_report.yaml"] = c.report
			}
			got, r := parse(t, files)
			for a, want := range c.want {
				if got[a] != want && !(want == "*" && got[a] != "") {
					t.Errorf("%s is %q, not %q", a, got[a], want)
				}
			}
			if len(r.Gaps) > 0 {
				t.Errorf("gaps: %+v", r.Gaps)
			}
		})
	}
}

func TestDamagedFilesAreGaps(t *testing.T) {
	for name, text := range map[string]string{
		"public/last_run_summary.yaml":     "no yaml at all\n",
		"state/last_run_report.yaml":       "--- 7\n",
		"state/classes.txt":                "role::web\n<html>\n",
		"client_data/catalog/web1.json":    `{"resources": [`,
		"client_data/catalog/other.json":   `{"resources": [{"title": "x"}]}`,
		"client_data/catalog/foreign.json": `{"hello": "world"}`,
		"client_data/catalog/list.json":    `[1, 2]`,
	} {
		got, r := parse(t, map[string]string{cache + name: text})
		if len(r.Gaps) != 1 || len(got) > 0 {
			t.Errorf("%s: gaps %+v, facts %v", name, r.Gaps, got)
		}
	}
}

func TestClassesGiveTheRole(t *testing.T) {
	files := host(t, "")
	delete(files, cache+"client_data/catalog/web1.shop.example.json")
	got, _ := parse(t, files)
	if got["puppet/node#roles"] != "[role::web]" || got["puppet/classes#names"] != "[logging, role::web]" {
		t.Errorf("%v", got)
	}
	got, r := parse(t, host(t, logging(t, "production", "log1.prod.example")))
	if got["puppet/node#roles"] != "[role::web]" || got["puppet/classes#names"] != "" || snapshot.MatchAny(r.Looked, "puppet/classes#names") {
		t.Errorf("with a catalogue: %v", got)
	}
}

// Of two environments whose role passes another log server on, everything but that parameter is alike once the parameter is taken out.
func TestValuesAreExplainedByParameters(t *testing.T) {
	staging, _ := parse(t, host(t, logging(t, "staging", "log1.stage.example")))
	production, _ := parse(t, host(t, logging(t, "production", "log1.prod.example")))
	for _, c := range []struct{ value, template, by string }{
		{"resource/File/etc/rsyslog.conf#content", "resource/File/etc/rsyslog.conf#@template.content", "resource/File/etc/rsyslog.conf#@by.content"},
		{"resource/Class/Logging#server", "resource/Class/Logging#@template.server", "resource/Class/Logging#@by.server"},
		{"resource/File/etc/rsyslog.d/main.conf#content", "resource/File/etc/rsyslog.d/main.conf#@template.content", "resource/File/etc/rsyslog.d/main.conf#@by.content"},
	} {
		if staging[c.value] == production[c.value] || staging[c.value] == "" {
			t.Errorf("%s does not differ: %q", c.value, staging[c.value])
		}
		if staging[c.template] == "" || staging[c.template] != production[c.template] {
			t.Errorf("%s differs: %q, %q", c.template, staging[c.template], production[c.template])
		}
		if !strings.Contains(staging[c.by], "Class/Role%3A%3AWeb#log_server") {
			t.Errorf("%s is explained by %q", c.value, staging[c.by])
		}
	}
	if staging["resource/Class/Role%3A%3AWeb#@template.log_server"] != "" {
		t.Error("a parameter explains itself")
	}
}

func TestOrderingOfServices(t *testing.T) {
	pkg := func() map[string]any {
		return resourceOf("Package", "nginx", "", map[string]any{"ensure": "installed"})
	}
	file := func(require any) map[string]any {
		return resourceOf("File", "/etc/nginx/nginx.conf", "", map[string]any{"content": "x", "require": require})
	}
	service := func(parameters map[string]any) map[string]any { return resourceOf("Service", "nginx", "", parameters) }
	for _, c := range []struct {
		name      string
		edges     [][2]string
		resources []map[string]any
		want      string
	}{
		{"a chain", nil, []map[string]any{pkg(), file("Package[nginx]"), service(map[string]any{"subscribe": []string{"File[/etc/nginx/nginx.conf]"}})}, ""},
		{"no order at all", nil, []map[string]any{pkg(), file(nil), service(nil)}, "[File/etc/nginx/nginx.conf, Package/nginx]"},
		{"the package is forgotten", nil, []map[string]any{pkg(), file(nil), service(map[string]any{"require": "File[/etc/nginx/nginx.conf]"})}, "[Package/nginx]"},
		{"before and notify", nil, []map[string]any{with(pkg(), "parameters", map[string]any{"before": []string{"File[/etc/nginx/nginx.conf]"}}),
			resourceOf("File", "/etc/nginx/nginx.conf", "", map[string]any{"notify": "Service[nginx]"}), service(nil)}, ""},
		{"an order of classes holds for what they contain", [][2]string{{"Class[Nginx::Install]", "Package[nginx]"}, {"Class[Nginx::Service]", "Service[nginx]"}, {"Class[Nginx::Install]", "File[/etc/nginx/nginx.conf]"}},
			[]map[string]any{resourceOf("Class", "Nginx::Install", "", map[string]any{"before": "Class[Nginx::Service]"}), resourceOf("Class", "Nginx::Service", "", nil), resourceOf("Package", "nginx", "", nil), file(nil), service(nil)}, ""},
		{"another package of the class needs none", nil, []map[string]any{resourceOf("Package", "vim", "", nil), service(nil)}, ""},
		{"the same under other names", nil, []map[string]any{resourceOf("Package", "openssh-server", "", nil), resourceOf("File", "/etc/ssh/sshd_config", "", nil), resourceOf("Service", "sshd", "", nil)},
			"[File/etc/ssh/sshd_config, Package/openssh-server]"},
		{"what is stopped or removed", nil, []map[string]any{resourceOf("Package", "nginx", "", map[string]any{"ensure": "absent"}), service(map[string]any{"ensure": "stopped"})}, ""},
		{"relations in a circle end", nil, []map[string]any{resourceOf("Package", "nginx", "", map[string]any{"require": "Service[nginx]"}), service(map[string]any{"require": "Package[nginx]"})}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, r := parse(t, host(t, compiled(t, "production", c.edges, c.resources...)))
			for a, v := range got {
				if strings.HasSuffix(a, "#@unordered") && v != c.want {
					t.Errorf("%s is %s, not %q", a, v, c.want)
				}
				if strings.HasSuffix(a, "#@unordered") {
					c.want = ""
				}
			}
			if c.want != "" || len(r.Gaps) > 0 {
				t.Errorf("not found: %s; gaps %v", c.want, r.Gaps)
			}
		})
	}
}

// The notations of older versions and of PuppetDB say the same.
func TestNotationsOfCatalogues(t *testing.T) {
	plain := logging(t, "production", "log1.prod.example")
	want, _ := parse(t, host(t, plain))
	var parts map[string]any
	if err := json.Unmarshal([]byte(plain), &parts); err != nil {
		t.Fatal(err)
	}
	var edges []map[string]string
	for _, e := range parts["edges"].([]any) {
		split := func(end string) (string, string) {
			typ, title, _ := strings.Cut(strings.TrimSuffix(end, "]"), "[")
			return typ, title
		}
		m := e.(map[string]any)
		st, sn := split(m["source"].(string))
		tt, tn := split(m["target"].(string))
		edges = append(edges, map[string]string{"source_type": st, "source_title": sn, "target_type": tt, "target_title": tn, "relationship": "contains"})
	}
	unordered := slices.Clone(parts["resources"].([]any))
	slices.Reverse(unordered)
	db, err := json.Marshal(map[string]any{"certname": parts["name"], "version": parts["version"], "environment": parts["environment"],
		"resources": map[string]any{"href": "/pdb/query/v4/catalogs/web1/resources", "data": unordered}, "edges": map[string]any{"data": edges}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Puppet 3":           `{"document_type":"Catalog","data":` + plain + `,"metadata":{"api_version":1}}`,
		"the server's v4":    `{"catalog":` + plain + `}`,
		"PuppetDB":           string(db),
		"two; the newer one": plain,
	} {
		files := host(t, text)
		if strings.HasPrefix(name, "two") {
			files[cache+"client_data/catalog/old.json"] = strings.ReplaceAll(compiled(t, "old", nil), "1795346189", "1695346189")
		}
		got, _ := parse(t, files)
		if (got["puppet/catalog#sensitive"] == "false") != (name == "PuppetDB") {
			t.Errorf("%s: sensitive is %q", name, got["puppet/catalog#sensitive"])
		}
		delete(got, "puppet/catalog#sensitive")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// big is a catalogue of ten thousand resources.
func big(t testing.TB) string {
	resources := []map[string]any{resourceOf("Class", "Shop", "class shop", map[string]any{"server": "log1.prod.example", "workers": 8, "user": "shop"})}
	var edges [][2]string
	for i := range 10_000 {
		title := fmt.Sprintf("/etc/shop/%d.conf", i)
		resources = append(resources, resourceOf("File", title, "file class shop", map[string]any{"content": fmt.Sprintf("host log1.prod.example\nport %d\n", i), "owner": "root", "group": "root",
			"mode": "0644", "require": "Package[shop]"}))
		edges = append(edges, [2]string{"Class[Shop]", "File[" + title + "]"})
	}
	resources = append(resources, resourceOf("Package", "shop", "class shop", nil), resourceOf("Service", "shop", "class shop", nil))
	return compiled(t, "production", edges, resources...)
}

func BenchmarkParseTenThousandResources(b *testing.B) {
	text := []byte(big(b))
	sections := transport.Sections{"run": {Problem: transport.NotFound}, "catalog": {Files: []transport.File{{Path: "/" + cache + "client_data/catalog/a.json", Body: text}}}}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if r := New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Sections: sections, Redact: redactor}); len(r.Facts) < 50_000 {
			b.Fatalf("%d facts, gaps %v", len(r.Facts), r.Gaps)
		}
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	secrets := []string{"zqinlog77", "zqsensitive", "zqhunter2x", "zqinfile99", "zqrich0"}
	run := host(t, "")
	delete(run, cache+"client_data/catalog/web1.shop.example.json")
	run[cache+"state/agent_disabled.lock"] = `{"disabled_message":"while password=zqhunter2x is rotated"}`
	return []snapshottest.Fixture{
		{Name: "agent", Tree: snapshottest.Tree(t, host(t, logging(t, "production", "log1.prod.example"))), Secrets: secrets},
		{Name: "run alone", Tree: snapshottest.Tree(t, run), Secrets: secrets},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
