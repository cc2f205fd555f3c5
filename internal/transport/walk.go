package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxEntries bounds the directory entries that one want may make us look at, and maxDepth how deep they may lie.
const (
	maxEntries = 2_000_000
	maxDepth   = 255
)

var errTooMany = errors.New("too many files")

// walk finds the files of one want. It reads each directory once for all globs, and follows links to directories where
// a segment names them, but not where "**" does: a tree of links has no end.
type walk struct {
	ctx      context.Context
	tree     *tree
	want     Want
	globs    []Glob
	exclude  []Glob
	maxFiles int
	entries  int
	held     int64 // bytes of all bodies
	files    []File
}

// state is a position in one of the globs.
type state struct{ glob, at int }

func newWalk(ctx context.Context, t *tree, w Want) *walk {
	wk := &walk{ctx: ctx, tree: t, want: w, maxFiles: w.MaxFiles}
	if wk.maxFiles <= 0 {
		wk.maxFiles = DefaultMaxFiles
	}
	for _, g := range w.Globs {
		wk.globs = append(wk.globs, CompileGlob(g))
	}
	for _, g := range w.Exclude {
		wk.exclude = append(wk.exclude, CompileGlob(g))
		if dir, ok := strings.CutSuffix(g, "/**"); ok {
			wk.exclude = append(wk.exclude, CompileGlob(dir))
		}
	}
	return wk
}

// run walks from the root; its error is the context's, or errTooMany.
func (wk *walk) run() error {
	var start []state
	for i, g := range wk.globs {
		for _, at := range g.closure(nil, 0) {
			start = append(start, state{i, at})
		}
	}
	wk.foresee(".", start)
	return wk.directory("/", ".", start, 0)
}

// directory looks at one directory: host is its path on the host, name where it is in the tree.
func (wk *walk) directory(host, name string, states []state, depth int) error {
	if err := wk.ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return wk.add(File{Path: host, Mode: fs.ModeDir, Problem: TooLarge, Detail: fmt.Sprintf("nested deeper than %d directories", maxDepth)})
	}
	if names, ok := wk.literals(states); ok {
		for _, n := range names {
			if err := wk.entry(host, name, n, nil, states, depth); err != nil {
				return err
			}
		}
		return nil
	}
	list, err := wk.list(name, states)
	if errors.Is(err, errTooMany) || wk.ctx.Err() != nil {
		return err
	}
	if err != nil {
		p, d := problemOf(err)
		if p == NotFound { // it went away while we looked
			return nil
		}
		return wk.add(File{Path: host, Mode: fs.ModeDir, Problem: p, Detail: d})
	}
	for _, e := range list {
		if err := wk.entry(host, name, e.Name(), e, states, depth); err != nil {
			return err
		}
	}
	return nil
}

// literals returns the names to look for when no state needs the directory's list,
// so that a large directory costs nothing.
func (wk *walk) literals(states []state) ([]string, bool) {
	var names []string
	for _, s := range states {
		segs := wk.globs[s.glob].segments
		if s.at == len(segs) {
			continue
		}
		if seg := segs[s.at]; seg.wild || seg.cross {
			return nil, false
		}
		names = append(names, segs[s.at].text)
	}
	slices.Sort(names)
	return slices.Compact(names), true
}

// entry takes one name of a directory: a file that matches is added, a directory that may hold matches is entered. e is
// nil for a name that nobody has seen yet.
func (wk *walk) entry(host, name, base string, e fs.DirEntry, states []state, depth int) error {
	var next, linked []state // linked: without those that "**" carried here
	final := false
	for _, s := range states {
		g := wk.globs[s.glob]
		for _, at := range g.step(nil, s.at, base) {
			n := state{s.glob, at}
			if at == len(g.segments) {
				final = true
				continue
			}
			if !slices.Contains(next, n) {
				next = append(next, n)
			}
			if !(s.at < len(g.segments) && g.segments[s.at].cross) && !slices.Contains(linked, n) {
				linked = append(linked, n)
			}
		}
	}
	if !final && len(next) == 0 {
		return nil
	}
	hostPath := path.Join(host, base)
	if wk.excluded(hostPath) {
		return nil
	}
	inTree := path.Join(name, base)
	var mode fs.FileMode
	if e != nil {
		mode = e.Type()
	}
	if e == nil || mode&fs.ModeIrregular != 0 {
		fi, err := wk.tree.files.Lstat(inTree)
		if err != nil {
			p, d := problemOf(err)
			if p == NotFound {
				return nil
			}
			return wk.add(File{Path: hostPath, Problem: p, Detail: d})
		}
		mode = fi.Mode()
	}
	if mode.IsDir() {
		if len(next) > 0 {
			return wk.directory(hostPath, inTree, next, depth+1)
		}
		return nil
	}
	if mode&fs.ModeSymlink != 0 && len(linked) > 0 {
		if err := wk.linkedDirectory(hostPath, name, base, linked, final, depth); err != nil {
			return err
		}
	}
	if !final {
		return nil
	}
	f, ok, err := wk.read(hostPath, name, base)
	if err != nil || !ok {
		return err
	}
	return wk.add(f)
}

// linkedDirectory enters a directory through a link. A link that leads nowhere useful is a file
// with a problem, unless it is one already.
func (wk *walk) linkedDirectory(host, name, base string, states []state, final bool, depth int) error {
	to := wk.tree.resolve(name, base)
	switch {
	case to.problem == NotFound || final && to.problem != OK:
		return nil
	case to.problem != OK:
		target, _ := wk.tree.files.Readlink(path.Join(name, base))
		return wk.add(File{Path: host, Mode: fs.ModeSymlink, Target: target, Problem: to.problem, Detail: to.detail})
	case !to.info.IsDir():
		return nil
	}
	wk.foresee(to.name, states)
	return wk.directory(host, to.name, states, depth+1)
}

func (wk *walk) excluded(host string) bool {
	for _, g := range wk.exclude {
		if g.Match(host) {
			return true
		}
	}
	return false
}

func (wk *walk) add(f File) error {
	if len(wk.files) >= wk.maxFiles {
		return errTooMany
	}
	wk.files = append(wk.files, f)
	return nil
}

// list reads a directory and counts its entries.
func (wk *walk) list(name string, states []state) ([]fs.DirEntry, error) {
	list, err := wk.tree.files.list(wk.ctx, name, maxEntries-wk.entries, wk.reach(states))
	wk.entries += len(list)
	return list, err
}

// reach is how many levels below a directory these states may lead.
func (wk *walk) reach(states []state) int {
	levels := 0
	for _, s := range states {
		rest := wk.globs[s.glob].segments[s.at:]
		if slices.ContainsFunc(rest, func(seg segment) bool { return seg.cross }) {
			return endless
		}
		levels = max(levels, len(rest))
	}
	return levels
}

// foresee passes on where these states lead from a directory.
func (wk *walk) foresee(name string, states []state) {
	for _, s := range states {
		wk.tree.files.foresee(name, wk.globs[s.glob].segments[s.at:])
	}
}
