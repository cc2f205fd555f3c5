package transport

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// source is the file system that a walk goes over: a directory, or what a host has told of itself. Names
// are slash-separated and relative to its root, which is ".". That every transport is walked by the same
// code is what makes their sections equal.
type source interface {
	Lstat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
	// list reads a directory, sorted by name, and fails with errTooMany when it holds more than limit entries. reach is
	// how many levels the walk may go down from there, endless when it has no bound.
	list(ctx context.Context, name string, limit, reach int) ([]fs.DirEntry, error)
	// open opens a regular file to read it once; limit is how much of it can be of use.
	open(name string, limit int64) (io.ReadCloser, error)
	// digest is the hex digest of a regular file of at most limit bytes, and how many bytes went into it.
	digest(ctx context.Context, name string, c Content, limit int64) (string, int64, error)
	// foresee tells where the walk is about to look: below the directory name, for what matches the segments.
	foresee(name string, segments []segment)
}

const endless = maxDepth

// errSpecial is what opening a file fails with that is no regular file.
var errSpecial = errors.New("not a regular file")

// directory is the source of root: and local:.
type directory struct{ *os.Root }

func (directory) foresee(string, []segment) {}

// list reads the directory in portions.
func (d directory) list(ctx context.Context, name string, limit, _ int) ([]fs.DirEntry, error) {
	dir, err := d.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var all []fs.DirEntry
	for {
		part, err := dir.ReadDir(4096)
		if all = append(all, part...); len(all) > limit {
			return nil, errTooMany
		}
		if cancelled := ctx.Err(); cancelled != nil {
			return nil, cancelled
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// open does not block: should the file have become a pipe since we looked, opening it returns at once.
func (d directory) open(name string, _ int64) (io.ReadCloser, error) {
	r, err := d.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if fi, err := r.Stat(); err != nil || !fi.Mode().IsRegular() {
		r.Close()
		return nil, errSpecial
	}
	return r, nil
}

func (d directory) digest(ctx context.Context, name string, c Content, limit int64) (string, int64, error) {
	r, err := d.open(name, limit)
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	return digestOf(c, io.LimitReader(contextReader{ctx, r}, limit+1)) // /proc says 0 bytes and holds more
}

// digestOf takes the digest of all that r gives.
func digestOf(c Content, r io.Reader) (string, int64, error) {
	var h hash.Hash
	if c == MD5 {
		h = md5.New()
	} else {
		h = sha256.New()
	}
	n, err := io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// contextReader ends a long read when the context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
