package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree serves a directory tree as a host's file system. Nothing that stands in the tree makes it read outside: names
// are resolved here, with absolute links relative to the tree as chroot would, and every access goes through os.Root,
// so that not even a directory that is swapped for a link in between leads out.
type tree struct {
	root  io.Closer
	files source
	dir   string
	whole bool // the tree is this machine's own /, where ".." above the root is the root
}

// Root serves the directory tree dir as a host: an unpacked image, a mounted disk, a chroot. It runs no commands.
func Root(dir string) (Transport, error) {
	t, err := openTree(dir)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func openTree(dir string) (*tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("directory tree %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("directory tree %s does not exist: create or mount it, or correct the path that follows root: in envdiff.yaml", dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("directory tree %s cannot be read: permission denied; run as a user who may read it", dir)
	case err != nil:
		return nil, fmt.Errorf("directory tree %s cannot be opened: %s", dir, plain(err))
	}
	if empty(root) {
		root.Close()
		return nil, fmt.Errorf("directory tree %s is empty: mount or unpack it, or correct the path that follows root: in envdiff.yaml", dir)
	}
	return &tree{root: root, files: directory{root}, dir: dir, whole: abs == "/"}, nil
}

// empty reports a directory without any entry: a mount point that nothing is mounted on, which must
// not pass for a host without differences.
func empty(root *os.Root) bool {
	d, err := root.Open(".")
	if err != nil {
		return false
	}
	defer d.Close()
	_, err = d.Readdirnames(1)
	return err == io.EOF
}

func (t *tree) Describe() string { return "root:" + t.dir }

func (t *tree) Close() error { return t.root.Close() }

// Fetch answers the wants one after the other: the disk is the bottleneck, and hosts run beside each other anyway.
func (t *tree) Fetch(ctx context.Context, wants []Want) (Sections, error) {
	sections := make(Sections, len(wants))
	for _, w := range wants {
		if len(w.Command) > 0 {
			sections[w.ID] = Section{Problem: Unable, Detail: "a directory tree runs no commands"}
			continue
		}
		s, err := t.fetchFiles(ctx, w)
		if err != nil {
			return nil, err
		}
		sections[w.ID] = s
	}
	return sections, nil
}

// treeOnly answers a want that only a directory tree is asked.
var treeOnly = Section{Problem: Unable, Detail: "a command tells this"}

// fetchFiles fills a section with files; its error is the context's.
func (t *tree) fetchFiles(ctx context.Context, w Want) (Section, error) {
	wk := newWalk(ctx, t, w)
	err := wk.run()
	s := Section{Files: wk.files}
	switch {
	case errors.Is(err, errTooMany):
		s.Problem = TooMany
		s.Detail = fmt.Sprintf("more than %d files, or %d directory entries", wk.maxFiles, maxEntries)
	case err != nil:
		return Section{}, err
	case len(s.Files) == 0:
		s.Problem = NotFound
	}
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return s, nil
}

// plain is an error's text without the names that the operating system wraps around it.
func plain(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// problemOf classifies an error of the file system.
func problemOf(err error) (Problem, string) {
	switch {
	case errors.Is(err, fs.ErrNotExist), isNotDirectory(err):
		return NotFound, ""
	case errors.Is(err, fs.ErrPermission):
		return Denied, ""
	case isLoop(err):
		return Loop, ""
	}
	return Failed, plain(err)
}
