package transport

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// maxHeld bounds the bytes of all bodies of one section, so that a directory of large files cannot fill the memory.
const maxHeld = 128 << 20

// read makes the File of a matched name. ok is false for what is no file: a directory, or a link to one. Its error is the context's.
func (wk *walk) read(host, name, base string) (f File, ok bool, err error) {
	if err := wk.ctx.Err(); err != nil {
		return File{}, false, err
	}
	inTree := path.Join(name, base)
	fi, statErr := wk.tree.root.Lstat(inTree)
	if statErr != nil {
		p, d := problemOf(statErr)
		return File{Path: host, Problem: p, Detail: d}, p != NotFound, nil
	}
	f = describe(host, fi)
	if fi.Mode()&fs.ModeSymlink != 0 {
		if f.Target, statErr = wk.tree.root.Readlink(inTree); statErr != nil {
			f.Problem, f.Detail = problemOf(statErr)
			return f, true, nil
		}
	}
	if wk.want.Content == Names {
		return f, true, nil
	}
	if f.Target != "" {
		to := wk.tree.resolve(name, base)
		if to.problem != OK {
			f.Problem, f.Detail = to.problem, to.detail
			if to.problem == NotFound {
				f.Detail = "the link's target is not there"
			}
			return f, true, nil
		}
		if to.info.IsDir() {
			return File{}, false, nil
		}
		target := f.Target
		f, inTree, fi = describe(host, to.info), to.name, to.info
		f.Target = target
	}
	if !fi.Mode().IsRegular() {
		f.Problem, f.Detail = Special, fi.Mode().Type().String()
		return f, true, nil
	}
	return f, true, wk.content(&f, inTree)
}

func describe(host string, fi fs.FileInfo) File {
	f := File{Path: host, Mode: fi.Mode(), Size: fi.Size()}
	f.UID, f.GID = owner(fi)
	return f
}

// content fills in what the want asks of a regular file. Its error is the context's.
func (wk *walk) content(f *File, inTree string) error {
	limit := wk.want.MaxBytes
	if limit <= 0 {
		limit = DefaultMaxBytes
	}
	if f.Size > limit {
		f.Problem, f.Detail = TooLarge, fmt.Sprintf("%d bytes, the limit is %d", f.Size, limit)
		return nil
	}
	// Not blocking: should the file have become a pipe since we looked, opening it returns at once.
	r, err := wk.tree.root.OpenFile(inTree, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		f.Problem, f.Detail = problemOf(err)
		return nil
	}
	defer r.Close()
	if fi, err := r.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Problem = Special
		return nil
	}
	in := io.LimitReader(contextReader{wk.ctx, r}, limit+1) // /proc says 0 bytes and holds more
	var n int64
	switch wk.want.Content {
	case MD5:
		n, err = digest(f, md5.New(), in)
	case SHA256:
		n, err = digest(f, sha256.New(), in)
	default:
		n, err = wk.body(f, in)
	}
	if cancelled := wk.ctx.Err(); cancelled != nil {
		return cancelled
	}
	switch {
	case errors.Is(err, errHeld):
		f.Problem, f.Detail = TooLarge, fmt.Sprintf("all files of this section together exceed %d bytes", int64(maxHeld))
	case err != nil:
		f.Problem, f.Detail = problemOf(err)
	case n > limit:
		f.Problem, f.Detail = TooLarge, fmt.Sprintf("the limit is %d bytes", limit)
	default:
		f.Size = n
	}
	if f.Problem != OK {
		f.Body, f.Digest = nil, ""
	}
	return nil
}

var errHeld = errors.New("section too large")

func (wk *walk) body(f *File, in io.Reader) (int64, error) {
	if wk.held+f.Size > maxHeld {
		return 0, errHeld
	}
	var buf bytes.Buffer
	buf.Grow(int(f.Size) + bytes.MinRead)
	n, err := buf.ReadFrom(in)
	if wk.held += n; wk.held > maxHeld {
		return n, errHeld
	}
	f.Body = buf.Bytes()
	return n, err
}

func digest(f *File, h hash.Hash, in io.Reader) (int64, error) {
	n, err := io.Copy(h, in)
	f.Digest = hex.EncodeToString(h.Sum(nil))
	return n, err
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
