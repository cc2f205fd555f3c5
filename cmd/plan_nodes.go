package cmd

import (
	"maps"
	"net"
	"net/url"
	"slices"

	"github.com/envdiff/envdiff/cmd/config"
)

// nodes are the hosts that an environment declares: those of its databases, hosts, endpoints and parameters. It is nil where a URL needs a
// variable that is not set, for what is not known can not be called undeclared; and where it declares no database, for then it leaves them all out.
func (s *session) nodes(env config.Environment) []string {
	if len(env.Databases) == 0 {
		return nil
	}
	out := []string{}
	var urls []config.Text
	for _, db := range slices.Sorted(maps.Keys(env.Databases)) {
		loc := env.Databases[db]
		urls = append(append(urls, loc.URL), texts(loc.Replicas, loc.Shards)...)
		if host, _, err := net.SplitHostPort(loc.MMM); err == nil {
			out = append(out, host)
		}
	}
	for _, ep := range slices.Sorted(maps.Keys(env.Endpoints)) {
		urls = append(urls, env.Endpoints[ep].URL)
	}
	for _, role := range slices.Sorted(maps.Keys(env.Hosts)) {
		for _, h := range env.Hosts[role] {
			urls = append(urls, h.URL)
			out = append(out, h.Instance())
			out = append(out, slices.Sorted(maps.Values(h.Params))...)
		}
	}
	out = append(out, slices.Sorted(maps.Values(env.Params))...)
	for _, u := range urls {
		raw, err := u.Expand(s.lookup, "a declared host")
		if err != nil {
			return nil
		}
		if parsed, err := url.Parse(raw); err == nil && parsed.Hostname() != "" {
			out = append(out, parsed.Hostname())
		}
	}
	return out
}
