package config

import (
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseKeyValue reads files of lines `key value` or `key = value` (redis.conf, login.defs, chrony.conf):
// a repeated key is a list. It takes only files in which every line has that form, because it is also
// tried on files whose name says nothing.
func parseKeyValue(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#;") {
		key, value := cutKeyValue(l.text)
		if !plainKey(key) {
			return nil, errAt(l.no, "no key")
		}
		v := snapshot.String(unquote(value))
		if value == "" {
			v = snapshot.Bool(true)
		}
		if c.add(l.no, list, v, key); len(c.list) > maxEntries {
			return nil, errEntries
		}
	}
	return c.entries()
}

// cutKeyValue splits at the first '=' , ':' followed by a space, or white space.
func cutKeyValue(s string) (key, value string) {
	i := strings.IndexAny(s, " \t=")
	if i < 0 {
		return s, ""
	}
	key, value = s[:i], strings.TrimSpace(s[i:])
	if rest, ok := strings.CutPrefix(value, "="); ok {
		value = strings.TrimSpace(rest)
	}
	return strings.TrimSuffix(key, ":"), oneSpace(value)
}

func plainKey(s string) bool {
	for _, c := range s {
		if !(c == '_' || c == '-' || c == '.' || c == '/' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return s != "" && s[0] != '-' && s[0] != '/'
}

// parseLimits reads limits.conf(5): domain, type, item and value.
func parseLimits(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		f := strings.Fields(strings.SplitN(l.text, "#", 2)[0])
		switch {
		case len(f) == 4:
			c.add(l.no, last, snapshot.String(f[3]), f[0], f[1], f[2])
		case len(f) == 2 && f[1] == "-":
			c.add(l.no, last, snapshot.String("-"), f[0])
		default:
			return nil, errAt(l.no, "not domain, type, item and value")
		}
	}
	return c.entries()
}

// parseHosts reads hosts(5): an address and the set of its names.
func parseHosts(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		f := strings.Fields(strings.SplitN(l.text, "#", 2)[0])
		if len(f) < 2 {
			return nil, errAt(l.no, "an address without a name")
		}
		for _, name := range f[1:] {
			c.add(l.no, set, snapshot.String(strings.ToLower(name)), strings.ToLower(f[0]))
		}
	}
	return c.entries()
}

// parseResolv reads resolv.conf(5): name servers in order, the last of search and domain, options as a set.
func parseResolv(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#;") {
		f := strings.Fields(l.text)
		if len(f) < 2 {
			return nil, errAt(l.no, "a keyword without a value")
		}
		switch f[0] {
		case "nameserver":
			c.add(l.no, list, snapshot.String(f[1]), f[0])
		case "options":
			for _, o := range f[1:] {
				c.add(l.no, set, snapshot.String(o), f[0])
			}
		case "search", "domain", "sortlist":
			c.add(l.no, last, snapshot.Strings(false, f[1:]...), f[0])
		default:
			return nil, errAt(l.no, "an unknown keyword")
		}
	}
	return c.entries()
}

// parseSubID reads subuid(5) and subgid(5): the ranges of each account.
func parseSubID(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		account, ids, ok := strings.Cut(l.text, ":")
		if !ok || account == "" {
			return nil, errAt(l.no, "no account")
		}
		c.add(l.no, set, snapshot.String(ids), account).prose = true
	}
	return c.entries()
}

// parseNsswitch reads nsswitch.conf(5): the sources of each database in order. The database passwd is no password.
func parseNsswitch(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		name, sources, ok := strings.Cut(strings.SplitN(l.text, "#", 2)[0], ":")
		if name = strings.TrimSpace(name); !ok || !plainKey(name) {
			return nil, errAt(l.no, "no database")
		}
		c.add(l.no, last, snapshot.Strings(false, strings.Fields(sources)...), name).prose = true
	}
	return c.entries()
}

// parsePostgres reads postgresql.conf (PostgreSQL 17, "Setting Parameters"): names in any case, '=' optional, quotes,
// comments anywhere, the last value counts.
func parsePostgres(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		i := strings.IndexAny(l.text, " \t=")
		if i < 0 || !plainKey(l.text[:i]) {
			return nil, errAt(l.no, "no parameter")
		}
		key := strings.ToLower(l.text[:i])
		value := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(l.text[i:]), "="))
		r := last
		if strings.HasPrefix(key, "include") {
			r = list
		}
		v, ok := postgresValue(value)
		if !ok {
			return nil, errAt(l.no, "a quote is not closed")
		}
		c.add(l.no, r, v, key)
	}
	return c.entries()
}

func postgresValue(s string) (snapshot.Value, bool) {
	if !strings.HasPrefix(s, "'") {
		s = strings.TrimSpace(strings.SplitN(s, "#", 2)[0])
		switch strings.ToLower(s) {
		case "on", "true", "yes":
			return snapshot.Bool(true), true
		case "off", "false", "no":
			return snapshot.Bool(false), true
		}
		return snapshot.String(s), true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'', s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'':
			switch strings.ToLower(b.String()) {
			case "on", "true", "yes":
				return snapshot.Bool(true), true
			case "off", "false", "no":
				return snapshot.Bool(false), true
			}
			return snapshot.String(b.String()), true
		default:
			b.WriteByte(s[i])
		}
	}
	return snapshot.Value{}, false
}

// parseFstab reads fstab(5): a file system by its mount point, or by its device where it has none; options are a set.
func parseFstab(src []byte) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		f := strings.Fields(l.text)
		if len(f) < 3 {
			return nil, errAt(l.no, "not device, mount point and type")
		}
		at := f[1]
		if !strings.HasPrefix(at, "/") {
			at = f[0]
		}
		c.add(l.no, last, snapshot.String(f[0]), at, "device")
		c.add(l.no, last, snapshot.String(f[2]), at, "type")
		for i, name := range []string{"options", "dump", "pass"} {
			v := []string{"defaults", "0", "0"}[i]
			if len(f) > 3+i {
				v = f[3+i]
			}
			if name == "options" {
				c.add(l.no, last, snapshot.Strings(true, strings.Split(v, ",")...), at, name)
			} else {
				c.add(l.no, last, snapshot.String(v), at, name)
			}
		}
	}
	return c.entries()
}

// parseOneLine reads files that are one value, such as /etc/hostname.
func parseOneLine(src []byte) ([]entry, error) {
	ls := significant(src, "#")
	if len(ls) > 1 {
		return nil, errAt(ls[1].no, "more than one line")
	}
	if len(ls) == 0 {
		return nil, nil
	}
	return []entry{text(ls[0].no, ls[0].text, "$")}, nil
}

// parseRecords reads files of records whose order means something (pg_hba.conf:
// the first match wins): one ordered list.
func parseRecords(src []byte) ([]entry, error) {
	var items []snapshot.Value
	line := 0
	for _, l := range significant(src, "#") {
		if line == 0 {
			line = l.no
		}
		if items = append(items, snapshot.String(oneSpace(strings.SplitN(l.text, " #", 2)[0]))); len(items) > maxEntries {
			return nil, errEntries
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	return []entry{{path: names("records"), value: snapshot.List(items...), line: line, prose: true}}, nil
}
