package config_test

import (
	"testing"

	"github.com/envdiff/envdiff/snapshot"
	"github.com/envdiff/envdiff/snapshot/config"
	"github.com/envdiff/envdiff/snapshot/snapshottest"
)

const secret = "Zq7pTr9vWx2k"

// webHost is a host with a file of many formats, links of all sorts, a file that is malformed and one that is no text.
func webHost(t testing.TB) snapshottest.Fixture {
	return snapshottest.Fixture{
		Name: "web",
		Tree: snapshottest.Tree(t, map[string]string{
			"etc/nginx/nginx.conf":                "http { include sites-enabled/*; }\n",
			"etc/nginx/sites-available/shop":      "server { listen 80; location ~ a { return 200; } }\n",
			"etc/nginx/sites-enabled/shop":        "-> ../sites-available/shop",
			"etc/nginx/sites-enabled/gone":        "-> ../sites-available/gone",
			"etc/nginx/sites-enabled/out":         "-> ../../../../../outside",
			"etc/nginx/sites-enabled/loop":        "-> loop",
			"etc/nginx/conf.d/":                   "",
			"etc/php/8.2/fpm/php.ini":             "[PHP]\nmemory_limit = 512M\n",
			"etc/mysql/my.cnf":                    "[client]\npassword = " + secret + "\n",
			"etc/ssh/sshd_config":                 "Port 22\nMatch User git\n X11Forwarding no\n",
			"etc/cron.d/shop":                     "1 * * * * root curl -u x:" + secret + " https://h.example/\n",
			"etc/systemd/system/shop.service":     "[Service]\nExecStart=/x --token=" + secret + "\n",
			"etc/systemd/system/apt.service":      "-> /dev/null",
			"etc/sysctl.d/60-shop.conf":           "vm.swappiness = 10\n",
			"etc/ssl/private/shop.pem":            "-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----\n",
			"srv/app/shared/config/app.yaml":      "db: {url: 'postgres://shop:" + secret + "@db.example/shop'}\nlist: [{name: a}, {x: " + secret + "y}]\ntokens: {ci: " + secret + "}\n",
			"srv/app/shared/config/broken.json":   "{\"password\": \"" + secret + "\",,}",
			"srv/app/shared/config/binary.yaml":   "\x00\x01" + secret,
			"srv/app/shared/config/.env":          "SECRET_KEY=" + secret + "\n",
			"srv/app/shared/config/\x1b[31m.toml": "a = 1\n",
		}),
		Spec: snapshot.RoleSpec{Config: []string{"/etc/nginx/**", "/etc/php/**/*.ini", "/etc/mysql/*.cnf", "/etc/ssh/sshd_config", "/etc/cron.d/*", "/etc/systemd/system/*",
			"/etc/sysctl.d/*.conf", "/etc/ssl/private/*", "/srv/app/shared/config/*", "/etc/absent/*"}},
		Secrets: []string{"password = " + secret, secret + "@", ":" + secret, "=" + secret, "\n" + secret, "\"" + secret + "\""},
	}
}

func TestConformance(t *testing.T) { snapshottest.Host(t, config.New(), webHost(t)) }

func FuzzSections(f *testing.F) { snapshottest.Fuzz(f, config.New(), webHost(f)) }
