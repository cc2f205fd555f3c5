package snapshot

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// container is where the files of a snapshot are.
type container interface {
	files() map[string]int64 // name → size
	open(name string) (io.ReadCloser, error)
	attachment(name string, size int64) Attachment
	Close() error
}

func openContainer(path string) (container, error) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("nothing is there; `envdiff history` lists what is stored")
	case err != nil:
		return nil, err
	case info.IsDir():
		return openDir(path)
	case info.Mode().IsRegular():
		return openZip(path)
	}
	return nil, errors.New("it is neither a directory nor a zip file")
}

// dirContainer is a directory, opened as a root, so that no link leads out of it.
type dirContainer struct {
	root  *os.Root
	path  string
	sizes map[string]int64
}

func openDir(path string) (container, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &dirContainer{root, path, map[string]int64{}}
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			return fmt.Errorf("%q is not a regular file", name)
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if d.sizes[name] = info.Size(); len(d.sizes) > maxFiles {
			return fmt.Errorf("it has more than %d files", maxFiles)
		}
		return nil
	})
	if err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

func (d *dirContainer) files() map[string]int64 { return d.sizes }

func (d *dirContainer) open(name string) (io.ReadCloser, error) { return d.root.Open(name) }

func (d *dirContainer) attachment(name string, size int64) Attachment {
	return fileAttachment{filepath.Join(d.path, filepath.FromSlash(name)), size}
}

func (d *dirContainer) Close() error { return d.root.Close() }

// fileAttachment is an attachment in a file of its own.
type fileAttachment struct {
	path string
	size int64
}

func (a fileAttachment) Open() (io.ReadCloser, error) { return os.Open(a.path) }
func (a fileAttachment) Size() int64                  { return a.size }

// zipContainer is a zip file.
type zipContainer struct {
	z     *zip.ReadCloser
	path  string
	byKey map[string]*zip.File
	sizes map[string]int64
}

// maxRatio is how far an entry above freeSize may expand. Deflate reaches 1,032; facts
// of a thousand hosts stay below a hundred.
const (
	maxRatio = 200
	freeSize = 64 << 20
)

func openZip(path string) (container, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, errors.New("it is not a complete zip file: it is truncated, altered or something else")
	}
	c := &zipContainer{z, path, map[string]*zip.File{}, map[string]int64{}}
	if err := c.index(); err != nil {
		z.Close()
		return nil, err
	}
	return c, nil
}

func (c *zipContainer) index() error {
	if len(c.z.File) > maxFiles {
		return fmt.Errorf("it has more than %d files", maxFiles)
	}
	for _, f := range c.z.File {
		switch {
		case !validFile(f.Name) && f.Name != manifestFile:
			return fmt.Errorf("%q cannot be a file of a snapshot", f.Name)
		case c.byKey[f.Name] != nil:
			return fmt.Errorf("%q is in it twice", f.Name)
		case !f.Mode().IsRegular():
			return fmt.Errorf("%q is not a regular file", f.Name)
		case f.UncompressedSize64 > 1<<50:
			return fmt.Errorf("%q claims an absurd size", f.Name)
		case f.UncompressedSize64 > freeSize && f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return fmt.Errorf("%q expands more than %d times: it is no file of a snapshot", f.Name, maxRatio)
		}
		c.byKey[f.Name], c.sizes[f.Name] = f, int64(f.UncompressedSize64)
	}
	return nil
}

func (c *zipContainer) files() map[string]int64 { return c.sizes }

func (c *zipContainer) open(name string) (io.ReadCloser, error) { return c.byKey[name].Open() }

func (c *zipContainer) attachment(name string, size int64) Attachment {
	return zipAttachment{c.path, name, size}
}

func (c *zipContainer) Close() error { return c.z.Close() }

// zipAttachment is an attachment inside a zip, which is opened again for each read.
type zipAttachment struct {
	path, name string
	size       int64
}

func (a zipAttachment) Open() (io.ReadCloser, error) {
	c, err := openZip(a.path)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", a.path, err)
	}
	if _, ok := c.files()[a.name]; !ok {
		c.Close()
		return nil, fmt.Errorf("snapshot %s: %q is missing", a.path, a.name)
	}
	r, err := c.open(a.name)
	if err != nil {
		c.Close()
		return nil, err
	}
	return entryReader{r, c}, nil
}

func (a zipAttachment) Size() int64 { return a.size }

// entryReader closes the zip with its entry.
type entryReader struct {
	io.ReadCloser
	zip container
}

func (r entryReader) Close() error { return errors.Join(r.ReadCloser.Close(), r.zip.Close()) }

// pathElement makes raw text one element of a snapshot's path: no separator, no leading dot,
// and short enough for every file system.
func pathElement(raw string) string {
	s := strings.NewReplacer("/", "%2F", `\`, "%5C").Replace(Escape(raw))
	if strings.HasPrefix(s, ".") {
		s = "%2E" + s[1:]
	}
	if len(s) > 200 {
		sum := sha256.Sum256([]byte(raw))
		s = strings.ToValidUTF8(s[:150], "") + "~" + hex.EncodeToString(sum[:8])
	}
	return s
}
