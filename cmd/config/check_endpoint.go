package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/fetch"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/snapshot"
)

// endpointFormats are the values of format.
var endpointFormats = []string{"json", "yaml", "properties", "dotenv", "phpinfo"}

func checkEndpoint(e Endpoint, path []string, doc *strictyaml.Document) {
	if e.Format != "" && !slices.Contains(endpointFormats, e.Format) {
		doc.Errorf(append(path[:2:2], "format"), "unknown format %q: use %s", e.Format, strings.Join(endpointFormats, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metrics)) {
		if _, err := snapshot.ParseLimit(e.Metrics[key]); err != nil {
			doc.Errorf(append(path[:2:2], "metrics", key), "%v", err)
		}
	}
}

func checkEndpointLocation(c *Config, e Environment, name string, path []string, doc *strictyaml.Document) {
	loc := e.Endpoints[name]
	if loc.URL == "" {
		doc.Errorf(path, "endpoint %q has no url", name)
	}
	at := func(key string) []string { return append(path[:len(path):len(path)], key) }
	if loc.Via != "" {
		if _, ok := e.Hosts[loc.Via]; !ok {
			hint := "name a role that has hosts in this environment"
			if near := spelling.Nearest(loc.Via, slices.Sorted(maps.Keys(e.Hosts))); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			doc.Errorf(at("via"), "this environment has no hosts of role %q: %s", loc.Via, hint)
		}
		if loc.CA != "" {
			doc.Errorf(at("ca"), "with via the host asks, and trusts whom it trusts: leave ca out, or install it on the host")
		}
		if len(loc.Replicas) > 0 {
			doc.Errorf(at("replicas"), "with via the hosts are the instances: leave replicas out")
		}
	}
	urls := map[string]Text{"url": loc.URL}
	for instance, u := range loc.Replicas {
		if instance == loc.Instance() {
			doc.Errorf(append(at("replicas"), instance), "instance %q is the url's own: give the replica another name", instance)
		}
		urls["replicas\x00"+instance] = u
	}
	for _, key := range slices.Sorted(maps.Keys(urls)) {
		u, p := urls[key], append(path[:len(path):len(path)], strings.Split(key, "\x00")...)
		if literalPassword.MatchString(string(u)) {
			line, _ := doc.Place(p...)
			c.Warnings = append(c.Warnings, fmt.Sprintf("line %d: %s holds a literal password: use ${VAR}", line, strings.Join(p, ".")))
		}
		if u != "" && len(u.Variables()) == 0 {
			if err := (fetch.Request{URL: string(u)}).Check(); err != nil {
				doc.Errorf(p, "%v", err)
			}
		}
	}
}

// Instance is the name of the one that url leads to: the URL's host, with a port that is not the scheme's own.
func (l EndpointLocation) Instance() string {
	u, err := url.Parse(string(l.URL))
	if err != nil || u.Hostname() == "" || strings.Contains(string(l.URL), "${") {
		return "primary"
	}
	if p := u.Port(); p != "" && p != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		return u.Hostname() + ":" + p
	}
	return u.Hostname()
}
