package effective

import (
	"slices"
	"strings"
)

// silenced are the directives that PHP is asked without, so that asking writes nothing, and what holds of them where no file says otherwise (php.net, "List of php.ini directives";
// xdebug.org, "mode").
var silenced = map[string]string{"session.auto_start": "Off", "opcache.enable": "On", "opcache.preload": "no value", "error_log": "no value", "xdebug.mode": "develop"}

// php reads the directives of php -i: NAME => LOCAL => MASTER, up to where the environment begins. Those that were silenced are taken from the files that PHP says it read.
func (p *parser) php(part string) {
	if p.status[part] != "0" {
		return
	}
	own := p.ownOf(part)
	values := map[string][]string{}
	begun := false
	for _, line := range p.lines[part] {
		if line == "Environment" || line == "Additional Modules" {
			break
		}
		f := strings.SplitN(line, " => ", 3)
		if len(f) == 3 && f[0] == "Directive" {
			begun = true
			continue
		}
		if !begun || len(f) != 3 || !directive(f[0]) {
			continue
		}
		value := strings.TrimSpace(f[1])
		if _, is := silenced[f[0]]; is {
			value = own[f[0]]
		}
		values[f[0]] = []string{value}
	}
	if len(values) > 20 {
		p.settings(part, strings.TrimPrefix(part, "php/")+" -i", values)
	}
	if r, ok := phpRefuses(strings.Join(p.lines[part], "\n")); ok {
		p.refused(part, r)
	}
}

// ownOf is what the files say of the silenced directives, the last one counting, as php -i would print it.
func (p *parser) ownOf(part string) map[string]string {
	own := map[string]string{}
	for directive, value := range silenced {
		own[directive] = value
	}
	for _, line := range p.lines[part+"-silenced"] {
		name, value, _ := strings.Cut(line, "=")
		if _, is := silenced[name]; is {
			own[name] = iniValue(value, silenced[name])
		}
	}
	return own
}

// iniValue is a value of php.ini without quotes and comment; where the default is a switch, as On or Off.
func iniValue(text, otherwise string) string {
	text = strings.TrimSpace(text)
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') {
		text, _, _ = strings.Cut(text[1:], text[:1])
	} else {
		text, _, _ = strings.Cut(text, ";")
		text = strings.TrimSpace(text)
	}
	switch word := strings.ToLower(text); {
	case otherwise != "On" && otherwise != "Off":
	case slices.Contains([]string{"1", "on", "yes", "true"}, word):
		return "On"
	case slices.Contains([]string{"", "0", "off", "no", "false", "none", "null"}, word):
		return "Off"
	}
	if text == "" || strings.EqualFold(text, "none") || strings.EqualFold(text, "null") {
		return "no value"
	}
	return text
}

func directive(s string) bool {
	return s != "" && len(s) < 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}
