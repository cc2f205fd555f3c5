// Package config reads envdiff.yaml: strictly, with every error at once and its line and column. It knows the shape of
// the file and nothing of databases or hosts.
package config

import "github.com/envdiff/envdiff/snapshot"

// Config is envdiff.yaml. WHERE things are belongs to an environment; WHAT is captured and how it is judged belongs to
// a role, database or endpoint name. URLs and keys stay unexpanded Text until the part that names them is used.
type Config struct {
	Store        string                 `json:"store" doc:"where snapshots are stored: a directory (default .envdiff), or s3://BUCKET/PREFIX"`
	Keys         Keys                   `json:"keys" doc:"the two keys, 32 bytes in base64; envdiff init makes them"`
	Environments map[string]Environment `json:"environments" doc:"name → where its parts are"`
	Roles        map[string]Role        `json:"roles" doc:"host role → what is captured of its hosts"`
	Databases    map[string]Database    `json:"databases" doc:"database → what is captured, copied and rehearsed"`
	Endpoints    map[string]Endpoint    `json:"endpoints" doc:"endpoint → which keys of its dump are captured"`
	Rules        map[string]string      `json:"rules" doc:"rule → critical, high, medium, low, info or off"`
	Secrets      []string               `json:"secrets" doc:"globs of further key names whose values are redacted"`
	Gate         Gate                   `json:"gate" doc:"what makes the verdict fail"`
	Notify       []Hook                 `json:"notify" doc:"webhooks that are told of another verdict and of new critical findings"`
	Retention    Retention              `json:"retention" doc:"what envdiff prune keeps of the store"`
	Waivers      string                 `json:"waivers" doc:"file of accepted exceptions; default envdiff.waivers.yaml where it exists"`

	// File is the absolute path that was read; relative paths are relative to its directory.
	File string `json:"-"`
	// Warnings are for people: a literal password, a role without hosts.
	Warnings []string `json:"-"`
	// Lines says where each role, database and endpoint stands in the file: under its own section, else where an
	// environment names it first.
	Lines map[string]int `json:"-"`
}

// Text may hold ${VAR}; Expand resolves it when the part that names it is used. It prints unexpanded.
type Text string

// Keys are the two keys, usually as ${VAR}.
type Keys struct {
	Redact    Text `json:"redact" doc:"makes digests of secrets and rows comparable between stored snapshots"`
	Pseudonym Text `json:"pseudonym" doc:"drives masking; needed only where production is read"`
}

// Environment says where the parts of one environment are.
type Environment struct {
	Protected  bool                        `json:"protected" doc:"never a write target"`
	Params     map[string]string           `json:"params" doc:"this environment's own values of expected differences"`
	MaxDataAge string                      `json:"max_data_age" doc:"older sanitised data here is a finding: 36h, 7d"`
	Hosts      map[string][]Host           `json:"hosts" doc:"role → hosts: ssh://…, root:DIR, local:, or a catalogue, puppet:DIR?node=NODE or puppetdb:https://HOST:8081/NODE"`
	Inventory  *Inventory                  `json:"inventory" doc:"hosts from an inventory of Ansible, beside those under hosts"`
	Databases  map[string]DatabaseLocation `json:"databases" doc:"database → URL"`
	Endpoints  map[string]EndpointLocation `json:"endpoints" doc:"endpoint → URL of an application's configuration dump"`
	Exec       map[string]Program          `json:"exec" doc:"scope → a program that prints facts, run where envdiff runs"`
}

// Host is one machine: a plain URL, or a mapping.
type Host struct {
	Name   string            `json:"name" doc:"instance name; made from the URL when absent"`
	URL    Text              `json:"url" scalar:"true" doc:"ssh://user@host:port, root:DIR, local:, puppet:DIR?node=NODE or puppetdb:https://HOST:8081/NODE"`
	Sudo   bool              `json:"sudo" doc:"read with sudo -n where needed"`
	Params map[string]string `json:"params" doc:"this host's own values of expected differences"`
}

// Inventory is where another system keeps its hosts.
type Inventory struct {
	Ansible string            `json:"ansible" scalar:"true" doc:"a file in INI or YAML, a directory, or what ansible-inventory --list printed"`
	Groups  map[string]string `json:"groups" doc:"role → group; default: each role under roles is the group of its name"`
}

// DatabaseLocation is one database: a plain URL, or a mapping.
type DatabaseLocation struct {
	URL      Text            `json:"url" scalar:"true" doc:"postgres://…, mysql://…, mariadb://… or sqlite:PATH"`
	Replicas map[string]Text `json:"replicas" doc:"instance → URL of a replica"`
	Shards   map[string]Text `json:"shards" doc:"instance → URL of a shard"`
	MaxLag   string          `json:"max_lag" doc:"a replica further behind is a finding; default 5m"`
	MaxLoad  *int            `json:"max_load" doc:"reading rows, and copying them in a refresh, pauses while more statements than this run on the server, or a replica is further behind than max_lag; default 25 in a protected environment, 0 is no limit"`
	MMM      string          `json:"mmm" doc:"HOST:PORT of the MMM monitor of this cluster, whose claims are held against the nodes"`
}

// EndpointLocation is an application's configuration dump.
type EndpointLocation struct {
	URL      Text            `json:"url" scalar:"true" doc:"https://…; with via, as the hosts reach it"`
	Via      string          `json:"via" doc:"a role whose hosts are asked for it, each over its own connection; default: envdiff asks itself"`
	Replicas map[string]Text `json:"replicas" doc:"instance → URL of another one of the same application"`
	Headers  map[string]Text `json:"headers" doc:"request headers, such as Authorization: \"Bearer ${TOKEN}\""`
	CA       string          `json:"ca" doc:"file of the certificates to trust, in PEM; default: those of the system"`
	Insecure bool            `json:"insecure" doc:"accept any certificate"`
}

// Program prints facts as JSON lines.
type Program struct {
	Name    string   `json:"name" doc:"what it is called in messages; default: the command's last path element"`
	Command []string `json:"command" doc:"the program and its arguments; a relative path is relative to envdiff.yaml where it runs here, on a host it must be absolute or in PATH"`
	Facts   []string `json:"facts" doc:"what it may print, and is the whole truth about, as globs of kind/name#attribute; default app/*"`
}

// Role says what is captured of the hosts of a role.
type Role struct {
	Packages []string `json:"packages" doc:"deb, rpm, apk, pip, npm, gem, go, jar; default: all that are found"`
	Config   []string `json:"config" doc:"globs of configuration files; ** crosses directories"`
	Services []string `json:"services" doc:"units that must be looked at"`
	// Deployments are absolute, like the globs of Config.
	Deployments []string  `json:"deployments" doc:"globs of the directories that Capistrano deploys to; default: those below /var/www, /srv and /u/apps"`
	SBOM        []string  `json:"sbom" doc:"CycloneDX or SPDX files that list packages"`
	Exec        []Program `json:"exec" doc:"programs that print facts, run on each host"`
}

// Database says what is captured, copied and rehearsed of a database.
type Database struct {
	Exact      []Exact     `json:"exact" doc:"reference tables, equal row for row; or {table:, sample:, skip:, round:} for part of one"`
	Ignore     []string    `json:"ignore" doc:"globs of tables that are not captured"`
	Profile    string      `json:"profile" doc:"how columns are profiled: planner (the server's statistics, no table is read), sample or scan; default planner in protected environments, else scan; SQLite files are always scanned by default"`
	Migrations *Migrations `json:"migrations" doc:"file://DIR of golang-migrate files, or {tool:, path:}, or {command:}"`
	Scratch    *Scratch    `json:"scratch" doc:"where copies are built; default: a throw-away server from local binaries of the same version, a temporary file for SQLite"`
	Copy       *Copy       `json:"copy" doc:"all, 1%, {rows: N} or {of: …, max_age: 24h}"`
	Sanitize   string      `json:"sanitize" doc:"the sanitising policy; default sanitize.yaml"`
	Rehearsal  Rehearsal   `json:"rehearsal" doc:"what a rehearsal does beside replaying the migrations"`
}

// Rehearsal are the optional passes of a rehearsal.
type Rehearsal struct {
	Queries int  `json:"queries" doc:"so many of production's hot queries are planned on the copy before and after the migrations (PostgreSQL, MySQL, MariaDB)"`
	Down    bool `json:"down" doc:"each migration's way back, and up again, on a clone of the copy: does it pass, is the schema the same, is data lost"`
	Twice   bool `json:"twice" doc:"each migration a second time, on a clone of the copy: does it pass and change nothing more"`
}

// Exact is a table whose rows are compared: a plain name, or a mapping that says what of it is not.
type Exact struct {
	Table  string         `json:"table" scalar:"true" doc:"as in addresses"`
	Sample int64          `json:"sample" doc:"about so many rows, the same ones on every side, chosen by their keys; default all"`
	Skip   []string       `json:"skip" doc:"columns that are not compared"`
	Round  map[string]int `json:"round" doc:"column → decimal places that its numbers, or the fractions of its seconds, are rounded to"`
}

// Migrations says where migrations are and whose they are.
type Migrations struct {
	Tool    string `json:"tool" doc:"golang-migrate when absent; goose, dbmate, sql-migrate, flyway, liquibase, prisma, atlas, sqlx, diesel; rails, django and alembic with a command"`
	Path    string `json:"path" scalar:"true" doc:"directory, as DIR or file://DIR"`
	Command string `json:"command" doc:"any other tool, run against the copy"`
	Table   string `json:"table" doc:"version table; default the tool's own"`
}

// Profiles are the values of profile.
var Profiles = []string{string(snapshot.GradePlanner), string(snapshot.GradeSample), string(snapshot.GradeScan)}

// MigrationTools are the tools that migrations may name; a test of cmd holds them to those that migrations knows.
var MigrationTools = []string{"alembic", "atlas", "dbmate", "diesel", "django", "flyway", "golang-migrate", "goose", "liquibase", "prisma", "rails", "sql-migrate", "sqlx"}

// Scratch is where copies are built.
type Scratch struct {
	URL    Text `json:"url" scalar:"true" doc:"a database server that may be written to"`
	Shared bool `json:"shared" doc:"it stands on a protected environment's server, and that is meant"`
}

// Copy says how much of a database is copied.
type Copy struct {
	Of     string `json:"of" scalar:"true" doc:"all, or a percentage such as 1%"`
	Rows   int64  `json:"rows" doc:"about so many rows of each table, and what they refer to"`
	MaxAge string `json:"max_age" doc:"keep a copy and reuse it until it is this old"`
}

// Endpoint says which keys of a dump are captured and which are metrics.
type Endpoint struct {
	Format  string            `json:"format" doc:"json, yaml, properties, dotenv or phpinfo; default: by media type and content"`
	Keys    []string          `json:"keys" doc:"keys to capture, such as db/host, with * for one level; default all"`
	Metrics map[string]string `json:"metrics" doc:"key of a counter → the limit that it must keep, such as \"<= 0\""`
}

// Hook is one webhook.
type Hook struct {
	URL    Text   `json:"url" scalar:"true" doc:"where the message goes, usually as ${VAR}: it is a password"`
	Format string `json:"format" doc:"slack, mattermost or json; default slack"`
	Secret Text   `json:"secret" doc:"signs the message: X-Envdiff-Signature: sha256=HMAC"`
	// Queries make it the channel of a digest, and of nothing else.
	Queries []string `json:"queries" doc:"environments: envdiff snapshot tells this webhook what their databases spend their time on, when that changes, and nothing else"`
}

// Retention is what envdiff prune keeps of each environment's snapshots.
type Retention struct {
	Age  string `json:"age" doc:"older snapshots are removed: 36h, 90d; default 90d"`
	Last int    `json:"last" doc:"so many of the newest are kept whatever their age; default 7"`
}

// Gate is the policy of the verdict.
type Gate struct {
	FailOn   string `json:"fail_on" doc:"critical, high, medium, low, info or none; default high"`
	Baseline string `json:"baseline" doc:"file of accepted finding ids"`
}
