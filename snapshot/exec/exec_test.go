package exec_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/exec"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

var fixtures = []snapshottest.DumpFixture{{Name: "lines", Secrets: []string{"zq-s3cret-zq", "zq-other-zq"}, Dump: snapshot.Dump{Text: []byte(
	`{"a": "web:app/queue#length", "v": 3}
{"a": "web:app/queue#password", "v": "zq-s3cret-zq"}

{"v": {"secret": "zq-other-zq"}, "a": "web:app/licence"}
{"a": "web:app/hosts", "v": ["a", "b", null]}
{"a": "web:app/dsn", "v": "mysql://shop:zq-s3cret-zq@db1/shop"}
`)}}}

func TestConformance(t *testing.T) { snapshottest.Dump(t, exec.New(), fixtures...) }

func FuzzParse(f *testing.F) { snapshottest.FuzzDump(f, exec.New(), fixtures...) }

func TestEveryMistakeHasItsLine(t *testing.T) {
	good := `{"a": "web:app/x", "v": 1}`
	for _, c := range []struct{ line, want string }{
		{`{"a": "web:app/y"}`, "the key v is missing"},
		{`{"v": 1}`, "the key a is missing"},
		{`{"a": "web:app/y", "v": 1, "on": ["web1"]}`, "a key that is neither a nor v"},
		{`{"A": "web:app/y", "v": 1}`, "a key that is neither a nor v"},
		{`{"a": "web:app/y", "v": 1, "v": 2}`, "the key v twice"},
		{`{"a": "web:app/y", "v": `, "no JSON object (at byte"},
		{`hello`, "no JSON object (at byte 0)"},
		{`[]`, "no JSON object"},
		{`{"a": "web:app/y", "v": 1} {"a": "web:app/z", "v": 1}`, "more than one JSON value"},
		{`{"a": 5, "v": 1}`, "a is no text"},
		{`{"a": "db:app/y", "v": 1}`, "db:app/y is of the scope db, and this program speaks of web alone"},
		{`{"a": "web:package/deb/nginx", "v": 1}`, "web:package/deb/nginx is none of app/*: allow it with facts: in envdiff.yaml"},
		{`{"a": "app/y", "v": 1}`, "has no scope"},
		{`{"a": "web:app/%zz*", "v": 1}`, "not in its canonical form"},
		{`{"a": "web:app/x", "v": 1}`, "web:app/x stands on line 1 already"},
		{`{"a": "web:app/y", "v": {"zqhidden": 1}}`, "the value is no text"},
		{`{"a": "web:app/y", "v": [["zqhidden"]]}`, "the value is no text"},
		{`{"a": "web:app/y", "v": {"secret": ""}}`, "the secret is empty"},
		{`{"a": "web:app/y", "v": ["` + "\xff" + `"]}`, "no UTF-8"},
		{`{"a": "web:app/mysql://u:zqhidden-zq@h/d", "v": 1}`, "the address holds a secret"},
		{`{"a": "web:app/y", "v": "` + strings.Repeat("x", 1<<20) + `"}`, "longer than 1 MiB"},
	} {
		facts, gaps := snapshottest.ParseDump(t, exec.New(), snapshottest.DumpFixture{Spec: snapshot.DumpSpec{Name: "facts"}, Dump: snapshot.Dump{Text: []byte(good + "\n" + c.line + "\n")}})
		all := strings.Join(gaps, "\n")
		if len(facts) > 0 || !strings.Contains(all, "web:exec/facts: line 2: ") || !strings.Contains(all, c.want) || strings.Contains(all, "zqhidden") {
			t.Errorf("%.60q: %v %s", c.line, facts, all)
		}
	}
}

func TestFactsAllowsOtherKinds(t *testing.T) {
	fx := snapshottest.DumpFixture{Spec: snapshot.DumpSpec{Facts: []string{"licence/*"}}, Dump: snapshot.Dump{Text: []byte(`{"a": "web:licence/x", "v": "2027"}`)}}
	facts, gaps := snapshottest.ParseDump(t, exec.New(), fx)
	if d := cmp.Diff([]string{`web:licence/x = "2027"`}, facts); d != "" || gaps != nil {
		t.Error(d, gaps)
	}
}
