// Package capistrano is the host collector of what Capistrano 2 and 3 deployed: which revision `current` leads to, how it came there, and
// how old the host's copy of the repository is. It reads files alone; neither git nor Ruby is run.
package capistrano

import (
	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// Collector reads deployments.
type Collector struct{}

// New makes the collector.
func New() Collector { return Collector{} }

// Name is the collector's folder.
func (Collector) Name() string { return "capistrano" }

// usual is where deployments are looked for on hosts whose role names none.
var usual = []string{"/var/www/*", "/srv/*", "/srv/www/*", "/u/apps/*"}

// Doc describes the collector.
func (Collector) Doc() snapshot.Doc {
	return snapshot.Doc{
		Title: "What Capistrano deployed: revision, release, rollbacks, repository",
		Text: `A deployment is a directory with a ` + "`current`" + ` link into its ` + "`releases`" + `, as Capistrano 2 and 3 make it. Roles name theirs:

    roles:
      web: {deployments: [/srv/shop]}

Without that /var/www, /srv, /srv/www and /u/apps are searched. ` + "`#revision`" + ` is what REVISION says of the release that ` + "`current`" + ` leads to, whatever the log
says was deployed last. Within a role it has to be the same everywhere. Environments are meant to be at different revisions: across them only a revision is
reported that the last environment runs and an earlier one has never had, by that one's revisions.log.

The mirror (` + "`repo`" + `) or remote cache (` + "`shared/cached-copy`" + `) is read as files: its URL, the tip of the branch that was deployed (packed or not), when it was
fetched last. Of a revision whose commit lies unpacked there, the Subversion revision is read that git-svn wrote below the message. These are context, but for the
URL: nothing is compared by age.

Not read: packed commits, remote caches of other systems than git, and what was changed by hand inside a release.`,
		Needs: []string{"current, releases/*/REVISION, revisions.log, repo and shared/cached-copy of each deployment", "sh, for the age of the mirror and for git-svn"},
		Attributes: []string{
			"deployment/DIRECTORY#revision: what runs; none, and why, where current leads nowhere",
			"deployment/DIRECTORY#release: the directory in releases",
			"deployment/DIRECTORY#branch, #deployed_by: of that release, by revisions.log",
			"deployment/DIRECTORY#rolled_back: true when a newer release was deployed before",
			"deployment/DIRECTORY#releases: how many are kept",
			"deployment/DIRECTORY#history: the revisions that were ever deployed, by revisions.log",
			"deployment/DIRECTORY#repository: the URL that the mirror or remote cache is fetched from",
			"deployment/DIRECTORY#repository_revision, #repository_fetched: the tip of the deployed branch there, and the moment of the last fetch",
			"deployment/DIRECTORY#committed, #svn_revision: when the revision was committed, and where git-svn took it from",
		},
	}
}

// Kinds declares how deployments are compared.
func (Collector) Kinds() []snapshot.Kind {
	return []snapshot.Kind{
		{Pattern: "deployment/*#revision", Axis: snapshot.Within, Alike: true, Area: finding.AreaConfig, Doc: "the revision that runs"},
		{Pattern: "deployment/*#repository", Area: finding.AreaConfig, Doc: "where revisions come from"},
		{Pattern: "deployment/*", Axis: snapshot.Context, Area: finding.AreaConfig, Doc: "how a deployment came about"},
	}
}

// Wants declares the files of every deployment, and what cannot be known without asking the host: times and one commit.
func (Collector) Wants(spec snapshot.RoleSpec) []transport.Want {
	dirs := directories(spec)
	return []transport.Want{
		{ID: "links", Globs: below(dirs, "current"), Content: transport.Names, Doc: "which release is current"},
		{ID: "releases", Globs: below(dirs, "releases/[0-9]*/REVISION"), Content: transport.Names, Doc: "which releases are kept"},
		{ID: "files", Globs: below(dirs, "current/REVISION", "revisions.log"), Doc: "what is deployed and was before"},
		{ID: "git", Globs: append(below(dirs, gitFiles("repo")...), below(dirs, gitFiles("shared/cached-copy/.git")...)...), MaxBytes: 16 << 20,
			Doc: "the host's own copy of the repository: its URL and the tips of its branches"},
		{ID: "commits", Command: append([]string{"sh", "-c", commits, "sh"}, dirs...), MaxBytes: 4 << 20, Doc: "when the repository was fetched last, and the commit that runs"},
	}
}

// directories are the globs of the deployments of a role.
func directories(spec snapshot.RoleSpec) []string {
	if len(spec.Deployments) > 0 {
		return spec.Deployments
	}
	return usual
}

func below(dirs []string, names ...string) []string {
	var globs []string
	for _, d := range dirs {
		for _, n := range names {
			globs = append(globs, d+"/"+n)
		}
	}
	return globs
}

func gitFiles(dir string) []string {
	return []string{dir + "/HEAD", dir + "/config", dir + "/packed-refs", dir + "/refs/heads/**", dir + "/logs/HEAD"}
}

// commits prints of each deployment the moment of the last fetch in seconds, and the unpacked object of the revision that runs in hexadecimal.
const commits = `for d in $(for g; do printf '%s\n' $g; done); do
for r in repo shared/cached-copy/.git; do
[ -f "$d/$r/HEAD" ] || continue
echo "deployment $d"
f=$d/$r/FETCH_HEAD
[ -f "$f" ] || f=$d/$r/HEAD
echo "fetched $(stat -c %Y "$f" 2>/dev/null)"
[ -r "$d/current/REVISION" ] || continue
read -r v <"$d/current/REVISION"
case $v in *[!0-9a-f]*|?|??|'') continue;; esac
o=$d/$r/objects/${v%"${v#??}"}/${v#??}
[ -r "$o" ] || continue
echo "object $v"
head -c 65536 "$o" | od -An -v -tx1
done
done
true`
