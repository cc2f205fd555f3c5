package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/objectstore"
)

// bucket is a store of objects: each snapshot is one zip, which appears whole or not at all. temp is a private directory of this
// run, for what is on its way.
type bucket struct {
	*objectstore.Bucket
	temp string
}

// BucketStore is a store in a bucket. Nobody is contacted before it is used.
func BucketStore(b *objectstore.Bucket, temp string) *Store { return &Store{bucket{b, temp}} }

func (b bucket) exists() (bool, error) { return true, nil }

func (b bucket) place(name string) string { return b.URL(name + zipSuffix) }

func (b bucket) environments(ctx context.Context) ([]string, error) { return b.Directories(ctx, "") }

func (b bucket) names(ctx context.Context, env string) ([]string, error) {
	var names []string
	err := b.Files(ctx, env, func(f objectstore.File) {
		if name, ok := strings.CutSuffix(f.Name, zipSuffix); ok {
			names = append(names, name)
		}
	})
	return names, err
}

// problem is not looked for: an object cannot be half there, and reading each manifest would be a request for each snapshot.
func (b bucket) problem(string, string) string { return "" }

func (b bucket) save(ctx context.Context, name string, s *Snapshot) error {
	f, err := os.CreateTemp(b.temp, "upload-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := writeZip(f, s); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = b.Create(ctx, name+zipSuffix, f, info.Size())
	if errors.Is(err, objectstore.ErrTaken) {
		return fs.ErrExist
	}
	return err
}

// unreachedError says that a snapshot could not be fetched, which says nothing of what it is like.
type unreachedError struct{ error }

func (e *unreachedError) Unwrap() error { return e.error }

func (b bucket) read(ctx context.Context, name string) (s *Snapshot, err error) {
	f, err := os.CreateTemp(b.temp, "download-*"+zipSuffix)
	if err != nil {
		return nil, err
	}
	path := f.Name()
	defer func() {
		if err != nil {
			os.Remove(path)
		}
	}()
	err = b.Download(ctx, name+zipSuffix, f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, &unreachedError{err}
	}
	if s, err = read(path); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", b.place(name), err)
	}
	if env, _, _ := strings.Cut(name, "/"); s.Manifest.Environment != env {
		return nil, fmt.Errorf("snapshot %s: it is of environment %q", b.place(name), s.Manifest.Environment)
	}
	s.closers = append(s.closers, func() error { return os.Remove(path) })
	return s, nil
}

func (b bucket) remove(ctx context.Context, name string) error { return b.Remove(ctx, name+zipSuffix) }

func (b bucket) check(ctx context.Context) error { return b.Check(ctx) }

func (b bucket) clean(ctx context.Context, before time.Time) (int, error) {
	n, err := b.AbortUploads(ctx, before)
	if err != nil {
		return n, err
	}
	var probes []string
	if err := b.Files(ctx, "", func(f objectstore.File) {
		if strings.HasPrefix(f.Name, objectstore.ProbePrefix) && f.At.Before(before) {
			probes = append(probes, f.Name)
		}
	}); err != nil {
		return n, err
	}
	for _, name := range probes {
		if err := b.Remove(ctx, name); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (b bucket) hasNote(ctx context.Context, name string) (has bool, err error) {
	err = b.Files(ctx, "", func(f objectstore.File) { has = has || f.Name == name })
	return has, err
}

func (b bucket) readNote(ctx context.Context, name string) ([]byte, error) {
	text, _, err := b.Read(ctx, name, maxNote)
	return text, err
}

func (b bucket) writeNote(ctx context.Context, name string, text []byte) error {
	return b.Write(ctx, name, text)
}

func (b bucket) appendNote(ctx context.Context, name string, line []byte) error {
	return b.changeNote(ctx, name, func(text []byte) ([]byte, error) { return slices.Concat(text, line), nil })
}

// changes is how often a note is tried to be changed between the writes of others.
const changes = 20

func (b bucket) changeNote(ctx context.Context, name string, change func(text []byte) ([]byte, error)) error {
	for range changes {
		text, version, err := b.Read(ctx, name, maxNote)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		text, err = change(text)
		if err != nil || text == nil {
			return err
		}
		err = b.Replace(ctx, name, text, version)
		if !errors.Is(err, objectstore.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("%s: others kept changing it", b.URL(name))
}
