package host

import (
	"strconv"
	"strings"

	"github.com/envdiff/envdiff/snapshot"
)

// readUsers reads passwd(5) without the password and the personal fields.
func readUsers(rd *reader) {
	rd.accounts("passwd", "user", 7, func(f []string, from string) bool {
		uid, err1 := strconv.ParseUint(f[2], 10, 32)
		gid, err2 := strconv.ParseUint(f[3], 10, 32)
		if err1 != nil || err2 != nil {
			return false
		}
		a := rd.at("user", f[0])
		rd.r.Add(a.Attr("uid"), snapshot.Int(int64(uid)), from)
		rd.r.Add(a.Attr("gid"), snapshot.Int(int64(gid)), from)
		rd.r.Add(a.Attr("home"), rd.in.Redact.Line(f[5]), from)
		rd.r.Add(a.Attr("shell"), rd.in.Redact.Line(f[6]), from)
		return true
	})
}

// readGroups reads group(5) without the password.
func readGroups(rd *reader) {
	rd.accounts("group", "group", 4, func(f []string, from string) bool {
		gid, err := strconv.ParseUint(f[2], 10, 32)
		if err != nil {
			return false
		}
		a := rd.at("group", f[0])
		rd.r.Add(a.Attr("gid"), snapshot.Int(int64(gid)), from)
		var members []string
		for m := range strings.SplitSeq(f[3], ",") {
			if m = strings.TrimSpace(m); m != "" {
				members = append(members, m)
			}
		}
		rd.r.Add(a.Attr("members"), snapshot.Strings(true, members...), from)
		return true
	})
}

// accounts reads a file of colon-separated lines whose first field is a name. The first line of a name
// counts, as in the C library. These files are told here even where the role captures them as
// configuration: the collector config leaves them out.
func (rd *reader) accounts(id, kind string, fields int, add func(f []string, from string) bool) {
	files, complete := rd.files(id, rd.at(kind, ""), kind+"/*")
	if complete && len(files) > 0 {
		rd.looked(kind + "/*")
	}
	seen := map[string]bool{}
	for _, f := range files {
		var bad []int
		for n, line := range lines(f.Body) {
			if line == "" || line[0] == '#' || line[0] == '+' || line[0] == '-' { // the last two include NIS
				continue
			}
			parts := strings.Split(line, ":")
			if len(parts) != fields || parts[0] == "" {
				bad = append(bad, n)
				continue
			}
			if seen[parts[0]] {
				continue
			}
			if !add(parts, origin(f.Path, n)) {
				bad = append(bad, n)
				continue
			}
			seen[parts[0]] = true
		}
		rd.damaged(rd.at(kind, ""), f.Path, bad, kind+"/*")
	}
}
