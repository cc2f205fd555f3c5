package host

import (
	"fmt"

	"github.com/envdiff/envdiff/internal/transport"
	"github.com/envdiff/envdiff/snapshot"
)

// reader holds what all concerns share: the input, the result so far, and whether the tree is a whole system.
type reader struct {
	in     snapshot.Input
	r      snapshot.Result
	config []transport.Glob // files that the config collector reads
	// system is set where the tree is that of a system, not a few files: there, a file that is not
	// found is absent, and not merely unknown.
	system bool
	// container is set where the host shares its kernel with others: its parameters, modules and clock are theirs.
	container bool
}

func newReader(in snapshot.Input) *reader {
	rd := &reader{in: in, r: snapshot.Result{Looked: []string{}}}
	for _, g := range in.Spec.Config {
		rd.config = append(rd.config, transport.CompileGlob(g))
	}
	rd.system = len(in.Sections["passwd"].Files) > 0 || len(in.Sections["os-release"].Files) > 0
	return rd
}

// captured reports whether the role captures this file as configuration: its facts are given there.
func (rd *reader) captured(path string) bool {
	for _, g := range rd.config {
		if g.Match(path) {
			return true
		}
	}
	return false
}

func (rd *reader) at(kind, name string) snapshot.Address { return snapshot.At(rd.in.Scope, kind, name) }

func (rd *reader) looked(globs ...string) { rd.r.Looked = append(rd.r.Looked, globs...) }

func (rd *reader) note(kind string, count int) {
	if count > 0 {
		rd.r.Notes = append(rd.r.Notes, snapshot.Note{Scope: rd.in.Scope, Kind: kind, Count: count})
	}
}

// files returns the readable files of a section. complete is false when something in it could not be read,
// which is reported: as a coverage note where this user lacks the right, because nobody asked for these
// files by name, and as a gap at a otherwise.
func (rd *reader) files(id string, a snapshot.Address, covers ...string) (files []transport.File, complete bool) {
	s, fetched := rd.in.Sections[id]
	complete = fetched
	if s.Problem != transport.OK && s.Problem != transport.NotFound {
		complete = false
		rd.trouble(id, s.Problem, s.Detail, a, covers)
	}
	for _, f := range s.Files {
		switch f.Problem {
		case transport.OK:
			files = append(files, f)
		case transport.NotFound: // a dangling link is as good as no file
		default:
			complete = false
			rd.trouble(f.Path, f.Problem, f.Detail, a, covers)
		}
	}
	return files, complete && (len(files) > 0 || rd.system)
}

func (rd *reader) trouble(what string, p transport.Problem, detail string, a snapshot.Address, covers []string) {
	switch p {
	case transport.Denied:
		rd.note("files that this user may not read: "+a.Kind, 1)
		return
	case transport.Unable: // a directory tree runs no commands
		return
	}
	reason := fmt.Sprintf("%s could not be read: %s", what, p)
	if detail != "" {
		reason += " (" + detail + ")"
	}
	rd.r.Missing(a, reason, "look at the file on the host; it is no ordinary one", covers...)
}

// one returns the body of a section that holds one file.
func (rd *reader) one(id string, a snapshot.Address) (f transport.File, ok bool) {
	files, _ := rd.files(id, a)
	if len(files) == 0 {
		return f, false
	}
	return files[0], true
}

// damaged reports lines that were not understood, as one gap.
func (rd *reader) damaged(a snapshot.Address, path string, lines []int, covers ...string) {
	if len(lines) == 0 {
		return
	}
	text := fmt.Sprintf("%s: line %d is not understood", path, lines[0])
	if len(lines) > 1 {
		text += fmt.Sprintf(", nor are %d more", len(lines)-1)
	}
	rd.r.Missing(a, text, "correct the file; the other lines are compared", covers...)
}
