package container

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

// The two engines' own notations, as docker 24 and podman 4.3 write them, without what is not read.
const answer = `
= docker
[
  {"Id": "d1", "Name": "/shop-web-1", "Image": "sha256:aaaa", "State": {"Status": "running"},
   "Config": {"Hostname": "d1", "Image": "registry.example/shop:1.4", "Env": ["MODE=prod", "API_TOKEN=s3cr3t1234zz", "a.b=1", "HOSTNAME=d1"],
     "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}}},
  {"Id": "d2", "Name": "/shop-web-2", "Image": "sha256:bbbb", "Config": {"Image": "registry.example/shop:1.4", "Env": ["MODE=prod"],
     "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}}},
  {"Id": "d3", "Name": "/k8s_app_pod-7f9_prod_uid_0", "Image": "sha256:cccc", "Config": {"Image": "app@sha256:cccc", "Env": null,
     "Labels": {"io.kubernetes.container.name": "app", "io.kubernetes.pod.namespace": "prod"}}}
]

= end docker 0

= podman
[{"Id": "18cb", "Name": "cache", "Image": "4e53", "ImageName": "localhost/redis:7", "Config": {"Env": ["TERM=xterm", "container=podman", "MAXMEMORY=1g"], "Labels": null}}]

= end podman 0
`

func parse(output string) snapshot.Result {
	return New().Parse(snapshot.Input{Scope: "web", Sections: transport.Sections{"containers": {Output: []byte(output)}}, Redact: snapshot.NewRedactor(keys.New(), nil)})
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m
}

func TestContainersOfBothEngines(t *testing.T) {
	r := parse(answer)
	want := map[string]string{
		"container/shop/web#image": "registry.example/shop:1.4", "container/shop/web#image_id": "[aaaa, bbbb]", "container/shop/web#env.MODE": "prod",
		"container/shop/web#env.API_TOKEN": "‹secret›", "container/shop/web#env.a%2Eb": "1",
		"container/prod/app#image": "app@sha256:cccc", "container/prod/app#image_id": "cccc",
		"container/cache#image": "localhost/redis:7", "container/cache#image_id": "4e53", "container/cache#env.MAXMEMORY": "1g",
	}
	if d := cmp.Diff(want, facts(r)); d != "" {
		t.Error(d)
	}
	if len(r.Gaps) > 0 || !snapshot.MatchAny(r.Looked, "container/x#image") {
		t.Errorf("%+v", r)
	}
}

func TestAbsentIsNotTheSameAsNotLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		looked bool
		gaps   int
	}{
		"no engine": {"", false, 0}, "an engine that runs nothing": {"\n= docker\n\n= end docker 1\n", true, 0},
		"an answer that was cut": {"\n= docker\n[{\"Name\": \"/x\"\n", false, 1}, "a container went away meanwhile": {"\n= docker\n[]\n= end docker 1\n", false, 1},
	} {
		r := parse(c.output)
		if got := snapshot.MatchAny(r.Looked, "container/x#image"); got != c.looked || len(r.Gaps) != c.gaps || len(r.Facts) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{{Name: "running", Tree: snapshottest.Tree(t, map[string]string{"etc/passwd": ""}), Secrets: []string{"s3cr3t1234zz"},
		Answers: map[string]transport.Section{"containers": {Output: []byte(answer)}}}}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
