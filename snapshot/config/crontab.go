package config

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// parseSystemCrontab reads /etc/crontab and /etc/cron.d, whose sixth field is a user; parseUserCrontab the tables
// of users, which have none (crontab(5)).
func parseSystemCrontab(src []byte) ([]entry, error) { return crontab(src, true) }
func parseUserCrontab(src []byte) ([]entry, error)   { return crontab(src, false) }

// crontab addresses a job by what it runs, so that another time is a changed value. A job at several times has the set
// of them. Settings are keys of their own. The order of jobs says nothing.
func crontab(src []byte, system bool) ([]entry, error) {
	var c collected
	for _, l := range significant(src, "#") {
		if name, value, ok := cronSetting(l.text); ok {
			c.add(l.no, last, snapshot.String(value), name)
			continue
		}
		schedule, command, ok := cutSchedule(l.text)
		if i := strings.IndexAny(command, " \t"); ok && system {
			if ok = i > 0; ok {
				command = command[:i] + " " + strings.TrimSpace(command[i:])
			}
		}
		if !ok || command == "" {
			return nil, errAt(l.no, "neither a setting nor a job")
		}
		c.add(l.no, set, snapshot.String(schedule), command)
		if len(c.list) > maxEntries {
			return nil, errEntries
		}
	}
	entries, err := c.entries()
	for i := range entries {
		if !isSetting(entries[i].path[0].name) {
			entries[i].prose = true // a schedule is no secret, whatever the command is called
		}
	}
	return entries, err
}

// isSetting tells NAME from a command; a command line has a space, a slash or no upper-case name.
func isSetting(name string) bool { return envName(name) }

// cronSetting reads NAME = value; the name may be quoted, and so may the value.
func cronSetting(s string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(s, "=")
	name = unquote(strings.TrimSpace(name))
	if !ok || !envName(name) {
		return "", "", false
	}
	return name, unquote(strings.TrimSpace(value)), true
}

func cutSchedule(s string) (schedule, rest string, ok bool) {
	if s[0] == '@' {
		i := strings.IndexAny(s, " \t")
		if i < 0 {
			return "", "", false
		}
		word := strings.ToLower(s[:i])
		if fields, known := cronNicknames[word]; known {
			word = fields
		}
		return word, strings.TrimSpace(s[i:]), true
	}
	fields := make([]string, 5)
	for i := range fields {
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			return "", "", false
		}
		if fields[i], ok = cronField(s[:end], i); !ok {
			return "", "", false
		}
		s = strings.TrimLeft(s[end:], " \t")
	}
	return strings.Join(fields, " "), s, true
}

var cronNicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
	"@hourly": "0 * * * *",
}

// cronField writes a field in one spelling: names as numbers, no leading zeros, */1 as *, Sunday as 0.
func cronField(s string, index int) (string, bool) {
	if !strings.ContainsAny(s, "*?0123456789") && index < 3 {
		return "", false
	}
	parts := strings.Split(s, ",")
	for i, p := range parts {
		base, step, stepped := strings.Cut(p, "/")
		lo, hi, ranged := strings.Cut(base, "-")
		var ok bool
		if lo, ok = cronNumber(lo, index); !ok {
			return "", false
		}
		if ranged {
			if hi, ok = cronNumber(hi, index); !ok {
				return "", false
			}
			if hi == "0" && index == 4 { // 5-7 ends on a Sunday
				hi = "7"
			}
			lo += "-" + hi
		}
		if stepped && step != "1" {
			n, err := strconv.Atoi(step)
			if err != nil {
				return "", false
			}
			lo += "/" + strconv.Itoa(n)
		}
		parts[i] = lo
	}
	return strings.Join(parts, ","), true
}

func cronNumber(s string, index int) (string, bool) {
	if s == "*" || s == "?" {
		return s, true
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		if index == 4 && n == 7 {
			n = 0
		}
		return strconv.Itoa(n), true
	}
	table, first := "", 0
	switch index {
	case 3:
		table, first = "jan feb mar apr may jun jul aug sep oct nov dec", 1
	case 4:
		table = "sun mon tue wed thu fri sat"
	}
	for i, name := range strings.Fields(table) {
		if strings.EqualFold(s, name) {
			return strconv.Itoa(first + i), true
		}
	}
	return "", false
}
