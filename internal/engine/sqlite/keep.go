package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/envdiff/envdiff/internal/engine"
)

// keptSuffix is that of the file beside a kept database that says what it is. It goes after the database.
const keptSuffix = ".kept"

// Keep moves the file to dir, which only its owner may enter; to another file system by a copy.
func (e sqliteEngine) Keep(ctx context.Context, t engine.Target, dir string, k engine.Kept) (engine.Target, error) {
	text, err := k.Text()
	if err != nil {
		return t, err
	}
	if !strings.HasPrefix(filepath.Base(t.Path), scratchPrefix) {
		return t, fmt.Errorf("%s is not a scratch database of envdiff: it is not kept", display(t))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return t, fmt.Errorf("keep a scratch database: %w", err)
	}
	kept, err := e.move(ctx, t, dir)
	if err == nil {
		if err = writeKept(kept.Path+keptSuffix, text); err != nil {
			err = errors.Join(err, e.DropScratch(ctx, kept))
		}
	}
	if err != nil {
		return t, fmt.Errorf("keep a scratch database: %w", err)
	}
	return kept, nil
}

func (e sqliteEngine) move(ctx context.Context, t engine.Target, dir string) (engine.Target, error) {
	path := filepath.Join(dir, filepath.Base(t.Path))
	if os.Rename(t.Path, path) == nil {
		return engine.Target{Engine: name, DSN: path, Display: "sqlite:" + path, Path: path}, nil
	}
	db, err := e.Open(ctx, t, engine.Scratch)
	if err != nil {
		return t, err
	}
	kept, err := db.Clone(ctx, engine.Target{}, dir)
	err = errors.Join(err, db.Close())
	if err == nil {
		err = e.DropScratch(ctx, t)
	}
	return kept, err
}

func writeKept(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), scratchPrefix+"*.new")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// abandoned is how long a file without its note may be one that is being moved here.
const abandoned = time.Hour

// Kept reads what is in dir. A file without its note is of a run that was killed while it kept it: its time is over when nobody can be at it any more.
func (sqliteEngine) Kept(_ context.Context, _ engine.Target, dir string) ([]engine.Kept, error) {
	files, err := filepath.Glob(filepath.Join(dir, scratchPrefix+"*.db"))
	if err != nil {
		return nil, err
	}
	var out []engine.Kept
	for _, path := range files {
		k, ok := engine.Kept{}, false
		text, err := os.ReadFile(path + keptSuffix)
		if err == nil {
			k, ok = engine.ParseKept(string(text))
		}
		if !ok {
			info, err := os.Lstat(path)
			if err != nil {
				continue
			}
			k = engine.Kept{MadeAt: info.ModTime(), Until: info.ModTime().Add(abandoned)}
		}
		k.Target = engine.Target{Engine: name, DSN: path, Display: "sqlite:" + path, Path: path}
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b engine.Kept) int { return b.MadeAt.Compare(a.MadeAt) })
	return out, nil
}
