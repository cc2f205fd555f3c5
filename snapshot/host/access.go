package host

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// readSudoers reads sudoers(5): the rules of each file, in order, for the last one that matches counts. Files in sudoers.d whose names hold a dot or end in ~ are
// none of sudo's.
func readSudoers(rd *reader) {
	a := rd.at("sudoers", "")
	files, complete := rd.files("sudoers", a, "sudoers/*")
	if complete {
		rd.looked("sudoers/*")
	}
	for _, f := range files {
		name := strings.TrimPrefix(f.Path, "/etc/sudoers.d/")
		if rd.captured(f.Path) || name != f.Path && (strings.Contains(name, ".") || strings.HasSuffix(name, "~")) {
			continue
		}
		var rules []snapshot.Value
		joined := ""
		for _, line := range lines(f.Body) {
			if more, ok := strings.CutSuffix(line, `\`); ok {
				joined += more + " "
				continue
			}
			if rule := sudoRule(joined + line); rule != "" {
				rules = append(rules, rd.in.Redact.Line(rule))
			}
			joined = ""
		}
		rd.r.Add(rd.at("sudoers", strings.TrimPrefix(f.Path, "/")).Attr("rules"), snapshot.List(rules...), f.Path)
	}
}

// sudoRule is a rule with single blanks, or "". A # begins a comment, but for a user's number, and for #include and #includedir, which are also written with @.
func sudoRule(line string) string {
	for _, include := range []string{"#includedir ", "#include "} {
		if rest, ok := strings.CutPrefix(line, include); ok {
			return "@" + include[1:] + strings.TrimSpace(rest)
		}
	}
	for i := 0; i < len(line); i++ {
		if line[i] == '#' && (i == 0 || line[i-1] != '\\') && (i+1 == len(line) || line[i+1] < '0' || line[i+1] > '9') {
			line = line[:i]
			break
		}
	}
	return strings.Join(strings.Fields(line), " ")
}

// authorizedKeys prints the keys that let anybody in as each user of /etc/passwd: a line that names user and file, and the file's lines behind a blank.
const authorizedKeys = `while IFS=: read -r n x u g c h s; do
for f in "$h/.ssh/authorized_keys" "$h/.ssh/authorized_keys2" "/etc/ssh/authorized_keys/$n"; do
[ "$h" ] && [ "$h" != / ] || continue
if [ -r "$f" ]; then echo "@ $n $f"; head -c 1048576 "$f" | sed 's/^/ /'
elif [ -e "$f" ]; then echo "! $n $f"; fi
done; done </etc/passwd`

// readAuthorizedKeys reads who may log in with a key: the keys' fingerprints, as ssh-keygen -l prints them, with their options. Comments name people and
// are left out.
func readAuthorizedKeys(rd *reader) {
	a := rd.at("authorized_keys", "")
	out, live := rd.output("authorized-keys", a, "authorized_keys/*")
	keys := map[string][]snapshot.Value{}
	from := map[string]string{}
	denied := 0
	if live {
		user := ""
		for line := range strings.Lines(string(out)) {
			line = strings.TrimSuffix(line, "\n")
			switch {
			case strings.HasPrefix(line, "@ "):
				var path string
				user, path, _ = strings.Cut(line[2:], " ")
				if _, ok := keys[user]; !ok {
					keys[user], from[user] = nil, path
				}
			case strings.HasPrefix(line, "! "):
				denied++
			case user != "" && strings.HasPrefix(line, " "):
				keys[user] = append(keys[user], rd.authorized(line)...)
			}
		}
		if len(out) > 0 && denied == 0 {
			rd.looked("authorized_keys/*")
		}
	} else if rd.in.Sections["authorized-keys"].Problem == transport.Unable {
		files, complete := rd.files("authorized-root", a, "authorized_keys/root*")
		for _, f := range files {
			for _, line := range lines(f.Body) {
				keys["root"] = append(keys["root"], rd.authorized(line)...)
			}
			from["root"] = f.Path
		}
		if complete {
			rd.looked("authorized_keys/root*")
		}
	}
	for _, user := range slices.Sorted(maps.Keys(from)) {
		rd.r.Add(rd.at("authorized_keys", user).Attr("keys"), snapshot.Set(keys[user]...), from[user])
	}
	rd.note("files that this user may not read: authorized_keys", denied)
}

// authorized is a line of authorized_keys as options, type and fingerprint; nothing for a comment.
func (rd *reader) authorized(line string) []snapshot.Value {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	options := ""
	if f := strings.Fields(line); !keyType(f[0]) {
		end := optionsEnd(line)
		options, line = line[:end], strings.TrimSpace(line[end:])
	}
	f := strings.Fields(line)
	if len(f) < 2 || !keyType(f[0]) {
		return []snapshot.Value{snapshot.String("a line that is no key")}
	}
	blob, err := base64.StdEncoding.DecodeString(f[1])
	if err != nil {
		return []snapshot.Value{snapshot.String("a line that is no key")}
	}
	sum := sha256.Sum256(blob)
	text := f[0] + " SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
	if options != "" {
		text = rd.in.Redact.Text(options) + " " + text
	}
	return []snapshot.Value{snapshot.String(text)}
}

func keyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-")
}

// optionsEnd is where the options end: at the first blank outside of quotes.
func optionsEnd(line string) int {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ' ', '\t':
			if !quoted {
				return i
			}
		}
	}
	return len(line)
}

// readLimits reads limits.conf(5): a later line of the same user, kind and item wins, and the files of limits.d come after limits.conf.
func readLimits(rd *reader) {
	a := rd.at("limit", "")
	files, complete := rd.files("limits", a, "limit/*")
	if complete {
		rd.looked("limit/*")
	}
	set := map[snapshot.Address][2]string{}
	slices.SortStableFunc(files, func(a, b transport.File) int { return strings.Compare(limitsRank(a.Path), limitsRank(b.Path)) })
	for _, f := range files {
		if rd.captured(f.Path) {
			continue
		}
		var bad []int
		for n, line := range lines(f.Body) {
			line, _, _ = strings.Cut(line, "#")
			w := strings.Fields(line)
			if len(w) == 0 {
				continue
			}
			if len(w) != 4 || w[1] != "soft" && w[1] != "hard" && w[1] != "-" {
				bad = append(bad, n)
				continue
			}
			for _, kind := range []string{"soft", "hard"} {
				if w[1] == kind || w[1] == "-" {
					set[rd.at("limit", w[0]+"/"+w[2]).Attr(kind)] = [2]string{w[3], origin(f.Path, n)}
				}
			}
		}
		rd.damaged(a, f.Path, bad, "limit/*")
	}
	for _, a := range slices.SortedFunc(maps.Keys(set), func(a, b snapshot.Address) int { return strings.Compare(a.String(), b.String()) }) {
		rd.r.Add(a, rd.in.Redact.Line(set[a][0]), set[a][1])
	}
}

// limitsRank puts limits.conf before limits.d, and those by name.
func limitsRank(path string) string {
	if path == "/etc/security/limits.conf" {
		return ""
	}
	return path
}

// readLocale reads the language of the system.
func readLocale(rd *reader) {
	a := rd.at("host", "locale")
	files, complete := rd.files("locale", a, "host/locale*")
	if complete {
		rd.looked("host/locale*")
	}
	seen := map[string]bool{}
	for _, f := range files {
		if rd.captured(f.Path) {
			continue
		}
		for n, line := range lines(f.Body) {
			key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
			if ok && !seen[key] && (key == "LANG" || key == "LANGUAGE" || strings.HasPrefix(key, "LC_")) {
				seen[key] = true
				rd.r.Add(a.Attr(strings.ToLower(key)), rd.in.Redact.Line(unquote(value)), origin(f.Path, n))
			}
		}
	}
}
