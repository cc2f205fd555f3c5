package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

func redactor(t testing.TB) *snapshot.Redactor {
	t.Helper()
	k, err := keys.Parse("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.NewRedactor(k, nil)
}

// collect runs the collector over files as a transport would hand them over.
func collect(t testing.TB, files ...transport.File) snapshot.Result {
	t.Helper()
	var globs []string
	for _, f := range files {
		globs = append(globs, f.Path)
	}
	return New().Parse(snapshot.Input{Scope: "web", Instance: "web1", Redact: redactor(t), Spec: snapshot.RoleSpec{Config: globs},
		Sections: transport.Sections{section: {Files: files}}})
}

func file(path, body string) transport.File {
	return transport.File{Path: path, Mode: 0o644, Size: int64(len(body)), Body: []byte(body)}
}

// facts are the attributes of one file with their values as JSON. The whole file's own fact
// is not among them; a gap fails the test.
func facts(t testing.TB, path, body string) map[string]string {
	t.Helper()
	res := collect(t, file(path, body))
	for _, g := range res.Gaps {
		t.Errorf("%s: gap: %s\n%s", path, g.Reason, body)
	}
	return attributes(t, res)
}

func attributes(t testing.TB, res snapshot.Result) map[string]string {
	t.Helper()
	out := map[string]string{}
	whole := false
	for _, f := range res.Facts {
		if _, err := snapshot.ParseAddress(f.Address.String()); err != nil {
			t.Errorf("address: %v", err)
		}
		if f.Address.Attribute == "" {
			whole = true
			continue
		}
		if _, twice := out[f.Address.Attribute]; twice {
			t.Errorf("%s is there twice", f.Address)
		}
		out[f.Address.Attribute] = f.Value.JSON()
	}
	if !whole && len(res.Gaps) == 0 {
		t.Error("nothing says that the file is there")
	}
	return out
}

// changes counts the addresses at which two sets of facts differ. Orders count only where items of both
// sides stand in another order, as in compare.
func changes(a, b map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(a)) {
		switch v, ok := b[k]; {
		case strings.HasSuffix(k, orderSuffix):
			if ok && reordered(a[k], v) {
				out = append(out, k)
			}
		case !ok:
			out = append(out, "-"+k)
		case a[k] != v:
			out = append(out, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[k]; !ok && !strings.HasSuffix(k, orderSuffix) {
			out = append(out, "+"+k)
		}
	}
	return out
}

func reordered(a, b string) bool {
	x, _ := snapshot.ParseValue([]byte(a))
	y, _ := snapshot.ParseValue([]byte(b))
	common := func(of, in []snapshot.Value) []snapshot.Value {
		return slices.DeleteFunc(of, func(v snapshot.Value) bool { return !slices.Contains(in, v) })
	}
	return !slices.Equal(common(x.Items(), y.Items()), common(y.Items(), x.Items()))
}

func expect(t *testing.T, path, body string, want map[string]string) {
	t.Helper()
	got := facts(t, path, body)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			t.Errorf("%s#%s is %s, want %s", path, k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			t.Errorf("%s#%s = %s is not expected", path, k, got[k])
		}
	}
}

const shop = "server 80 a%2Eexample,b%2Eexample."

func TestFactsOfEachFormat(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		want             map[string]string
	}{
		{"yaml", "/srv/app/app.yaml", "db:\n  host: db1.example # primary\n  port: 5432\n  tls: True\ntags: [a, b]\nempty: {}\nnone:\nmode: 0644\nanswer: yes\n", map[string]string{
			"db.host": `"db1.example"`, "db.port": "5432", "db.tls": "true", "tags": `["a","b"]`, "empty": "[]", "none": "null", "mode": `"0644"`, "answer": `"yes"`}},
		{"yaml with anchors and merge keys", "/a.yml", "base: &b {x: 1, y: 2}\nprod:\n  <<: *b\n  y: 3\n", map[string]string{
			"base.x": "1", "base.y": "2", "prod.x": "1", "prod.y": "3"}},
		{"yaml list of mappings", "/a.yml", "servers:\n- name: web1.example\n  port: 80\n- name: web2\n  port: 81\n", map[string]string{
			"servers.web1%2Eexample.name": `"web1.example"`, "servers.web1%2Eexample.port": "80", "servers.web2.name": `"web2"`, "servers.web2.port": "81",
			"servers.@order": `["web1.example","web2"]`}},
		{"yaml documents of kubernetes", "/a.yml", "kind: A\nmetadata: {name: x}\n---\nkind: B\nmetadata: {name: x}\n---\n", map[string]string{
			"A/x.kind": `"A"`, "A/x.metadata.name": `"x"`, "B/x.kind": `"B"`, "B/x.metadata.name": `"x"`}},
		{"yaml custom tags", "/a.yml", "--- !ruby/object:Report\nx: !env HOME\nl: !join [a]\n", map[string]string{
			"!tag": `"!ruby/object:Report"`, "x": `"!env HOME"`, "l.!tag": `"!join"`, "l.items": `["a"]`}},
		{"yaml scalar file", "/a.yml", "hello\n", map[string]string{"$": `"hello"`}},
		{"json", "/a.json", `{"a": {"b.c": 1.0, "d": [1, 2]}, "e": 1e3, "f": null, "big": 12345678901234567890}`, map[string]string{
			"a.b%2Ec": "1", "a.d": "[1,2]", "e": "1000", "f": "null", "big": `"12345678901234567890"`}},
		{"toml", "/a.toml", "title = 'x'\n[owner]\ndob = 1979-05-27T07:32:00Z\n[[srv]]\nname = 'a'\nip = 1\n[[srv]]\nname = 'b'\nip = 2\n", map[string]string{
			"title": `"x"`, "owner.dob": `"1979-05-27T07:32:00Z"`, "srv.a.name": `"a"`, "srv.a.ip": "1", "srv.b.name": `"b"`, "srv.b.ip": "2", "srv.@order": `["a","b"]`}},
		{"php.ini", "/etc/php/8.2/fpm/php.ini", "[PHP]\nengine = On\nmemory_limit = 128M ; enough\nextension=gd.so\nextension=curl\nerror_log = \"/var/log/php;x.log\"\n[Date]\ndate.timezone = UTC\n" +
			"[HOST=www.example]\ndisplay_errors = 0\n", map[string]string{
			"PHP.engine": "true", "PHP.memory_limit": `"128M"`, "PHP.extension": `["curl","gd"]`, "PHP.error_log": `"/var/log/php;x.log"`, "Date.date%2Etimezone": `"UTC"`,
			"HOST=www%2Eexample.display_errors": `"0"`}},
		{"php-fpm pool", "/etc/php/8.2/fpm/pool.d/www.conf", "[www]\npm.max_children = 50\nphp_admin_value[memory_limit] = 256M\nenv[DB_PASSWORD] = Zq7pTr9vWx2k\n", map[string]string{
			"www.pm%2Emax_children": `"50"`, "www.php_admin_value.memory_limit": `"256M"`, "www.env.DB_PASSWORD": secretJSON(t, "Zq7pTr9vWx2k")}},
		{"my.cnf", "/etc/mysql/my.cnf", "!includedir /etc/mysql/conf.d/\n[mysqld]\nmax-connections = 100 # few\ninnodb_buffer_pool_size=134217728\nskip-name-resolve\nmax_connections = 200\nread_only=1\n", map[string]string{
			"!includedir": `"/etc/mysql/conf.d/"`, "mysqld.max_connections": `"200"`, "mysqld.innodb_buffer_pool_size": `"128M"`, "mysqld.skip_name_resolve": "true", "mysqld.read_only": "true"}},
		{"systemd unit", "/etc/systemd/system/app.service", "[Unit]\nAfter=b.target a.target\nAfter=c.target\n[Service]\nType=simple\nExecStart=/usr/bin/app \\\n  # comment\n  --x  1\nExecStartPre=/a\nExecStartPre=/b\nEnvironment=\"A=1 2\" TOKEN=Zq7pTr9vWx2k\nRestart=yes\n", map[string]string{
			"Unit.After": `["a.target","b.target","c.target"]`, "Service.Type": `"simple"`, "Service.ExecStart": `"/usr/bin/app --x 1"`, "Service.ExecStartPre": `["/a","/b"]`,
			"Service.Environment.A": `"1 2"`, "Service.Environment.TOKEN": secretJSON(t, "Zq7pTr9vWx2k"), "Service.Restart": "true"}},
		{"systemd drop-in", "/etc/systemd/system/app.service.d/x.conf", "[Service]\nExecStart=\nExecStart=/b\n", map[string]string{"Service.ExecStart": `["","/b"]`}},
		{"ini", "/srv/app.ini", "top = 1\n[a.b]\nx: y ; not a comment\nlist = 1\nlist = 2\nlong =\n  one\n  two\n", map[string]string{
			"top": `"1"`, "a%2Eb.x": `"y ; not a comment"`, "a%2Eb.list": `["1","2"]`, "a%2Eb.long": `"one two"`}},
		{"properties", "/srv/app.properties", "a.b.c = 1\nd\\ e : x\\\n   y\n! comment\nu=\\u00e9\na.b.c=2\n", map[string]string{"a.b.c": `"2"`, "d e": `"xy"`, "u": `"é"`}},
		{"dotenv", "/srv/app/.env", "export A=1 # one\nB='x # y'\nC=\"l1\\nl2\"\nD=\"a\nb\"\nE=$A\nF=\n", map[string]string{
			"A": `"1"`, "B": `"x # y"`, "C": `"l1\nl2"`, "D": `"a\nb"`, "E": `"$A"`, "F": `""`}},
		{"sshd_config", "/etc/ssh/sshd_config", "port 22\nPort 2222\npermitrootlogin without-password\nPermitRootLogin yes\nAllowUsers bob alice\nSubsystem sftp /usr/lib/sftp\nInclude /etc/ssh/sshd_config.d/*.conf\nLoginGraceTime 2m\n" +
			"match user git address 10.0.0.0/8\n  x11forwarding no\n", map[string]string{
			"Port": `["22","2222"]`, "PermitRootLogin": `"prohibit-password"`, "AllowUsers": `["alice","bob"]`, "Subsystem.sftp": `"/usr/lib/sftp"`,
			"Include": `"/etc/ssh/sshd_config.d/*.conf"`, "LoginGraceTime": `"120"`, "Match Address 10%2E0%2E0%2E0/8 User git.X11Forwarding": `"no"`,
			"Match@order": `["Match Address 10.0.0.0/8 User git"]`}},
		{"sysctl", "/etc/sysctl.d/99.conf", "net/ipv4/ip_forward=1\n-vm.swappiness = 10\nnet.ipv4.tcp_rmem = 4096\t87380  6291456\nnet/ipv4/conf/eth0.1/rp_filter=2\n", map[string]string{
			"net.ipv4.ip_forward": `"1"`, "vm.swappiness": `"10"`, "net.ipv4.tcp_rmem": `"4096 87380 6291456"`, "net.ipv4.conf.eth0/1.rp_filter": `"2"`}},
		{"fstab", "/etc/fstab", "UUID=1 / ext4 noatime,errors=remount-ro 0 1\n/dev/b none swap sw\n", map[string]string{
			"/.device": `"UUID=1"`, "/.type": `"ext4"`, "/.options": `["errors=remount-ro","noatime"]`, "/.dump": `"0"`, "/.pass": `"1"`,
			"/dev/b.device": `"/dev/b"`, "/dev/b.type": `"swap"`, "/dev/b.options": `["sw"]`, "/dev/b.dump": `"0"`, "/dev/b.pass": `"0"`}},
		{"one line", "/etc/hostname", "web1\n", map[string]string{"$": `"web1"`}},
		{"a name that nginx and systemd share with others", "/etc/nginx/conf.d/limits.conf", "keepalive_timeout 5;\n", map[string]string{"keepalive_timeout": `"5s"`}},
		{"yaml list of which some items have names", "/a.yaml", "l: [{name: a, v: 1}, {name: a, v: 2}, {name: b}]\n", map[string]string{
			"l.{eb0f031113}.name": `"a"`, "l.{eb0f031113}.v": "1", "l.{4108b340e6}.name": `"a"`, "l.{4108b340e6}.v": "2", "l.b.name": `"b"`,
			"l.@order": `["{eb0f031113}","{4108b340e6}","b"]`}},
		{"limits", "/etc/security/limits.conf", "www-data soft nofile 4096\n", map[string]string{"www-data.soft.nofile": `"4096"`}},
		{"hosts", "/etc/hosts", "127.0.0.1 localhost\n10.0.0.1 db1.example db1 # x\n", map[string]string{"127%2E0%2E0%2E1": `"localhost"`, "10%2E0%2E0%2E1": `["db1","db1.example"]`}},
		{"postgresql.conf", "/etc/postgresql/17/main/postgresql.conf", "Shared_Buffers = 128MB # x\nlog_line_prefix = '%m # [%p] ''q'''\nfsync on\n", map[string]string{
			"shared_buffers": `"128MB"`, "log_line_prefix": `"%m # [%p] 'q'"`, "fsync": "true"}},
		{"pg_hba", "/etc/postgresql/17/main/pg_hba.conf", "local all  all peer\nhost all all 0/0 md5\n", map[string]string{"records": `["local all all peer","host all all 0/0 md5"]`}},
		{"crontab", "/etc/cron.d/app", "MAILTO=\"\"\n17 03 * * SUN root  /usr/bin/backup.sh --all\n@daily www-data php /srv/x.php\n", map[string]string{
			"MAILTO": `""`, "root /usr/bin/backup%2Esh --all": `"17 3 * * 0"`, "www-data php /srv/x%2Ephp": `"0 0 * * *"`}},
		{"user crontab", "/var/spool/cron/crontabs/root", "*/5 * * * * /bin/x\n0 1 * * * /bin/x\n", map[string]string{"/bin/x": `["*/5 * * * *","0 1 * * *"]`}},
		{"nginx", "/etc/nginx/sites-enabled/shop", `
upstream app { server 10.0.0.2:80 weight=2; server 10.0.0.1:80; }
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
server {
  listen *:80 default_server; server_name b.example A.example; # names
  client_max_body_size 10M; keepalive_timeout 65;
  allow 10.0.0.0/8; deny all;
  location /api { proxy_pass http://app; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; }
  location ~ \.php$ { fastcgi_pass unix:/run/php.sock; }
  location ~* \.png$ { }
  rewrite ^/old/(.*)$ /new/$1 permanent;
  content_by_lua_block { -- hello {
    ngx.say("}") }
}`, map[string]string{
			"upstream app.server.10%2E0%2E0%2E1%3A80": `""`, "upstream app.server.10%2E0%2E0%2E2%3A80": `"weight=2"`,
			"map $http_upgrade $connection_upgrade.default": `"upgrade"`, `map $http_upgrade $connection_upgrade.""`: `"close"`,
			shop + "listen.80": `"default_server"`, shop + "server_name": `["a.example","b.example"]`, shop + "client_max_body_size": `"10m"`, shop + "keepalive_timeout": `"65s"`,
			shop + "allow/deny": `["allow 10.0.0.0/8","deny all"]`, shop + "location /api.proxy_pass": `"http://app"`, shop + "location /api.proxy_set_header.Host": `"$host"`,
			shop + "location /api.proxy_set_header.X-Real-IP": `"$remote_addr"`, shop + `location ~ \%2Ephp$.fastcgi_pass`: `"unix:/run/php.sock"`,
			shop + `location ~%2A \%2Epng$`: "[]", shop + "location@order": `["location ~ \\.php$","location ~* \\.png$"]`, shop + "rewrite.^/old/(%2E%2A)$": `"/new/$1 permanent"`,
			shop + "rewrite@order": `["rewrite ^/old/(.*)$"]`, shop + "content_by_lua_block": `"ngx.say(\"}\")"`}},
		{"xml", "/a.xml", `<?xml version="1.0"?><!-- c --><configuration><appSettings><add key="Mode" value="fast"/><add key="DbPassword" value="Zq7pTr9vWx2k"/></appSettings>` +
			`<port>80</port><host>a</host><host>b</host></configuration>`, map[string]string{
			"configuration.appSettings.add.Mode.@key": `"Mode"`, "configuration.appSettings.add.Mode.@value": `"fast"`, "configuration.appSettings.add.DbPassword.@key": `"DbPassword"`,
			"configuration.appSettings.add.DbPassword.@value": secretJSON(t, "Zq7pTr9vWx2k"), "configuration.appSettings.add.@order": `["Mode","DbPassword"]`,
			"configuration.port": `"80"`, "configuration.host": `["a","b"]`}},
		{"key value", "/etc/redis/redis.conf", "# redis\nbind 127.0.0.1\nsave 900 1\nsave 300 10\nrequirepass Zq7pTr9vWx2k\n", map[string]string{
			"bind": `"127.0.0.1"`, "save": `["900 1","300 10"]`, "requirepass": secretJSON(t, "Zq7pTr9vWx2k")}},
		{"rsyslog", "/etc/rsyslog.d/remote.conf", "module(load=\"imuxsock\" # x\n  Foo=\"1\")\n$FileOwner root\n*.info;authpriv.none @@log1.example:514\n& stop\naction(type=\"omfwd\" target=\"log1.example\")\n", map[string]string{
			"module imuxsock.load": `"imuxsock"`, "module imuxsock.foo": `"1"`, "$FileOwner": `"root"`, "%2A%2Einfo;authpriv%2Enone": `["@@log1.example:514","stop"]`,
			"action omfwd.type": `"omfwd"`, "action omfwd.target": `"log1.example"`}},
		{"rsyslog with a condition", "/etc/rsyslog.d/x.conf", "if $msg contains 'x' then {\n stop\n}\n", map[string]string{"@digest": digestJSON(t, "if $msg contains 'x' then {\n stop\n}\n")}},
		{"logrotate", "/etc/logrotate.d/x", "weekly\n/var/log/b /var/log/a {\n  rotate 4\n  missingok\n  postrotate\n    kill x\n  endscript\n}\n", map[string]string{
			"weekly": "true", "/var/log/a /var/log/b.rotate": `"4"`, "/var/log/a /var/log/b.missingok": "true", "/var/log/a /var/log/b.postrotate": `"kill x"`}},
		{"haproxy", "/etc/haproxy/haproxy.cfg", "global\n  daemon\nbackend app # x\n  server a 10.0.0.1:80 check\n  http-request deny if a\n  http-request allow\n", map[string]string{
			"global.daemon": "true", "backend app.server.a": `"10.0.0.1:80 check"`, "backend app.http-request": `["deny if a","allow"]`}},
		{"collectd", "/etc/collectd/collectd.conf", "LoadPlugin df # x\n<LoadPlugin \"curl_json\">\n Interval 60\n</LoadPlugin>\n<plugin curl_json>\n <URL \"http://u:Zq7pTr9vWx2k@h.example/s\">\n  Instance shop\n" +
			"  <Key \"a/*/b\">\n   Type \"gauge\"\n  </Key>\n </URL>\n</Plugin>\n<Plugin df>\n FSType rootfs\n FSType ext4\n Password Zq7pTr9vWx2k\n</Plugin>\n", map[string]string{
			"LoadPlugin": `["curl_json","df"]`, "LoadPlugin curl_json.Interval": "60", "Plugin.curl_json.URL.http%3A//u%3A‹secret›@h%2Eexample/s.Instance": `"shop"`,
			"Plugin.curl_json.URL.http%3A//u%3A‹secret›@h%2Eexample/s.Key.a/%2A/b.Type": `"gauge"`, "Plugin.df.FSType": `["ext4","rootfs"]`, "Plugin.df.Password": secretJSON(t, "Zq7pTr9vWx2k")}},
		{"key value with flags", "/etc/chrony/chrony.conf", "pool x iburst\nrtcsync\n", map[string]string{"pool": `"x iburst"`, "rtcsync": "true"}},
		{"comments of an unknown format", "/etc/x.conf", "# a\n\n", map[string]string{}},
		{"an empty file", "/a.yaml", "", map[string]string{}},
		{"comments alone", "/etc/php/8.2/fpm/conf.d/x.ini", "; nothing\n", map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, c.path, c.body, c.want)
		})
	}
}

func digestJSON(t testing.TB, body string) string {
	return redactor(t).Content([]byte(body)).JSON()
}

func secretJSON(t testing.TB, text string) string { return redactor(t).Secret(text).JSON() }
