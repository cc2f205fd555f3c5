package transport

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// maxHeld bounds the bytes of all bodies of one section, so that a directory of large files cannot fill the memory.
const maxHeld = 128 << 20

// read makes the File of a matched name. ok is false for what is no file: a directory, or a
// link to one. Its error is the context's.
func (wk *walk) read(host, name, base string) (f File, ok bool, err error) {
	if err := wk.ctx.Err(); err != nil {
		return File{}, false, err
	}
	inTree := path.Join(name, base)
	fi, statErr := wk.tree.files.Lstat(inTree)
	if statErr != nil {
		p, d := problemOf(statErr)
		return File{Path: host, Problem: p, Detail: d}, p != NotFound, nil
	}
	f = describe(host, fi)
	if fi.Mode()&fs.ModeSymlink != 0 {
		if f.Target, statErr = wk.tree.files.Readlink(inTree); statErr != nil {
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
	if wk.want.Content == GoBuild {
		return f, wk.goBuild(&f, inTree), nil
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
	var n int64
	var err error
	if wk.want.Content == Body {
		n, err = wk.body(f, inTree, limit)
	} else {
		f.Digest, n, err = wk.tree.files.digest(wk.ctx, inTree, wk.want.Content, limit)
	}
	if cancelled := wk.ctx.Err(); cancelled != nil {
		return cancelled
	}
	switch {
	case errors.Is(err, errHeld):
		f.Problem, f.Detail = TooLarge, fmt.Sprintf("all files of this section together exceed %d bytes", int64(maxHeld))
	case errors.Is(err, errSpecial):
		f.Problem = Special
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

// goBuild fills in the build information of a program, and reports whether the file is one that Go made.
func (wk *walk) goBuild(f *File, inTree string) bool {
	if !f.Mode.IsRegular() || f.Mode&0o100 == 0 || f.Size <= MinGoProgram || f.Size > MaxGoProgram {
		return false
	}
	r, err := wk.tree.files.open(inTree, f.Size)
	if err != nil {
		f.Problem, f.Detail = problemOf(err)
		return f.Problem != NotFound
	}
	defer r.Close()
	at, ok := r.(io.ReaderAt)
	if !ok {
		f.Problem = Unable
		return true
	}
	info, err := buildinfo.Read(at)
	if err != nil {
		return false
	}
	f.Body = []byte(info.String())
	return true
}

var errHeld = errors.New("section too large")

func (wk *walk) body(f *File, inTree string, limit int64) (int64, error) {
	if wk.held+f.Size > maxHeld {
		return 0, errHeld
	}
	r, err := wk.tree.files.open(inTree, limit)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var buf bytes.Buffer
	buf.Grow(int(f.Size) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(contextReader{wk.ctx, r}, limit+1)) // /proc says 0 bytes and holds more
	if wk.held += n; wk.held > maxHeld {
		return n, errHeld
	}
	f.Body = buf.Bytes()
	return n, err
}
