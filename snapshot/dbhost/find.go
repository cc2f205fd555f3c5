package dbhost

import (
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// target is a database host and the port that is meant, 0 where none is known.
type target struct {
	host    string // lower case
	port    int
	namedIn []string // addresses
}

// find looks for database hosts in the facts of configuration files, sorted by host and port.
func find(known []snapshot.Fact, environment string) []target {
	f := finder{values: map[snapshot.Address]string{}, composed: map[string]bool{}, found: map[string]*target{}, environment: strings.ToLower(environment)}
	for _, fact := range known {
		a := fact.Address
		if a.Kind != "config" {
			continue
		}
		if a.Attribute != "" {
			f.values[a] = fact.Value.Display()
		} else if base := path.Base(a.Name); strings.HasPrefix(base, "docker-compose") || strings.HasPrefix(base, "compose.y") {
			f.composed[path.Dir(a.Name)] = true // names in its files are those of containers
		}
	}
	for _, fact := range known {
		if a := fact.Address; a.Kind == "config" && a.Attribute != "" && !f.leaves(a) {
			for _, item := range fact.Value.Items() {
				if text, ok := item.Text(); ok {
					f.value(a, text)
				}
			}
		}
	}
	out := make([]target, 0, len(f.found))
	for _, t := range f.found {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b target) int {
		if c := strings.Compare(a.host, b.host); c != 0 {
			return c
		}
		return a.port - b.port
	})
	return out
}

type finder struct {
	values      map[snapshot.Address]string
	composed    map[string]bool // directories
	found       map[string]*target
	environment string
}

var (
	sample = regexp.MustCompile(`(?i)\.(bak|old|orig|save|example|sample|dist|tmpl|template|disabled|rpmnew|rpmsave|dpkg-(old|dist|new))(\.|$)|~$`)
	// environmentWords are names of sections that belong to one environment, such as those of database.yml.
	environmentWords = []string{"development", "dev", "test", "testing", "ci", "staging", "stage", "production", "prod", "uat", "qa", "preprod", "integration", "demo", "sandbox"}
)

// leaves reports keys that say nothing of this host's own databases.
func (f *finder) leaves(a snapshot.Address) bool {
	if sample.MatchString(a.Name) || f.composed[path.Dir(a.Name)] {
		return true
	}
	for _, seg := range segments(a.Attribute) {
		word, _, _ := strings.Cut(strings.ToLower(seg), "_")
		if slices.Contains(environmentWords, word) && !f.own(word) {
			return true
		}
	}
	return false
}

// own reports a section that belongs to this environment: by a word of the environment's name, and production where that has none.
func (f *finder) own(section string) bool {
	alike := func(a, b string) bool { n := min(4, len(a), len(b)); return a[:n] == b[:n] }
	known := false
	for _, word := range strings.FieldsFunc(f.environment, func(r rune) bool { return r < 'a' || r > 'z' }) {
		for _, w := range environmentWords {
			if alike(w, word) && len(word) > 2 {
				known = true
			}
		}
		if len(word) > 1 && alike(word, section) {
			return true
		}
	}
	return !known && alike(section, "production")
}

func segments(attribute string) []string { return snapshot.SplitIdent(attribute) }

var (
	urlForm   = regexp.MustCompile(`^(?:jdbc:)?(postgres|postgresql|postgis|pgsql|mysql|mysql2|trilogy|mysqlx|mariadb)(?:\+[a-z0-9_]+)?://([^/?#]*)`)
	tcpForm   = regexp.MustCompile(`@tcp\(([^()]+)\)/`)
	pdoForm   = regexp.MustCompile(`^(mysql|pgsql):(.*\bhost=.*)$`)
	libpqForm = regexp.MustCompile(`(?:^|[\s;])host(?:addr)?\s*=\s*'?([^\s;']+)`)
	portForm  = regexp.MustCompile(`(?:^|[\s;])port\s*=\s*'?([0-9]+)`)
	dbForm    = regexp.MustCompile(`(?:^|[\s;:])(dbname|user|password)\s*=`)
)

// value looks at one text of a file.
func (f *finder) value(a snapshot.Address, text string) {
	text = strings.TrimSpace(text)
	if m := urlForm.FindStringSubmatch(text); m != nil {
		hosts := m[2][strings.LastIndexByte(m[2], '@')+1:]
		f.hosts(a, hosts, defaultPort(m[1]))
		return
	}
	if m := tcpForm.FindStringSubmatch(text); m != nil {
		f.hosts(a, m[1], 3306)
		return
	}
	if m := pdoForm.FindStringSubmatch(text); m != nil {
		f.parameters(a, m[2], defaultPort(m[1]))
		return
	}
	if dbForm.MatchString(text) && libpqForm.MatchString(text) {
		f.parameters(a, text, 5432)
		return
	}
	if port, ok := f.hostKey(a); ok {
		f.hosts(a, text, port)
	}
}

// parameters reads host= and port= of a DSN.
func (f *finder) parameters(a snapshot.Address, text string, port int) {
	if m := portForm.FindStringSubmatch(text); m != nil {
		port, _ = strconv.Atoi(m[1])
	}
	f.hosts(a, libpqForm.FindStringSubmatch(" " + text)[1], port)
}

// defaultPort is the port of a kind of database, by any of its names; 0 for others.
func defaultPort(kind string) int {
	kind = strings.ToLower(kind)
	switch {
	case strings.Contains(kind, "mysql"), strings.Contains(kind, "maria"), strings.Contains(kind, "trilogy"):
		return 3306
	case strings.Contains(kind, "postg"), strings.Contains(kind, "pgsql"), kind == "pg", strings.Contains(kind, "psycopg"):
		return 5432
	}
	return 0
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?$`)

// hosts adds the hosts of a list, each with a port of its own or the default one.
func (f *finder) hosts(a snapshot.Address, list string, port int) {
	for _, one := range strings.Split(list, ",") {
		one = strings.TrimSpace(one)
		p := port
		if h, own, err := net.SplitHostPort(one); err == nil {
			n, err := strconv.Atoi(own)
			if err != nil || n < 1 || n > 65535 {
				continue
			}
			one, p = h, n
		}
		one = strings.ToLower(strings.TrimSuffix(strings.Trim(one, "[]"), "."))
		if noHost(one) {
			continue
		}
		key := one + "\x00" + strconv.Itoa(p)
		if f.found[key] == nil {
			f.found[key] = &target{host: one, port: p}
		}
		if t := f.found[key]; !slices.Contains(t.namedIn, a.String()) {
			t.namedIn = append(t.namedIn, a.String())
		}
	}
}

// noHost reports what names no other machine: this one, a socket, a placeholder, a number.
func noHost(name string) bool {
	if ip := net.ParseIP(name); ip != nil {
		return ip.IsLoopback() || ip.IsUnspecified()
	}
	return name == "localhost" || strings.HasPrefix(name, "localhost.") || !hostName.MatchString(name) || len(name) > 253 || strings.Trim(name, "0123456789.") == "" ||
		slices.Contains([]string{"true", "false", "null", "none", "changeme"}, name)
}

var (
	camel   = regexp.MustCompile(`([a-z0-9])([A-Z])`)
	dbWords = `(?:db|database|mysql|mariadb|postgres|postgresql|pgsql|pg|rds|datasource)`
	// hostKeys are keys that name a database host by themselves.
	hostKeys = regexp.MustCompile(`(?:^|_)` + dbWords + `_?(?:(?:master|primary|replica|slave|write|writer|read|reader)_)?(?:host|hostname|host_name|server|addr|address)$`)
	// hostEnds are what keys end in that hostKeys or hostKey itself accepts.
	hostEnds = []string{"host", "hostname", "host_name", "host-name", "server", "addr", "address"}
	// dbContext are names of files and sections whose host is a database's.
	dbContext = regexp.MustCompile(`(?:^|[_.-])` + dbWords + `s?(?:$|[_.-])`)
	// otherService are names of services that are no SQL database.
	otherService = regexp.MustCompile(`redis|memcache|mongo|elastic|rabbit|amqp|kafka|smtp|mail|ldap|queue|cache|solr|influx|clickhouse|sphinx`)
	clients      = []string{"client", "mysql", "mysqldump", "mysqladmin", "client-server", "client-mariadb", "mariadb-client"}
)

func snake(s string) string {
	return strings.ReplaceAll(strings.ToLower(camel.ReplaceAllString(s, "${1}_$2")), "-", "_")
}

// hostKey reports a key whose value is a database host, and the port that goes with it.
func (f *finder) hostKey(a snapshot.Address) (port int, ok bool) {
	segs := segments(a.Attribute)
	if !slices.ContainsFunc(hostEnds, func(end string) bool { return strings.HasSuffix(strings.ToLower(segs[len(segs)-1]), end) }) { // nearly all keys
		return 0, false
	}
	last := snake(segs[len(segs)-1])
	around := snake(strings.Join(segs[:len(segs)-1], "."))
	if otherService.MatchString(last) || otherService.MatchString(around) {
		return 0, false
	}
	file := path.Base(a.Name)
	kind := f.sibling(a, "adapter", "driver", "engine", "dialect", "client", "type", "connection")
	switch {
	case hostKeys.MatchString(last):
	case last != "host" && last != "hostname":
		return 0, false
	case strings.HasSuffix(file, ".cnf"):
		if !slices.Contains(clients, strings.ReplaceAll(around, "_", "-")) {
			return 0, false
		}
		kind = "mysql"
	case defaultPort(kind) != 0, dbContext.MatchString(around), dbContext.MatchString(snake(file)):
	default:
		return 0, false
	}
	if n, err := strconv.Atoi(f.sibling(a, "port")); err == nil && n > 0 && n < 65536 {
		return n, true
	}
	for _, says := range []string{kind, last, around, snake(file)} {
		if p := defaultPort(says); p != 0 {
			return p, true
		}
	}
	if strings.HasPrefix(last, "pg") {
		return 5432, true
	}
	return 0, true
}

var hostWord = regexp.MustCompile(`(?i)(host_?name|host|server|address|addr)$`)

// sibling is the value of the key that has another word in place of host: DB_PORT beside DB_HOST, port beside host.
func (f *finder) sibling(a snapshot.Address, words ...string) string {
	stem := hostWord.ReplaceAllString(a.Attribute, "")
	for _, w := range words {
		for _, spelling := range []string{w, strings.ToUpper(w), strings.ToUpper(w[:1]) + w[1:]} {
			b := a
			b.Attribute = stem + spelling
			if v, ok := f.values[b]; ok {
				return v
			}
		}
	}
	return ""
}
