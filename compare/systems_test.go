package compare

import "testing"

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
