package snapshot

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/envdiff/envdiff/internal/keys"
)

// Redactor turns secrets into keyed digests before anything is stored. It knows secrets by key name and by content.
type Redactor struct {
	key   keys.Key
	names []string // globs of further key names, lower case, from `secrets:`
}

// NewRedactor makes a Redactor; more are globs of key names beyond the built-in ones.
func NewRedactor(key keys.Key, more []string) *Redactor {
	names := make([]string, 0, len(more))
	for _, n := range more {
		if n = strings.ToLower(strings.TrimSpace(n)); n != "" {
			names = append(names, n)
		}
	}
	return &Redactor{key: key, names: names}
}

// KeyID names the key: digests under different ids are not comparable.
func (r *Redactor) KeyID() string { return r.key.ID() }

// Key derives the key of a digest family, such as "rows".
func (r *Redactor) Key(purpose string) keys.Key { return r.key.Derive(purpose) }

// secretPurpose is the same for every secret wherever it stands: equal secrets have equal digests across keys, files
// and environments, in whole values and in markers inside text.
const secretPurpose = "secret"

// Secret is the digest of a text that is known to be secret.
func (r *Redactor) Secret(text string) Value {
	return Secret(r.key.Digest(secretPurpose, []byte(text)))
}

// marker stands in text where a secret stood: equal secrets have equal markers.
func (r *Redactor) marker(text string) string {
	return "‹secret:" + r.key.Digest(secretPurpose, []byte(text)) + "›"
}

// Scalar is the value of text under a key name: the digest of a secret, or the text with the secrets inside it replaced
// by markers. A placeholder under a secret name stays as it is, so that it can be reported.
func (r *Redactor) Scalar(key, text string) Value {
	switch {
	case wholeSecret.MatchString(strings.TrimSpace(text)):
		return r.Secret(strings.TrimSpace(text))
	case r.IsSecretName(key) && secretLike(text):
		// A connection URL keeps its structure: a misspelt host beside a password must stay visible.
		if connection.MatchString(text) {
			if masked := r.Text(text); masked != text {
				return String(masked)
			}
		}
		return r.Secret(text)
	}
	return String(r.Text(text))
}

var connection = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://[^\s@]*@\S+$|^[^\s:@]+:[^\s@]+@(tcp|unix)\(`)

// Value is Scalar for every text in v; other scalars are no secrets.
func (r *Redactor) Value(key string, v Value) Value {
	if v.IsList() {
		items := v.Items()
		for i, it := range items {
			items[i] = r.Value(key, it)
		}
		return List(items...)
	}
	if s, ok := v.Text(); ok {
		return r.Scalar(key, s)
	}
	return v
}

// Line is free text, such as a command line, with the secrets inside it replaced by markers.
func (r *Redactor) Line(text string) Value { return String(r.Text(text)) }

// Text is Line as a string.
func (r *Redactor) Text(text string) string {
	if !mayHoldSecret(text) {
		return text
	}
	lower := strings.ToLower(text)
	for _, rule := range textRules {
		if rule.mayMatch(lower) {
			text = rule.replace(r, text)
		}
	}
	return text
}

// Content stands for something that is compared as a whole: its keyed digest in a marker,
// since a digest without a key can be guessed.
func (r *Redactor) Content(data []byte) Value {
	return String("‹content:" + r.Key("content").Digest("content", data) + "›")
}

// Masked is text with every digest marker replaced by a constant: it is the same whatever the secrets and the key are.
// Names in addresses are made of it, because an address must not change with a key.
func Masked(text string) string { return markerPattern.ReplaceAllString(text, "‹$1›") }

var markerPattern = regexp.MustCompile(`‹(secret|content):[0-9a-f]{20}›`)

// IsSecretName reports whether a key of this name holds a secret if its value looks like one. Names may be dotted
// paths: the last segment decides, and a collection of secrets (`secrets.db`, `tokens.ci`) makes every name in it one.
func (r *Redactor) IsSecretName(name string) bool {
	parent, leaf := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		parent, leaf = name[:i], name[i+1:]
		if j := strings.LastIndexByte(parent, '.'); j >= 0 {
			parent = parent[j+1:]
		}
	}
	for _, g := range r.names {
		if MatchGlob(g, strings.ToLower(leaf)) || MatchGlob(g, strings.ToLower(name)) {
			return true
		}
	}
	words := nameWords(leaf)
	if secretWords(words) {
		return true
	}
	return secretCollections[strings.Join(nameWords(parent), "")] && !plainWord(words)
}

// secretLike is the second half of the contract's rule: at least 8 characters that are no boolean, number, path,
// URL without credentials or placeholder.
func secretLike(text string) bool {
	t := strings.Trim(strings.TrimSpace(text), `"'`)
	if len([]rune(t)) < 8 || numberLike.MatchString(t) || pathLike(t) || IsPlaceholder(t) {
		return false
	}
	return !referenceLike(t) && !plainURL(t)
}

// numberLike also takes sizes and durations: 3600s, 10 minutes, 1.5GB.
var numberLike = regexp.MustCompile(`(?i)^[-+]?[0-9][0-9_.,]*(e[-+]?[0-9]+)?\s*(%|[a-z]{1,2}|seconds?|minutes?|hours?|days?|weeks?|months?|years?|bytes)?$`)

// pathLike takes /run/secrets/db and ./keys/app.pem, but not base64 text that happens to begin with a slash.
func pathLike(t string) bool {
	if !pathPattern.MatchString(t) {
		return false
	}
	for _, seg := range strings.Split(t, "/") {
		if len(seg) >= 20 && mixed(seg) {
			return false
		}
	}
	return true
}

var pathPattern = regexp.MustCompile(`^(~?/|\.{1,2}/|[A-Za-z]:\\|(file|unix):/)[\w.@,~ \\/-]*$`)

// mixed reports upper case, lower case and digits in one word, as generated secrets have and path segments rarely do.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s
}

// referenceLike takes the names that say where a secret is kept instead of the secret:
// vault:secret/data/db, arn:aws:…, ref+awsssm://….
func referenceLike(t string) bool { return referencePattern.MatchString(t) }

var referencePattern = regexp.MustCompile(`^(vault|ssm|arn|ref\+\w+|secretsmanager|aws-ssm|gcpsm|keyvault|env|op|awssm|sops):[\w/:.@{}$#-]+$`)

// plainURL takes URLs that hold no credentials.
func plainURL(t string) bool {
	u, err := url.Parse(t)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return false
	}
	return u.User == nil && !secretAssignment.MatchString(u.RawQuery)
}

var secretAssignment = regexp.MustCompile(`(?i)(pass|secret|token|key|sig)[\w-]*=`)

// IsPlaceholder reports whether text stands where a secret should and is none: changeme,
// xxxxxxxx, <password>, ${VAR}, {{ var }}.
func IsPlaceholder(text string) bool {
	t := strings.ToLower(strings.Trim(strings.TrimSpace(text), `"'`))
	return placeholder.MatchString(t)
}

var placeholder = regexp.MustCompile(`^(change[-_ ]?(me|this|it)[-_!0-9a-z ]*|re?place[-_ ]?(me|this|with)[-_!0-9a-z ]*|your[-_ ].*|insert[-_ ].*|(put|enter)[-_ ].*[-_ ]here|todo\b.*|fixme\b.*|tbd|dummy|placeholder|` +
	`example|sample|default|password|passwd|passphrase|secret|token|none|null|nil|undefined|unset|disabled|enabled|optional|required|not[-_ ]?(set|used|needed)|` +
	`redacted|\[?redacted\]?|hidden|removed|masked|x+|\*+|\.+|-+|_+|0+|1234567890?|12345678|<[^<>]*>|\[[a-z _-]+\]|` +
	`\$\{[^{}]*\}|\$\([^()]*\)|\$[a-z_][a-z0-9_]*|%\{[^{}]*\}|%\([^()]*\)s|%[a-z0-9_]+%|\{\{.*\}\}|\{%.*%\}|<%.*%>|@[a-z0-9_.-]+@|__[a-z0-9_]+__)$`)
