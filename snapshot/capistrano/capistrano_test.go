package capistrano

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const (
	older = "601fdd1d2fdc997413260310623290cf5ab04438"
	newer = "de28709e4ad1cb86aa27e7fe0a35c37eef0dd19c"
)

// three is a host after two deploys by Capistrano 3.
func three() map[string]string {
	return map[string]string{
		"srv/shop/current":                          "-> /srv/shop/releases/20261122105501",
		"srv/shop/releases/20261122105449/REVISION": older + "\n",
		"srv/shop/releases/20261122105501/REVISION": newer + "\n",
		"srv/shop/revisions.log": "Branch main (at " + older + ") deployed as release 20261122105449 by dev\n" +
			"Branch main (at " + newer + ") deployed as release 20261122105501 by dev\n",
		"srv/shop/repo/HEAD":        "ref: refs/heads/trunk\n",
		"srv/shop/repo/config":      "[core]\n\tbare = true\n[remote \"origin\"]\n\turl = https://ci:zqtoken12@git.example/shop.git\n\tmirror = true\n",
		"srv/shop/repo/packed-refs": "# pack-refs with: peeled fully-peeled sorted \n" + newer + " refs/heads/main\n" + older + " refs/heads/trunk\n",
	}
}

// two is a host after a deploy by Capistrano 2 with its remote cache.
func two() map[string]string {
	return map[string]string{
		"u/apps/blog/current":                              "-> releases/20261122105449",
		"u/apps/blog/releases/20261122105449/REVISION":     older + "\n",
		"u/apps/blog/shared/cached-copy/.git/HEAD":         older + "\n",
		"u/apps/blog/shared/cached-copy/.git/config":       "[remote \"origin\"]\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\turl = git@git.example:blog.git\n[branch \"master\"]\n",
		"u/apps/blog/shared/cached-copy/.git/logs/HEAD":    strings.Repeat("0", 40) + " " + older + " Dev <zqdev@example> 1795344691 +0000\tclone: from git.example\n",
		"u/apps/blog/shared/cached-copy/.git/refs/heads/m": older + "\n",
	}
}

// answer is what the host's shell prints of a deployment whose commit lies unpacked.
func answer(dir string) transport.Section {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	fmt.Fprintf(w, "commit 200\x00tree %s\nauthor Dev <dev@example> 1795000000 +0100\ncommitter Dev <dev@example> 1795000060 +0100\n\n"+
		"Shop\n\ngit-svn-id: https://svn.example/shop/trunk@4711 0a1b2c3d-0000-4000-8000-0123456789ab\n", older)
	w.Close()
	return transport.Section{Output: fmt.Appendf(nil, "deployment %s\nfetched 1795344000\nobject %s\n% x\n", dir, newer, z.Bytes())}
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:deployment/")] = snapshot.Masked(f.Value.Display())
	}
	return m
}

func with(files map[string]string, more map[string]string) map[string]string {
	all := maps.Clone(files)
	maps.Copy(all, more)
	for name, text := range more {
		if text == "" {
			delete(all, name)
		}
	}
	return all
}

func TestDeployments(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  map[string]string
	}{
		{"Capistrano 3", three(), map[string]string{
			"srv/shop#revision": newer, "srv/shop#release": "20261122105501", "srv/shop#releases": "2", "srv/shop#branch": "main", "srv/shop#deployed_by": "dev",
			"srv/shop#rolled_back": "false", "srv/shop#history": "[" + older + ", " + newer + "]", "srv/shop#repository": "https://ci:‹secret›@git.example/shop.git",
			"srv/shop#repository_revision": newer,
		}},
		{"Capistrano 2", two(), map[string]string{
			"u/apps/blog#revision": older, "u/apps/blog#release": "20261122105449", "u/apps/blog#releases": "1", "u/apps/blog#repository": "git@git.example:blog.git",
			"u/apps/blog#repository_revision": older, "u/apps/blog#repository_fetched": "2026-11-22T10:51:31Z",
		}},
		{"rolled back: current counts, not the log", with(three(), map[string]string{
			"srv/shop/current": "-> /srv/shop/releases/20261122105449", "srv/shop/repo/config": "", "srv/shop/repo/HEAD": "", "srv/shop/repo/packed-refs": "",
			"srv/shop/revisions.log": three()["srv/shop/revisions.log"] + "dev rolled back to release 20261122105449\nBranch main (at " + newer + ") deployed as release 20261122105501 by\n rolled back to release 20261122105449\n",
		}), map[string]string{
			"srv/shop#revision": older, "srv/shop#release": "20261122105449", "srv/shop#releases": "2", "srv/shop#branch": "main", "srv/shop#deployed_by": "dev",
			"srv/shop#rolled_back": "true", "srv/shop#history": "[" + older + ", " + newer + "]",
		}},
		{"current leads to a release that was removed", with(two(), map[string]string{
			"u/apps/blog/current": "-> releases/20261122999999", "u/apps/blog/shared/cached-copy/.git/logs/HEAD": "", "u/apps/blog/shared/cached-copy/.git/config": "",
		}), map[string]string{
			"u/apps/blog#revision": "none: current leads to a release that is not there or has no REVISION", "u/apps/blog#release": "20261122999999", "u/apps/blog#releases": "1",
			"u/apps/blog#repository_revision": older,
		}},
		{"another link called current", map[string]string{"srv/x/current": "-> version2", "srv/x/version2/REVISION": "r1\n", "var/www/y/revisions.log": "hello\n"}, map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, c.files)})
			if d := cmp.Diff(c.want, facts(r)); d != "" {
				t.Error(d)
			}
			if len(r.Gaps) > 0 {
				t.Errorf("gaps: %+v", r.Gaps)
			}
		})
	}
}

func TestTheCommitThatRuns(t *testing.T) {
	r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, three()), Answers: map[string]transport.Section{"commits": answer("/srv/shop")}})
	got := facts(r)
	for attribute, want := range map[string]string{"svn_revision": "r4711", "committed": "2026-11-18T11:07:40Z", "repository_fetched": "2026-11-22T10:40:00Z"} {
		if got["srv/shop#"+attribute] != want {
			t.Errorf("%s is %q, not %q", attribute, got["srv/shop#"+attribute], want)
		}
	}
}

func TestWhatIsNoRevisionIsAGap(t *testing.T) {
	for _, text := range []string{"", "\n", "two words\n", strings.Repeat("a", 300), "\x1b[31m\n", "é\n"} {
		r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, with(two(), map[string]string{"u/apps/blog/releases/20261122105449/REVISION": text + " "}))})
		if len(r.Gaps) != 1 || r.Gaps[0].Address.String() != "web:deployment/u/apps/blog#revision" || facts(r)["u/apps/blog#revision"] != "" {
			t.Errorf("%q: gaps %+v", text, r.Gaps)
		}
	}
}

func TestARoleThatNamesItsDeployments(t *testing.T) {
	spec := snapshot.RoleSpec{Deployments: []string{"/srv/shop", "/opt/api"}}
	r := snapshottest.Parse(t, New(), snapshottest.Fixture{Tree: snapshottest.Tree(t, with(three(), two())), Spec: spec})
	got := facts(r)
	if got["srv/shop#revision"] != newer || got["opt/api#revision"] != "none: nothing was ever deployed" || got["u/apps/blog#revision"] != "" || len(r.Gaps) > 0 {
		t.Errorf("%v, gaps %+v", got, r.Gaps)
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{
		{Name: "three", Tree: snapshottest.Tree(t, three()), Answers: map[string]transport.Section{"commits": answer("/srv/shop")}, Secrets: []string{"zqtoken12"}},
		{Name: "two", Tree: snapshottest.Tree(t, two()), Secrets: []string{"zqdev"}},
		{Name: "named", Tree: snapshottest.Tree(t, three()), Spec: snapshot.RoleSpec{Deployments: []string{"/srv/*"}}, Secrets: []string{"zqtoken12"}},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
