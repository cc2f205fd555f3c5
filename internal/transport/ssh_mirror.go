package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// mirror is what a host has told of its file system so far. A walk over it that meets something that is not yet known notes it as a need and
// goes on; the needs of all walks are the next question to the host, and then they walk again. A walk that met nothing unknown is
// what it would be on the host's own file system.
type mirror struct {
	about  hello
	nodes  map[string]*node         // by name; nil for what is not there
	lists  map[string][]fs.DirEntry // directories of which every entry is known
	asked  map[string]int           // trees that were asked for, and how deep
	cut    map[string]bool          // trees whose listing was too long
	bodies map[string]body
	sums   map[sumName]string
	wrong  map[string]error // why a file's content was not given
	alone  map[string]bool  // files that an archive did not give
	budget int64            // bytes of bodies that may still be asked for

	need    needs
	unknown bool // the walk since this was last set to false met something unknown
}

// node is one name; it is its own fs.FileInfo.
type node struct {
	name             string // base name
	mode             fs.FileMode
	size             int64
	uid, gid         int
	target           string
	noRead, noSearch bool // a directory that this user may not list or enter
	trouble          bool // a directory that could not be listed for another reason
}

type body struct {
	data  []byte
	limit int64 // as asked: data of this length may be all, or not
}

type sumName struct {
	content Content
	name    string
}

// needs is the next question.
type needs struct {
	stats  map[string]bool
	trees  map[string]int
	bodies map[string]int64
	sums   map[sumName]bool
}

// errUnknown is what a walk gets for what has yet to be asked. It counts as not found, so that the walk goes on.
var errUnknown = fmt.Errorf("not yet asked: %w", fs.ErrNotExist)

func newMirror(about hello) *mirror {
	m := &mirror{
		about: about, nodes: map[string]*node{}, lists: map[string][]fs.DirEntry{}, asked: map[string]int{}, cut: map[string]bool{},
		bodies: map[string]body{}, sums: map[sumName]string{}, wrong: map[string]error{}, alone: map[string]bool{}, budget: maxHeld,
	}
	m.forget()
	return m
}

// forget clears the needs.
func (m *mirror) forget() {
	m.need = needs{stats: map[string]bool{}, trees: map[string]int{}, bodies: map[string]int64{}, sums: map[sumName]bool{}}
}

func (n *node) Name() string       { return n.name }
func (n *node) Size() int64        { return n.size }
func (n *node) Mode() fs.FileMode  { return n.mode }
func (n *node) ModTime() time.Time { return time.Time{} }
func (n *node) IsDir() bool        { return n.mode.IsDir() }
func (n *node) Sys() any           { return nil }

// look returns a node, or why there is none; errUnknown when the host has to be asked.
func (m *mirror) look(name string) (*node, error) {
	if n, known := m.nodes[name]; known && n != nil {
		return n, nil
	} else if known {
		return nil, m.absent(name)
	}
	for dir := name; dir != "."; {
		dir = path.Dir(dir)
		n, known := m.nodes[dir]
		_, listed := m.lists[dir]
		switch {
		case n != nil && n.noSearch:
			return nil, fs.ErrPermission
		case known && n == nil, listed, n != nil && !n.IsDir():
			return nil, fs.ErrNotExist
		case known:
			return nil, errUnknown
		}
	}
	return nil, errUnknown
}

// absent is why a name that was asked for is not there.
func (m *mirror) absent(name string) error {
	if n := m.nodes[path.Dir(name)]; n != nil && n.noSearch {
		return fs.ErrPermission
	}
	return fs.ErrNotExist
}

func (m *mirror) Lstat(name string) (fs.FileInfo, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return nil, syscall.EINVAL
	}
	n, err := m.look(name)
	if err == errUnknown {
		m.unknown = true
		m.need.stats[name] = true
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Readlink gives a link as written, but for /proc/self: that is the process which asked, and the one that reads files is the shell.
func (m *mirror) Readlink(name string) (string, error) {
	switch name {
	case "proc/self":
		return m.about.pid, nil
	case "proc/thread-self":
		return m.about.pid + "/task/" + m.about.pid, nil
	}
	fi, err := m.Lstat(name)
	if err != nil {
		return "", err
	}
	n, ok := fi.(*node)
	if !ok || n.mode&fs.ModeSymlink == 0 {
		return "", syscall.EINVAL
	}
	return n.target, nil
}

func (m *mirror) list(_ context.Context, name string, limit, reach int) ([]fs.DirEntry, error) {
	for dir := name; ; dir = path.Dir(dir) {
		if m.cut[dir] {
			return nil, errTooMany
		}
		if dir == "." {
			break
		}
	}
	n, err := m.look(name)
	if err != nil && err != errUnknown {
		return nil, err
	}
	if n != nil && (n.noRead || n.noSearch) {
		return nil, fs.ErrPermission
	}
	if n != nil && n.trouble {
		return nil, errUnread
	}
	if list, ok := m.lists[name]; ok {
		if len(list) > limit {
			return nil, errTooMany
		}
		return list, nil
	}
	if m.covered(name, 1) {
		return nil, fs.ErrNotExist // it went away, or is a directory no longer
	}
	m.unknown = true
	m.need.trees[name] = max(m.need.trees[name], reach)
	return nil, errUnknown
}

// covered reports whether a tree that holds everything to this depth below name was asked for.
func (m *mirror) covered(name string, depth int) bool {
	for dir := name; ; dir = path.Dir(dir) {
		if had, ok := m.asked[dir]; ok && (had >= depth || had == endless) {
			return true
		}
		if dir == "." {
			return false
		}
		depth++
	}
}

// foresee needs, without being missed yet, what a walk with these segments is going to look at.
func (m *mirror) foresee(name string, segments []segment) {
	for i, s := range segments {
		if s.wild || s.cross {
			reach := len(segments) - i
			if slices.ContainsFunc(segments[i:], func(s segment) bool { return s.cross }) {
				reach = endless
			}
			if !m.covered(name, reach) {
				m.need.trees[name] = max(m.need.trees[name], reach)
			}
			return
		}
		name = path.Join(name, s.text)
		if strings.IndexByte(name, 0) >= 0 {
			return
		}
		if _, err := m.look(name); err == errUnknown {
			m.need.stats[name] = true
		}
	}
}

func (m *mirror) open(name string, limit int64) (io.ReadCloser, error) {
	if err := m.wrong[name]; err != nil {
		return nil, err
	}
	if b, ok := m.bodies[name]; ok && (int64(len(b.data)) < b.limit || b.limit > limit) {
		return io.NopCloser(bytes.NewReader(b.data)), nil
	}
	m.unknown = true
	if _, again := m.need.bodies[name]; !again {
		if n := m.nodes[name]; n != nil {
			if n.size > m.budget {
				m.wrong[name] = errHeld
				return nil, errHeld
			}
			m.budget -= n.size
		}
	}
	m.need.bodies[name] = max(m.need.bodies[name], limit+1) // one more than may be: then it is too large
	return nil, errUnknown
}

// digest asks the host for it, unless its body is known, or needed: of a file of /proc, which has no size, of a name that the digest programs
// print in a form of their own, and where there is no such program.
func (m *mirror) digest(_ context.Context, name string, c Content, limit int64) (string, int64, error) {
	key := sumName{c, name}
	n := m.nodes[name]
	if sum, ok := m.sums[key]; ok && n != nil {
		return sum, n.size, nil
	}
	_, have := m.bodies[name]
	if have || n == nil || n.size == 0 || strings.ContainsAny(name, "\n\r\\") || !m.about.has(program(c)) {
		r, err := m.open(name, limit)
		if err != nil {
			return "", 0, err
		}
		return digestOf(c, io.LimitReader(r, limit+1))
	}
	if err := m.wrong[name]; err != nil {
		return "", 0, err
	}
	m.unknown = true
	m.need.sums[key] = true
	return "", 0, errUnknown
}

// program is what takes a digest on a host.
func program(c Content) string {
	if c == MD5 {
		return "md5sum"
	}
	return "sha256sum"
}

// learn adds the nodes of a listing of trees to this depth below the roots, and what of it is complete.
func (m *mirror) learn(roots []string, depth int, found map[string]*node) {
	children := map[string][]fs.DirEntry{}
	at := map[string]bool{}
	for _, r := range roots {
		at[r] = true
	}
	for name, n := range found {
		m.nodes[name] = n
		if name != "." {
			dir := path.Dir(name)
			children[dir] = append(children[dir], fs.FileInfoToDirEntry(n))
		}
	}
	for name, n := range found {
		if !n.IsDir() || n.noRead || n.noSearch || n.trouble || below(at, name) >= depth {
			continue
		}
		list := children[name]
		slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		m.lists[name] = list
	}
}

// below is how many levels a name is below the nearest root.
func below(roots map[string]bool, name string) int {
	for levels := 0; ; levels++ {
		if roots[name] {
			return levels
		}
		if name == "." {
			return endless
		}
		name = path.Dir(name)
	}
}

// finish marks what was asked and not told as not there.
func (m *mirror) finish(asked *question) {
	q := asked.needs
	for name := range q.stats {
		m.gone(name)
	}
	for name, depth := range q.trees {
		m.gone(name)
		m.asked[name] = max(m.asked[name], depth)
	}
	for name := range q.bodies {
		if _, ok := m.bodies[name]; ok || m.wrong[name] != nil {
			continue
		}
		if asked.archived[name] {
			m.alone[name] = true
		} else {
			m.wrong[name] = errUntold
		}
	}
	for key := range q.sums {
		_, ok := m.sums[key]
		if _, body := q.bodies[key.name]; !ok && !body && m.wrong[key.name] == nil {
			m.wrong[key.name] = errUntold
		}
	}
}

var errUntold = errors.New("the host did not give it")

func (m *mirror) gone(name string) {
	if _, known := m.nodes[name]; !known {
		m.nodes[name] = nil
	}
}
