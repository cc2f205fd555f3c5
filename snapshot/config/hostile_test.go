package config

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

func TestMalformedFilesAreGapsWithTheirPlace(t *testing.T) {
	const private = "Zq7pTr9vWx2k"
	for _, c := range []struct{ name, path, body, place string }{
		{"yaml", "/a.yaml", "a: 1\nb: [" + private + "\nc: 2\n", "line "},
		{"yaml anchor", "/a.yaml", "a: *" + private + "\n", "malformed YAML"},
		{"yaml invalid UTF-8", "/a.yaml", "a: \xff\xfe" + private + "\n", "malformed YAML"},
		{"json", "/a.json", "{\"a\": 1,\n \"b\": " + private + "}", "line 2, column 7"},
		{"json with more behind it", "/a.json", "{} {}", "line 1"},
		{"json cut short", "/a.json", `{"a": "` + private, "malformed JSON"},
		{"toml", "/a.toml", "a = 1\nb = " + private + "\n", "line 2"},
		{"xml", "/a.xml", "<a>\n<b>" + private + "</a>", "line 2"},
		{"xml entities", "/a.xml", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`, "malformed XML"},
		{"nginx brace", "/etc/nginx/nginx.conf", "http {\n server {\n listen " + private + ";\n", "not closed"},
		{"nginx semicolon", "/etc/nginx/nginx.conf", "user www-data\n", "line 1"},
		{"crontab", "/etc/cron.d/x", "hello " + private + "\n", "line 1"},
		{"unit", "/a.service", "[Unit]\n" + private + "\n", "line 2"},
		{"dotenv", "/srv/.env", "A=1\nB='" + private + "\n", "line 2"},
		{"php.ini", "/etc/php.ini", "[PHP\n" + private + " = 1\n", "line 1"},
		{"sshd", "/etc/ssh/sshd_config", "Banner \"" + private + "\n", "line 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := collect(t, file(c.path, c.body))
			if len(res.Gaps) != 1 || !strings.Contains(res.Gaps[0].Reason, c.place) {
				t.Fatalf("gaps: %+v, want one at %s", res.Gaps, c.place)
			}
			if len(res.Facts) != 0 {
				t.Errorf("facts of a file that is a gap: %v", res.Facts)
			}
			if s := res.Gaps[0].Reason + res.Gaps[0].Hint; strings.Contains(s, private) {
				t.Errorf("the gap quotes the file: %s", s)
			}
		})
	}
}

func TestWhatIsNotParsedIsDigested(t *testing.T) {
	for _, c := range []struct{ name, path, body string }{
		{"a script", "/etc/cron.daily/x", "#!/bin/sh\necho\n"},
		{"a template", "/srv/app.yaml.j2", "a: {{ b }}\n"},
		{"a template without its suffix", "/srv/app.yaml", "a: {{ b }}\nc: {% if x %}\n"},
		{"binary", "/srv/app.yaml", "a: \x00\x01\x02"},
		{"half a character of UTF-16", "/srv/app.ini", "\xff\xfea"},
		{"a large file of no format", "/usr/bin/tool", strings.Repeat("x ", maxParsed)},
		{"prose", "/etc/motd", "Welcome (to the shop)!\n"},
		{"a certificate", "/etc/ssl/x.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := facts(t, c.path, c.body)
			if len(got) != 1 || got[digestFact] == "" {
				t.Errorf("facts: %v, want a digest", got)
			}
		})
	}
}

func TestAPrivateKeyIsASecret(t *testing.T) {
	got := facts(t, "/etc/ssl/private/x.pem", "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n")
	if len(got) != 1 || !strings.HasPrefix(got[keyFact], `{"secret":`) {
		t.Errorf("facts: %v", got)
	}
}

func TestFilesThatCannotBeReadAreGaps(t *testing.T) {
	for _, p := range []transport.Problem{transport.Denied, transport.TooLarge, transport.Outside, transport.Loop, transport.Special, transport.Failed} {
		res := collect(t, transport.File{Path: "/etc/x.conf", Problem: p, Detail: "detail"})
		if len(res.Gaps) != 1 || len(res.Facts) != 0 || res.Gaps[0].Address.String() != "web:config/etc/x.conf" || res.Gaps[0].Hint == "" {
			t.Errorf("%s: %+v %v", p, res.Gaps, res.Facts)
		}
	}
	res := collect(t, transport.File{Path: "/etc/nginx/private", Mode: fs.ModeDir, Problem: transport.Denied})
	if len(res.Gaps) != 1 || !slices.Contains(res.Gaps[0].Covers, "config/etc/nginx/private/*") {
		t.Errorf("a directory that is not readable: %+v", res.Gaps)
	}
	if res := collect(t, transport.File{Path: "/etc/x.conf", Problem: transport.NotFound}, transport.File{Path: "/etc/d", Mode: fs.ModeDir}); len(res.Gaps)+len(res.Facts) > 0 {
		t.Errorf("what is not there: %+v", res)
	}
}

func TestASectionThatIsNotWholeIsAGap(t *testing.T) {
	in := snapshot.Input{Scope: "web", Redact: redactor(t), Spec: snapshot.RoleSpec{Config: []string{"/etc/*"}}}
	for name, s := range map[string]transport.Sections{
		"not fetched": {}, "too many": {section: {Problem: transport.TooMany, Files: []transport.File{file("/etc/a.ini", "a=1\n")}}}, "denied": {section: {Problem: transport.Denied}},
	} {
		in.Sections = s
		res := New().Parse(in)
		if len(res.Gaps) != 1 || !slices.Contains(res.Gaps[0].Covers, "config/etc/*") {
			t.Errorf("%s: %+v", name, res.Gaps)
		}
	}
	if res := New().Parse(snapshot.Input{Scope: "web", Redact: redactor(t)}); res.Looked == nil || len(res.Looked)+len(res.Gaps)+len(res.Facts) > 0 {
		t.Errorf("a role without configuration: %+v", res)
	}
}

func TestLinks(t *testing.T) {
	linked := file("/etc/nginx/sites-enabled/shop", "server { listen 80; }")
	linked.Target = "../sites-available/shop"
	if got := attributes(t, collect(t, linked)); got["server 80.listen.80"] == "" {
		t.Errorf("a link is captured by its name with its target's content: %v", got)
	}
	for name, f := range map[string]transport.File{
		"dangling":    {Path: "/etc/x.conf", Target: "gone", Mode: fs.ModeSymlink, Problem: transport.NotFound},
		"masked unit": {Path: "/etc/systemd/system/x.service", Target: "/dev/null", Problem: transport.Special},
	} {
		res := collect(t, f)
		if got := attributes(t, res); len(res.Gaps) > 0 || got[linkFact] == "" {
			t.Errorf("%s: %v %v", name, got, res.Gaps)
		}
	}
}

func TestLookedSaysWhichAddressesWereLookedAt(t *testing.T) {
	for glob, want := range map[string][]string{
		"/etc/nginx/*":        {"config/etc/nginx/*"},
		"/etc/php/**/*.ini":   {"config/etc/php/*.ini", "config/etc/php/*.ini#*"},
		"/etc/hosts":          {"config/etc/hosts", "config/etc/hosts#*"},
		"/srv/a?[xy].conf":    {"config/srv/a*.conf", "config/srv/a*.conf#*"},
		"/srv/50%/a#b":        {"config/srv/50%25/a%23b", "config/srv/50%25/a%23b#*"},
		`/srv/\*.conf`:        {"config/srv/%2A.conf", "config/srv/%2A.conf#*"},
		"/srv/**":             {"config/srv/*"},
		"/srv/[open":          {"config/srv/[open", "config/srv/[open#*"},
		"/srv/Über/*.y[a]?ml": {"config/srv/Über/*.y*ml", "config/srv/Über/*.y*ml#*"},
	} {
		if got := looked([]string{glob}); !slices.Equal(got, want) {
			t.Errorf("%s: looked at %q, want %q", glob, got, want)
		}
	}
}

func TestLimitsAreGaps(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [{v: *" + p + "},{v: *" + p + "},{v: *" + p + "},{v: *" + p + "},{v: *" + p + "},{v: *" + p + "},{v: *" + p + "},{v: *" + p + "}]\n"
	}
	deep := strings.Repeat("[", 5000)
	for _, c := range []struct{ name, path, body, reason string }{
		{"billion laughs", "/a.yaml", bomb, "entries"},
		{"an anchor that holds itself", "/a.yaml", "a: &a [*a, *a]\n", "deeper"},
		{"deep json", "/a.json", deep + "1" + strings.Repeat("]", 5000), "deeper"},
		{"deep json of nameless items", "/a.json", strings.Repeat("[{},", 90) + "1" + strings.Repeat("]", 90), ""},
		{"deep toml", "/a.toml", "a = " + deep + strings.Repeat("]", 5000), "deeper"},
		{"deep nginx", "/etc/nginx/nginx.conf", strings.Repeat("a {", 5000) + strings.Repeat("}", 5000), "deeper"},
		{"deep xml", "/a.xml", strings.Repeat("<a>", 5000) + strings.Repeat("</a>", 5000), "deeper"},
		{"many items in items", "/a.json", strings.Repeat("[", 90) + strings.Repeat("{},", 40000) + "1" + strings.Repeat("]", 90), "entries"},
		{"many keys", "/a.ini", strings.Repeat("a=1\n", 60000), "entries"},
		{"a large file", "/a.yaml", "a: 1\n" + strings.Repeat("#", maxParsed), "bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			res := collect(t, file(c.path, c.body))
			if took := time.Since(start); took > 30*time.Second { // it is well below a second on a machine of one's own
				t.Errorf("took %s", took)
			}
			if c.reason == "" {
				if len(res.Gaps) > 0 {
					t.Errorf("gaps: %+v", res.Gaps)
				}
				return
			}
			if len(res.Gaps) != 1 || !strings.Contains(res.Gaps[0].Reason, c.reason) || len(res.Facts) > 0 {
				t.Errorf("gaps: %+v, %d facts", res.Gaps, len(res.Facts))
			}
		})
	}
}

func TestNamesWithEscapeCodesAreEscaped(t *testing.T) {
	res := collect(t, file("/etc/\x1b[31m#x*.ini", "[\x1b[31mx\x07]\na\x1b[2J = b\x1b\n"))
	for _, f := range res.Facts {
		if strings.ContainsRune(f.Address.String(), 0x1b) || strings.ContainsRune(f.Value.JSON(), 0x1b) {
			t.Errorf("%q = %q", f.Address, f.Value.JSON())
		}
	}
	if len(res.Facts) != 2 || len(res.Gaps) != 0 {
		t.Errorf("%+v", res)
	}
}

func TestNoSecretReachesAFact(t *testing.T) {
	const secret = "Zq7pTr9vWx2k"
	for path, body := range map[string]string{
		"/a.yaml":               "db: {password: " + secret + "}\nurl: postgres://u:" + secret + "@h.example/d\nenv:\n- {name: API_KEY, value: " + secret + "}\nl:\n- {x: 1, token: " + secret + "}\n- [{secret: " + secret + "}]\ntokens: {ci: " + secret + "}\n",
		"/k8s.yaml":             "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {login: " + secret + "}\n",
		"/a.json":               `{"clientSecret": "` + secret + `", "args": ["--password=` + secret + `"]}`,
		"/a.toml":               "api_key = '" + secret + "'\n",
		"/a.xml":                `<a><password>` + secret + `</password><p name="db.password">` + secret + `</p><i key="Secret" value="` + secret + `"/></a>`,
		"/etc/php.ini":          "mysqli.default_pw_secret = \"" + secret + "\"\n",
		"/etc/mysql/my.cnf":     "[client]\npassword=" + secret + "\n",
		"/a.service":            "[Service]\nExecStart=/x --token=" + secret + "\nEnvironment=DB_PASSWORD=" + secret + "\n",
		"/a.properties":         "spring.datasource.password=" + secret + "\n",
		"/srv/.env":             "DATABASE_URL=mysql://u:" + secret + "@h/d\nSECRET_KEY=" + secret + "\n",
		"/etc/cron.d/x":         "MYSQL_PWD=" + secret + "\n1 * * * * root mysqldump -u root -p" + secret + " shop | curl -u x:" + secret + " https://h.example/\n",
		"/etc/nginx/nginx.conf": "proxy_set_header Authorization \"Bearer " + secret + "\"; fastcgi_param DB_PASSWORD " + secret + "; set $api_key " + secret + "; location /?token=" + secret + " { return 200 \"password=" + secret + "\"; }",
		"/etc/redis.conf":       "requirepass " + secret + "\n",
		"/etc/unknown.xyz":      "password is " + secret + "\n",
		"/etc/ssh/sshd_config":  "SetEnv API_TOKEN=" + secret + "\n",
	} {
		res := collect(t, file(path, body))
		for _, f := range res.Facts {
			if strings.Contains(f.Address.String()+f.Value.JSON()+f.Origin, secret) {
				t.Errorf("%s = %s", f.Address, f.Value.JSON())
			}
		}
		if len(res.Gaps) > 0 {
			t.Errorf("%s: %+v", path, res.Gaps)
		}
	}
}
