package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/strictyaml"
)

var update = flag.Bool("update", false, "rewrite golden files")

// contract is the example of the interface document: it has to load.
const contract = `
store: .envdiff
keys: {redact: "${ENVDIFF_KEY}", pseudonym: "${ENVDIFF_PSEUDONYM_KEY}"}
environments:
  staging:
    params: {log_host: log1.stage.example, db_host: db.stage.example}
    max_data_age: 36h
    hosts:
      web: [ssh://deploy@web1.stage.example:22]
    databases:
      main: ${STAGING_DATABASE_URL}
  production:
    protected: true
    params: {log_host: log1.prod.example, db_host: db1.prod.example}
    hosts:
      web: [ssh://web1.prod.example, "root:images/web2", {name: web3, url: ssh://10.0.0.3, sudo: true}]
      db:  ["local:"]
    databases:
      main:
        url: postgres://envdiff@db1.prod.example/shop?sslmode=verify-full
        replicas: {db2: "postgres://envdiff@db2.prod.example/shop?sslmode=verify-full"}
        max_lag: 10s
    endpoints:
      app-config: {url: "https://shop.example/config.json"}
roles:
  web:
    packages: [deb, rpm, apk, pip, npm, gem, go]
    config: [/etc/nginx/*, "/etc/php/**/*.ini", /srv/app/shared/config/*]
    services: [nginx, php8.2-fpm]
    sbom: [/srv/app/sbom.cdx.json]
databases:
  main:
    exact: [countries, plans]
    ignore: ["audit_*"]
    migrations: file://db/migrations
    scratch: ${SCRATCH_DATABASE_URL}
    copy: all
    sanitize: sanitize.yaml
endpoints:
  app-config: {keys: ["db/*"], metrics: {"php/connection_errors": "<= 0"}}
rules: {column-order: low, package-older: medium}
secrets: ["*_apikey"]
gate: {fail_on: high, baseline: envdiff.baseline.json}
waivers: envdiff.waivers.yaml
`

func TestContractExampleLoads(t *testing.T) {
	c, err := Parse("envdiff.yaml", []byte(contract))
	if err != nil {
		t.Fatal(err)
	}
	var instances []string
	for _, h := range c.Environments["production"].Hosts["web"] {
		instances = append(instances, h.Instance())
	}
	if d := cmp.Diff([]string{"web1.prod.example", "web2", "web3"}, instances); d != "" {
		t.Error(d)
	}
	if got := c.Databases["main"].Migrations.Path; got != "file://db/migrations" {
		t.Errorf("migrations path %q", got)
	}
	if len(c.Warnings) != 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	src := `enviroments: {}
store: .envdiff
environments:
  staging:
    hosts:
      web: [ssh://a.example, ssh://a.example, gopher://x]
    databases: {web: "sqlite:x.db", main: "oracle://u:hunter2secret@h/x"}
  staging: {}
roles: {wbe: {pakages: [deb]}}
rules: {colum-order: low, typo: loud}
gate: {fail_on: hihg}
`
	_, err := Parse("envdiff.yaml", []byte(src))
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`envdiff.yaml:1:1: unknown key "enviroments": did you mean "environments"?`,
		`envdiff.yaml:8:3: "staging" stands here twice (first on line 4)`,
		`envdiff.yaml:9:15: unknown key "pakages": did you mean "packages"?`,
	}
	if d := cmp.Diff(strings.Join(want, "\n"), err.Error()); d != "" {
		t.Error(d)
	}

	shape := strings.NewReplacer("enviroments: {}\n", "", "  staging: {}\n", "", "pakages", "packages").Replace(src)
	_, err = Parse("envdiff.yaml", []byte(shape))
	want = []string{
		`envdiff.yaml:5:30: instance "a.example" stands here twice: give one of them a name`,
		`envdiff.yaml:5:47: unknown host "gopher://x": use ssh://HOST, root:DIR, local:, puppet:DIR?node=NODE or puppetdb:https://HOST:8081/NODE`,
		`envdiff.yaml:6:22: "web" names one of the roles and one of the databases: addresses need unique names`,
		`envdiff.yaml:6:43: databases of scheme "oracle" are not supported: use postgres, mysql, mariadb or sqlite`,
		`envdiff.yaml:7:14: no environment has "wbe": did you mean "web"?`,
		`envdiff.yaml:8:22: unknown rule "colum-order": did you mean "column-order"?`,
		`envdiff.yaml:8:33: unknown severity "loud": use critical, high, medium, low, info or off`,
		`envdiff.yaml:9:17: unknown severity "hihg": use critical, high, medium, low, info or none`,
	}
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(err.Error(), "\n")
	for i := range got {
		if i < len(want) && got[i] != want[i] {
			t.Errorf("mistake %d:\n got %s\nwant %s", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d mistakes, want %d:\n%s", len(got), len(want), err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a password stands in the error")
	}
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"malformed":        {"a: [b\nc: d", "envdiff.yaml:"},
		"empty":            {"", "is empty"},
		"comment only":     {"# nothing\n", "is empty"},
		"list at top":      {"- a\n", "want a mapping"},
		"two documents":    {"environments: {}\n---\na: b\n", "second document"},
		"aliases":          {"x: &a {}\nenvironments: *a\n", "aliases are not used"},
		"no environments":  {"store: x\n", "no environments"},
		"bad duration":     {"environments: {a: {max_data_age: soon, hosts: {w: [\"local:\"]}}}", `"soon" is no duration`},
		"bad percentage":   {"environments: {a: {databases: {m: \"sqlite:x\"}}}\ndatabases: {m: {copy: 150%}}", "copy"},
		"sqlite parameter": {"environments: {a: {databases: {m: \"sqlite:x.db?mode=rwc\"}}}", "takes no parameters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("envdiff.yaml", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLiteralPasswordIsAWarningAndNeverShown(t *testing.T) {
	src := "environments: {a: {databases: {m: \"postgres://u:s3cretpass@h/d\"}}}"
	c, err := Parse("envdiff.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "literal password") || strings.Contains(c.Warnings[0], "s3cret") {
		t.Errorf("warnings: %q", c.Warnings)
	}
	for _, raw := range []string{"postgres://u:s3cretpass@h:port/d", "postgres://u:s3cret%zzpass@h/d", "nosuch://u:s3cretpass@h/d"} {
		if _, err := ParseDatabaseURL(raw, ""); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
	}
	target, err := ParseDatabaseURL("postgres://u:s3cretpass@h:5433/d?password=s3cretpass", "")
	if err != nil || target.String() != "postgres://u@h:5433/d" {
		t.Errorf("%v, %v", target, err)
	}
}

func TestExpandNamesTheVariable(t *testing.T) {
	lookup := func(n string) (string, bool) { return map[string]string{"A": "x"}[n], n == "A" }
	if got, err := Text("pre-${A}").Expand(lookup, "a test"); got != "pre-x" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err := Text("${A}${MISSING}").Expand(lookup, "staging's database main")
	if err == nil || err.Error() != "staging's database main needs the variable MISSING, which is not set" {
		t.Error(err)
	}
}

func TestFindStopsAtTheRepositoryRoot(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "repo", "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, Name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(deep); err != nil || got != filepath.Join(root, Name) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.Mkdir(filepath.Join(root, "repo", ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(deep); err != ErrNotFound {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSchemaIsCommitted(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("schema.json is stale: go test ./cmd/config -update\n%s", d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(contract))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse("envdiff.yaml", src)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v with error %v", c, err)
		}
		if errs, ok := err.(strictyaml.Errors); err != nil && (!ok || len(errs) == 0) {
			t.Fatalf("error without a place: %v", err)
		}
	})
}

func TestMigrationToolsAreKnownAtOnce(t *testing.T) {
	for tool, hint := range map[string]string{
		"gose":     `envdiff.yaml:5:29: unknown tool "gose": did you mean "goose"?`,
		"sqitchxx": `envdiff.yaml:5:29: unknown tool "sqitchxx": use one of alembic, atlas, `,
		"goose":    "",
	} {
		_, err := Parse("envdiff.yaml", []byte("environments:\n  a:\n    databases: {main: \"sqlite:a.db\"}\ndatabases:\n  main: {migrations: {tool: "+tool+", path: m}}\n"))
		if hint == "" && err != nil || hint != "" && (err == nil || !strings.HasPrefix(err.Error(), hint)) {
			t.Errorf("%s: got %v, want %s", tool, err, hint)
		}
	}
}

func TestProfilesAreKnownAtOnce(t *testing.T) {
	for profile, want := range map[string]string{"scan": "", "planner": "", "full": `envdiff.yaml:5:19: unknown profile "full": use one of planner, sample, scan`} {
		_, err := Parse("envdiff.yaml", []byte("environments:\n  a:\n    databases: {main: \"sqlite:a.db\"}\ndatabases:\n  main: {profile: "+profile+"}\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: got %v, want %s", profile, err, want)
		}
	}
}
