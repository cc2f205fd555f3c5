package snapshot

import (
	"bytes"
	"strings"
	"testing"

	"github.com/envdiff/envdiff/internal/keys"
)

// testKey is the same in every run, so that failures reproduce.
func testKey(t testing.TB) keys.Key {
	t.Helper()
	k, err := keys.Parse("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNamesOfSecrets(t *testing.T) {
	r := NewRedactor(testKey(t), []string{"*_apikey", "Sesame"})
	for _, name := range []string{
		"password", "DB_PASSWORD", "dbPassword", "db-passwd", "mysql.pwd", "passphrase", "client_secret", "clientSecret", "secret_key_base", "SECRET_KEY",
		"token", "accessToken", "GITHUB_TOKEN", "authtoken", "api_key", "apiKey", "APIKEY", "api-key", "X-Api-Key", "private_key", "aws_secret_access_key",
		"AccessKey", "authKey", "salt", "credential", "requirepass", "masterauth", "dbpassword", "password2", "smtp_pass", "APP_KEY", "Authorization",
		"old_password", "password_hash", "partner_apikey", "sesame", "secrets.ci", "tokens.deploy",
	} {
		if !r.IsSecretName(name) {
			t.Errorf("%s is the name of a secret", name)
		}
	}
	for _, name := range []string{
		"token_ttl", "password_min_length", "secret_rotation_days", "max_tokens", "tokenizer", "PasswordAuthentication", "server_tokens", "passwordPolicy",
		"key", "keyboard", "monkey", "public_key", "secretName", "passenger", "compass", "bypass", "salted", "author", "token_url", "password_file", "secretKeyRef",
		"PermitEmptyPasswords.x", "ssl_certificate_key", "primary_key", "tokens.url", "user", "host", "proxy_pass", "fastcgi_pass",
	} {
		if r.IsSecretName(name) {
			t.Errorf("%s is not the name of a secret", name)
		}
	}
}

func TestScalarHidesSecretsAndNothingElse(t *testing.T) {
	r := NewRedactor(testKey(t), nil)
	hidden := []struct{ key, text string }{
		{"password", "hunter2hunter2"},
		{"DB_PASSWORD", "correct horse battery"},
		{"api_key", "0123456789abcdef"},
		{"token", "/9j/4AAQSkZJRgABAQEAYABgAA+x=="},
		{"password", "-----BEGIN x"},
		{"anything", "AKIAIOSFODNN7EXAMPLE"},
		{"anything", "ghp_0123456789abcdefghijABCDEFGHIJ012345"},
		{"anything", "xoxb-123456789012-abcdef"},
		{"anything", "sk_live_0123456789abcdef"},
		{"anything", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"},
		{"anything", "$6$saltsalt$abcdefghijklmnopqrstuvwxyz0123456789"},
		{"anything", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\n"},
		{"anything", "$ANSIBLE_VAULT;1.1;AES256\n6162"},
	}
	for _, c := range hidden {
		if v := r.Scalar(c.key, c.text); !v.IsSecret() {
			t.Errorf("%s: %q is stored as %s", c.key, c.text, v.JSON())
		}
	}
	shown := []struct{ key, text string }{
		{"password", "short"},
		{"password", "changeme"}, {"password", "change_me!"}, {"password", "xxxxxxxxxx"}, {"password", "<your password>"}, {"password", "${DB_PASSWORD}"},
		{"password", "{{ vault_password }}"}, {"password", "%(password)s"}, {"password", "********"},
		{"password", "1234567890123"}, {"token", "3600 seconds"}, {"secret", "/run/secrets/db_password"}, {"token", "https://auth.example/token"},
		{"secret", "vault:secret/data/shop"}, {"token_ttl", "a long while"}, {"host", "db1.prod.example"}, {"comment", "hunter2hunter2"},
		{"PasswordAuthentication", "keyboard-interactive"},
	}
	for _, c := range shown {
		if v := r.Scalar(c.key, c.text); v != String(c.text) {
			t.Errorf("%s: %q is stored as %s", c.key, c.text, v.JSON())
		}
	}
}

func TestConnectionURLsKeepTheirHost(t *testing.T) {
	r := NewRedactor(testKey(t), nil)
	for _, c := range []struct{ key, text, secret, keep string }{
		{"DATABASE_URL", "postgres://shop:hunter2@db1.prod.example:5432/shop", "hunter2", "@db1.prod.example:5432/shop"},
		{"password_dsn_secret", "postgres://shop:hunter2@db1.prod.example/shop", "hunter2", "@db1.prod.example/shop"},
		{"url", "redis://:hunter2@cache.example:6379/0", "hunter2", "@cache.example:6379/0"},
		{"url", "postgres://shop:p@ss@db.example/shop", "p@ss", "@db.example/shop"},
		{"url", "amqp://shop:a/b+c@mq.example/", "a/b+c", "@mq.example/"},
		{"dsn", "shop:hunter2@tcp(db.example:3306)/shop", "hunter2", "@tcp(db.example:3306)/shop"},
		{"dsn", "https://0123456789abcdef0123@sentry.example/4", "0123456789abcdef0123", "@sentry.example/4"},
		{"dsn", "host=db.example user=shop password=hunter2hunter2 sslmode=disable", "hunter2hunter2", "host=db.example user=shop"},
		{"url", "https://api.example/v1?token=0123456789abcdef&page=2", "0123456789abcdef", "&page=2"},
	} {
		v := r.Scalar(c.key, c.text)
		text, ok := v.Text()
		if !ok || strings.Contains(text, c.secret) || !strings.Contains(text, c.keep) {
			t.Errorf("%s became %s", c.text, v.JSON())
		}
	}
	for _, plain := range []string{
		"https://shop.example/config.json", "http://registry.example:4873/@scope/name", "postgres://db.example/shop?sslmode=verify-full",
		"git@github.example:shop/app.git", "postgres://shop:${DB_PASSWORD}@db.example/shop",
	} {
		if v := r.Scalar("url", plain); v != String(plain) {
			t.Errorf("%s became %s", plain, v.JSON())
		}
	}
}

func TestLinesHideSecrets(t *testing.T) {
	r := NewRedactor(testKey(t), nil)
	const secret = "Zq7pTr9vWx2k"
	for _, line := range []string{
		"/usr/bin/backup --password=" + secret + " --all",
		"/usr/bin/backup --password " + secret,
		"/usr/bin/backup --db-password='" + secret + "'",
		`/usr/bin/backup --api-key "` + secret + `"`,
		"DB_PASSWORD=" + secret + " /srv/app/run",
		"env -i x=1 SECRET_TOKEN=" + secret + " run",
		"curl -u deploy:" + secret + " https://ci.example/",
		"curl -H 'Authorization: Bearer " + secret + "' https://ci.example/",
		"curl -H 'X-Api-Key: " + secret + "' https://ci.example/",
		"mysqldump -u root -p" + secret + " shop",
		"psql postgres://shop:" + secret + "@db.example/shop -c x",
		`run '{"password": "` + secret + `"}'`,
		`run --opts=a=b,password=` + secret,
		"password: " + secret,
		"wget https://ci.example/?access_token=" + secret,
	} {
		v := r.Line(line)
		if strings.Contains(v.JSON(), secret) {
			t.Errorf("%s is stored as %s", line, v.JSON())
		}
		if !strings.Contains(v.JSON(), "‹secret:") {
			t.Errorf("%s has no marker: %s", line, v.JSON())
		}
	}
	for _, line := range []string{
		"/usr/bin/php -d memory_limit=512M /srv/app/cron.php --env=prod", "root test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily",
		"nginx -g 'daemon on; master_process on;'", "--token-ttl=3600seconds-or-so", "a=b c: d",
	} {
		if v := r.Line(line); v != String(line) {
			t.Errorf("%s is stored as %s", line, v.JSON())
		}
	}
}

func TestEqualSecretsAreEqualWhereverTheyStand(t *testing.T) {
	r := NewRedactor(testKey(t), nil)
	const secret = "Zq7pTr9vWx2k"
	if r.Scalar("password", secret) != r.Scalar("api_key", secret) || r.Scalar("password", secret) != r.Secret(secret) {
		t.Error("the same secret under two names has two digests")
	}
	digest := strings.TrimSuffix(strings.TrimPrefix(r.Secret(secret).JSON(), `{"secret":"`), `"}`)
	if text, _ := r.Line("run --password=" + secret).Text(); !strings.Contains(text, digest) {
		t.Errorf("marker in %s is not the digest %s", text, digest)
	}
	if a, b := r.Secret("aaaaaaaa"), r.Secret("aaaaaaab"); a == b {
		t.Error("two secrets have one digest")
	}
	other := NewRedactor(keys.New(), nil)
	if other.Secret(secret) == r.Secret(secret) {
		t.Error("the digest does not depend on the key")
	}
	if Masked(r.Text("run --password="+secret)) != Masked(other.Text("run --password="+secret)) {
		t.Error("masked text depends on the key")
	}
}

func TestValueRedactsInsideLists(t *testing.T) {
	r := NewRedactor(testKey(t), nil)
	v := r.Value("tokens", Strings(false, "Zq7pTr9vWx2k", "changeme"))
	items := v.Items()
	if len(items) != 2 || !items[0].IsSecret() || items[1] != String("changeme") {
		t.Errorf("got %s", v.JSON())
	}
	for _, plain := range []Value{Bool(true), Int(1234567890), Null()} {
		if r.Value("password", plain) != plain {
			t.Errorf("%s was redacted", plain.JSON())
		}
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("hunter2hunter2", "x")
	f.Add("Zq7pTr9vWx2k", "run --all ")
	f.Add("a=b&c=dEf9", `{"k": `)
	f.Fuzz(func(t *testing.T, secret, text string) {
		r := NewRedactor(testKey(t), nil)
		// Any text at all: no panic, and what is redacted once stays as it is.
		once := r.Text(text + secret)
		if again := r.Text(once); Masked(again) != Masked(once) && !bytes.ContainsAny([]byte(once), "‹›") {
			t.Errorf("%q becomes %q and then %q", text+secret, once, again)
		}
		for _, c := range secret {
			if c < '0' || c > 'z' || c > '9' && c < 'A' || c > 'Z' && c < 'a' {
				return
			}
		}
		if !secretLike(secret) || len(secret) < 10 || strings.Contains(strings.Repeat("password", 2)+"sslmode=disabletcp(db.example)", secret) {
			return
		}
		for _, out := range []Value{
			r.Scalar("db_password", secret), r.Scalar("url", "postgres://u:"+secret+"@h.example/d"), r.Line("x --password=" + secret),
			r.Line("DB_PASSWORD=" + secret + " x"), r.Line(`{"api_key": "` + secret + `"}`), r.Line("curl -u u:" + secret + " x"),
			r.Scalar("dsn", "host=h password="+secret+" sslmode=disable"),
		} {
			if strings.Contains(out.JSON(), secret) {
				t.Errorf("secret %q is stored as %s", secret, out.JSON())
			}
		}
	})
}
