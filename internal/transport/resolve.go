package transport

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is how many links one name may lead through; Linux's own limit (path_resolution(7)).
const maxLinks = 40

// place is where a host path leads inside the tree: a name without links, relative to the tree.
type place struct {
	name    string
	info    fs.FileInfo
	problem Problem
	detail  string
}

// resolve follows every link in name, which is relative to dir, itself a resolved place's name.
func (t *tree) resolve(dir, name string) place {
	at := splitName(dir)
	rest := strings.Split(name, "/")
	var info fs.FileInfo
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 && !t.whole {
				return place{problem: Outside, detail: "the link leads above the tree's root"}
			}
			at = at[:max(0, len(at)-1)]
			info = nil
			continue
		}
		here := path.Join(joinName(at), part)
		fi, err := t.files.Lstat(here)
		if err != nil {
			p, d := problemOf(err)
			return place{problem: p, detail: d}
		}
		if fi.Mode()&fs.ModeSymlink == 0 {
			at, info = append(at, part), fi
			continue
		}
		if links++; links > maxLinks {
			return place{problem: Loop, detail: fmt.Sprintf("more than %d links", maxLinks)}
		}
		target, err := t.files.Readlink(here)
		if err != nil {
			p, d := problemOf(err)
			return place{problem: p, detail: d}
		}
		if strings.HasPrefix(target, "/") {
			at = at[:0]
		}
		info = nil
		rest = append(strings.Split(target, "/"), rest...)
		t.files.foresee(".", literal(path.Join(append(at[:len(at):len(at)], rest...)...)))
	}
	if info == nil {
		fi, err := t.files.Lstat(joinName(at))
		if err != nil {
			p, d := problemOf(err)
			return place{problem: p, detail: d}
		}
		info = fi
	}
	return place{name: joinName(at), info: info}
}

// splitName and joinName convert between a name relative to the tree, "." being its root, and its parts.
func splitName(name string) []string {
	if name == "." || name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

func joinName(parts []string) string {
	if len(parts) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

// literal is a name as the segments of a pattern that stands for it alone.
func literal(name string) []segment {
	var segments []segment
	for _, part := range splitName(path.Clean("/" + name)[1:]) {
		segments = append(segments, segment{text: part})
	}
	return segments
}
