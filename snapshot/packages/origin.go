package packages

import (
	"net/url"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// originScript asks apt which archive each installed package is from, where it has a cache of its lists that is up to date: without one it would take seconds to make it. It is asked as nobody,
// for root would write the cache. "=" ends what apt says of its archives.
const originScript = `c=/var/cache/apt/pkgcache.bin
[ "$c" -nt /var/lib/dpkg/status ] && [ "$c" -nt /var/lib/apt/lists ] && command -v apt-cache >&2 || exit 0
as=
if [ "$(id -u)" = 0 ]; then command -v setpriv >&2 || exit 0; as='setpriv --reuid=65534 --regid=65534 --clear-groups'; fi
$as apt-cache policy
echo =
$as apt-cache policy $(dpkg-query -W -f '${binary:Package} ')
echo =`

// origins reads what apt says: the origin of the archives that have the installed version of a package, by its name, with :ARCH where apt writes that.
func origins(in snapshot.Input) map[string]string {
	s := in.Sections["origins"]
	if s.Problem != transport.OK || s.Status != 0 {
		return nil
	}
	archives, rest, _ := strings.Cut(string(s.Output), "\n=\n")
	policies, _, whole := strings.Cut(rest, "\n=\n")
	if !whole {
		return nil
	}
	owner := map[string]string{} // archive as apt names it → origin
	last := ""
	for line := range strings.Lines(archives) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "release" && last != "":
			for field := range strings.SplitSeq(strings.Join(f[1:], " "), ",") {
				if o, ok := strings.CutPrefix(field, "o="); ok {
					owner[last] = o
				}
			}
		case len(f) > 1 && strings.Contains(f[1], "://"):
			last = strings.Join(f[1:], " ")
			if u, err := url.Parse(f[1]); err == nil {
				owner[last] = u.Host // an archive that does not say who it is
			}
		}
	}
	from := map[string][]string{}
	name, installed := "", false
	for line := range strings.Lines(policies) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case line[0] != ' ':
			name, installed = strings.TrimSuffix(f[0], ":"), false
		case strings.HasPrefix(line, " *** "):
			installed = true
		case strings.HasPrefix(line, "     ") && line[5] != ' ':
			installed = false
		case installed && len(f) > 1:
			if o := owner[strings.Join(f[1:], " ")]; o != "" && len(o) < 200 && !slices.Contains(from[name], o) {
				from[name] = append(from[name], o)
			}
		}
	}
	out := map[string]string{}
	for name, all := range from {
		slices.Sort(all)
		out[name] = strings.Join(all, ", ")
	}
	return out
}
