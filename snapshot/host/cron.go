package host

import (
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// The places of crontabs. Below userSpool, directly or in crontabs/, the lines have no user field.
const (
	systemTab = "/etc/crontab"
	systemDir = "/etc/cron.d/"
	userSpool = "/var/spool/cron/"
)

// readCrontabs reads crontab(5): the set of jobs and variables of each file. The order of lines means nothing to cron.
func readCrontabs(rd *reader) {
	files, _ := rd.files("cron", rd.at("cron", ""), "cron/etc/cron*", "cron/var/spool/cron/*")
	rd.lookedCron("cron", systemTab, systemDir, userSpool)
	ignored := 0
	for _, f := range files {
		switch {
		case rd.captured(f.Path):
			continue
		case strings.HasPrefix(f.Path, systemDir) && !cronName(f.Path):
			if !strings.HasSuffix(f.Path, "/.placeholder") {
				ignored++
			}
			continue
		}
		fields := 6 // five of the time and the user
		if strings.HasPrefix(f.Path, userSpool) {
			fields = 5
		}
		var entries []snapshot.Value
		first := 0
		for n, line := range lines(f.Body) {
			if line == "" || line[0] == '#' {
				continue
			}
			if first == 0 {
				first = n
			}
			entries = append(entries, cronEntry(rd.in.Redact, line, fields))
		}
		a := rd.at("cron", strings.TrimPrefix(f.Path, "/")).Attr("entries")
		rd.r.Add(a, snapshot.Set(entries...), origin(f.Path, max(first, 1)))
	}
	rd.note("files in cron.d whose names cron ignores", ignored)
}

// lookedCron declares what was looked at by directory: one with something unreadable in it is left out.
func (rd *reader) lookedCron(id string, prefixes ...string) {
	s, fetched := rd.in.Sections[id]
	if !fetched || s.Problem != transport.OK && s.Problem != transport.NotFound || !rd.system && len(s.Files) == 0 {
		return
	}
	for _, prefix := range prefixes {
		whole := true
		for _, f := range s.Files {
			if f.Problem != transport.OK && f.Problem != transport.NotFound &&
				(strings.HasPrefix(f.Path, prefix) || strings.HasPrefix(prefix, f.Path+"/")) {
				whole = false
			}
		}
		if whole {
			rd.looked("cron" + prefix + "*")
		}
	}
}

// cronName reports whether cron and run-parts take a file of this name: letters, digits,
// '-' and '_' only (cron(8), run-parts(8)).
func cronName(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != ""
}

// cronEntry is one line with single blanks between its fields. Its command is kept as it is, without secrets.
func cronEntry(redact *snapshot.Redactor, line string, fields int) snapshot.Value {
	if key, value, ok := strings.Cut(line, "="); ok && assignment(strings.TrimSpace(key)) {
		key, value = unquote(strings.TrimSpace(key)), unquote(strings.TrimSpace(value))
		text := redact.Text(key + "=" + value)
		if redact.Scalar(key, value).IsSecret() && strings.HasSuffix(text, value) {
			text = key + "=‹secret›"
		}
		return snapshot.String(text)
	}
	if line[0] == '@' {
		fields -= 4 // @reboot stands for the five of the time
	}
	var b strings.Builder
	rest := line
	for range fields {
		f, more := cutField(rest)
		b.WriteString(f)
		if more == "" {
			return redact.Line(b.String())
		}
		b.WriteByte(' ')
		rest = more
	}
	b.WriteString(rest)
	return redact.Line(b.String())
}

// assignment reports whether the text before '=' is a variable's name and not the beginning of a job.
func assignment(name string) bool {
	name = unquote(name)
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return name != ""
}

func cutField(s string) (field, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

// readCronScripts reads the scripts that run-parts runs: by keyed digest,
// because a digest without a key can be guessed.
func readCronScripts(rd *reader) {
	files, _ := rd.files("cron-scripts", rd.at("cron", ""), "cron/etc/cron.*")
	rd.lookedCron("cron-scripts", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/", "/etc/cron.monthly/")
	for _, f := range files {
		if !rd.captured(f.Path) && cronName(f.Path) && f.Mode&0o111 != 0 {
			a := rd.at("cron", strings.TrimPrefix(f.Path, "/")).Attr("digest")
			rd.r.Add(a, rd.in.Redact.Content([]byte(f.Digest)), f.Path)
		}
	}
}
