package effective

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

var redactKey = keys.New()

func parse(output string) snapshot.Result {
	return New().Parse(snapshot.Input{Scope: "web", Sections: transport.Sections{"effective": {Output: []byte(output)}}, Redact: snapshot.NewRedactor(redactKey, nil)})
}

func facts(r snapshot.Result) map[string]string {
	m := map[string]string{}
	for _, f := range r.Facts {
		m[strings.TrimPrefix(f.Address.String(), "web:")] = f.Value.Display()
	}
	return m
}

// stat is a line of /proc/PID/stat of a process that started so many seconds after the boot.
func stat(pid, name, parent string, started string) string {
	return pid + " (" + name + ") S " + parent + " 1 1 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 1 0 " + started + "00 1 1 1\n"
}

func many(format string) string {
	var b strings.Builder
	for c := 'a'; c <= 'z'; c++ {
		b.WriteString(strings.ReplaceAll(format, "%", string(c)+"x"))
	}
	return b.String()
}

// answer is a host that booted at 1000 and whose processes started from 1100 on.
func answer() string {
	return "\n= clock\n1000\n100\n\n= running\n" + stat("20", "nginx", "1", "100") + stat("21", "nginx", "20", "200") + stat("22", "nginx", "20", "100") + stat("30", "sshd", "1", "100") +
		stat("31", "sshd", "30", "900") + stat("40", "php-fpm8.2", "1", "100") + stat("50", "mariadbd", "1", "100") +
		"\n= leaving\n22/cmdline\n" +
		"\n= sshd\n" + many("%opt no\n") + "port 22\nport 2222\npidfile /run/sshd.pid\n= status 0\n\n= sshd-pid\n30\n1500\n\n= sshd-files\n1501 /etc/ssh/sshd_config\n1600 /etc/ssh/sshd_config.d/x.conf\n" +
		"\n= nginx\n" + strings.Repeat("a", 64) + "  /etc/nginx/nginx.conf\n" + strings.Repeat("b", 64) + "  /etc/nginx/conf.d/a.conf\n= status 0\n" +
		"\n= nginx-files\n1150 /etc/nginx/nginx.conf\n1250 /etc/nginx/conf.d/a.conf\n" +
		"\n= php/cli\nPHP Version => 8.2\nDirective => Local Value => Master Value\n" + many("date.% => no value => no value\n") + "memory_limit => -1 => -1\nmysqli.default_pw => hunter2hunter2 => x\nerror_log => no value => no value\nopcache.enable => Off => Off\nsession.auto_start => Off => Off\nEnvironment\nA => B => C\n= status 0\n= php/cli-silenced\nerror_log=/var/log/one.log\nsession.auto_start=\"1\" ; on\nerror_log = /var/log/php.log ; two\nerror_log=/var/log/php.log ; three\n" +
		"\n= php/php-fpm8.2-pid\n40\n\n1300\n\n= php/php-fpm8.2\nDirective => Local Value => Master Value\n" + many("date.% => 1 => 1\n") + "= status 0\n\n= php/php-fpm8.2-files\n1290 /etc/php/8.2/fpm/php.ini\n" +
		"\n= mysqld\n--max-connections=100\n--max_connections=200\n--skip-name-resolve\n--replicate-do-db=a\n--replicate-do-db=b\n--password=s3cr3ts3cr3t\n= status 0\n\n= mysqld-files\n1101 /etc/mysql/a.cnf\n1200 /etc/mysql/b.cnf\n\n= end\n"
}

func TestWhatProgramsSay(t *testing.T) {
	r := parse(answer())
	got := facts(r)
	for a := range got {
		if strings.Contains(a, "xopt") || strings.Contains(a, "date.") || strings.Contains(a, "date%") {
			delete(got, a)
		}
	}
	for _, a := range []string{"effective/nginx/etc/nginx/nginx.conf#digest", "effective/nginx/etc/nginx/conf.d/a.conf#digest"} {
		if !strings.HasPrefix(got[a], "‹content:") {
			t.Errorf("%s is %q", a, got[a])
		}
		delete(got, a)
	}
	want := map[string]string{
		"effective/sshd#port": "[22, 2222]", "effective/sshd#pidfile": "/run/sshd.pid", "effective/sshd#stale": "[/etc/ssh/sshd_config.d/x.conf]",
		"effective/nginx#stale":          "[/etc/nginx/conf.d/a.conf]", // the worker of the last reload started at 1200; the older one is leaving
		"effective/php/cli#memory_limit": "-1", "effective/php/cli#error_log": "/var/log/php.log", "effective/php/cli#opcache.enable": "On", "effective/php/cli#session.auto_start": "On", "effective/php/cli#mysqli.default_pw": "‹secret›",
		"effective/mysqld#max_connections": "200", "effective/mysqld#skip_name_resolve": "on", "effective/mysqld#replicate_do_db": "[a, b]", "effective/mysqld#password": "‹secret›",
		"effective/mysqld#stale": "[/etc/mysql/b.cnf]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(r.Gaps) > 0 {
		t.Errorf("%+v", r.Gaps)
	}
}

// php-fpm without a pid file is judged by its workers, which it starts anew when it has read its files; two of them by none.
func TestWhatPHPHasNotRead(t *testing.T) {
	const name = "effective/php/php-fpm8.2#stale"
	answer := func(processes, pid, files string) string {
		return "= clock\n1000\n100\n= running\n" + processes + "\n= php/php-fpm8.2\nDirective => Local Value => Master Value\n" + many("date.% => 1 => 1\n") + "= status 0\n= php/php-fpm8.2-pid\n" + pid +
			"\n= php/php-fpm8.2-files\n" + files + "\n= end\n"
	}
	master, old, young := stat("40", "php-fpm8.2", "1", "100"), stat("41", "php-fpm8.2", "40", "300"), stat("42", "php-fpm8.2", "40", "900")
	for _, c := range []struct{ what, output, want string }{
		{"changed after the workers started", answer(master+old+young, "", "1400 /etc/php/8.2/fpm/pool.d/www.conf"), "[/etc/php/8.2/fpm/pool.d/www.conf]"},
		{"changed before", answer(master+old+young, "", "1200 /etc/php/8.2/fpm/pool.d/www.conf"), ""},
		{"its pid file counts", answer(master+old+young, "40\n\n1500", "1400 /etc/php/8.2/fpm/pool.d/www.conf"), ""},
		{"two of them", answer(master+old+stat("50", "php-fpm8.2", "1", "100"), "", "1400 /etc/php/8.2/fpm/pool.d/www.conf"), ""},
	} {
		if got := facts(parse(c.output))[name]; got != c.want {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}

func TestWhatProgramsRefuse(t *testing.T) {
	nginx := func(said string) string {
		return "= nginx\n" + strings.Repeat("a", 64) + "  /etc/nginx/nginx.conf\n= status 0\n= nginx-missing\n\n= nginx-test\n2026/11/28 08:20:29 [warn] 7#7: the \"user\" directive makes sense only if …, ignored in /etc/nginx/nginx.conf:1\n" +
			strings.ReplaceAll(said, "EMERG", "2026/11/28 08:20:29 [emerg] 7#7:") + "\nnginx: configuration file /etc/nginx/nginx.conf test failed\n= status 0\n= end\n"
	}
	const dir = "/etc/nginx/conf.d/"
	for name, c := range map[string]struct{ output, object, reason, place string }{
		"sshd":                  {"= sshd\n/etc/ssh/sshd_config: line 3: Bad configuration option: Prot\n= status 255\n= end\n", "sshd", "Bad configuration option: Prot", "/etc/ssh/sshd_config:3"},
		"sshd's argument":       {"= sshd\n/etc/ssh/sshd_config line 2: unsupported option \"hunter2\".\n= status 255\n= end\n", "sshd", "unsupported option", "/etc/ssh/sshd_config:2"},
		"sshd of another user":  {"= sshd\nsshd: no hostkeys available -- exiting.\n= status 1\n= end\n", "", "", ""},
		"nginx":                 {"= nginx\n" + strings.Repeat("a", 64) + "  /etc/nginx/nginx.conf\n= status missing\n= nginx-missing\n/etc/nginx/b.conf\n= end\n", "nginx", "it includes /etc/nginx/b.conf, which is not there", ""},
		"nginx of another user": {"= nginx\n= status unread\n= end\n", "", "", ""},
		"nginx is content":      {nginx("nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nEMERG open() \"/run/nginx.pid\" failed (13: Permission denied)"), "", "", ""},
		"an unknown directive":  {nginx("EMERG unknown directive \"prox_pass\" in " + dir + "a.conf:4"), "nginx", `unknown directive "prox_pass"`, dir + "a.conf:4"},
		"an unclosed brace":     {nginx("EMERG unexpected end of file, expecting \"}\" in " + dir + "a.conf:9"), "nginx", `unexpected end of file, expecting "}"`, dir + "a.conf:9"},
		"no semicolon":          {nginx("EMERG invalid number of arguments in \"root\" directive in " + dir + "a.conf:4"), "nginx", `invalid number of arguments in "root" directive`, dir + "a.conf:4"},
		"an upstream":           {nginx("EMERG host not found in upstream \"hunter2.example\" in " + dir + "a.conf:4"), "nginx", "host not found in upstream", dir + "a.conf:4"},
		"a secret":              {nginx("EMERG invalid value \"hunter2\" in \"autoindex\" directive, it must be \"on\" or \"off\" in " + dir + "a.conf:4"), "nginx", "an argument that it does not take", dir + "a.conf:4"},
		"a secret as directive": {nginx("EMERG unknown directive \"hunter2==\" in " + dir + "a.conf:4"), "nginx", "an argument that it does not take", dir + "a.conf:4"},
		"a certificate": {nginx(`EMERG cannot load certificate "/etc/ssl/shop.pem": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/etc/ssl/shop.pem, r))`),
			"nginx", "the certificate or key /etc/ssl/shop.pem is not there", ""},
		"what only root may":      {nginx("EMERG open() \"/etc/nginx/secret.conf\" failed (13: Permission denied) in /etc/nginx/nginx.conf:4"), "", "", ""},
		"too many server names":   {nginx("EMERG could not build server_names_hash, you should increase server_names_hash_bucket_size: 32"), "nginx", "could not build server_names_hash, you should increase server_names_hash_bucket_size", ""},
		"a key with a passphrase": {nginx(`EMERG cannot load certificate key "/etc/ssl/shop.key": PEM_read_bio_PrivateKey() failed (SSL: error:0700009F:configuration file routines::bad password read)`), "", "", ""},
		"PHP": {"= php/cli\nPHP:  syntax error, unexpected 'hunter2' in /etc/php/8.2/cli/conf.d/9.ini on line 2\nphpinfo()\n= status 0\n= end\n", "php/cli", "syntax error: PHP leaves out the rest of the file",
			"/etc/php/8.2/cli/conf.d/9.ini:2"},
		"mysqld": {"= mysqld\nerror: Found option without preceding group in config file: /etc/mysql/my.cnf at line: 1\nFatal error in defaults handling. Program aborted\n= status 1\n= end\n", "mysqld",
			"Found option without preceding group", "/etc/mysql/my.cnf:1"},
		"cut": {"= sshd\nport 22\n", "", "", ""},
	} {
		r := parse(c.output)
		got := [3]string{}
		for _, f := range r.Facts {
			if f.Address.Attribute == "refused" {
				text, _ := f.Value.Text()
				got = [3]string{f.Address.Name, text, f.Origin}
			}
		}
		if want := [3]string{c.object, c.reason, c.place}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		for _, f := range r.Facts {
			if strings.Contains(f.Value.Display(), "hunter2") {
				t.Errorf("%s: %s", name, f.Value.Display())
			}
		}
	}
}

// This machine's own programs are the oracle of what is read of them.
func TestThisMachine(t *testing.T) {
	tr := transport.Local()
	defer tr.Close()
	ss, err := tr.Fetch(context.Background(), New().Wants(snapshot.RoleSpec{}))
	if err != nil {
		t.Fatal(err)
	}
	got := facts(New().Parse(snapshot.Input{Scope: "web", Sections: ss, Redact: snapshot.NewRedactor(redactKey, nil)}))
	if out, err := exec.Command("/usr/sbin/sshd", "-T").Output(); err == nil {
		for line := range strings.Lines(string(out)) {
			if value, ok := strings.CutPrefix(line, "maxstartups "); ok && got["effective/sshd#maxstartups"] != strings.TrimSpace(value) {
				t.Errorf("sshd has maxstartups %s: %q", value, got["effective/sshd#maxstartups"])
			}
		}
	}
	if out, err := exec.Command("my_print_defaults", "--mysqld").Output(); err == nil && strings.Contains(string(out), "--bind-address=") && got["effective/mysqld#bind_address"] == "" {
		t.Errorf("my_print_defaults says\n%s, and nothing of it was read: %v", out, got)
	}
}

func fixtures(t testing.TB) []snapshottest.Fixture {
	return []snapshottest.Fixture{{Name: "running", Tree: snapshottest.Tree(t, map[string]string{"etc/passwd": ""}), Secrets: []string{"hunter2", "s3cr3t"},
		Answers: map[string]transport.Section{"effective": {Output: []byte(answer())}}}}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, New(), fixtures(t)...) }

func FuzzParse(f *testing.F) { snapshottest.Fuzz(f, New(), fixtures(f)...) }
