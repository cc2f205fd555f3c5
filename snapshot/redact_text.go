package snapshot

import (
	"regexp"
	"strings"
)

// mayHoldSecret is the cheap question before the rules: most values are short words and need no rule.
func mayHoldSecret(text string) bool {
	if len(text) < 8 {
		return false
	}
	if strings.ContainsAny(text, "=:$@") || strings.Contains(text, "-----BEGIN") || longestToken(text) >= 16 {
		return true
	}
	return strings.ContainsRune(text, ' ') && strings.Contains(text, "-")
}

// longestToken is the length of the longest run of characters that tokens of known shapes are
// made of; all of those have 16 at least.
func longestToken(text string) int {
	longest, run := 0, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '/' || c == '+' || c == '-' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}

// textRule is one way of writing a secret inside text.
type textRule struct {
	hints   []string // in lower case: text that has none of them has no match, and needs no regular expression
	quote   string   // what every match has besides; "" is nothing
	pattern *regexp.Regexp
	secret  int  // the submatch that is the secret
	name    int  // the submatch that is the name it goes by; 0 where the notation itself says that it is a secret
	always  bool // a secret of any length and look, but for placeholders
}

// wholeSecret are the contents that are secret from end to end whatever their key is called.
var wholeSecret = regexp.MustCompile(`(?s)^(` + privateKeyBlock + `|\$ANSIBLE_VAULT;.*|` + tokenShapes + `|` + cryptHashes + `)$`)

const privateKeyBlock = `-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|\z)`

// tokenShapes are the published formats of access tokens: AWS key ids, GitHub, GitLab, Slack,
// Stripe, Google, npm, SendGrid, age, and JWTs.
const tokenShapes = `(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|` +
	`[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{20,}|AIza[\w-]{35}|npm_[A-Za-z0-9]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|AGE-SECRET-KEY-1[0-9A-Z]{20,}|` +
	`eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]*`

// cryptHashes are password hashes in crypt(3) and LDAP notation: they can be attacked offline.
const cryptHashes = `\$(?:1|2[abxy]|5|6|7|y|gy|apr1|argon2i?d?|pbkdf2[\w-]*|scrypt)\$[A-Za-z0-9./$=,+-]{16,}|\{(?:SSHA|SHA|SMD5|CRYPT|PBKDF2)\d*\}[\w./+=$-]{16,}`

// textRules run in order; what an earlier rule replaced no later one touches, because a marker matches none of them.
var textRules = []textRule{
	{hints: []string{"private key"}, pattern: regexp.MustCompile(`(?s)(` + privateKeyBlock + `)`), secret: 1, always: true},
	// scheme://user:password@host. The user and the host stay visible.
	{hints: []string{"://"}, pattern: regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@"'<>]*:([^\s/"'<>]+)@`), secret: 1, always: true},
	// A password with slashes or spaces in it, written unescaped before the last @ of the authority; greedy on purpose.
	{hints: []string{"://"}, pattern: regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@"'<>‹›]*:([^\s"'<>‹›@]+)@[\w.-]+(?::[0-9]+)?(?:[/?\s]|$)`), secret: 1, always: true},
	// scheme://token@host, as Sentry and git remotes write it.
	{hints: []string{"://"}, pattern: regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9_-]{20,})@`), secret: 1, always: true},
	// user:password@tcp(host:3306)/db, the MySQL driver's own notation.
	{hints: []string{"@tcp(", "@unix("}, pattern: regexp.MustCompile(`(?:^|[\s"'=])[^\s:/@"'=‹›]+:([^\s"'‹›]+)@(?:tcp|unix)\(`), secret: 1, always: true},
	{hints: tokenHints, pattern: regexp.MustCompile(`(` + tokenShapes + `|` + cryptHashes + `)`), secret: 1, always: true},
	// Authorization headers.
	{hints: []string{"bearer", "basic", "token", "digest"}, pattern: regexp.MustCompile(`(?i)\b(?:bearer|basic|token|digest)\s+([A-Za-z0-9._~+/=-]{8,})`), secret: 1},
	// curl -u user:password, --user user:password, mysql -pPassword.
	{hints: []string{"-u", "--proxy-user"}, pattern: regexp.MustCompile(`(?:^|\s)(?:-u|--user|--proxy-user|-U)[ =]?["']?[^\s:"'‹›]+:([^\s"'‹›]+)`), secret: 1, always: true},
	{hints: []string{"mysql", "mariadb", "sshpass"}, pattern: regexp.MustCompile(`\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|sshpass)\b[^|;&]*?\s-p["']?([^\s"'‹›]+)`), secret: 1, always: true},
	// --password=VALUE and --password VALUE.
	{hints: []string{"-"}, quote: `"`, pattern: regexp.MustCompile(`(?:^|\s)--?([A-Za-z][\w.-]*)[= ]"([^"‹›]+)"`), name: 1, secret: 2},
	{hints: []string{"-"}, quote: `'`, pattern: regexp.MustCompile(`(?:^|\s)--?([A-Za-z][\w.-]*)[= ]'([^'‹›]+)'`), name: 1, secret: 2},
	{hints: []string{"-"}, pattern: regexp.MustCompile(`(?:^|\s)--?([A-Za-z][\w.-]*)[= ]([^\s"'‹›-][^\s"'‹›]*)`), name: 1, secret: 2},
	// PASSWORD=value, password: value, "password": "value", ?token=value&, password='value'.
	{hints: []string{"=", ":"}, quote: `"`, pattern: regexp.MustCompile(`([A-Za-z_][\w.-]*)"?'?\s*(?:=>|[=:])\s*"([^"‹›]+)"`), name: 1, secret: 2},
	{hints: []string{"=", ":"}, quote: `'`, pattern: regexp.MustCompile(`([A-Za-z_][\w.-]*)"?'?\s*(?:=>|[=:])\s*'([^'‹›]+)'`), name: 1, secret: 2},
	{hints: []string{"=", ": ", ":\t", ":\n", ":\r", ":\f"}, pattern: regexp.MustCompile(`([A-Za-z_][\w.-]*)\s*(?:=|:\s)\s*([^\s"'&;,‹›)}\]]+)`), name: 1, secret: 2},
}

// tokenHints are what the shapes of tokens and password hashes begin with.
var tokenHints = []string{"akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "_live_", "_test_", "whsec_", "aiza", "npm_", "sg.",
	"age-secret-key-", "eyj", "$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$", "{ssha", "{sha", "{smd5", "{crypt", "{pbkdf2"}

// mayMatch looks for the hints.
func (rule textRule) mayMatch(lower string) bool {
	if !strings.Contains(lower, rule.quote) {
		return false
	}
	for _, h := range rule.hints {
		if strings.Contains(lower, h) {
			return true
		}
	}
	return false
}

// replace puts markers where the rule finds secrets.
func (rule textRule) replace(r *Redactor, text string) string {
	var b strings.Builder
	done, from := 0, 0
	for from <= len(text) {
		m := rule.pattern.FindStringSubmatchIndex(text[from:])
		if m == nil {
			break
		}
		lo, hi := from+m[2*rule.secret], from+m[2*rule.secret+1]
		next := from + m[1]
		secret := text[lo:hi]
		if rule.name > 0 {
			next = lo // a value may itself be an assignment: x=password=…
			if !r.IsSecretName(text[from+m[2*rule.name] : from+m[2*rule.name+1]]) {
				from = advance(from+m[2*rule.name+1], from)
				continue
			}
		}
		if rule.isSecret(secret) {
			b.WriteString(text[done:lo])
			b.WriteString(r.marker(secret))
			done, next = hi, hi
		}
		from = advance(next, from)
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// advance makes sure that a scan moves on.
func advance(next, from int) int {
	if next <= from {
		return from + 1
	}
	return next
}

// portAndPath is what stands between ':' and '@' in http://registry.example:4873/@scope/name.
var portAndPath = regexp.MustCompile(`^[0-9]{1,5}/`)

func (rule textRule) isSecret(s string) bool {
	if strings.Contains(s, "‹secret:") || portAndPath.MatchString(s) {
		return false
	}
	if rule.always {
		return !IsPlaceholder(s)
	}
	return secretLike(s)
}
