package collectd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const configuration = `# collectd
Hostname "web1"
LoadPlugin cpu
loadplugin "df"
<LoadPlugin curl_json>
  Interval 60
</LoadPlugin>
LoadPlugin unixsock
LoadPlugin logfile
<Plugin curl_json>
  <URL "http://app:zqtoken12@localhost/stats">
    Instance "shop"
    <Key "db/*/errors">
      Type "gauge"
    </Key>
  </URL>
</Plugin>
<Plugin unixsock>
  SocketFile "/run/collectd.sock"
</Plugin>
`

// answer is what the daemon lists of the identifiers.
func answer(ids ...string) transport.Section {
	var b strings.Builder
	fmt.Fprintf(&b, "%d Values found\n", len(ids))
	for i, id := range ids {
		fmt.Fprintf(&b, "1795807457.%03d %s\n", i, id)
	}
	return transport.Section{Output: []byte(b.String())}
}

var healthy = []string{"web1/cpu-0/cpu-idle", "web1/cpu-0/cpu-user", "web1/cpu-1/cpu-idle", "web1/df-root/df_complex-free", "web1/processes/ps_state-running", "web1/processes-nginx/ps_count",
	"web1/processes-nginx/ps_rss", "web1/curl_json-shop/gauge-db-main-errors"}

func parse(t testing.TB, configuration string, values transport.Section) (map[string]string, snapshot.Result) {
	t.Helper()
	tree := map[string]string{"etc/hostname": "web1\n"}
	if configuration != "" {
		tree["etc/collectd/collectd.conf"] = configuration
	}
	r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, tree), Answers: map[string]transport.Section{"values": values}})
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m, r
}

func TestWhatIsReported(t *testing.T) {
	got, r := parse(t, configuration, answer(healthy...))
	want := map[string]string{
		"metric/cpu": "true", "metric/cpu#types": "[cpu]", "metric/df": "true", "metric/df#types": "[df_complex]",
		"metric/processes": "true", "metric/processes#types": "[ps_state-running]", "metric/processes/nginx#types": "[ps_count, ps_rss]",
		"metric/curl_json": "true", "metric/curl_json/shop#types": "[gauge-db-main-errors]",
		"collectd/plugins#loaded": "[cpu, curl_json, df, logfile, unixsock]",
	}
	if d := cmp.Diff(want, got); d != "" || len(r.Gaps) > 0 {
		t.Errorf("%s\ngaps %+v", d, r.Gaps)
	}
}

func TestAPluginThatIsLoadedAndSilent(t *testing.T) {
	got, _ := parse(t, configuration, answer(healthy[:5]...))
	if got["collectd/silent#plugins"] != "[curl_json]" {
		t.Errorf("%v", got)
	}
	renamed := strings.Replace(configuration, `Instance "shop"`, `Plugin "shop"`, 1)
	if got, _ := parse(t, renamed, answer(healthy[:5]...)); got["collectd/silent#plugins"] != "" {
		t.Errorf("its values go by another name: %v", got)
	}
}

// A daemon that others send to has their values too.
func TestValuesOfOtherHostsAreTheirs(t *testing.T) {
	ids := append([]string{"db1/mysql-main/threads-running", "db1/cpu-0/cpu-idle", "db1/a/a", "db1/b/b", "db1/c/c", "db1/d/d"}, healthy...)
	for i := range ids {
		ids[i] = strings.Replace(ids[i], "web1/", "web1.shop.example/", 1)
	}
	got, r := parse(t, "", answer(ids...))
	if got["metric/mysql"] != "" || got["metric/cpu"] != "true" || len(r.Notes) != 1 {
		t.Errorf("%v, notes %v", got, r.Notes)
	}
}

func TestADaemonThatCannotBeAskedIsAGap(t *testing.T) {
	for _, c := range []struct {
		name    string
		section transport.Section
		want    string // part of the gap's reason; "" is none
	}{
		{"no socket although unixsock is loaded", transport.Section{Status: noSocket}, "its socket is not there"},
		{"not for this user", transport.Section{Status: forbidden}, "not for this user"},
		{"no program", transport.Section{Status: noProgram}, "nothing on the host can speak"},
		{"no answer", transport.Section{Status: noAnswer}, "does not answer"},
		{"killed", transport.Section{Status: 143}, "does not answer"},
		{"cut off", transport.Section{Output: []byte("3 Values found\n1.0 web1/cpu-0/cpu-idle\n")}, "cut off"},
		{"an error of the daemon", transport.Section{Output: []byte("-1 Unknown command: LISTVAL\n")}, "cut off"},
		{"something else", transport.Section{Output: []byte("<html>\n")}, "cut off"},
		{"no such lines", transport.Section{Output: []byte("1 Value found\nhello\n")}, "cut off"},
		{"a plugin without a name", transport.Section{Output: []byte("1 Value found\n1.0 web1/-0/x\n")}, "cut off"},
		{"a directory tree", transport.Section{Problem: transport.Unable}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, r := parse(t, configuration, c.section)
			if (c.want == "") != (len(r.Gaps) == 0) || len(r.Gaps) > 0 && !strings.Contains(r.Gaps[0].Reason, c.want) {
				t.Errorf("gaps %+v", r.Gaps)
			}
			if got["metric/cpu"] != "" || snapshot.MatchAny(r.Looked, "metric/cpu") {
				t.Errorf("%v, looked %v", got, r.Looked)
			}
		})
	}
}

func TestDamagedConfigurationIsAGap(t *testing.T) {
	for _, text := range []string{"<Plugin cpu>\n", "</Plugin>\n", "<Plugin a>\n</URL>\n", "{\"json\": 1}\n", "= 3\n"} {
		if got, r := parse(t, text, transport.Section{Problem: transport.Unable}); len(r.Gaps) != 1 || len(got) > 0 {
			t.Errorf("%q: gaps %+v, facts %v", text, r.Gaps, got)
		}
	}
}

func TestAHostWithoutCollectd(t *testing.T) {
	got, r := parse(t, "", transport.Section{Status: noSocket})
	if len(got)+len(r.Gaps)+len(r.Notes) > 0 || !snapshot.MatchAny(r.Looked, "metric/cpu") {
		t.Errorf("%+v", r)
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{{Name: "daemon", Tree: snapshottest.Tree(t, map[string]string{"etc/collectd/collectd.conf": configuration}),
		Answers: map[string]transport.Section{"values": answer(healthy...)}, Secrets: []string{"zqtoken12"}}}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
