package config

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
)

// format is one notation of configuration files.
type format struct {
	name  string
	paths []string // globs over whole paths, or over the last element if they have no slash
	// guess recognises the format by content, for files whose names say nothing.
	// A format without paths is only guessed.
	guess func(src []byte) bool
	parse func(src []byte) ([]entry, error)
	// suffixes restricts the guess to files whose name ends like that of a configuration file.
	suffixes bool
	// partial says that valid files exist which the parser does not understand: they are digested without a gap.
	partial bool
	doc     string // what is taken as equal, and how it is addressed
}

// formats are tried in order: first all paths, then all guesses. A new format is one parser and one line here.
var formats = []format{
	{name: "nginx", paths: []string{"nginx.conf", "/etc/nginx/**/*.conf", "/etc/nginx/sites-*/*", "/etc/nginx/snippets/*", "/etc/nginx/*_params", "/etc/nginx/mime.types",
		"/etc/nginx/conf.d/*", "**/nginx/**/*.conf"}, parse: parseNginx,
		doc: "server by listen and server_name, location by modifier and path, other blocks by arguments; @order facts hold the order of what nginx tries in order"},
	{name: "systemd drop-in", paths: []string{"/etc/systemd/**/*.d/*.conf", "**/systemd/**/*.d/*.conf"}, parse: parseDropIn,
		doc: "like a unit; an empty value, which resets what the unit says, stays as the first item"},
	{name: "systemd unit", paths: []string{"*.service", "*.timer", "*.socket", "*.mount", "*.automount", "*.netdev", "*.nspawn",
		"**/systemd/**/*.target", "**/systemd/**/*.path", "**/systemd/**/*.slice", "**/systemd/**/*.swap", "**/systemd/**/*.network", "**/systemd/**/*.link", "/etc/systemd/*.conf"}, parse: parseUnit,
		doc: "section.key, repeated keys are lists, After and the like are sets, Environment by variable"},
	{name: "sshd_config", paths: []string{"sshd_config", "/etc/ssh/sshd_config.d/*.conf"}, parse: parseSSHD,
		doc: "keywords as in the manual, the first value counts, AllowUsers and the like are sets, Match blocks by criteria"},
	{name: "ssh_config", paths: []string{"ssh_config", "/etc/ssh/ssh_config.d/*.conf", "**/.ssh/config"}, parse: parseSSH, doc: "like sshd_config, with Host blocks"},
	{name: "sysctl", paths: []string{"sysctl.conf", "**/sysctl.d/*.conf"}, parse: parseSysctl, doc: "flat keys, / is ., the last value counts"},
	{name: "limits", paths: []string{"/etc/security/limits.conf", "**/security/limits.d/*.conf"}, parse: parseLimits, doc: "domain.type.item"},
	{name: "fstab", paths: []string{"/etc/fstab"}, parse: parseFstab, doc: "by mount point, options as a set"},
	{name: "one line", paths: []string{"/etc/hostname", "/etc/mailname", "/etc/timezone", "/etc/debian_version", "REVISION"}, parse: parseOneLine, partial: true, doc: "one value, addressed as `$`"},
	{name: "hosts", paths: []string{"/etc/hosts"}, parse: parseHosts, doc: "the set of names of each address"},
	{name: "resolv.conf", paths: []string{"resolv.conf"}, parse: parseResolv, doc: "name servers in order, options as a set"},
	{name: "subuid", paths: []string{"/etc/subuid", "/etc/subgid"}, parse: parseSubID, doc: "the ranges of each account"},
	{name: "nsswitch.conf", paths: []string{"nsswitch.conf"}, parse: parseNsswitch, doc: "the sources of each database, in order"},
	{name: "crontab", paths: []string{"/etc/crontab", "/etc/cron.d/*"}, parse: parseSystemCrontab, doc: "`user command` = schedule; settings by name"},
	{name: "user crontab", paths: []string{"/var/spool/cron/**", "crontab", "*.crontab"}, parse: parseUserCrontab, doc: "`command` = schedule; settings by name"},
	{name: "postgresql.conf", paths: []string{"postgresql.conf", "postgresql.auto.conf", "postgresql.conf.*", "/etc/postgresql/**/conf.d/*.conf"}, parse: parsePostgres,
		doc: "names in lower case, the last value counts, on, true and yes are one"},
	{name: "records", paths: []string{"pg_hba.conf", "pg_ident.conf", "/etc/sudoers", "/etc/sudoers.d/*", "/etc/exports"}, parse: parseRecords,
		doc: "one ordered list: the order of records means something"},
	{name: "my.cnf", paths: []string{"my.cnf", ".my.cnf", "mysqld.cnf", "mysql.cnf", "mariadb.cnf", "/etc/mysql/**/*.cnf", "/etc/my.cnf.d/*.cnf", "*.cnf.d/*.cnf"}, parse: parseMyCnf,
		doc: "section.option in lower case with _, 134217728 is 128M, a bare option is true, the last value counts"},
	{name: "php.ini", paths: []string{"php.ini", "php-*.ini", "php-fpm.conf", "/etc/php/**/*.ini", "/etc/php/**/*.conf", "/etc/php.d/*.ini", "/etc/php-fpm.d/*.conf",
		"/usr/local/etc/php/**/*.ini", "/usr/local/etc/php-fpm.d/*.conf", ".user.ini"}, parse: parsePHPINI,
		doc: "section.directive, On, Yes and True are true, `extension` is a set, the last value counts"},
	{name: "rsyslog", paths: []string{"rsyslog.conf", "**/rsyslog.d/*.conf"}, parse: parseRsyslog, partial: true,
		doc: "selector = action, objects by what they load, their name or type; files with conditions are digested"},
	{name: "logrotate", paths: []string{"logrotate.conf", "/etc/logrotate.d/*"}, parse: parseLogrotate, doc: "blocks by their files"},
	{name: "haproxy", paths: []string{"haproxy.cfg", "/etc/haproxy/*.cfg"}, parse: parseHAProxy, doc: "section.keyword, repeated keywords in order, servers and binds by name"},
	{name: "collectd", paths: []string{"collectd.conf", "/etc/collectd/collectd.conf.d/*.conf", "/etc/collectd.d/*.conf", "/etc/collectd/*.conf.d/*.conf"}, parse: parseCollectd,
		doc: "blocks by name and argument (a curl_json URL, each of its keys), LoadPlugin and other repeated options are sets, chains keep their order"},
	{name: "key-value", paths: []string{"chrony.conf", "redis.conf", "sentinel.conf", "login.defs", "dnsmasq.conf", "ntp.conf", "/etc/adduser.conf", "memcached.conf"}, parse: parseKeyValue, partial: true,
		doc: "key = value, a repeated key is a list"},
	{name: "yaml", paths: []string{"*.yaml", "*.yml", "*.eyaml"}, parse: parseYAML,
		doc: "scalars by the YAML 1.2 core schema, anchors and merge keys expanded, lists of mappings by name, id or key, else by content"},
	{name: "json", paths: []string{"*.json", "*.webmanifest", "*.lock.json"}, parse: parseJSON, doc: "like yaml"},
	{name: "toml", paths: []string{"*.toml"}, parse: parseTOML, doc: "like yaml"},
	{name: "xml", paths: []string{"*.xml", "*.xsd", "*.xslt", "*.plist"}, parse: parseXML, doc: "elements by path, siblings by name, id or key, attributes as @name"},
	{name: "properties", paths: []string{"*.properties"}, parse: parseProperties, doc: "flat keys, the last value counts"},
	{name: "dotenv", paths: []string{".env", ".env.*", "*.env", "/etc/environment", "/etc/os-release", "/etc/default/locale"}, parse: parseDotenv,
		doc: "flat keys, quotes taken away, nothing expanded, the last value counts"},
	{name: "ini", paths: []string{"*.ini", ".gitconfig", "setup.cfg", "supervisord.conf", "/etc/supervisor/**/*.conf"}, parse: parseINI,
		doc: "section.key, a repeated key is a list"},

	{name: "xml", guess: startsWith(`^<(\?xml|!DOCTYPE|!--|[A-Za-z][\w.-]*[\s/>])`), parse: parseXML, doc: "by content"},
	{name: "json", guess: startsWith(`^\{\s*("|\})|^\[\s*(["{\[\]0-9])`), parse: parseJSON, doc: "by content"},
	{name: "ini", guess: guessINI, parse: parseINI, doc: "by content: a section before anything else"},
	{name: "nginx", guess: guessNginx, parse: parseNginx, doc: "by content: directives that end in ;"},
	{name: "dotenv", paths: []string{"/etc/default/*", "/etc/sysconfig/*"}, guess: guessDotenv, parse: parseDotenv, doc: "by content: assignments alone"},
	{name: "key-value", suffixes: true, guess: guessKeyValue, parse: parseKeyValue, doc: "by content: `key value` or `key = value` on every line of a .conf or .cfg file"},
}

// opaque are files that are never parsed, whatever they look like: templates of configuration, scripts, and backups.
var opaque = []string{"*.j2", "*.jinja", "*.jinja2", "*.erb", "*.epp", "*.tmpl", "*.tpl", "*.template", "*.mustache", "*.sh", "*.php", "*.py", "*.rb", "*.pl", "*.js", "*.lua",
	"*.sql", "*.md", "*.txt", "*.crt", "*.cer", "*.der", "*.p12", "*.jks", "*.gpg", "*.asc"}

// find chooses the format of a file. sure says that its name leaves no doubt, so that a parse error is one. Formats
// are guessed only for what would be parsed.
func find(name string, src []byte) (f *format, sure bool) {
	if opaqueNames.match(name) || bytes.HasPrefix(src, []byte("#!")) {
		return nil, false
	}
	for i := range formats {
		if f = &formats[i]; f.guess == nil && formatNames[i].match(name) {
			return f, !f.partial
		}
	}
	if len(src) > maxParsed {
		return nil, false
	}
	for i := range formats {
		if f = &formats[i]; f.guess != nil && (formatNames[i].match(name) || configName(name) && (!f.suffixes || path.Ext(name) != "") && f.guess(src)) {
			return f, false
		}
	}
	return nil, false
}

// nameGlobs are compiled globs: base ones are matched against the last element of a path.
type nameGlobs struct {
	base  []string
	whole []transport.Glob
}

func compileNames(globs []string) nameGlobs {
	var n nameGlobs
	for _, g := range globs {
		switch {
		case !strings.Contains(g, "/"):
			n.base = append(n.base, g)
		case g[0] == '/':
			n.whole = append(n.whole, transport.CompileGlob(g))
		default:
			n.whole = append(n.whole, transport.CompileGlob("/**/"+g))
		}
	}
	return n
}

func (n nameGlobs) match(name string) bool {
	base := path.Base(name)
	for _, g := range n.base {
		if ok, _ := path.Match(g, base); ok {
			return true
		}
	}
	for _, g := range n.whole {
		if g.Match(name) {
			return true
		}
	}
	return false
}

// opaqueNames and formatNames are the compiled names of opaque and formats.
var (
	opaqueNames = compileNames(opaque)
	formatNames = func() []nameGlobs {
		out := make([]nameGlobs, len(formats))
		for i, f := range formats {
			out[i] = compileNames(f.paths)
		}
		return out
	}()
)

// configName reports names of files that are worth a guess.
func configName(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".conf", ".cfg", ".cnf", ".config", ".rc", ".local", ".default", ".defaults", ".dist", "":
		return true
	}
	return strings.HasPrefix(base, ".") && strings.Count(base, ".") == 1
}

func startsWith(pattern string) func([]byte) bool {
	re := regexp.MustCompile(pattern)
	return func(src []byte) bool { return re.Match(bytes.TrimSpace(src[:min(len(src), 4096)])) }
}

func guessINI(src []byte) bool {
	ls := significant(src, "#;")
	return len(ls) > 0 && iniSection.MatchString(ls[0].text)
}

var iniSection = regexp.MustCompile(`^\[[^\[\]]+\]\s*([#;].*)?$`)

func guessNginx(src []byte) bool {
	ls := significant(src, "#")
	for _, l := range ls {
		if !nginxLine.MatchString(l.text) {
			return false
		}
	}
	return len(ls) > 0
}

var nginxLine = regexp.MustCompile(`^(\}|[a-z_]+(\s[^;]*)?(;|\{)(\s*#.*)?|[a-z_]+\s*\{.*\})$`)

func guessDotenv(src []byte) bool {
	ls := significant(src, "#")
	for _, l := range ls {
		if !dotenvLine.MatchString(l.text) {
			return false
		}
	}
	return len(ls) > 0
}

var dotenvLine = regexp.MustCompile(`^(export\s+)?[A-Z_][A-Z0-9_]*=`)

// guessKeyValue takes files in which every line begins with a word and has a value without code in it.
func guessKeyValue(src []byte) bool {
	ls := significant(src, "#;")
	for _, l := range ls {
		key, value := cutKeyValue(l.text)
		if !plainKey(key) || value == "" || strings.ContainsAny(l.text, "{}()|`") || l.raw[0] == ' ' || l.raw[0] == '\t' {
			return false
		}
	}
	return len(ls) > 0
}
