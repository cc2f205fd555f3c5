package packages

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/snapshot"
)

// testdata/apk-installed is the database that apk-tools 3.0.6 itself wrote when it installed five packages made for the test (apk mkpkg, apk add), apk-list what
// `apk list --installed` said of it.
func TestARealApkDatabase(t *testing.T) {
	database, err := os.ReadFile("testdata/apk-installed")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := os.ReadFile("testdata/apk-list")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(listed)) {
		words := strings.Fields(line) // NAME-VERSION ARCH {ORIGIN} (LICENCE) [installed]
		release := strings.LastIndexByte(words[0], '-')
		at := strings.LastIndexByte(words[0][:release], '-')
		want["package/apk/"+words[0][:at]+"#version"], want["package/apk/"+words[0][:at]+"#arch"] = words[0][at+1:], words[1]
	}
	r := parse(t, root(t, map[string]string{"lib/apk/db/installed": string(database)}), snapshot.RoleSpec{})
	if d := cmp.Diff(want, facts(r)); d != "" || len(want) != 10 || len(r.Gaps) > 0 {
		t.Error(d, r.Gaps)
	}
}
