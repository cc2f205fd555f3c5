package config

import (
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/snapshot"
)

// fuzzFormat feeds one parser with anything: it must not panic or hang, an error must not quote the file, and facts
// must be well formed and the same twice.
func fuzzFormat(f *testing.F, path string, parse func([]byte) ([]entry, error), seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		src, ok := decode(raw)
		if !ok || len(src) > 64<<10 {
			return
		}
		entries, err := parse(src)
		if err != nil {
			if msg := err.Error(); len(msg) > 120 || strings.ContainsAny(msg, "\n\x1b\x00") {
				t.Errorf("error %q", msg)
			}
			return
		}
		r := resolver{redact: redactor(t), at: attributesOf(snapshot.At("web", "config", path)), file: path}
		first := factMap(t, r.facts(entries))
		again, err := parse(src)
		if err != nil {
			t.Fatalf("once readable, then not: %v", err)
		}
		if second := factMap(t, r.facts(again)); !maps.Equal(first, second) {
			t.Errorf("two runs differ:\n%v\n%v", first, second)
		}
	})
}

func factMap(t *testing.T, facts []snapshot.Fact) map[string]string {
	t.Helper()
	m := make(map[string]string, len(facts))
	for _, f := range facts {
		a := f.Address.String()
		if p, err := snapshot.ParseAddress(a); err != nil || p != f.Address || f.Address.Attribute == "" {
			t.Errorf("address %q: %v", a, err)
		}
		if v, err := snapshot.ParseValue([]byte(f.Value.JSON())); err != nil || v != f.Value {
			t.Errorf("value %s: %v", f.Value.JSON(), err)
		}
		if _, twice := m[a]; twice {
			t.Errorf("%s is there twice", a)
		}
		m[a] = f.Value.JSON()
	}
	return m
}

func FuzzYAML(f *testing.F) {
	fuzzFormat(f, "a.yaml", parseYAML, "a: &x {b: [1, {name: y}]}\nc:\n  <<: *x\n? [k]\n: !t v\n---\n- 1\n", "a: &a [*a]\n", "- {x: 1}\n- {x: 2}\n", "? {a: {b: c}}\n: ~\n")
}
func FuzzJSON(f *testing.F) {
	fuzzFormat(f, "a.json", parseJSON, `{"a": [1, {"name": "x"}, {"name": "y"}], "b": -0.0, "c": 1e999, "": null}`, `[[{}],[{}]]`)
}
func FuzzTOML(f *testing.F) {
	fuzzFormat(f, "a.toml", parseTOML, "a.b = {c = [1, 2.5, 'x']}\n[[t]]\nname = \"n\"\nd = 1979-05-27\n[t.u]\nv = inf\n")
}
func FuzzXML(f *testing.F) {
	fuzzFormat(f, "a.xml", parseXML, `<?xml version="1.0" encoding="ISO-8859-1"?><a x="1" xmlns:n="u"><n:b id="1">t</n:b><b>u</b><c/><c/></a>`)
}
func FuzzINI(f *testing.F) { fuzzFormat(f, "a.ini", parseINI, "a=1\n[s]\nb: 2\n  more\nc\n[s] ; x\n") }
func FuzzPHPINI(f *testing.F) {
	fuzzFormat(f, "php.ini", parsePHPINI, "[PHP]\na[] = 1\na[x]=\"y;z\" ; c\nextension=x.so\nmemory_limit=128M\n")
}
func FuzzMyCnf(f *testing.F) {
	fuzzFormat(f, "my.cnf", parseMyCnf, "!include /x\n[mysqld]\nskip-x # c\na-b='1 # 2'\nc=\n")
}
func FuzzUnit(f *testing.F) {
	fuzzFormat(f, "a.service", parseUnit, "[Service]\nExecStart=/a \\\n b\nEnvironment=\"A=1\" B=\\\"\nExecStart=\nAfter=a b\n")
}
func FuzzProperties(f *testing.F) {
	fuzzFormat(f, "a.properties", parseProperties, "a.b\\:c : d\\\n  e\n!x\n\\u00e9=\\u\n=\n")
}
func FuzzDotenv(f *testing.F) {
	fuzzFormat(f, ".env", parseDotenv, "export A='1'\"2\" # c\nB=\\\nx\nC=\"a\nb\"\n")
}
func FuzzSSHD(f *testing.F) {
	fuzzFormat(f, "sshd_config", parseSSHD, "Port=22\nMatch User a Address \"b c\"\n SetEnv A=1 B=2\nMatch all\nSubsystem x y\n")
}
func FuzzSysctl(f *testing.F) {
	fuzzFormat(f, "sysctl.conf", parseSysctl, "-net/ipv4.x=1\n-a\nb = 1  2\n")
}
func FuzzCrontab(f *testing.F) {
	fuzzFormat(f, "crontab", parseSystemCrontab, "A = 'b'\n@daily root x\n*/5 1-3,7 * jan sun root a %b\n")
}
func FuzzKeyValue(f *testing.F) {
	fuzzFormat(f, "a.conf", parseKeyValue, "a b c\nd = 'e'\nf\n")
}
func FuzzPostgres(f *testing.F) {
	fuzzFormat(f, "postgresql.conf", parsePostgres, "a = 'b''c' # d\ninclude 'x'\ne on\n")
}
func FuzzRecords(f *testing.F) {
	fuzzFormat(f, "pg_hba.conf", parseRecords, "local all all peer # x\n")
}
func FuzzHosts(f *testing.F) { fuzzFormat(f, "hosts", parseHosts, "::1 a B # c\n") }
func FuzzRsyslog(f *testing.F) {
	fuzzFormat(f, "rsyslog.conf", parseRsyslog, "module(load=\"a\"\n b=[\"c\"])\n$X y\n*.* @h\n& ~\n:msg, contains, \"a b\" /x\n")
}
func FuzzLogrotate(f *testing.F) {
	fuzzFormat(f, "logrotate.conf", parseLogrotate, "weekly\n/a\n\"/b c\" {\n rotate 1\n postrotate\n x\n endscript\n}\n")
}
func FuzzHAProxy(f *testing.F) {
	fuzzFormat(f, "haproxy.cfg", parseHAProxy, "global\n a \"b c\" # d\nbackend x\n server y z\n option q\n")
}
func FuzzCollectd(f *testing.F) {
	fuzzFormat(f, "collectd.conf", parseCollectd, "LoadPlugin cpu\n<Plugin curl_json>\n <URL \"http://a/b\">\n <Key \"a/*\">\n Type \"x\"\n </Key>\n </URL>\n</Plugin>\n")
}
func FuzzNginx(f *testing.F) {
	fuzzFormat(f, "nginx.conf", parseNginx, "http { map $a $b { default 1; ~x 2; } server { listen 80; location ~ \\.php$ { set $x \"${y}z\"; } } content_by_lua_block { a = \"}\" -- }\n } }",
		"types { a b c; }\nupstream u { server x; }\nif ($a) {}\nallow all;")
}

// FuzzFile goes the whole way from a path and bytes to a result: detection, decoding, fallbacks.
func FuzzFile(f *testing.F) {
	f.Add("/etc/x.conf", []byte("[a]\nb=c\n"))
	f.Add("/etc/default/x", []byte("A=1\n"))
	f.Add("/a.yaml", []byte("\xff\xfea\x00"))
	f.Add("/x", []byte("<a/>"))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		if !strings.HasPrefix(path, "/") || len(path) < 2 || len(body) > 64<<10 {
			return
		}
		res := collect(t, file(path, string(body)))
		attributes(t, res)
	})
}

// noise puts what means nothing into a file: comments and empty lines between lines, white space at their ends.
func noise(r *rand.Rand, comment, body string) string {
	var b strings.Builder
	continued := false
	for _, l := range strings.SplitAfter(body, "\n") {
		whole := !continued && !strings.HasSuffix(l, "\\\n")
		if continued = strings.HasSuffix(l, "\\\n"); !whole {
			b.WriteString(l)
			continue
		}
		switch r.IntN(4) {
		case 0:
			b.WriteString("\n")
		case 1:
			b.WriteString(comment + " password = " + strings.Repeat("x", r.IntN(9)) + "\n")
		}
		if trimmed, ok := strings.CutSuffix(l, "\n"); ok && comment != "!" && r.IntN(3) == 0 { // properties keep trailing space
			l = trimmed + strings.Repeat(" ", 1+r.IntN(3)) + "\n"
		}
		b.WriteString(l)
	}
	return b.String()
}

func TestNoiseAndOrderLeaveNoTrace(t *testing.T) {
	for _, c := range []struct {
		name, path, comment, head string
		blocks                    []string // may stand in any order
	}{
		{"yaml", "/a.yaml", "#", "", []string{"a: 1\n", "b:\n  c: [1, 2]\n  d: x\n", "e:\n- name: x\n  v: 1\n- name: y\n", "f: 'q'\n"}},
		{"toml", "/a.toml", "#", "", []string{"[a]\nx = 1\ny = 2\n", "[b]\nz = [1, 2]\n", "[c.d]\ne = 'f'\n"}},
		{"php.ini", "/etc/php.ini", ";", "[PHP]\n", []string{"a = 1\n", "b = \"x ; y\"\n", "extension = c\n", "extension = d\n"}},
		{"my.cnf", "/etc/mysql/my.cnf", "#", "", []string{"[mysqld]\na = 1\nb-c = 2\n", "[client]\nport = 1\n", "[mysqld]\nd\n"}},
		{"unit", "/a.service", "#", "", []string{"[Unit]\nAfter=a\n", "[Service]\nExecStart=/a \\\n  b\n", "[Unit]\nAfter=b c\n", "[Install]\nWantedBy=x\n"}},
		{"properties", "/a.properties", "!", "", []string{"a.b = 1\n", "c : 2\n", "d e\n"}},
		{"dotenv", "/a.env", "#", "", []string{"A=1\n", "export B='x y'\n", "C=\"z\"\n"}},
		{"sshd", "/etc/ssh/sshd_config", "#", "", []string{"Port 22\n", "port 23\n", "UseDNS no\n", "AcceptEnv A B\n"}},
		{"sysctl", "/etc/sysctl.d/x.conf", ";", "", []string{"a.b = 1\n", "c/d = 2\n", "-e.f=3\n"}},
		{"crontab", "/etc/cron.d/x", "#", "MAILTO=a\n", []string{"1 * * * * root a\n", "2 * * * * root b\n", "@daily root a\n"}},
		{"nginx", "/etc/nginx/nginx.conf", "#", "", []string{"user www-data;\n", "http {\n  gzip on;\n  server {\n    listen 80;\n  }\n}\n", "events { }\n", "env A; env B;\n"}},
		{"hosts", "/etc/hosts", "#", "", []string{"::1 a b\n", "10.0.0.1 c\n", "::1 d\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			want := facts(t, c.path, c.head+strings.Join(c.blocks, ""))
			for range 30 {
				r.Shuffle(len(c.blocks), func(i, j int) { c.blocks[i], c.blocks[j] = c.blocks[j], c.blocks[i] })
				body := noise(r, c.comment, c.head+strings.Join(c.blocks, ""))
				if r.IntN(2) == 0 {
					body = strings.ReplaceAll(body, "\n", "\r\n")
				}
				if got := facts(t, c.path, body); !maps.Equal(got, want) {
					t.Fatalf("facts %v\nwant  %v\nof\n%s", got, want, body)
				}
			}
		})
	}
}
