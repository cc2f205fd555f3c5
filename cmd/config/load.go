package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/objectstore"
	"github.com/envdiff/envdiff/internal/strictyaml"
	"github.com/envdiff/envdiff/internal/transport"
)

// Name is the file that Find looks for.
const Name = "envdiff.yaml"

// SchemaID names the JSON Schema of envdiff.yaml.
const SchemaID = "https://envdiff.dev/schema/envdiff.yaml.json"

// ErrNotFound is returned by Find when no envdiff.yaml is in sight.
var ErrNotFound = errors.New("no envdiff.yaml here or in a parent directory up to the repository root")

// Find returns the envdiff.yaml of dir: in it or in a parent, up to and including the directory that holds .git.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, Name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		_, err := os.Stat(filepath.Join(dir, ".git"))
		if parent := filepath.Dir(dir); err == nil || parent == dir {
			return "", ErrNotFound
		} else {
			dir = parent
		}
	}
}

// Load reads and checks a configuration file. The error is strictyaml.Errors when the file has mistakes: all of them.
func Load(path string) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	c, err := Parse(path, src)
	if c != nil {
		c.File = abs
	}
	return c, err
}

// Parse is Load on bytes; file names them in errors.
func Parse(file string, src []byte) (*Config, error) {
	c := &Config{}
	doc := strictyaml.Decode(file, src, c)
	if doc.Err() == nil {
		addInventories(c, filepath.Dir(file), doc)
	}
	if doc.Err() == nil {
		check(c, doc)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	c.Lines = scopeLines(c, doc)
	return c, nil
}

func scopeLines(c *Config, doc *strictyaml.Document) map[string]int {
	lines := map[string]int{}
	note := func(scope string, path ...string) {
		if line, _ := doc.Place(path...); lines[scope] == 0 {
			lines[scope] = line
		}
	}
	for name := range c.Roles {
		note(name, "roles", name)
	}
	for name := range c.Databases {
		note(name, "databases", name)
	}
	for name := range c.Endpoints {
		note(name, "endpoints", name)
	}
	for _, env := range slices.Sorted(maps.Keys(c.Environments)) {
		for name := range c.Environments[env].Hosts {
			note(name, "environments", env, "hosts", name)
		}
		for name := range c.Environments[env].Databases {
			note(name, "environments", env, "databases", name)
		}
		for name := range c.Environments[env].Endpoints {
			note(name, "environments", env, "endpoints", name)
		}
	}
	return lines
}

// Schema is the JSON Schema of envdiff.yaml for editors.
func Schema() ([]byte, error) {
	return strictyaml.Schema(reflect.TypeFor[Config](), SchemaID, "envdiff.yaml")
}

// Dir is the directory that relative paths in the file refer to.
func (c *Config) Dir() string { return filepath.Dir(c.File) }

// Path resolves a path of the file.
func (c *Config) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir(), p)
}

// StoreBucket is where snapshots are kept when it is a bucket.
func (c *Config) StoreBucket() (objectstore.Location, bool) {
	if !strings.HasPrefix(c.Store, objectstore.Scheme) {
		return objectstore.Location{}, false
	}
	at, err := objectstore.ParseURL(c.Store)
	return at, err == nil // checked when the file was read
}

// StoreDir is where snapshots are kept when it is a directory.
func (c *Config) StoreDir() string {
	if c.Store == "" {
		return c.Path(".envdiff")
	}
	return c.Path(c.Store)
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// UnsetError names a variable that a used part of the file needs.
type UnsetError struct{ Variable, For string }

func (e *UnsetError) Error() string {
	return fmt.Sprintf("%s needs the variable %s, which is not set", e.For, e.Variable)
}

// Expand resolves the variables in t. purpose says what needs it, for the error. A
// variable that is set but empty counts as unset.
func (t Text) Expand(lookup func(string) (string, bool), purpose string) (string, error) {
	var missing string
	out := variable.ReplaceAllStringFunc(string(t), func(m string) string {
		name := variable.FindStringSubmatch(m)[1]
		v, ok := lookup(name)
		if (!ok || v == "") && missing == "" {
			missing = name
		}
		return v
	})
	if missing != "" {
		return "", &UnsetError{missing, purpose}
	}
	return out, nil
}

// Variables lists the variables that t names.
func (t Text) Variables() []string {
	var names []string
	for _, m := range variable.FindAllStringSubmatch(string(t), -1) {
		names = append(names, m[1])
	}
	return names
}

// Instance is the instance name of a host: its own, or the URL's host without user (with the port if it is not 22),
// a directory's last element, or "local".
func (h Host) Instance() string {
	if h.Name != "" {
		return h.Name
	}
	u := string(h.URL)
	switch {
	case strings.HasPrefix(u, "local:"):
		return "local"
	case strings.HasPrefix(u, "root:"):
		if dir := filepath.Clean(strings.TrimPrefix(u, "root:")); dir != "/" {
			return filepath.Base(dir)
		}
		return "root"
	case strings.HasPrefix(u, "puppetdb:"):
		if o, err := transport.ParsePuppetDB(u); err == nil {
			return o.Node
		}
	case strings.HasPrefix(u, "puppet:"):
		if o, err := transport.ParseCompile(u); err == nil {
			return o.Node
		}
	case strings.HasPrefix(u, "ssh://"):
		host := strings.TrimPrefix(u, "ssh://")
		host, _, _ = strings.Cut(host, "/")
		if at := strings.LastIndex(host, "@"); at >= 0 {
			host = host[at+1:]
		}
		return strings.TrimSuffix(host, ":22")
	}
	return u
}
