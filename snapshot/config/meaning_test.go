package config

import (
	"maps"
	"testing"
)

func TestEquivalentSpellingsAreEqual(t *testing.T) {
	for _, c := range []struct{ name, path, a, b string }{
		{"yaml comments, order and style", "/a.yaml", "a: 1 # x\nb: {c: [x, y]}\n", "# hello\nb:\n  c:\n    - 'x'\n    - \"y\"\n\na: 0x1\n"},
		{"yaml anchors", "/a.yaml", "a: &x {p: 1}\nb: *x\n", "a: {p: 1}\nb: {p: 1}\n"},
		{"yaml CRLF, BOM and document marks", "/a.yaml", "a: 1\nb: x\n", "\uFEFF---\r\na: 1\r\nb: x\r\n...\r\n"},
		{"yaml null spellings", "/a.yaml", "a: ~\nb: null\n", "a:\nb: NULL\n"},
		{"json white space, order, numbers", "/a.json", `{"a":1.50,"b":[1,2]}`, "{\n \"b\": [1.0, 2],\n \"a\": 1.5}\n"},
		{"json escapes", "/a.json", `{"a":"\u00e9\/"}`, `{"a":"é/"}`},
		{"toml tables", "/a.toml", "[a]\nb = 1_000\nc = 'x'\n", "a.c = \"x\" # y\na.b = 0x3e8\n"},
		{"php.ini booleans and comments", "/etc/php.ini", "[PHP]\nlog_errors=On\nmemory_limit=128M\nextension=b\nextension=a\n", "; c\n[PHP]\nextension = a.so\nextension = b ; z\nmemory_limit = 131072K\nlog_errors = 1\n"},
		{"php.ini last value", "/etc/php.ini", "[PHP]\nprecision=14\n", "[PHP]\nprecision=17\nprecision = 14\n"},
		{"my.cnf names, sizes and flags", "/etc/mysql/my.cnf", "[mysqld]\nmax-connections=5\nskip-networking\ntmp_table_size=64M\nsql_mode=\"A,B\"\n",
			"[mysqld]\nTMP-TABLE-SIZE = 67108864\nmax_connections = 7\n# c\nmax_connections=5 # five\nskip_networking=ON\nsql-mode='A,B'\n"},
		{"unit order, continuation and sets", "/a.service", "[Unit]\nAfter=a b\n[Service]\nExecStart=/x --y\nPrivateTmp=yes\n", "[Service]\nPrivateTmp=true\nExecStart=/x \\\n   --y\n; c\n[Unit]\nAfter=b\nAfter=a\n"},
		{"unit resets", "/a.service", "[Service]\nExecStart=/b\nEnvironment=B=2\n", "[Service]\nExecStart=/a\nExecStart=\nExecStart=/b\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2\n"},
		{"properties separators", "/a.properties", "a.b=c d\n", "# x\n\na.b : c \\\n    d\n"},
		{"dotenv quotes and export", "/a.env", "A=x y\nB=1\n", "# c\nB=1\nexport A=\"x y\"   # d\n"},
		{"sshd case, duplicates and separators", "/etc/ssh/sshd_config", "Port 22\nUseDNS no\nAllowUsers a b\nMatch User git\n UseDNS yes\n", "useDNS=no\nusedns yes\nPORT 22\nallowusers b\nAllowUsers \"a\" # c\nmatch user git\n\tusedns YES\n"},
		{"sshd former names", "/etc/ssh/sshd_config", "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n", "ChallengeResponseAuthentication no\nPermitRootLogin without-password\n"},
		{"sysctl separators and order", "/etc/sysctl.conf", "vm.swappiness=1\nnet.core.somaxconn=2\n", "# c\nnet/core/somaxconn = 2\n-vm.swappiness = 5\nvm.swappiness =  1\n"},
		{"crontab spellings", "/etc/crontab", "@daily root /x\n5 1 * * 0 root /y z\n", "# c\n05 01 * * sun root   /y z\n0 0 */1 * *\troot /x\n"},
		{"nginx layout and order", "/etc/nginx/nginx.conf", "http { gzip on; server { listen 80; server_name a b; location /x { return 200; } location /y { return 201; } } }",
			"# c\nhttp{\n server{ server_name b a;\n listen *:80;\n location /y { return 201; }\n location /x { return 200; } # d\n }\n gzip on ;\n}\n"},
		{"nginx quotes, sizes and times", "/etc/nginx/nginx.conf", "client_max_body_size 8m; send_timeout 60s; log_format x 'ab';", "client_max_body_size '8M';\nsend_timeout 60;\nlog_format x \"a\" 'b';"},
		{"nginx upstream order", "/etc/nginx/nginx.conf", "upstream u { server a; server b max_fails=1 weight=2; }", "upstream u { server b weight=2 max_fails=1; server a; }"},
		{"xml comments, attributes and white space", "/a.xml", `<a x="1" y="2"><b>t</b><c n="1"/></a>`, "<?xml version='1.0'?>\n<!-- c -->\n<a y='2' x='1'>\n  <c n='1'></c>\n  <b> t </b>\n</a>\n"},
		{"utf-16", "/a.ini", "[s]\na=1\n", "\xff\xfe[\x00s\x00]\x00\n\x00a\x00=\x001\x00\n\x00"},
		{"hosts", "/etc/hosts", "10.0.0.1 a b\n", "10.0.0.1\tB a # c\n"},
		{"postgresql.conf", "/etc/postgresql/17/main/postgresql.conf", "fsync=on\nport=5433\n", "# c\nPort = 5433 # d\nfsync 'true'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := facts(t, c.path, c.a), facts(t, c.path, c.b)
			if len(a) == 0 {
				t.Fatal("no facts")
			}
			if d := changes(a, b); len(d) > 0 || !maps.Equal(a, b) {
				t.Errorf("differ at %v:\n%v\n%v", d, a, b)
			}
		})
	}
}

func TestOneChangeIsOneFact(t *testing.T) {
	for _, c := range []struct{ name, path, a, b, at string }{
		{"yaml value", "/a.yaml", "a: {b: 1, c: 2}\n", "a: {b: 1, c: 3}\n", "a.c"},
		{"yaml type", "/a.yaml", "a: 1\n", "a: '1'\n", "a"},
		{"yaml number that readers take differently", "/a.yaml", "a: 0123\n", "a: 123\n", "a"},
		{"yaml list order", "/a.yaml", "a: [x, y]\n", "a: [y, x]\n", "a"},
		{"yaml list item added", "/a.yaml", "a: [x, z]\n", "a: [x, y, z]\n", "a"},
		{"yaml mapping inserted into a list", "/a.yaml", "a: [{name: x, v: 1}, {name: z, v: 2}]\n", "a: [{name: x, v: 1}, {name: y}, {name: z, v: 2}]\n", "+a.y.name"},
		{"yaml value in a list of mappings", "/a.yaml", "a: [{name: x, v: 1}, {name: z, v: 2}]\n", "a: [{name: x, v: 1}, {name: z, v: 3}]\n", "a.z.v"},
		{"yaml mappings of a list reordered", "/a.yaml", "a: [{name: x}, {name: z}]\n", "a: [{name: z}, {name: x}]\n", "a.@order"},
		{"yaml merge key overridden", "/a.yaml", "b: &b {x: 1}\nc: {<<: *b}\n", "b: &b {x: 1}\nc: {<<: *b, x: 2}\n", "c.x"},
		{"yaml secret", "/a.yaml", "password: Zq7pTr9vWx2k\n", "password: Zq7pTr9vWx2l\n", "password"},
		{"yaml secret in an item without a name", "/a.yaml", "a: [{p: 1, password: Zq7pTr9vWx2k}, {p: 2}]\n", "a: [{p: 1, password: Zq7pTr9vWx2l}, {p: 2}]\n", "a.{ba1d48b274}.password"},
		{"json null and absent", "/a.json", `{"a": null, "b": 1}`, `{"b": 1}`, "-a"},
		{"toml", "/a.toml", "a = 1\n", "a = 1.5\n", "a"},
		{"php.ini extension added", "/etc/php.ini", "extension=a\nextension=c\n", "extension=a\nextension=b\nextension=c\n", "extension"},
		{"php.ini boolean", "/etc/php.ini", "log_errors=On\n", "log_errors=Off\n", "log_errors"},
		{"php.ini one is not on for a number", "/etc/php.ini", "opcache.revalidate_freq=1\n", "opcache.revalidate_freq=On\n", "opcache%2Erevalidate_freq"},
		{"my.cnf", "/etc/mysql/my.cnf", "[mysqld]\nmax_connections=512\n", "[mysqld]\nmax-connections=521\n", "mysqld.max_connections"},
		{"my.cnf flag", "/etc/mysql/my.cnf", "[mysqld]\nskip-networking\nport=1\n", "[mysqld]\nport=1\n", "-mysqld.skip_networking"},
		{"unit order of commands", "/a.service", "[Service]\nExecStartPre=/a\nExecStartPre=/b\n", "[Service]\nExecStartPre=/b\nExecStartPre=/a\n", "Service.ExecStartPre"},
		{"unit variable", "/a.service", "[Service]\nEnvironment=A=1 B=2\n", "[Service]\nEnvironment=A=1 B=3\n", "Service.Environment.B"},
		{"dotenv", "/a.env", "A=1\nB=2\n", "A=1\nB=3\n", "B"},
		{"sshd value", "/etc/ssh/sshd_config", "PasswordAuthentication no\nPort 22\n", "PasswordAuthentication yes\nPort 22\n", "PasswordAuthentication"},
		{"sshd in a Match block", "/etc/ssh/sshd_config", "Match User a\n X11Forwarding no\n", "Match User a\n X11Forwarding yes\n", "Match User a.X11Forwarding"},
		{"sshd Match blocks reordered", "/etc/ssh/sshd_config", "Match User a\n UseDNS no\nMatch Group b\n UseDNS yes\n", "Match Group b\n UseDNS yes\nMatch User a\n UseDNS no\n", "Match@order"},
		{"sshd user added", "/etc/ssh/sshd_config", "AllowUsers a\n", "AllowUsers a b\n", "AllowUsers"},
		{"sysctl", "/etc/sysctl.conf", "vm.swappiness=1\n", "vm.swappiness=10\n", "vm.swappiness"},
		{"crontab time", "/etc/crontab", "1 * * * * root /x\n", "2 * * * * root /x\n", "root /x"},
		{"crontab job added", "/etc/crontab", "1 * * * * root /x\n", "1 * * * * root /x\n1 * * * * root /y\n", "+root /y"},
		{"crontab secret", "/etc/crontab", "1 * * * * root /x --password=Zq7pTr9vWx2k\n", "1 * * * * root /x --password=Zq7pTr9vWx2l\n", "root /x --password=‹secret›"},
		{"nginx location inserted", "/etc/nginx/nginx.conf", "server { location ~ a { return 1; } location ~ c { return 3; } }", "server { location ~ a { return 1; } location ~ b { return 2; } location ~ c { return 3; } }",
			"+server 80.location ~ b.return"},
		{"nginx locations by expression reordered", "/etc/nginx/nginx.conf", "server { location ~ a { return 1; } location ~ c { return 3; } }", "server { location ~ c { return 3; } location ~ a { return 1; } }",
			"server 80.location@order"},
		{"nginx allow and deny reordered", "/etc/nginx/nginx.conf", "location / { allow all; deny 10.0.0.1; }", "location / { deny 10.0.0.1; allow all; }", "location /.allow/deny"},
		{"nginx rewrites reordered", "/etc/nginx/nginx.conf", "rewrite a b; rewrite c d;", "rewrite c d; rewrite a b;", "rewrite@order"},
		{"nginx header", "/etc/nginx/nginx.conf", "proxy_set_header Host $host; proxy_set_header X a;", "proxy_set_header Host $http_host; proxy_set_header X a;", "proxy_set_header.Host"},
		{"nginx upstream server added", "/etc/nginx/nginx.conf", "upstream u { server a; }", "upstream u { server a; server b; }", "+upstream u.server.b"},
		{"nginx second equal block", "/etc/nginx/nginx.conf", "if ($x) { return 1; }", "if ($x) { return 1; } if ($x) { return 1; }", "+if ($x) (2).return"},
		{"xml attribute", "/a.xml", `<a><b name="x" v="1"/><b name="y" v="1"/></a>`, `<a><b name="x" v="1"/><b name="y" v="2"/></a>`, "a.b.y.@v"},
		{"xml element added", "/a.xml", `<a><b name="x"/></a>`, `<a><b name="x"/><b name="y"/></a>`, "+a.b.y.@name"},
		{"an unknown format", "/srv/app/run.sh", "echo 1\n", "echo 2\n", "@digest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := changes(facts(t, c.path, c.a), facts(t, c.path, c.b))
			if len(d) != 1 || d[0] != c.at {
				t.Errorf("changes at %q, want %s\n%v\n%v", d, c.at, facts(t, c.path, c.a), facts(t, c.path, c.b))
			}
		})
	}
}
