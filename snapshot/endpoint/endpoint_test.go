package endpoint_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/endpoint"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const dump = `{"db": {"host": "db1.prod.example", "port": 5432, "password": "zq-s3cret-zq", "pool": {"size": 5}},
 "servers": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}], "hosts": ["x", "y"],
 "php": {"connection_errors": 3, "restarts": "2"}, "uptime": 77, "dsn": "mysql://shop:zq-s3cret-zq@db1.prod.example/shop"}`

const info = `<!DOCTYPE html><html><head><title>PHP 8.2.7 - phpinfo()</title></head><body>
<h1 class="p">PHP Version 8.2.7</h1>
<table><tr><td class="e">System </td><td class="v">Linux web1 6.1 </td></tr><tr><td class="e">Server API </td><td class="v">FPM/FastCGI </td></tr></table>
<h2><a name="module_core" href="#module_core">Core</a></h2>
<table><tr class="h"><th>Directive</th><th>Local Value</th><th>Master Value</th></tr>
<tr><td class="e">memory_limit</td><td class="v">256M</td><td class="v">134217728</td></tr>
<tr><td class="e">display_errors</td><td class="v">Off</td><td class="v">Off</td></tr>
<tr><td class="e">auto_prepend_file</td><td class="v"><i>no value</i></td><td class="v"><i>no value</i></td></tr></table>
<h2>Environment</h2><table><tr class="h"><th>Variable</th><th>Value</th></tr><tr><td class="e">DB_PASSWORD </td><td class="v">zq-s3cret-zq </td></tr>
<tr><td class="e">APP_NAME </td><td class="v">a &amp; b </td></tr></table>
<h2>PHP Variables</h2><table><tr><td class="e">$_SERVER['REQUEST_TIME'] </td><td class="v">1795345057 </td></tr></table></body></html>`

var fixtures = []snapshottest.DumpFixture{
	{Name: "json", Dump: snapshot.Dump{Text: []byte(dump), MediaType: "application/json"}, Secrets: []string{"zq-s3cret-zq"}},
	{Name: "selected", Dump: snapshot.Dump{Text: []byte(dump)}, Spec: snapshot.DumpSpec{Keys: []string{"db/*", "servers/*/weight"}, Metrics: map[string]string{"php/*": "<= 0"}}, Secrets: []string{"zq-s3cret-zq"}},
	{Name: "yaml", Dump: snapshot.Dump{Text: []byte("db:\n  host: db1\n  api_key: zq-s3cret-zq\nlist: [1, 2]\n")}, Secrets: []string{"zq-s3cret-zq"}},
	{Name: "properties", Dump: snapshot.Dump{Text: []byte("db.host=db1\ndb.password=zq-s3cret-zq\n")}, Secrets: []string{"zq-s3cret-zq"}},
	{Name: "dotenv", Dump: snapshot.Dump{Text: []byte("DB_HOST=db1\nDB_PASSWORD='zq-s3cret-zq'\n")}, Secrets: []string{"zq-s3cret-zq"}},
	{Name: "phpinfo", Dump: snapshot.Dump{Text: []byte(info), MediaType: "text/html"}, Secrets: []string{"zq-s3cret-zq"}},
}

func TestConformance(t *testing.T) { snapshottest.Dump(t, endpoint.New(), fixtures...) }

func FuzzParse(f *testing.F) { snapshottest.FuzzDump(f, endpoint.New(), fixtures...) }

func parse(t *testing.T, spec snapshot.DumpSpec, mediaType, text string) (facts, gaps []string) {
	t.Helper()
	return snapshottest.ParseDump(t, endpoint.New(), snapshottest.DumpFixture{Spec: spec, Dump: snapshot.Dump{Text: []byte(text), MediaType: mediaType}})
}

func TestEveryFormatHasOneFactPerKey(t *testing.T) {
	for _, c := range []struct {
		name, mediaType, text string
		want                  []string
	}{
		{"json", "application/json", `{"db": {"host": "db1", "port": 5432}, "a.b": null, "tags": ["x", "y"]}`,
			[]string{`web:value/a%2Eb = null`, `web:value/db = true`, `web:value/db.host = "db1"`, `web:value/db.port = 5432`, `web:value/tags = ["x","y"]`}},
		{"json of another kind", "application/vnd.spring-boot.actuator.v3+json", `{"a": true}`, []string{`web:value/a = true`}},
		{"json that nothing names", "application/octet-stream", ` [{"name": "a", "n": 1}]`, []string{`web:value/a = true`, `web:value/a.n = 1`, `web:value/a.name = "a"`}},
		{"yaml", "application/x-yaml", "db: {host: db1}\n", []string{`web:value/db = true`, `web:value/db.host = "db1"`}},
		{"properties", "text/plain", "# all of it\ndb.host = db1\ndb.port=5432\n", []string{`web:value/db.host = "db1"`, `web:value/db.port = "5432"`}},
		{"dotenv", "text/plain", "DB_HOST=\"db 1\"\n", []string{`web:value/DB_HOST = "db 1"`}},
		{"phpinfo", "text/html", info, []string{`web:value/Environment = true`, `web:value/Environment.APP_NAME = "a & b"`, `web:value/PHP = true`, `web:value/PHP.Server API = "FPM/FastCGI"`,
			`web:value/PHP.auto_prepend_file = ""`, `web:value/PHP.display_errors = false`, `web:value/PHP.memory_limit = "256M"`, `web:value/PHP.version = "8.2.7"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts, gaps := parse(t, snapshot.DumpSpec{}, c.mediaType, c.text)
			facts = slices.DeleteFunc(facts, func(f string) bool { return strings.Contains(f, "DB_PASSWORD") })
			if d := cmp.Diff(c.want, facts); d != "" || gaps != nil {
				t.Errorf("%s%v", d, gaps)
			}
		})
	}
}

// Paths are those of collectd's curl_json: keys and indices, * for any one of them, and a literal step before a star.
func TestKeysSelectLikeCurlJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		spec snapshot.DumpSpec
		want []string
		gaps string
	}{
		{"one level", snapshot.DumpSpec{Keys: []string{"db/*"}}, []string{"db.host", "db.password", "db.port"}, ""},
		{"the middle", snapshot.DumpSpec{Keys: []string{"*/size", "db/*/size"}}, []string{"db.pool.size"}, "nothing in the answer is at */size"},
		{"items of a list", snapshot.DumpSpec{Keys: []string{"servers/*/weight"}}, []string{"servers.a.weight", "servers.b.weight"}, ""},
		{"an item by its place", snapshot.DumpSpec{Keys: []string{"servers/1/weight"}}, []string{"servers.b.weight"}, ""},
		{"a list of scalars", snapshot.DumpSpec{Keys: []string{"hosts/*"}}, []string{"hosts"}, ""},
		{"misspelt", snapshot.DumpSpec{Keys: []string{"db/hosst"}}, nil, "nothing in the answer is at db/hosst"},
		{"a mapping", snapshot.DumpSpec{Keys: []string{"db"}}, nil, "db is a mapping or a list of mappings, and no value"},
		{"a metric out of a star", snapshot.DumpSpec{Keys: []string{"php/*"}, Metrics: map[string]string{"php/connection_errors": "<= 0"}},
			[]string{"php.connection_errors#limit", "php.connection_errors#metric", "php.restarts"}, ""},
		{"a key out of metrics", snapshot.DumpSpec{Keys: []string{"php/restarts"}, Metrics: map[string]string{"php/*": "<= 0"}},
			[]string{"php.connection_errors#limit", "php.connection_errors#metric", "php.restarts"}, ""},
		{"a metric that is none", snapshot.DumpSpec{Keys: []string{"hosts"}, Metrics: map[string]string{"db/host": "<= 0"}}, []string{"hosts"}, "the metric is no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts, gaps := parse(t, c.spec, "application/json", dump)
			var got []string
			for _, f := range facts {
				if name, value, _ := strings.Cut(strings.TrimPrefix(f, "web:value/"), " = "); value != "true" {
					got = append(got, name)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if all := strings.Join(gaps, "\n"); c.gaps == "" && all != "" || !strings.Contains(all, c.gaps) {
				t.Errorf("gaps: %s", all)
			}
		})
	}
}

func TestWhatIsNoDumpIsAGap(t *testing.T) {
	for _, c := range []struct{ mediaType, text, format, want string }{
		{"text/html", "<html><body>Please log in</body></html>", "", "a web page and no phpinfo"},
		{"application/json", `{"a": `, "", "not readable as json: line 1"},
		{"text/plain", "hello there\nthis is a text, and no dump\n", "", "not recognised"},
		{"text/plain", "", "", "not recognised"},
		{"text/plain", "a: [", "yaml", "not readable as yaml"},
		{"text/html", "<p>x</p>", "phpinfo", "the answer is no phpinfo"},
		{"application/json", strings.Repeat("[", 500) + strings.Repeat("]", 500), "", "nested deeper"},
	} {
		facts, gaps := parse(t, snapshot.DumpSpec{Format: c.format}, c.mediaType, c.text)
		if len(facts) > 0 || len(gaps) != 1 || !strings.Contains(gaps[0], c.want) {
			t.Errorf("%q: %v %v", c.text[:min(20, len(c.text))], facts, gaps)
		}
	}
}

// The real PHP's two forms tell the same of its directives.
func TestRealPHPInfo(t *testing.T) {
	text, err := exec.Command("php", "-n", "-d", "memory_limit=96M", "-i").Output()
	if err != nil {
		t.Fatal("php is not there: run make deps")
	}
	page, err := exec.Command("php-cgi", "-n", "-q", "-d", "memory_limit=96M", "-i").Output()
	if err != nil {
		t.Fatal("php-cgi is not there: run make deps")
	}
	facts := map[string][]string{}
	for name, dump := range map[string][]byte{"text": text, "html": page} {
		all, gaps := parse(t, snapshot.DumpSpec{}, "text/html", string(dump))
		if gaps != nil {
			t.Errorf("%s: %v", name, gaps)
		}
		facts[name] = slices.DeleteFunc(all, func(f string) bool {
			return !strings.HasPrefix(f, "web:value/PHP.") && !strings.HasPrefix(f, "web:value/date.") || strings.Contains(f, " API ") ||
				strings.Contains(f, "html_errors") || strings.Contains(f, "implicit_flush") || strings.Contains(f, "max_input_time") || strings.Contains(f, "max_execution_time") ||
				strings.Contains(f, "register_argc_argv") || strings.Contains(f, "display_errors") || strings.Contains(f, "Configuration File") || strings.Contains(f, "Registered ") ||
				strings.Contains(f, "additional .ini") || strings.Contains(f, "Additional .ini")
		})
	}
	if d := cmp.Diff(facts["text"], facts["html"]); d != "" {
		t.Error(d)
	}
	if !slices.Contains(facts["text"], `web:value/PHP.memory_limit = "96M"`) || len(facts["text"]) < 80 {
		t.Errorf("%d facts: %q", len(facts["text"]), facts["text"])
	}
}
