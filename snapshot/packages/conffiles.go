package packages

import (
	"slices"
	"strings"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// notDigested are directories of /etc that hold links to programs and certificates rather than configuration.
var notDigested = [...]string{"/etc/alternatives/", "/etc/ssl/certs/"}

// told are the places whose files other collectors turn into facts (host: sysctl and cron; service:
// units): their conffiles are told there.
var told = [...]string{"/etc/cron.", "/etc/crontab", "/etc/sysctl.", "/etc/systemd/system/", "/etc/fstab"}

// conffileStates reports the conffiles that are not as their package delivered them. Only /etc was
// digested, and only what this user may read.
func conffileStates(in snapshot.Input, all []deb, r *snapshot.Result) {
	s := in.Sections["conffiles"]
	if s.Problem != transport.OK || len(s.Files) == 0 {
		note(in, r, "conffiles", 1, sectionDetail(s))
		return
	}
	files := make(map[string]*transport.File, len(s.Files))
	closed := linkedDirectories(in.Sections["etc-links"]) // directories that were not looked into
	for i := range s.Files {
		f := &s.Files[i]
		files[f.Path] = f
		if f.Mode.IsDir() {
			closed = append(closed, f.Path+"/")
		}
	}
	seen := map[string]bool{}
	outside, unread := 0, map[string]bool{}
	for i := range all {
		p := &all[i]
		for _, c := range p.conffiles {
			if c.obsolete || c.fresh || seen[c.path] {
				continue
			}
			seen[c.path] = true
			if under(told[:], c.path) {
				continue
			}
			if !strings.HasPrefix(c.path, "/etc/") || under(notDigested[:], c.path) {
				outside++
				continue
			}
			a := snapshot.At(in.Scope, "conffile", "deb/"+p.object+c.path)
			f := files[c.path]
			switch {
			case f == nil && under(closed, c.path), f != nil && f.Problem != transport.OK && f.Problem != transport.NotFound:
				unread[c.path] = true
			case f == nil || f.Problem == transport.NotFound:
				r.Add(a.Attr("state"), snapshot.String("missing"), p.origin)
			case f.Digest != c.md5:
				r.Add(a.Attr("state"), snapshot.String("modified"), c.path)
				r.Add(a.Attr("digest"), in.Redact.Content([]byte(f.Digest)), c.path)
			}
		}
	}
	note(in, r, "conffiles that are not looked at", outside, "")
	note(in, r, "conffiles that could not be read", len(unread), "")
	r.Looked = append(r.Looked, lookedConffiles(all, unread)...)
}

// lookedConffiles covers every conffile, or where some could not be read, those of the packages that own none of them.
func lookedConffiles(all []deb, unread map[string]bool) []string {
	if len(unread) == 0 {
		return []string{"conffile/deb/*"}
	}
	var globs []string
	for i := range all {
		p := &all[i]
		if len(p.conffiles) > 0 && !slices.ContainsFunc(p.conffiles, func(c conffile) bool { return unread[c.path] }) {
			globs = append(globs, "conffile/deb/"+snapshot.Escape(p.object)+"/*")
		}
	}
	return globs
}

// linkedDirectories are the links in /etc: behind one that leads to a directory the conffiles were not digested.
func linkedDirectories(s transport.Section) []string {
	var dirs []string
	for _, f := range s.Files {
		if f.Target != "" {
			dirs = append(dirs, f.Path+"/")
		}
	}
	return dirs
}

func under(prefixes []string, path string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(path, p) })
}

func note(in snapshot.Input, r *snapshot.Result, kind string, count int, detail string) {
	if count > 0 {
		r.Notes = append(r.Notes, snapshot.Note{Scope: in.Scope, Kind: kind, Count: count, Detail: detail})
	}
}

func sectionDetail(s transport.Section) string {
	switch {
	case s.Problem == transport.OK || s.Problem == transport.NotFound:
		return "there is no /etc to compare them with"
	case s.Detail != "":
		return string(s.Problem) + ": " + s.Detail
	}
	return string(s.Problem)
}
