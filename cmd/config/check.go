package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/finding"
	"github.com/envdiff/envdiff/internal/objectstore"
	"github.com/envdiff/envdiff/internal/spelling"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// check adds every mistake that the shape alone does not show, and the warnings.
func check(c *Config, doc *strictyaml.Document) {
	if len(c.Environments) == 0 {
		doc.Errorf([]string{"environments"}, "no environments: name at least one, with its hosts or databases")
	}
	checkStore(c.Store, doc)
	checkScopes(c, doc)
	for _, name := range slices.Sorted(maps.Keys(c.Environments)) {
		checkEnvironment(c, name, doc)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Databases)) {
		checkDatabase(c.Databases[name], []string{"databases", name}, doc)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Roles)) {
		checkPrograms(c.Roles[name].Exec, []string{"roles", name, "exec"}, doc)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Endpoints)) {
		checkEndpoint(c.Endpoints[name], []string{"endpoints", name}, doc)
	}
	checkRules(c, doc)
	if f := c.Gate.FailOn; f != "" && f != "none" {
		if _, err := finding.ParseSeverity(f); err != nil || f == "off" {
			doc.Errorf([]string{"gate", "fail_on"}, "unknown severity %q: use critical, high, medium, low, info or none", f)
		}
	}
	for i, h := range c.Notify {
		path := []string{"notify", strconv.Itoa(i)}
		if h.URL == "" {
			doc.Errorf(path, "a webhook needs a url")
		}
		if !slices.Contains([]string{"", "slack", "mattermost", "json"}, h.Format) {
			doc.Errorf(append(path, "format"), "unknown format %q: use slack, mattermost or json", h.Format)
		}
		for j, env := range h.Queries {
			if _, ok := c.Environments[env]; !ok {
				doc.Errorf(append(path, "queries", strconv.Itoa(j)), "%q is not an environment", env)
			}
		}
	}
	checkDuration(c.Retention.Age, []string{"retention", "age"}, doc)
	if c.Retention.Last < 0 {
		doc.Errorf([]string{"retention", "last"}, "last must not be negative")
	}
	checkUse(c, doc)
}

// checkStore holds what looks like a URL to s3://BUCKET/PREFIX: everything else is a directory.
func checkStore(store string, doc *strictyaml.Document) {
	if !strings.Contains(store, "://") {
		return
	}
	if _, err := objectstore.ParseURL(store); err != nil {
		doc.Errorf([]string{"store"}, "%v", err)
	}
}

// checkScopes holds role, database and endpoint names to one namespace: they are the scopes of addresses.
func checkScopes(c *Config, doc *strictyaml.Document) {
	first := map[string]string{}
	see := func(section, name string, path []string) {
		if !snapshot.ValidScope(name) {
			doc.Errorf(path, "the name %q may hold letters, digits, _ and - only: it starts addresses", name)
		}
		if other, taken := first[name]; taken && other != section {
			doc.Errorf(path, "%q names one of the %s and one of the %s: addresses need unique names", name, other, section)
			return
		}
		first[name] = section
	}
	for _, env := range slices.Sorted(maps.Keys(c.Environments)) {
		e := c.Environments[env]
		for _, n := range slices.Sorted(maps.Keys(e.Hosts)) {
			see("roles", n, []string{"environments", env, "hosts", n})
		}
		for _, n := range slices.Sorted(maps.Keys(e.Databases)) {
			see("databases", n, []string{"environments", env, "databases", n})
		}
		for _, n := range slices.Sorted(maps.Keys(e.Endpoints)) {
			see("endpoints", n, []string{"environments", env, "endpoints", n})
		}
		for _, n := range slices.Sorted(maps.Keys(e.Exec)) {
			see("exec", n, []string{"environments", env, "exec", n})
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.Roles)) {
		see("roles", n, []string{"roles", n})
	}
	for _, n := range slices.Sorted(maps.Keys(c.Databases)) {
		see("databases", n, []string{"databases", n})
	}
	for _, n := range slices.Sorted(maps.Keys(c.Endpoints)) {
		see("endpoints", n, []string{"endpoints", n})
	}
}

var (
	environmentName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	literalPassword = regexp.MustCompile(`://[^/@:\s]*:([^@/\s$]+)@`)
)

func checkEnvironment(c *Config, name string, doc *strictyaml.Document) {
	e, path := c.Environments[name], []string{"environments", name}
	if !environmentName.MatchString(name) {
		doc.Errorf(path, "the environment name %q may hold letters, digits, _ . and - only", name)
	}
	if len(e.Hosts)+len(e.Databases)+len(e.Endpoints)+len(e.Exec) == 0 {
		doc.Errorf(path, "environment %q has no hosts, databases or endpoints", name)
	}
	checkDuration(e.MaxDataAge, append(path, "max_data_age"), doc)
	for _, role := range slices.Sorted(maps.Keys(e.Hosts)) {
		checkHosts(e.Hosts[role], append(path[:2:2], "hosts", role), doc)
	}
	for _, db := range slices.Sorted(maps.Keys(e.Databases)) {
		loc, p := e.Databases[db], append(path[:2:2], "databases", db)
		checkDatabaseURL(c, loc.URL, append(p, "url"), doc)
		checkDuration(loc.MaxLag, append(p, "max_lag"), doc)
		if loc.MaxLoad != nil && *loc.MaxLoad < 0 {
			doc.Errorf(append(p[:4:4], "max_load"), "max_load must not be negative: 0 is no limit")
		}
		if strings.ContainsAny(loc.MMM, "/@ ") {
			doc.Errorf(append(p[:4:4], "mmm"), "write the MMM monitor as HOST:PORT")
		}
		for _, instance := range slices.Sorted(maps.Keys(loc.Replicas)) {
			checkDatabaseURL(c, loc.Replicas[instance], append(p[:4:4], "replicas", instance), doc)
		}
		for _, instance := range slices.Sorted(maps.Keys(loc.Shards)) {
			if _, both := loc.Replicas[instance]; both {
				doc.Errorf(append(p[:4:4], "shards", instance), "instance %q is a replica and a shard", instance)
			}
			checkDatabaseURL(c, loc.Shards[instance], append(p[:4:4], "shards", instance), doc)
		}
	}
	for _, ep := range slices.Sorted(maps.Keys(e.Endpoints)) {
		checkEndpointLocation(c, e, ep, append(path[:2:2], "endpoints", ep), doc)
	}
	for _, scope := range slices.Sorted(maps.Keys(e.Exec)) {
		checkProgram(e.Exec[scope], append(path[:2:2], "exec", scope), doc)
	}
}

// checkCatalogued checks a host that is known by its catalogue alone.
func checkCatalogued(u Text, p []string, doc *strictyaml.Document) {
	if len(u.Variables()) > 0 {
		return
	}
	parse := func(raw string) error { _, err := transport.ParseCompile(raw); return err }
	if strings.HasPrefix(string(u), "puppetdb:") {
		parse = func(raw string) error { _, err := transport.ParsePuppetDB(raw); return err }
	}
	if err := parse(string(u)); err != nil {
		doc.Errorf(p, "%v", err)
	}
}

func checkHosts(hosts []Host, path []string, doc *strictyaml.Document) {
	seen := map[string]bool{}
	for i, h := range hosts {
		p := append(path[:len(path):len(path)], strconv.Itoa(i))
		u := string(h.URL)
		switch {
		case u == "":
			doc.Errorf(p, "a host needs a url: ssh://HOST, root:DIR or local:")
			continue
		case strings.HasPrefix(u, "root:") && len(u) > len("root:"), strings.HasPrefix(u, "ssh://"), u == "local:", strings.HasPrefix(u, "${"):
		case strings.HasPrefix(u, "puppetdb:"), strings.HasPrefix(u, "puppet:"):
			checkCatalogued(h.URL, p, doc)
		default:
			doc.Errorf(p, "unknown host %q: use ssh://HOST, root:DIR, local:, puppet:DIR?node=NODE or puppetdb:https://HOST:8081/NODE", u)
		}
		if strings.HasPrefix(u, "ssh://") && len(h.URL.Variables()) == 0 {
			if _, err := transport.ParseSSH(u); err != nil {
				doc.Errorf(p, "%v", err)
			}
		}
		if seen[h.Instance()] {
			doc.Errorf(p, "instance %q stands here twice: give one of them a name", h.Instance())
		}
		seen[h.Instance()] = true
	}
}

func checkDatabaseURL(c *Config, u Text, path []string, doc *strictyaml.Document) {
	if u == "" {
		doc.Errorf(path, "a database needs a url: postgres://…, mysql://…, mariadb://… or sqlite:PATH")
		return
	}
	if literalPassword.MatchString(string(u)) {
		line, _ := doc.Place(path...)
		c.Warnings = append(c.Warnings, fmt.Sprintf("line %d: %s holds a literal password: use ${VAR}", line, strings.Join(path, ".")))
	}
	if len(u.Variables()) > 0 {
		return
	}
	if _, err := ParseDatabaseURL(string(u), ""); err != nil {
		doc.Errorf(path, "%v", err)
	}
}

// maxPlaces is how many decimal places any engine's moments have, and what a rounded number can sensibly keep.
const maxPlaces = 12

// minSample is what a sample has to be to prove anything: 100 equal rows leave up to three differing in a hundred.
const minSample = 100

func checkExact(tables []Exact, path []string, doc *strictyaml.Document) {
	seen := map[string]bool{}
	for i, t := range tables {
		p := append(path[:len(path):len(path)], strconv.Itoa(i))
		if t.Table == "" {
			doc.Errorf(p, "exact needs the name of a table")
		}
		if seen[t.Table] {
			doc.Errorf(p, "the table %q stands here twice", t.Table)
		}
		seen[t.Table] = true
		if t.Sample != 0 && t.Sample < minSample {
			doc.Errorf(append(p, "sample"), "a sample of %d rows proves nothing: use at least %d, or leave it out for all rows", t.Sample, minSample)
		}
		for _, column := range slices.Sorted(maps.Keys(t.Round)) {
			if n := t.Round[column]; n < 0 || n > maxPlaces {
				doc.Errorf(append(p[:len(p):len(p)], "round", column), "round to 0 to %d decimal places", maxPlaces)
			}
			if slices.Contains(t.Skip, column) {
				doc.Errorf(append(p[:len(p):len(p)], "round", column), "the column %q is skipped, too", column)
			}
		}
	}
}

func checkDatabase(db Database, path []string, doc *strictyaml.Document) {
	checkExact(db.Exact, append(path[:2:2], "exact"), doc)
	if db.Profile != "" && !slices.Contains(Profiles, db.Profile) {
		doc.Errorf(append(path[:2:2], "profile"), "unknown profile %q: use one of %s", db.Profile, strings.Join(Profiles, ", "))
	}
	if m := db.Migrations; m != nil && m.Path == "" && m.Command == "" {
		doc.Errorf(append(path, "migrations"), "migrations need a path or a command")
	}
	if m := db.Migrations; m != nil && m.Tool != "" && !slices.Contains(MigrationTools, m.Tool) {
		hint := "use one of " + strings.Join(MigrationTools, ", ") + ", or give a command"
		if near := spelling.Nearest(m.Tool, MigrationTools); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		doc.Errorf(append(path[:2:2], "migrations", "tool"), "unknown tool %q: %s", m.Tool, hint)
	}
	if cp := db.Copy; cp != nil {
		p := append(path[:2:2], "copy")
		if _, err := cp.Percent(); err != nil {
			doc.Errorf(p, "%v", err)
		}
		if cp.Rows < 0 {
			doc.Errorf(append(p, "rows"), "rows must not be negative")
		}
		if cp.Of != "" && cp.Of != "all" && cp.Rows > 0 {
			doc.Errorf(p, "give a percentage or rows, not both")
		}
		checkDuration(cp.MaxAge, append(p, "max_age"), doc)
	}
}

func checkRules(c *Config, doc *strictyaml.Document) {
	for _, id := range slices.Sorted(maps.Keys(c.Rules)) {
		path := []string{"rules", id}
		if _, ok := finding.Lookup(id); !ok {
			hint := "envdiff explain lists them"
			if near := spelling.Nearest(id, finding.IDs()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			doc.Errorf(path, "unknown rule %q: %s", id, hint)
			continue
		}
		if _, err := finding.ParseSeverity(c.Rules[id]); err != nil {
			doc.Errorf(path, "%v", err)
		}
	}
}

// checkUse finds names under roles, databases and endpoints that no environment has: mostly typos.
func checkUse(c *Config, doc *strictyaml.Document) {
	used := map[string]map[string]bool{"roles": {}, "databases": {}, "endpoints": {}}
	for _, e := range c.Environments {
		for n := range e.Hosts {
			used["roles"][n] = true
		}
		for n := range e.Databases {
			used["databases"][n] = true
		}
		for n := range e.Endpoints {
			used["endpoints"][n] = true
		}
	}
	report := func(section string, names []string) {
		for _, n := range names {
			if used[section][n] {
				continue
			}
			if near := spelling.Nearest(n, slices.Sorted(maps.Keys(used[section]))); near != "" {
				doc.Errorf([]string{section, n}, "no environment has %q: did you mean %q?", n, near)
				continue
			}
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s.%s: no environment has it", section, n))
		}
	}
	report("roles", slices.Sorted(maps.Keys(c.Roles)))
	report("databases", slices.Sorted(maps.Keys(c.Databases)))
	report("endpoints", slices.Sorted(maps.Keys(c.Endpoints)))
}

func checkDuration(text string, path []string, doc *strictyaml.Document) {
	if text == "" {
		return
	}
	if _, err := Duration(text); err != nil {
		doc.Errorf(path, "%v", err)
	}
}

// Duration reads 90s, 36h or 7d. "" is 0.
func Duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration: write 90s, 36h or 7d", text)
	}
	return d, nil
}

// Percent is the share of a copy in per cent: 100 for all.
func (c *Copy) Percent() (float64, error) {
	if c == nil || c.Of == "" || c.Of == "all" {
		return 100, nil
	}
	text, ok := strings.CutSuffix(c.Of, "%")
	p, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !ok || err != nil || p <= 0 || p > 100 {
		return 0, fmt.Errorf("copy %q: write all, a percentage such as 1%%, or {rows: 100000}", c.Of)
	}
	return p, nil
}
