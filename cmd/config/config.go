// Package config reads envdiff.yaml: strictly, with every error at once and its line and column. It knows the shape of the file and
// nothing of databases or hosts.
package config

// Config is envdiff.yaml. WHERE things are belongs to an environment; WHAT is captured and how it is judged belongs to a role,
// database or endpoint name. Secrets and URLs stay unexpanded Text until the part that names them is used.
type Config struct {
	Store        string                 `json:"store,omitempty"`
	Keys         Keys                   `json:"keys,omitempty"`
	Environments map[string]Environment `json:"environments"`
	Roles        map[string]Role        `json:"roles,omitempty"`
	Databases    map[string]Database    `json:"databases,omitempty"`
	Endpoints    map[string]Endpoint    `json:"endpoints,omitempty"`
	Rules        map[string]string      `json:"rules,omitempty"`   // rule id → severity or off
	Secrets      []string               `json:"secrets,omitempty"` // further key names to redact, as globs
	Gate         Gate                   `json:"gate,omitempty"`
	Waivers      string                 `json:"waivers,omitempty"`

	// File is the absolute path that was read; relative paths are relative to its directory.
	File string `json:"-"`
	// Warnings are for people: a literal password, an instance named twice.
	Warnings []string `json:"-"`
}

// Text may hold ${VAR}; Expand resolves it when the part that names it is used. It prints unexpanded.
type Text string

// Keys are the two keys, base64, usually as ${VAR}.
type Keys struct {
	Redact    Text `json:"redact,omitempty"`
	Pseudonym Text `json:"pseudonym,omitempty"`
}

// Environment says where the parts of one environment are.
type Environment struct {
	Protected  bool                        `json:"protected,omitempty"`
	Params     map[string]string           `json:"params,omitempty"`
	MaxDataAge string                      `json:"max_data_age,omitempty"` // Go duration, or 36h / 7d
	Hosts      map[string][]Host           `json:"hosts,omitempty"`        // role → hosts
	Databases  map[string]DatabaseLocation `json:"databases,omitempty"`
	Endpoints  map[string]EndpointLocation `json:"endpoints,omitempty"`
}

// Host is one machine: a plain URL in YAML, or a map.
type Host struct {
	Name   string            `json:"name,omitempty"` // instance; made from URL when empty
	URL    Text              `json:"url"`            // ssh://, root:DIR, local:
	Sudo   bool              `json:"sudo,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Line   int               `json:"-"`
}

// DatabaseLocation is one database: a plain URL in YAML, or a map.
type DatabaseLocation struct {
	URL      Text            `json:"url"`
	Replicas map[string]Text `json:"replicas,omitempty"`
	Shards   map[string]Text `json:"shards,omitempty"`
	MaxLag   string          `json:"max_lag,omitempty"`
	Line     int             `json:"-"`
}

// EndpointLocation is an application's configuration dump.
type EndpointLocation struct {
	URL     Text            `json:"url"`
	Headers map[string]Text `json:"headers,omitempty"`
	Line    int             `json:"-"`
}

// Role says what is captured of the hosts of a role.
type Role struct {
	Packages []string `json:"packages,omitempty"`
	Config   []string `json:"config,omitempty"`
	Services []string `json:"services,omitempty"`
	SBOM     []string `json:"sbom,omitempty"`
	Line     int      `json:"-"`
}

// Database says what is captured, copied and rehearsed of a database.
type Database struct {
	Exact      []string    `json:"exact,omitempty"`
	Ignore     []string    `json:"ignore,omitempty"`
	Migrations *Migrations `json:"migrations,omitempty"`
	Scratch    *Scratch    `json:"scratch,omitempty"`
	Copy       *Copy       `json:"copy,omitempty"`
	Sanitize   string      `json:"sanitize,omitempty"`
	Line       int         `json:"-"`
}

// Migrations says where migrations are and whose they are: a plain file:// URL (golang-migrate) in YAML, or a map.
type Migrations struct {
	Tool    string `json:"tool,omitempty"` // "" is golang-migrate
	Path    string `json:"path,omitempty"` // directory, relative to envdiff.yaml
	Command string `json:"command,omitempty"`
	Table   string `json:"table,omitempty"` // version table, "" the tool's default
}

// Scratch is where copies are built: a plain URL in YAML, or a map.
type Scratch struct {
	URL    Text `json:"url"`
	Shared bool `json:"shared,omitempty"` // it stands on a protected server, and that is meant
}

// Copy says how much of a database is copied: "all", "1%" in YAML, {rows: N} or {of: …, max_age: …}.
type Copy struct {
	Of     string `json:"of,omitempty"` // all, or a percentage
	Rows   int64  `json:"rows,omitempty"`
	MaxAge string `json:"max_age,omitempty"`
}

// Endpoint says which keys of a dump are captured and which are metrics.
type Endpoint struct {
	Keys    []string          `json:"keys,omitempty"`
	Metrics map[string]string `json:"metrics,omitempty"`
	Line    int               `json:"-"`
}

// Gate is the policy of the verdict.
type Gate struct {
	FailOn   string `json:"fail_on,omitempty"`
	Baseline string `json:"baseline,omitempty"`
}
