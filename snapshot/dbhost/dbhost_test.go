package dbhost

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/config"
)

// facts are those of files, as the collector of configuration files has them.
func facts(t testing.TB, files map[string]string) []snapshot.Fact {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := transport.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	spec := snapshot.RoleSpec{Config: []string{"/**"}}
	ss, err := tr.Fetch(t.Context(), config.New().Wants(spec))
	if err != nil {
		t.Fatal(err)
	}
	return config.New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Spec: spec, Sections: ss, Redact: snapshot.NewRedactor(keys.New(), nil)}).Facts
}

func TestDatabaseHostsAreFound(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"a URL", "srv/.env", "DATABASE_URL=postgres://shop:hunter2hunter2@db1.prod.example/shop?sslmode=require\n", "db1.prod.example:5432"},
		{"a URL with a port and two hosts", "srv/.env", "DATABASE_URL=postgresql://db1:6432,db2/shop\n", "db1:6432 db2:5432"},
		{"an IPv6 URL", "srv/a.yaml", "url: mysql://shop@[fd00::5]:3307/shop\n", "fd00::5:3307"},
		{"jdbc", "srv/application.properties", "spring.datasource.url=jdbc:mysql://db1.prod.example:3307/shop?useSSL=true\n", "db1.prod.example:3307"},
		{"SQLAlchemy", "srv/a.ini", "[db]\nurl = mysql+pymysql://shop:hunter2hunter2@db1/shop\n", "db1:3306"},
		{"Go", "srv/a.yaml", "dsn: \"shop:hunter2hunter2@tcp(db1.prod.example:3306)/shop\"\n", "db1.prod.example:3306"},
		{"PDO", "srv/a.ini", "[x]\ndsn = \"pgsql:host=db1;port=5433;dbname=shop\"\n", "db1:5433"},
		{"libpq", "srv/a.yaml", "dsn: host=db1 dbname=shop user=shop\n", "db1:5432"},
		{"database.yml", "srv/config/database.yml", "production:\n  adapter: mysql2\n  host: db1.prdo.example\n  database: shop\ndevelopment:\n  adapter: mysql2\n  host: devbox\n", "db1.prdo.example:3306"},
		{"with a port", "srv/config/database.yml", "production:\n  adapter: postgresql\n  host: db1\n  port: 6432\n", "db1:6432"},
		{"nested", "srv/a.json", `{"db": {"host": "db1.prod.example"}, "log": {"host": "log1"}}`, "db1.prod.example:0"},
		{"flat keys", "srv/.env", "DB_HOST=db1\nDB_PORT=3306\nLOG_HOST=log1\nREDIS_HOST=cache1\n", "db1:3306"},
		{"Laravel", "srv/.env", "DB_CONNECTION=pgsql\nDB_HOST=db1\n", "db1:5432"},
		{"libpq's variables", "srv/.env", "PGHOST=db1\n", "db1:5432"},
		{"camel case", "srv/a.yaml", "app: {dbHost: db1, mysqlHost: db2}\n", "db1:0 db2:3306"},
		{"my.cnf", "root/.my.cnf", "[client]\nhost=db1\nport=3307\n[mysqld]\nbind-address=10.0.0.1\n", "db1:3307"},
		{"an address", "srv/.env", "MYSQL_HOST=10.0.0.5\n", "10.0.0.5:3306"},
		{"this machine", "srv/.env", "DB_HOST=localhost\nMYSQL_HOST=127.0.0.1\nPGHOST=/var/run/postgresql\n", ""},
		{"placeholders", "srv/.env", "DB_HOST=${HOST}\nMYSQL_HOST=\nPGHOST='<host>'\n", ""},
		{"no database", "srv/a.yaml", "smtp: {host: mail1}\nserver: {host: 0.0.0.0, port: 80}\nhost: shop.example\nredis: {url: \"redis://cache1/0\"}\n", ""},
		{"a sample", "srv/config/database.yml.example", "production: {adapter: mysql2, host: db9}\n", ""},
		{"another environment's", "srv/config/database.yml", "staging: {adapter: mysql2, host: db9}\nproduction_replica: {adapter: mysql2, host: db2}\n", "db2:3306"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, f := range find(facts(t, map[string]string{c.file: c.text}), "production") {
				got = append(got, f.host+":"+strconv.Itoa(f.port))
				if len(f.namedIn) != 1 || !strings.HasPrefix(f.namedIn[0], "web:config/"+c.file+"#") {
					t.Errorf("named in %v", f.namedIn)
				}
			}
			if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
				t.Error(d)
			}
		})
	}
	composed := facts(t, map[string]string{"srv/docker-compose.yml": "services: {db: {image: mysql}}\n", "srv/.env": "DB_HOST=db\n"})
	if got := find(composed, "production"); len(got) > 0 {
		t.Errorf("a container's name was found: %v", got)
	}
}

// ask runs the question as a host would that has these programs alone, and returns the facts and notes.
func ask(t *testing.T, targets []target, programs ...string) (string, int) {
	t.Helper()
	dir := t.TempDir()
	for _, p := range programs {
		name, program, linked := strings.Cut(p, "=")
		if !linked {
			program = name
		}
		at, err := exec.LookPath(program)
		if err != nil {
			t.Fatalf("%s is not there: run make deps", program)
		}
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-c", probe, "sh"}
	for _, x := range targets {
		args = append(args, x.host, strconv.Itoa(x.port))
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Env = []string{"PATH=" + dir}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var res snapshot.Result
	answers("web", &res, targets, string(out))
	var said []string
	for _, f := range res.Facts {
		said = append(said, fmt.Sprintf("%s=%s", strings.TrimPrefix(f.Address.String(), "web:dbhost/"), f.Value.Display()))
	}
	n := 0
	for _, note := range res.Notes {
		n += note.Count
	}
	return strings.Join(said, " "), n
}

// A tool that is missing is never an alarm.
func TestHostsAskWithWhatTheyHave(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	open := l.Addr().(*net.TCPAddr).Port
	for _, c := range []struct {
		name     string
		programs []string
		host     string
		port     int
		want     string
		notes    int
	}{
		{"open", []string{"getent", "bash", "timeout"}, "localhost", open, fmt.Sprintf("localhost#resolves=true localhost#port_%d=open", open), 0},
		{"refused", []string{"getent", "bash", "timeout"}, "127.0.0.1", 1, "127.0.0.1#resolves=true 127.0.0.1#port_1=refused", 0},
		{"no such name", []string{"getent", "bash", "timeout"}, "db1.prdo.invalid", 5432, "db1.prdo.invalid#resolves=false", 0},
		{"no such name, and no getent", []string{"bash", "timeout"}, "db1.prdo.invalid", 5432, "db1.prdo.invalid#resolves=false", 0},
		{"only the name", []string{"getent"}, "localhost", 0, "localhost#resolves=true", 0},
		{"no bash", []string{"getent"}, "localhost", open, "localhost#resolves=true", 1},
		{"no timeout", []string{"getent", "bash"}, "localhost", open, "localhost#resolves=true", 1},
		{"nothing", nil, "db1.prod.example", 5432, "", 1},
		{"busybox's nc", []string{"nc=busybox", "timeout", "true"}, "127.0.0.1", open, fmt.Sprintf("127.0.0.1#resolves=true 127.0.0.1#port_%d=open", open), 0},
		{"busybox's nc is refused", []string{"nc=busybox", "timeout", "true"}, "127.0.0.1", 1, "127.0.0.1#resolves=true 127.0.0.1#port_1=refused", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			said, notes := ask(t, []target{{host: c.host, port: c.port}}, c.programs...)
			if said != c.want || notes != c.notes {
				t.Errorf("%q and %d notes", said, notes)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	targets := []target{{host: "db1", port: 5432}}
	for _, out := range []string{"", "envdiff", "envdiff 5 no open", "envdiff 0 \x1b[31m evil", "envdiff -1 no open", "garbage\nenvdiff 0 maybe maybe"} {
		var res snapshot.Result
		answers("web", &res, targets, out)
		if len(res.Facts) > 0 || len(res.Notes) != 1 {
			t.Errorf("%q: %v %v", out, res.Facts, res.Notes)
		}
	}
}

// What the first answer holds can not break out of the question, nor fail the finder.
func FuzzFind(f *testing.F) {
	f.Add("production.host", "db1,[::1]:5,x:99999", "srv/database.yml")
	f.Add("url", "jdbc:mysql://u@h:p@[x]:/;'`$(id)", "a")
	f.Fuzz(func(t *testing.T, attribute, value, name string) {
		a := snapshot.At("web", "config", name).Path(strings.Split(attribute, ".")...)
		for _, x := range find([]snapshot.Fact{{Address: a, Value: snapshot.String(value)}}, "production") {
			if x.host == "" || strings.HasPrefix(x.host, "-") || x.port < 0 || x.port > 65535 {
				t.Errorf("%+v", x)
			}
		}
	})
}
